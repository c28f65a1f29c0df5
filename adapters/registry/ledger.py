"""The ledger: the registry's side of a life, as the lives' activities use it. Others read it through `reader`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.sealed_people import SealedHolder, in_words, sealed_holder
from adapters.registry.tables import (
    CoverageInterval,
    Decision,
    EffectSlot,
    JournalFact,
    NoticeChange,
    OperatorAct,
    Person,
)
from adapters.registry.writing import Writer
from domain.bilingual import Text
from domain.cases import CaseOperation
from domain.facts import parse_fact
from domain.life import Acknowledged, Interval, OpenQuestion, Record, Remembered, Slot
from domain.policy_notices import LifeChanged
from domain.status import Status

_OF_IDENTITY = ("birth", "hukou_registered", "identity_updated")


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's status and area, what a person must decide about them, and the last thing that was decided."""

    status: Status
    area: str
    parked: list[OpenQuestion]
    last_decision: Text | None


class Ledger:
    """The registry's side of a life."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writer = Writer(database.dialect)

    async def read(self, person: str) -> Remembered:
        """What is recorded of a person; empty for a key that was never recorded."""

        def read(session: Session) -> tuple[Remembered, SealedHolder]:
            return _read(session, person), sealed_holder(session, person)

        remembered, holder = await self._database.transaction(read)
        return remembered.model_copy(update={"holder": await in_words(self._database.keys, holder) or ""})

    async def record(self, record: Record) -> Acknowledged:
        """Write one assessment in one transaction. A repeat changes nothing and gets the same answer."""
        # The papers, or the name, may have come with the fact.
        named = any(parse_fact(content).type in _OF_IDENTITY for content in record.facts.values())

        def write(session: Session) -> tuple[Acknowledged, SealedHolder | None]:
            answer = self._writer.record(session, record)
            return answer, sealed_holder(session, record.person) if named else None

        answer, holder = await self._database.transaction(write)
        if holder is None:
            return answer
        return answer.model_copy(update={"holder": await in_words(self._database.keys, holder)})

    async def standing(self, person: str) -> Standing | None:
        """Where a person stands by the last record; None for a key that was never recorded."""
        return await self._database.transaction(lambda session: _standing(session, person))

    async def coverage(self, person: str, known_on: date | None = None) -> list[Interval]:
        """The days of cover, as held today or as the registry held them at the end of `known_on`."""
        return await self._database.transaction(lambda session: coverage(session, person, known_on))

    async def keep_operation(self, done: CaseOperation) -> None:
        """Keep what was done in a case; the same again changes nothing. It belongs to no record of the life."""
        row = {"person": done.person, "operation_id": done.operation.id, "sequence": 0}
        rows = [{**row, **done.operation.model_dump(exclude={"id"})}]
        await self._database.transaction(lambda session: self._writer.append(session.connection(), OperatorAct, rows))

    async def operations(self, person: str) -> list[OperatorAct]:
        """What operators did to a life, the oldest first."""

        def read(session: Session) -> list[OperatorAct]:
            acts = select(OperatorAct).where(OperatorAct.person == person)
            ordered = acts.order_by(col(OperatorAct.on), col(OperatorAct.sequence), col(OperatorAct.operation_id))
            return list(session.exec(ordered))

        return await self._database.transaction(read)

    async def people(self, area: str, after: str = "", limit: int = 200) -> list[str]:
        """The keys of lives that belong to an area or one within it, or were ever covered there; in order."""
        within = prefix(area)

        def read(session: Session) -> list[str]:
            covered = select(CoverageInterval.person).where(col(CoverageInterval.area).startswith(within))
            concerned = col(Person.area).startswith(within) | col(Person.key).in_(covered)
            rows = select(Person.key).where(concerned).where(Person.key > after)
            return list(session.exec(rows.order_by(Person.key).limit(limit)))

        return await self._database.transaction(read)

    async def keep_change(self, change: LifeChanged) -> None:
        """Keep what a policy notice changed of a life; the same again changes nothing."""
        statement = self._writer.upsert(NoticeChange, ("notice", "person"))
        row = {
            "notice": change.notice,
            "person": change.person,
            "before": change.before,
            "after": change.after,
            "what": json.dumps(change.what, ensure_ascii=False),
        }
        await self._database.transaction(lambda session: session.connection().execute(statement, row) and None)

    async def changes(self, notice: str) -> list[LifeChanged]:
        """What a policy notice changed, by person."""

        def read(session: Session) -> list[LifeChanged]:
            rows = select(NoticeChange).where(NoticeChange.notice == notice).order_by(NoticeChange.person)
            return [
                LifeChanged(
                    notice=row.notice, person=row.person, before=row.before, after=row.after, what=json.loads(row.what)
                )
                for row in session.exec(rows)
            ]

        return await self._database.transaction(read)


def prefix(area: str) -> str:
    """What the codes of an area and of all within it begin with: 130000 is 13, 130300 is 1303, 530100 is 5301."""
    within = area.rstrip("0")
    return within + "0" * (len(within) % 2)


def coverage(session: Session, person: str, known_on: date | None) -> list[Interval]:
    """The days of cover that the registry holds, or held at the end of a day."""
    rows = select(CoverageInterval).where(CoverageInterval.person == person).where(held(CoverageInterval, known_on))
    return [_interval(row) for row in session.exec(rows.order_by(col(CoverageInterval.starts)))]


def held(table: Any, known_on: date | None) -> Any:
    """Which rows the registry holds to be true, or held at the end of a day."""
    superseded = col(table.superseded_on)
    if known_on is None:
        return superseded.is_(None)
    return (col(table.recorded_on) <= known_on) & (superseded.is_(None) | (superseded > known_on))


def _read(session: Session, person: str) -> Remembered:
    row = session.get(Person, person)
    if row is None or row.sequence == 0:
        return Remembered()
    facts = session.exec(
        select(JournalFact.fact_id, JournalFact.content)
        .where(JournalFact.person == person)
        .order_by(col(JournalFact.sequence), col(JournalFact.position))
    )
    decisions = session.exec(
        select(Decision.decision_id)
        .where(Decision.person == person)
        .order_by(col(Decision.sequence), col(Decision.decision_id))
    )
    slots = session.exec(select(EffectSlot.slot, EffectSlot.content).where(EffectSlot.person == person))
    return Remembered(
        sequence=row.sequence,
        facts=dict(facts.all()),
        slots={name: Slot.model_validate_json(content) for name, content in slots},
        known_conclusions=list(decisions),
        coverage=coverage(session, person, None),
    )


def _standing(session: Session, person: str) -> Standing | None:
    row = session.get(Person, person)
    if row is None or row.sequence == 0:
        return None
    last = session.exec(
        select(Decision)
        .where(Decision.person == person)
        .order_by(col(Decision.sequence).desc(), col(Decision.as_of).desc())
        .limit(1)
    ).first()
    parked = [OpenQuestion.model_validate(item) for item in json.loads(row.parked)]
    return Standing(Status(row.status), row.area, parked, Text(last.outcome_zh, last.outcome_en) if last else None)


def _interval(row: CoverageInterval) -> Interval:
    return Interval(
        id=row.interval,
        scheme=row.scheme,
        area=row.area,
        starts=row.starts,
        ends=row.ends,
        share=row.share,
        service=row.service,
        because=Text(row.because_zh, row.because_en),
    )
