"""Learning of payments: what the tax bureau has booked becomes a fact of the life that owed it.

Payments come twice, pushed and pulled, in any order and more than once; the bureau's id makes them one. Money that no
life can take is held in suspense, with a cause, until a person says what becomes of it: nothing is dropped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from adapters.registry.feeds import Feeds
from adapters.registry.money import PAYMENT_FACT, MoneyBooks
from adapters.registry.tables import Suspense
from adapters.tax.client import Payment, TaxBureauClient
from domain.bilingual import Text
from domain.errors import ContractError, Refused
from domain.facts import Fact, parse_fact
from domain.life import Receipt
from domain.money import fen

FEED = "tax/payments"
TAX_SENDER = "tax bureau"

Report = Callable[[str, Fact], Awaitable[Receipt]]


def paid_fact(payment: Payment) -> Fact:
    """The fact that a booked payment states. Raises ContractError for an amount that is none, or not positive."""
    try:
        positive = fen(payment.amount) > 0
    except ValueError as error:
        raise ContractError(str(error)) from None
    if not positive:
        raise ContractError("an amount that was paid is positive", "缴费金额须大于零")
    return parse_fact(
        {
            "type": "paid",
            "id": f"{PAYMENT_FACT}{payment.id}",
            "scheme": payment.scheme,
            "area": payment.area,
            "plan_year": payment.plan_year,
            "on": payment.paid_on,
            "arrived_on": payment.arrived_on,
            "amount": payment.amount,
        }
    )


class PaymentDesk:
    """Takes payments from the bureau to the lives, or into suspense."""

    def __init__(self, bureau: TaxBureauClient, feeds: Feeds, books: MoneyBooks, report: Report) -> None:
        self._bureau, self._feeds, self._books, self._report = bureau, feeds, books, report

    async def take(self, payment: Payment) -> Text | None:
        """Report a payment to its life; why it is held in suspense instead, where it is.

        Raises Unavailable where the life or the registry does not answer.
        """
        held = await self._books.in_suspense(payment.id)
        if held is not None and held.settled_on is not None:
            return None  # a person has said what becomes of it, and it comes once more
        if not await self._books.knows(payment.person):
            return await self._hold(payment, "unknown_payer", Text("缴费人不明", "unknown payer"))
        try:
            await self._report(payment.person, paid_fact(payment))
        except ContractError as error:
            return await self._hold(payment, "bad_amount", error.text)
        except Refused as error:
            return await self._hold(payment, "refused", error.text)
        if held is not None:
            await self._books.settle(payment.id, payment.arrived_on, TAX_SENDER, "taken by its life")
        # What a life took and the rules refuse is the life's: they say what becomes of the money.
        return None

    async def learn(self, progress: Callable[[int], None]) -> int:
        """Take every payment that was booked since the last time; how many.

        The position moves on after a page was taken, so a crash in between takes it again, which is safe.
        """
        count, _ = await self.pull(progress)
        return count

    async def pull(self, progress: Callable[[int], None] = lambda _count: None) -> tuple[int, list[str]]:
        """Like `learn`; also what was held in suspense, in words."""
        count = 0
        held: list[str] = []
        position = await self._feeds.position(FEED)
        while batch := await self._bureau.payments(position):
            for payment in batch:
                held += await self.take_all([payment])
                count += 1
                progress(count)
            position = batch[-1].cursor
            await self._feeds.advance(FEED, position)
        return count, held

    async def take_all(self, payments: Sequence[Payment]) -> list[str]:
        """Take payments in the order in which they came; what was held in suspense, in words."""
        held = []
        for payment in payments:
            because = await self.take(payment)
            if because is not None:
                held.append(f"{payment.id}: {because.both()}")
        return held

    async def assign(self, payment: str, person: str, on: date, by: str) -> Receipt:
        """Give money in suspense to the person whose it is. Raises Refused where the life does not take it.

        It is claimed for that person first, so nobody else gets it meanwhile; after a crash the same is said again.
        """
        if not await self._books.knows(person):
            raise Refused(f"there is no person {person}", f"没有{person}这个人")
        money = await self._books.claim(payment, on, by, f"assigned to {person}")
        found = Payment.model_validate({**money.model_dump(), "id": money.payment, "cursor": 0})
        try:
            return await self._report(person, paid_fact(found))
        except (Refused, ContractError):
            await self._books.release(payment)
            raise

    async def _hold(self, payment: Payment, cause: str, because: Text) -> Text:
        await self._books.hold(
            Suspense(
                payment=payment.id,
                reference=payment.reference,
                scheme=payment.scheme,
                area=payment.area,
                plan_year=payment.plan_year,
                amount=payment.amount,
                paid_on=payment.paid_on,
                arrived_on=payment.arrived_on,
                agent=payment.agent,
                cause=cause,
                because_zh=because.zh,
                because_en=because.en,
            )
        )
        return because
