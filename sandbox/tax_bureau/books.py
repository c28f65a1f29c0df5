"""The bureau's books: levies, bookings of money, refunds, statements, and what it remembers of its callers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event
from sqlmodel import Field as Column
from sqlmodel import MetaData, Session, SQLModel, col, create_engine, select

from sandbox.tax_bureau.faults import Faults

T = TypeVar("T")


class Table(SQLModel):
    metadata = MetaData()


class Levy(Table, table=True):
    __tablename__ = "levy"

    reference: str = Column(primary_key=True)
    revision: int
    state: str
    """open, paid or cancelled."""
    scheme: str
    area: str
    plan_year: int
    part: str
    amount: int
    due: date | None = None


class Booking(Table, table=True):
    """Money that came in; `cursor` is the order of booking."""

    __tablename__ = "booking"

    cursor: int | None = Column(default=None, primary_key=True)
    id: str = Column(unique=True)
    reference: str = Column(index=True)
    scheme: str
    area: str
    plan_year: int
    amount: int
    paid_on: date
    arrived_on: date = Column(index=True)
    channel: str
    agent: str
    """Who collected it: a bank, a village agent, a school."""
    receipt: str
    """The number of the receipt that the payer got."""


class RefundRow(Table, table=True):
    __tablename__ = "refund"

    reference: str = Column(primary_key=True)
    revision: int
    state: str
    scheme: str
    area: str
    plan_year: int
    levy: str
    amount: int
    paid_on: date | None = Column(default=None, index=True)
    because: str = ""


class Answered(Table, table=True):
    """What was answered to an idempotency key, so that the same request again gets the same answer."""

    __tablename__ = "answered"

    key: str = Column(primary_key=True)
    request: str
    status: int
    body: str


class Setting(Table, table=True):
    __tablename__ = "setting"

    name: str = Column(primary_key=True)
    value: str


class Books:
    """The bureau's database file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._engine: Engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": 20})
        event.listen(self._engine, "connect", _prepare)

    def open(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        Table.metadata.create_all(self._engine)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction; what is raised in it undoes it."""
        with Session(self._engine) as session, session.begin():
            yield session

    def faults(self) -> Faults:
        """How the bureau misbehaves; it stays so across restarts."""
        with self.session() as session:
            row = session.get(Setting, "faults")
            return Faults.model_validate_json(row.value) if row else Faults()

    def set_faults(self, faults: Faults) -> None:
        self.keep("faults", faults.model_dump_json())

    def keep(self, name: str, value: str) -> None:
        """Remember a setting."""
        with self.session() as session:
            session.merge(Setting(name=name, value=value))

    def kept(self, name: str) -> str | None:
        """A setting that was remembered."""
        with self.session() as session:
            row = session.get(Setting, name)
            return row.value if row else None

    def answered(self, key: str) -> tuple[str, int, Any] | None:
        """The request, status and body that an idempotency key stands for."""
        with self.session() as session:
            row = session.get(Answered, key)
            return (row.request, row.status, json.loads(row.body)) if row else None

    def keep_answer(self, key: str, request: str, status: int, body: Any) -> None:
        with self.session() as session:
            if session.get(Answered, key) is None:
                session.add(Answered(key=key, request=request, status=status, body=json.dumps(body)))


def bookings_after(session: Session, cursor: int, limit: int) -> list[Booking]:
    """Money in the order of booking."""
    return list(
        session.exec(select(Booking).where(col(Booking.cursor) > cursor).order_by(col(Booking.cursor)).limit(limit))
    )


def _prepare(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()
