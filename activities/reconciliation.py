"""Activities of reconciliation: learning of payments, and comparing a day's statement with the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from temporalio import activity

from activities.failures import translated
from activities.ports import MoneyLedger, PaymentFeed, Statements
from domain.civil_time import current_day
from domain.life import Message
from domain.reconciliation import AgentTotals, AreaTotals, Cause, DayOutcome, Found, Movement, StatementLine

# A gap of more days than this, after a long outage, is caught up on the following days.
DAYS_AT_ONCE = 31


class DaysAsked(Message):
    """Which days are to be reconciled."""

    until: date


@dataclass(frozen=True)
class ReconciliationActivities:
    bureau: Statements
    ledger: MoneyLedger
    feed: PaymentFeed

    @activity.defn(name="tax.learn_payments")
    async def learn_payments(self) -> int:
        """Report to the lives what the bureau booked and nobody knows yet."""
        with translated():
            return await self.feed.learn(activity.heartbeat)

    @activity.defn(name="reconciliation.days")
    async def days(self, asked: DaysAsked) -> list[date]:
        """The days that are to be reconciled."""
        with translated():
            return await self.ledger.days_to_reconcile(asked.until, DAYS_AT_ONCE)

    @activity.defn(name="reconciliation.compare")
    async def compare(self, day: date) -> DayOutcome:
        """Compare a day, by area, number and sum, and keep where both sides differ."""
        with translated():
            comparison = await compare(day, self.bureau, self.ledger, activity.heartbeat)
            kept = await self.ledger.keep_day(day, comparison.areas, comparison.agents, comparison.found, current_day())
        opened, closed, still_open = kept
        return DayOutcome(
            day=day,
            count=comparison.count,
            amount=comparison.amount,
            agreed=not comparison.found,
            opened=opened,
            closed=closed,
            open=still_open,
        )


@dataclass
class Comparison:
    """A day on both sides."""

    areas: defaultdict[str, AreaTotals] = field(default_factory=lambda: defaultdict(AreaTotals))
    agents: defaultdict[str, AgentTotals] = field(default_factory=lambda: defaultdict(AgentTotals))
    found: list[Found] = field(default_factory=list)
    count: int = 0
    amount: int = 0


async def compare(day: date, bureau: Statements, ledger: MoneyLedger, progress: Callable[[int], None]) -> Comparison:
    """Compare the statement of a day with the ledger, line by line. Raises Unavailable.

    Both sides come in pages; of a million lines only the ledger's ids and amounts are held at once.
    """
    held = {movement.id: movement for movement in await ledger.suspended(day)}
    after = ""
    while page := await ledger.movements(day, after):
        for movement in page:
            twice = held.get(movement.id)
            amount = movement.amount + (twice.amount if twice is not None else 0)
            held[movement.id] = movement._replace(amount=amount)
        after = page[-1].id
        progress(len(held))
    comparison = Comparison()
    for movement in held.values():
        total = comparison.areas[movement.area]
        total.ledger_count += 1
        total.ledger_amount += movement.amount
    await _read_statement(day, bureau, ledger, held, comparison, progress)
    for movement in held.values():
        comparison.found.append(
            Found(movement=movement.id, cause="not_in_statement", area=movement.area, ledger_amount=movement.amount)
        )
    return comparison


async def _read_statement(
    day: date,
    bureau: Statements,
    ledger: MoneyLedger,
    held: dict[str, Movement],
    comparison: Comparison,
    progress: Callable[[int], None],
) -> None:
    """Go through the lines of the statement; what agrees is taken out of `held`."""
    heads: defaultdict[str, set[str]] = defaultdict(set)
    receipts: defaultdict[str, set[str]] = defaultdict(set)
    lines: defaultdict[str, int] = defaultdict(int)
    matched: set[str] = set()
    number = 0
    while (page := await bureau.statement(day, number)).lines:
        for line in page.lines:
            comparison.count += 1
            comparison.amount += line.signed
            total = comparison.areas[line.area]
            total.statement_count += 1
            total.statement_amount += line.signed
            if line.id in matched:
                comparison.found.append(_found(line, "duplicate_line", None, f"{line.id}#{line.number}"))
                continue
            matched.add(line.id)
            if line.kind == "payment":
                heads[line.agent].add(line.reference)
                receipts[line.agent].add(line.receipt)
                lines[line.agent] += 1
                await _match_payment(line, held.pop(line.id, None), ledger, comparison)
            else:
                await _match_refund(line, await ledger.refund(line.reference), comparison)
        number = page.lines[-1].number
        progress(number)
    for agent, count in lines.items():
        total_of_agent = comparison.agents[agent]
        total_of_agent.heads, total_of_agent.receipts = len(heads[agent]), len(receipts[agent])
        if count != len(receipts[agent]):
            found = Found(movement=f"agent/{agent}", cause="receipts", area="000000", agent=agent)
            found.statement_amount = total_of_agent.amount
            comparison.found.append(found)


async def _match_payment(
    line: StatementLine, movement: Movement | None, ledger: MoneyLedger, comparison: Comparison
) -> None:
    agent = comparison.agents[line.agent]
    agent.amount += line.amount
    if movement is None:
        known = await ledger.knows(line.reference.partition("/")[0])
        comparison.found.append(_found(line, "late" if known else "unknown_payer", None))
        return
    agent.ledger_heads += 1
    agent.ledger_amount += movement.amount
    if movement.amount != line.amount:
        comparison.found.append(_found(line, "amount", movement.amount))
    elif not movement.placed:
        comparison.found.append(_found(line, "unknown_payer", movement.amount))


async def _match_refund(line: StatementLine, known: int | None, comparison: Comparison) -> None:
    if known is not None:
        total = comparison.areas[line.area]
        total.ledger_count += 1
        total.ledger_amount -= known
    if known != line.amount:
        comparison.found.append(_found(line, "late" if known is None else "amount", known))


def _found(line: StatementLine, cause: Cause, ledger_amount: int | None, name: str = "") -> Found:
    return Found(
        movement=name or line.id,
        cause=cause,
        area=line.area,
        agent=line.agent,
        statement_amount=line.amount,
        ledger_amount=ledger_amount,
    )
