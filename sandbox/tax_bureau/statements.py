"""The daily statement (对账单): every movement of money of a day, numbered; or, with faults, not quite every one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query
from sqlmodel import Session, select

from domain.money import fen, yuan
from sandbox.tax_bureau.books import Booking, Books, RefundRow
from sandbox.tax_bureau.faults import Faults
from sandbox.tax_bureau.orders import Statement, StatementLine


def add(app: FastAPI, books: Books) -> None:
    @app.get("/v1/statements/{day}", summary="对账单 · The statement of a day")
    def statement(
        day: date, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=5000)] = 1000
    ) -> Statement:
        faults = books.faults()
        with books.session() as session:
            lines = list(_lines(session, day, faults))
        total = sum(fen(line.amount) * (1 if line.kind == "payment" else -1) for line in lines)
        page = [line for line in lines if line.number > after][:limit]
        return Statement(day=day, count=len(lines), amount=yuan(total), lines=page)


def _lines(session: Session, day: date, faults: Faults) -> Iterator[StatementLine]:
    movements: list[tuple[str, str, str, Booking | RefundRow, str, str]] = [
        ("payment", row.id, row.reference, row, row.agent, row.receipt)
        for row in session.exec(select(Booking).where(Booking.arrived_on == day).order_by(Booking.id))
    ]
    movements += [
        ("refund", row.reference, row.reference, row, "treasury", f"refund-{row.revision}")
        for row in session.exec(select(RefundRow).where(RefundRow.paid_on == day).order_by(RefundRow.reference))
    ]
    for number, (kind, name, reference, row, agent, receipt) in enumerate(movements, start=1):
        if faults.strikes("dropped_lines", name):
            continue
        amount = row.amount - (1 if faults.strikes("wrong_lines", name) else 0)
        yield StatementLine.model_validate(
            {
                "number": number,
                "kind": kind,
                "id": name,
                "reference": reference,
                "scheme": row.scheme,
                "area": row.area,
                "plan_year": row.plan_year,
                "amount": yuan(amount),
                "agent": agent,
                "receipt": receipt,
            }
        )
