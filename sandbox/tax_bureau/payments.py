"""Money: handed over through a channel, posted in batches by an agent, and read in the order of booking."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Response
from sqlmodel import Session, select

from domain.money import yuan
from sandbox.tax_bureau.books import Booking, Books, Levy, bookings_after
from sandbox.tax_bureau.orders import Batch, PaymentNotice, PaymentOrder, amount_of


def add(app: FastAPI, books: Books) -> None:
    @app.post(
        "/v1/levies/{reference:path}/payments", status_code=204, summary="缴费 · Money is handed over", tags=["sandbox"]
    )
    def pay(reference: str, order: PaymentOrder) -> Response:
        with books.session() as session:
            levy = session.get(Levy, reference)
            if levy is None:
                raise HTTPException(404, "no such levy")
            if levy.state == "cancelled" and _booked(session, order.id) is None:
                raise HTTPException(409, "the levy is cancelled")
            _book(session, books, levy, order)
        return Response(status_code=204)

    @app.post("/v1/batches", status_code=204, summary="批量入账 · What an agent collected in cash", tags=["sandbox"])
    def post(batch: Batch) -> Response:
        with books.session() as session:
            for line in batch.lines:
                levy = session.get(Levy, line.reference)
                if levy is None:
                    raise HTTPException(404, f"no such levy: line {line.id}")
                _book(session, books, levy, line)
        return Response(status_code=204)

    @app.get("/v1/payments", summary="缴费记录 · Money in the order of booking")
    def payments(
        after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500
    ) -> list[PaymentNotice]:
        with books.session() as session:
            return [notice_of(booking) for booking in bookings_after(session, after, limit)]


def notice_of(booking: Booking) -> PaymentNotice:
    """A booking, as callers see it."""
    return PaymentNotice.model_validate({**booking.model_dump(), "amount": yuan(booking.amount)})


def _booked(session: Session, payment: str) -> Booking | None:
    return session.exec(select(Booking).where(Booking.id == payment)).first()


def _book(session: Session, books: Books, levy: Levy, order: PaymentOrder) -> None:
    """Money is booked once, whatever it was meant for: in part, too much or twice, somebody holds it now."""
    if _booked(session, order.id) is not None:
        return
    amount = amount_of(order.amount)
    if books.faults().strikes("wrong_amounts", order.id) and amount > 1:
        amount -= 1
    earlier = session.exec(select(Booking).where(Booking.reference == levy.reference)).all()
    session.add(
        Booking(
            id=order.id,
            reference=levy.reference,
            scheme=levy.scheme,
            area=levy.area,
            plan_year=levy.plan_year,
            amount=amount,
            paid_on=order.paid_on,
            arrived_on=order.arrival,
            channel=order.channel,
            agent=order.agent,
            receipt=f"{order.agent}-{order.id}",
        )
    )
    if levy.state == "open" and amount + sum(item.amount for item in earlier) >= levy.amount:
        levy.state = "paid"
        session.add(levy)
    session.flush()
