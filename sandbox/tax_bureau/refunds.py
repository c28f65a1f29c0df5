"""Refunds: asked for, accepted, paid out, never more than came in."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Response
from sqlmodel import Session, col, select

from domain.money import yuan
from sandbox.tax_bureau.books import Booking, Books, RefundRow
from sandbox.tax_bureau.orders import RefundAnswer, RefundOrder, RefundPayment, amount_of


def add(app: FastAPI, books: Books) -> None:
    @app.put("/v1/refunds/{reference:path}", status_code=204, summary="申请退费 · Ask for a refund")
    def request(reference: str, order: RefundOrder) -> Response:
        amount = amount_of(order.amount)
        payer = reference.partition("/")[0]
        levy = f"{payer}/levy/{order.scheme}/{order.area}/{order.plan_year}/"
        with books.session() as session:
            refund = session.get(RefundRow, reference)
            if refund is None:
                refund = RefundRow(
                    reference=reference,
                    revision=0,
                    state="",
                    scheme=order.scheme,
                    area=order.area,
                    plan_year=order.plan_year,
                    levy=levy,
                    amount=0,
                )
            if order.revision > refund.revision:
                if refund.state == "paid":
                    raise HTTPException(409, "the refund was already paid")
                _check_covered(session, levy, amount, reference)
                refund.revision, refund.amount, refund.state = order.revision, amount, "accepted"
                session.add(refund)
        return Response(status_code=204)

    @app.post("/v1/refunds/{reference:path}/pay", status_code=204, summary="退款到账 · Pay out", tags=["sandbox"])
    def pay_out(reference: str, payment: RefundPayment) -> Response:
        with books.session() as session:
            refund = session.get(RefundRow, reference)
            if refund is None or refund.state not in ("accepted", "paid"):
                raise HTTPException(404, "no such refund is open")
            refund.state, refund.paid_on = "paid", refund.paid_on or payment.on
            session.add(refund)
        return Response(status_code=204)

    @app.get("/v1/refunds/{reference:path}", summary="查询退费 · Where a refund stands")
    def state(reference: str) -> RefundAnswer:
        with books.session() as session:
            return _state(session.get(RefundRow, reference))

    @app.delete("/v1/refunds/{reference:path}", summary="撤回退费 · Take a refund back, unless it was paid")
    def cancel(reference: str, revision: Annotated[int, Query(ge=1)]) -> RefundAnswer:
        with books.session() as session:
            refund = session.get(RefundRow, reference)
            if refund is not None and refund.state == "accepted" and refund.revision <= revision:
                refund.state, refund.revision = "cancelled", revision
                session.add(refund)
            return _state(refund)


def _check_covered(session: Session, levy: str, amount: int, reference: str) -> None:
    """No more goes back than was paid."""
    paid = sum(item.amount for item in session.exec(select(Booking).where(col(Booking.reference).startswith(levy))))
    others = session.exec(select(RefundRow).where(RefundRow.levy == levy, RefundRow.reference != reference))
    back = sum(item.amount for item in others if item.state in ("accepted", "paid"))
    if amount + back > paid:
        raise HTTPException(409, f"only {yuan(paid - back)} was paid and is not given back yet")


def _state(refund: RefundRow | None) -> RefundAnswer:
    if refund is None:
        return RefundAnswer(state="unknown")
    return RefundAnswer.model_validate(
        {"state": refund.state, "amount": yuan(refund.amount), "on": refund.paid_on, "because": refund.because}
    )
