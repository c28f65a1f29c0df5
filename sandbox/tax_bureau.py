"""The sandbox tax bureau: levies come in, money is paid on them, and payments can be read in the order of booking.

It is somebody else's system, so it shares nothing with the rest but what its callers send.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy import Engine, event
from sqlmodel import Field as Column
from sqlmodel import MetaData, Session, SQLModel, col, create_engine, select

from domain.money import fen, yuan


class Table(SQLModel):
    metadata = MetaData()


class Levy(Table, table=True):
    __tablename__ = "levy"

    reference: str = Column(primary_key=True)
    revision: int
    state: str
    scheme: str
    area: str
    plan_year: int
    part: str
    amount: int
    due: date | None = None


class Booking(Table, table=True):
    __tablename__ = "booking"

    cursor: int | None = Column(default=None, primary_key=True)
    id: str = Column(unique=True)
    reference: str
    amount: int
    paid_on: date
    arrived_on: date


class RefundRow(Table, table=True):
    __tablename__ = "refund"

    reference: str = Column(primary_key=True)
    revision: int
    state: str
    levy: str
    amount: int
    paid_on: date | None = None
    because: str = ""


class RefundOrder(BaseModel):
    """What is to be paid back of what was paid on the levy of a year."""

    revision: int = Field(ge=1)
    scheme: str
    area: str = Field(pattern=r"^\d{6}$")
    plan_year: int
    amount: str
    to: str


class RefundPayment(BaseModel):
    on: date


class LevyOrder(BaseModel):
    """What is to be collected. A higher revision of the same reference replaces a lower one."""

    revision: int = Field(ge=1)
    scheme: str
    area: str = Field(pattern=r"^\d{6}$")
    plan_year: int
    part: str = "basic"
    basis: str = "individual"
    amount: str
    due: date | None = None


class PaymentOrder(BaseModel):
    id: str = Field(min_length=1, max_length=120)
    amount: str
    paid_on: date
    arrived_on: date


def create_app(file: Path) -> FastAPI:
    """The bureau, on a database file of its own."""
    engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 20})
    event.listen(engine, "connect", _prepare)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        file.parent.mkdir(parents=True, exist_ok=True)
        Table.metadata.create_all(engine)
        yield
        engine.dispose()

    app = FastAPI(title="Sandbox tax bureau", version="1", lifespan=lifespan)
    _levies(app, engine)
    _queries(app, engine)
    _payments(app, engine)
    _refunds(app, engine)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _levies(app: FastAPI, engine: Engine) -> None:
    @app.put("/v1/levies/{reference:path}", status_code=204)
    def issue(reference: str, order: LevyOrder) -> Response:
        amount = _amount(order.amount)
        with Session(engine) as session:
            levy = session.get(Levy, reference)
            if levy is None:
                levy = Levy(reference=reference, **_content(order, amount), state="open")
            elif order.revision < levy.revision:
                raise HTTPException(409, f"revision {levy.revision} was already issued")
            elif order.revision > levy.revision:
                if levy.state == "paid":
                    raise HTTPException(409, "the levy was already paid")
                levy.sqlmodel_update({**_content(order, amount), "state": "open"})
            session.add(levy)
            session.commit()
        return Response(status_code=204)

    @app.delete("/v1/levies/{reference:path}", status_code=204)
    def cancel(reference: str, revision: Annotated[int, Query(ge=1)]) -> Response:
        with Session(engine) as session:
            levy = session.get(Levy, reference)
            if levy is not None and levy.revision <= revision:
                if levy.state == "paid":
                    raise HTTPException(409, "the levy was already paid")
                levy.state, levy.revision = "cancelled", revision
                session.add(levy)
                session.commit()
        return Response(status_code=204)


def _queries(app: FastAPI, engine: Engine) -> None:
    @app.get("/v1/levies/{reference:path}")
    def read(reference: str) -> dict[str, object]:
        with Session(engine) as session:
            levy = session.get(Levy, reference)
            if levy is None:
                raise HTTPException(404, "no such levy")
            return {**levy.model_dump(mode="json"), "amount": yuan(levy.amount)}

    @app.get("/v1/levies")
    def listing(payer: str) -> list[dict[str, object]]:
        with Session(engine) as session:
            levies = session.exec(
                select(Levy).where(col(Levy.reference).startswith(f"{payer}/")).order_by(Levy.reference)
            )
            return [{**levy.model_dump(mode="json"), "amount": yuan(levy.amount)} for levy in levies]


def _payments(app: FastAPI, engine: Engine) -> None:
    @app.post("/v1/levies/{reference:path}/payments", status_code=204)
    def pay(reference: str, order: PaymentOrder) -> Response:
        amount = _amount(order.amount)
        with Session(engine) as session:
            if session.exec(select(Booking).where(Booking.id == order.id)).first() is not None:
                return Response(status_code=204)
            levy = session.get(Levy, reference)
            if levy is None:
                raise HTTPException(404, "no such levy")
            if levy.state != "open":
                raise HTTPException(409, f"the levy is {levy.state}")
            session.add(
                Booking(
                    id=order.id,
                    reference=reference,
                    amount=amount,
                    paid_on=order.paid_on,
                    arrived_on=order.arrived_on,
                )
            )
            levy.state = "paid"
            session.add(levy)
            session.commit()
        return Response(status_code=204)

    @app.get("/v1/payments")
    def bookings(
        after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 500
    ) -> list[dict[str, object]]:
        with Session(engine) as session:
            rows = session.exec(
                select(Booking, Levy)
                .where(Booking.reference == Levy.reference)
                .where(col(Booking.cursor) > after)
                .order_by(col(Booking.cursor))
                .limit(limit)
            )
            return [
                {
                    **booking.model_dump(mode="json"),
                    "amount": yuan(booking.amount),
                    "scheme": levy.scheme,
                    "area": levy.area,
                    "plan_year": levy.plan_year,
                }
                for booking, levy in rows
            ]


def _refunds(app: FastAPI, engine: Engine) -> None:
    @app.put("/v1/refunds/{reference:path}", status_code=204)
    def request(reference: str, order: RefundOrder) -> Response:
        amount = _amount(order.amount)
        payer = reference.partition("/")[0]
        levy = f"{payer}/levy/{order.scheme}/{order.area}/{order.plan_year}/"
        with Session(engine) as session:
            refund = session.get(RefundRow, reference)
            if refund is None:
                refund = RefundRow(reference=reference, revision=0, state="", levy=levy, amount=0)
            if order.revision > refund.revision:
                if refund.state == "paid":
                    raise HTTPException(409, "the refund was already paid")
                _check_covered(session, levy, amount, reference)
                refund.revision, refund.amount, refund.state = order.revision, amount, "accepted"
                session.add(refund)
                session.commit()
        return Response(status_code=204)

    @app.post("/v1/refunds/{reference:path}/pay", status_code=204)
    def pay_out(reference: str, payment: RefundPayment) -> Response:
        with Session(engine) as session:
            refund = session.get(RefundRow, reference)
            if refund is None or refund.state not in ("accepted", "paid"):
                raise HTTPException(404, "no such refund is open")
            refund.state, refund.paid_on = "paid", refund.paid_on or payment.on
            session.add(refund)
            session.commit()
        return Response(status_code=204)

    @app.get("/v1/refunds/{reference:path}")
    def state(reference: str) -> dict[str, object]:
        with Session(engine) as session:
            return _refund_state(session.get(RefundRow, reference))

    @app.delete("/v1/refunds/{reference:path}")
    def cancel(reference: str, revision: Annotated[int, Query(ge=1)]) -> dict[str, object]:
        with Session(engine) as session:
            refund = session.get(RefundRow, reference)
            if refund is not None and refund.state == "accepted" and refund.revision <= revision:
                refund.state, refund.revision = "cancelled", revision
                session.add(refund)
                session.commit()
            return _refund_state(refund)


def _check_covered(session: Session, levy: str, amount: int, reference: str) -> None:
    """No more goes back than was paid."""
    paid = sum(item.amount for item in session.exec(select(Booking).where(col(Booking.reference).startswith(levy))))
    others = session.exec(select(RefundRow).where(RefundRow.levy == levy, RefundRow.reference != reference))
    back = sum(item.amount for item in others if item.state in ("accepted", "paid"))
    if amount + back > paid:
        raise HTTPException(409, f"only {yuan(paid - back)} was paid and is not given back yet")


def _refund_state(refund: RefundRow | None) -> dict[str, object]:
    if refund is None:
        return {"state": "unknown"}
    return {"state": refund.state, "amount": yuan(refund.amount), "on": refund.paid_on, "because": refund.because}


def _content(order: LevyOrder, amount: int) -> dict[str, Any]:
    return {**order.model_dump(exclude={"amount", "basis"}), "amount": amount}


def _amount(text: str) -> int:
    try:
        amount = fen(text)
    except ValueError as error:
        raise HTTPException(422, str(error)) from None
    if amount <= 0:
        raise HTTPException(422, "an amount is positive")
    return amount


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
