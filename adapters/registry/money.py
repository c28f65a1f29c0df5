"""Money in the registry: what no life has taken, what a day's statement must agree with, and where it does not."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlmodel import Session, col, func, select

from adapters.registry.database import Database
from adapters.registry.ledger import held, prefix
from adapters.registry.people_tables import Document
from adapters.registry.tables import (
    AgentDay,
    Difference,
    Levy,
    Payment,
    Person,
    ReconciledDay,
    RefundPaid,
    RejectedPush,
    Suspense,
)
from adapters.registry.writing import Writer
from domain.areas import NATION
from domain.errors import Refused
from domain.money import fen
from domain.reconciliation import AgentTotals, AreaTotals, Found, Movement

PAYMENT_FACT = "tax:"
"""What the ids of facts begin with that the tax bureau's payments state; the rest is the bureau's id."""
RETURNED = "returned: "
"""What is said of money in suspense that went back to the payer; the reason follows."""
_PAGE = 20_000
# Money that is booked late for a day that agreed already.
_RECENT_DAYS = 3


@dataclass(frozen=True, slots=True)
class Account:
    """The money of one person's plan year: paid = credited + refunded + held, in fen."""

    person: str
    scheme: str
    area: str
    plan_year: int
    owed: int
    paid: int
    refunded: int

    @property
    def credited(self) -> int:
        """What paid for the levy, once all of it is there."""
        left = self.paid - self.refunded
        return self.owed if self.owed and left >= self.owed else 0

    @property
    def held(self) -> int:
        """Part payments that wait for the rest, and surplus that waits for a refund."""
        return self.paid - self.refunded - self.credited


class MoneyBooks:
    """The registry's side of money."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database.dialect)

    # -- money that no life has taken ---------------------------------------------------------------------------------

    async def knows(self, person: str) -> bool:
        """Whether there is such a person."""

        def read(session: Session) -> bool:
            known = session.get(Person, person) is not None
            return known or session.exec(select(Document).where(Document.person == person)).first() is not None

        return await self._database.transaction(read)

    async def hold(self, money: Suspense) -> None:
        """Keep money that no life has taken; the same payment again changes nothing."""

        def write(session: Session) -> None:
            if session.get(Suspense, money.payment) is None:
                session.add(Suspense(**money.model_dump()))

        await self._database.transaction(write)

    async def in_suspense(self, payment: str) -> Suspense | None:
        """Money that no life took when it came, also where it was settled since."""
        return await self._database.transaction(lambda session: session.get(Suspense, payment))

    async def suspense(self, area: str, after: str = "", limit: int = 200) -> list[Suspense]:
        """The money of an area and within it that no life has taken, by the bureau's id."""

        def read(session: Session) -> list[Suspense]:
            rows = select(Suspense).where(col(Suspense.settled_on).is_(None), Suspense.payment > after)
            rows = rows.where(col(Suspense.area).startswith(prefix(area)))
            return list(session.exec(rows.order_by(Suspense.payment).limit(limit)))

        return await self._database.transaction(read)

    async def claim(self, payment: str, on: date, by: str, how: str) -> Suspense:
        """Say what becomes of money in suspense. Raises Refused where there is none, or something else was said."""

        def write(session: Session) -> Suspense:
            row = session.get(Suspense, payment, with_for_update=True)
            if row is None or (row.settled_on is not None and row.settled_how != how):
                raise Refused(f"no payment {payment} is in suspense", f"暂收款中没有{payment}")
            if row.settled_on is None:
                row.settled_on, row.settled_by, row.settled_how = on, by, how
                session.add(row)
            return row

        return await self._database.transaction(write)

    async def release(self, payment: str) -> None:
        """Take back what was said of money in suspense: it could not be done."""

        def write(session: Session) -> None:
            row = session.get(Suspense, payment, with_for_update=True)
            if row is not None:
                row.settled_on, row.settled_by, row.settled_how = None, "", ""
                session.add(row)

        await self._database.transaction(write)

    async def settle(self, payment: str, on: date, by: str, how: str) -> None:
        """Note what became of money in suspense, unless something was said of it already."""
        with contextlib.suppress(Refused):
            await self.claim(payment, on, by, how)

    async def reject_push(self, body: bytes, because: str) -> None:
        """Note a push that was not the bureau's."""
        digest = hashlib.sha256(body).hexdigest()
        row = {"digest": digest, "received_at": datetime.now(UTC).isoformat(timespec="seconds"), "because": because}
        statement = self._writer.upsert(RejectedPush, ("digest",))
        await self._database.transaction(lambda session: session.connection().execute(statement, row) and None)

    async def rejected_pushes(self) -> int:
        """How many pushes were not the bureau's."""
        count = select(func.count()).select_from(RejectedPush)
        return await self._database.transaction(lambda session: session.exec(count).one())

    # -- accounts -----------------------------------------------------------------------------------------------------

    async def accounts(self, person: str) -> list[Account]:
        """A person's money by scheme, area and plan year."""
        return await self._database.transaction(lambda session: _accounts(session, person))

    # -- statements ---------------------------------------------------------------------------------------------------

    async def movements(self, day: date, after: str = "") -> list[Movement]:
        """A page of the payments that arrived on a day, as the ledger holds them, by id; empty after the last."""

        def read(session: Session) -> list[Movement]:
            # A correction of ours changes what the money is for, not that it came. What two lives have taken is twice
            # the money, and differs from the statement.
            rows = (
                select(Payment.fact_id, func.min(Payment.area), func.sum(Payment.amount))
                .where(Payment.arrived_on == day)
                .where(col(Payment.fact_id).startswith(PAYMENT_FACT), Payment.fact_id > f"{PAYMENT_FACT}{after}")
                .group_by(col(Payment.fact_id))
                .order_by(Payment.fact_id)
                .limit(_PAGE)
            )
            return [
                Movement(fact_id.removeprefix(PAYMENT_FACT), sys.intern(area), int(amount or 0))
                for fact_id, area, amount in session.connection().execute(rows)
            ]

        return await self._database.transaction(read)

    async def suspended(self, day: date) -> list[Movement]:
        """The money of a day that no life has taken; what went back to the payer since counts as placed."""

        def read(session: Session) -> list[Movement]:
            rows = select(Suspense).where(
                Suspense.arrived_on == day,
                col(Suspense.settled_on).is_(None) | col(Suspense.settled_how).startswith(RETURNED),
            )
            return [
                Movement(row.payment, row.area, _amount(row.amount), placed=row.settled_on is not None)
                for row in session.exec(rows)
            ]

        return await self._database.transaction(read)

    async def refund(self, reference: str) -> int | None:
        """What the ledger holds to have gone back by a refund's reference, person and slot; None for nothing."""
        person, _, slot = reference.partition("/")

        def read(session: Session) -> int | None:
            rows = select(RefundPaid).where(RefundPaid.person == person, held(RefundPaid, None))
            rows = rows.where(col(RefundPaid.fact_id).startswith(f"{slot}/"))
            amounts = [row.amount or 0 for row in session.exec(rows)]
            return sum(amounts) if amounts else None

        return await self._database.transaction(read)

    async def days_to_reconcile(self, until: date, at_most: int) -> list[date]:
        """The days with open differences, and those after the last one that was reconciled; in order."""

        def read(session: Session) -> list[date]:
            opened = session.exec(select(col(Difference.day)).where(col(Difference.closed_on).is_(None)).distinct())
            old = sorted({day for day in opened if day <= until})[-at_most:]
            last = session.exec(select(func.max(ReconciledDay.day))).one()
            first = last.toordinal() + 1 if last else until.toordinal()
            first = min(first, until.toordinal() + 1 - _RECENT_DAYS) if last else first
            new = [date.fromordinal(day) for day in range(first, until.toordinal() + 1)][:at_most]
            return sorted({*old, *new})

        return await self._database.transaction(read)

    async def keep_day(
        self,
        day: date,
        areas: Mapping[str, AreaTotals],
        agents: Mapping[str, AgentTotals],
        found: Sequence[Found],
        on: date,
    ) -> tuple[int, int, int]:
        """Keep what a day's reconciliation found; how many differences were opened, were closed, and are open.

        A difference that is found no more is closed by that; one that an operator closed stays closed while it is the
        same. The same again changes nothing.
        """

        def write(session: Session) -> tuple[int, int, int]:
            connection = session.connection()
            # Also a day without any money has been compared.
            whole = {NATION: AreaTotals(), **areas}
            for model, key, totals in ((ReconciledDay, "area", whole), (AgentDay, "agent", agents)):
                rows = [{"day": day, key: name, **total.model_dump()} for name, total in totals.items()]
                if rows:
                    connection.execute(self._writer.upsert(model, ("day", key)), rows)
            return _keep_differences(session, day, found, on)

        return await self._database.transaction(write)

    async def differences(self, area: str, after: str = "", limit: int = 200) -> list[Difference]:
        """The differences that are open in an area and within it, by day; `after` is a key of the page before."""
        day, _, movement = after.partition("/")

        def read(session: Session) -> list[Difference]:
            rows = select(Difference).where(col(Difference.closed_on).is_(None))
            rows = rows.where(col(Difference.area).startswith(prefix(area)))
            if day:
                on = date.fromisoformat(day)
                rows = rows.where(
                    (col(Difference.day) > on) | ((Difference.day == on) & (Difference.movement > movement))
                )
            return list(session.exec(rows.order_by(col(Difference.day), Difference.movement).limit(limit)))

        return await self._database.transaction(read)

    async def close_difference(self, day: date, movement: str, on: date, by: str, reason: str) -> None:
        """An operator closes a difference. Raises Refused where none is open."""

        def write(session: Session) -> None:
            row = session.get(Difference, (day, movement), with_for_update=True)
            if row is None or row.closed_on is not None:
                raise Refused(f"no difference {day}/{movement} is open", f"没有未结差异{day}/{movement}")
            row.closed_on, row.closed_by, row.reason = on, by, reason
            session.add(row)

        await self._database.transaction(write)

    async def agents(self, day: date) -> dict[str, AgentTotals]:
        """What each agent handed over on a day."""

        def read(session: Session) -> dict[str, AgentTotals]:
            rows = session.exec(select(AgentDay).where(AgentDay.day == day).order_by(AgentDay.agent))
            return {row.agent: AgentTotals.model_validate(row.model_dump()) for row in rows}

        return await self._database.transaction(read)


def _keep_differences(session: Session, day: date, found: Sequence[Found], on: date) -> tuple[int, int, int]:
    known = {row.movement: row for row in session.exec(select(Difference).where(Difference.day == day))}
    opened = closed = 0
    now = {item.movement: item for item in found}
    for name, item in now.items():
        row = known.get(name)
        said = item.model_dump(exclude={"movement"})
        if row is None:
            session.add(Difference(day=day, movement=name, found_on=on, **said))
            opened += 1
        elif any(getattr(row, field) != value for field, value in said.items()) or row.closed_by == _BY_RULE:
            again = row.closed_on is not None
            row.sqlmodel_update({**said, "closed_on": None, "closed_by": "", "reason": ""})
            session.add(row)
            opened += again
    for name, row in known.items():
        if name not in now and row.closed_on is None:
            row.closed_on, row.closed_by, row.reason = on, _BY_RULE, "statement and ledger agree · 已一致"
            session.add(row)
            closed += 1
    session.flush()
    still = select(func.count()).select_from(Difference).where(col(Difference.closed_on).is_(None))
    return opened, closed, session.exec(still.where(Difference.day == day)).one()


_BY_RULE = "rule"


def _accounts(session: Session, person: str) -> list[Account]:
    paid = _sums(session.exec(select(Payment).where(Payment.person == person, held(Payment, None))))
    back = _sums(session.exec(select(RefundPaid).where(RefundPaid.person == person, held(RefundPaid, None))))
    levies = session.exec(select(Levy).where(Levy.person == person, col(Levy.state).in_(("asked", "settled"))))
    owed = _sums(levies)
    return [
        Account(person, *key, owed=owed.get(key, 0), paid=paid.get(key, 0), refunded=back.get(key, 0))
        for key in sorted({*paid, *back, *owed})
    ]


def _sums(rows: Iterator[Payment] | Iterator[RefundPaid] | Iterator[Levy]) -> dict[tuple[str, str, int], int]:
    sums: dict[tuple[str, str, int], int] = {}
    for row in rows:
        key = (row.scheme, row.area, row.plan_year or 0)
        sums[key] = sums.get(key, 0) + (row.amount or 0)
    return sums


def _amount(text: str) -> int:
    try:
        return fen(text)
    except ValueError:
        return 0
