"""Learning of payments: what the tax bureau has booked becomes a fact of the life that owed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adapters.registry.feeds import Feeds
from adapters.tax import Payment, TaxBureauClient
from domain.errors import Refused
from domain.facts import Fact, parse_fact
from domain.life import Receipt

FEED = "tax/payments"
TAX_SENDER = "tax bureau"

Report = Callable[[str, Fact], Awaitable[Receipt]]


def paid_fact(payment: Payment) -> Fact:
    """The fact that a booked payment states."""
    return parse_fact(
        {
            "type": "paid",
            "id": f"tax:{payment.id}",
            "scheme": payment.scheme,
            "area": payment.area,
            "plan_year": payment.plan_year,
            "on": payment.paid_on,
            "arrived_on": payment.arrived_on,
            "amount": payment.amount,
        }
    )


async def pull_payments(bureau: TaxBureauClient, feeds: Feeds, report: Report) -> tuple[int, list[str]]:
    """Report every payment booked since the last pull; how many, and what was refused.

    A payment is marked as read only after its life has answered, so a crash in between reports it again, which is
    safe. Raises Unavailable when the bureau, the registry or the lives do not answer.
    """
    count, refusals = 0, []
    position = await feeds.position(FEED)
    while batch := await bureau.payments(position):
        for payment in batch:
            try:
                await report(payment.person, paid_fact(payment))
            except Refused as error:
                refusals.append(f"payment {payment.id}: {error}")
            position = payment.cursor
            count += 1
        await feeds.advance(FEED, position)
    return count, refusals
