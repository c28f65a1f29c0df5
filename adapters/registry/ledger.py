"""The ledger: what the registry holds of each life, written by compare-and-set.

A record names the sequence that the ledger last acknowledged and carries everything since, so no order of late
retries, resets and restarts loses or doubles a row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, SQLModel, col, select

from adapters.registry.database import Database
from adapters.registry.tables import (
    CoverageInterval,
    Decision,
    EffectSlot,
    JournalFact,
    NoticeChange,
    OperatorAct,
    Person,
)
from domain.bilingual import Text
from domain.cases import CaseOperation
from domain.life import Acknowledged, Interval, OpenQuestion, Record, Remembered, Slot
from domain.policy_notices import LifeChanged
from domain.status import Status

# The statements of a record, which is written for every fact of every life: built once, so that they stay compiled.
_POSITION = select(Person.sequence, Person.digest).where(Person.key == bindparam("key"))
_KEYED = insert(Person)
_STAND = _KEYED.on_conflict_do_update(
    index_elements=["key"],
    set_={name: _KEYED.excluded[name] for name in ("sequence", "digest", "status", "area", "recorded_on", "parked")},
)
# What is there stays: a fact and a decision are written once.
_APPEND_FACT = insert(JournalFact).on_conflict_do_nothing()
_APPEND_DECISION = insert(Decision).on_conflict_do_nothing()
_APPEND_OPERATION = insert(OperatorAct).on_conflict_do_nothing()
_SLOT = insert(EffectSlot)
_SET_SLOT = _SLOT.on_conflict_do_update(index_elements=["person", "slot"], set_={"content": _SLOT.excluded.content})
_COVERAGE = SQLModel.metadata.tables["coverage"]
_SUPERSEDE = (
    _COVERAGE.update()
    .where(
        _COVERAGE.c.person == bindparam("of"),
        _COVERAGE.c.interval == bindparam("name"),
        _COVERAGE.c.superseded_on.is_(None),
    )
    .values(superseded_sequence=bindparam("sequence"), superseded_on=bindparam("on"))
)
_OPEN = insert(CoverageInterval).on_conflict_do_nothing()


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

    async def read(self, person: str) -> Remembered:
        """What is recorded of a person; empty for a key that was never recorded."""
        return await self._database.transaction(lambda session: _read(session, person))

    async def record(self, record: Record) -> Acknowledged:
        """Write one assessment in one transaction. A repeat changes nothing and gets the same answer."""
        return await self._database.transaction(lambda session: _record(session, record))

    async def standing(self, person: str) -> Standing | None:
        """Where a person stands by the last record; None for a key that was never recorded."""
        return await self._database.transaction(lambda session: _standing(session, person))

    async def coverage(self, person: str, known_on: date | None = None) -> list[Interval]:
        """The days of cover, as held today or as the registry held them at the end of `known_on`."""
        return await self._database.transaction(lambda session: _coverage(session, person, known_on))

    async def keep_operation(self, done: CaseOperation) -> None:
        """Keep what was done in a case; the same again changes nothing. It belongs to no record of the life."""
        row = {"person": done.person, "operation_id": done.operation.id, "sequence": 0}
        content = done.operation.model_dump(exclude={"id"})

        def write(session: Session) -> None:
            session.connection().execute(_APPEND_OPERATION, [{**row, **content}])

        await self._database.transaction(write)

    async def operations(self, person: str) -> list[OperatorAct]:
        """What operators did to a life, the oldest first."""

        def read(session: Session) -> list[OperatorAct]:
            acts = select(OperatorAct).where(OperatorAct.person == person)
            ordered = acts.order_by(col(OperatorAct.on), col(OperatorAct.sequence), col(OperatorAct.operation_id))
            return list(session.exec(ordered))

        return await self._database.transaction(read)

    async def people(self, area: str, after: str = "", limit: int = 200) -> list[str]:
        """The keys of lives that belong to an area or one within it, or were ever covered there; in order."""
        within = area.rstrip("0")
        within += "0" * (len(within) % 2)  # 130000 is 13, 130300 is 1303, and 530100 is 5301

        def read(session: Session) -> list[str]:
            covered = select(CoverageInterval.person).where(col(CoverageInterval.area).startswith(within))
            concerned = col(Person.area).startswith(within) | col(Person.key).in_(covered)
            rows = select(Person.key).where(concerned).where(Person.key > after)
            return list(session.exec(rows.order_by(Person.key).limit(limit)))

        return await self._database.transaction(read)

    async def keep_change(self, change: LifeChanged) -> None:
        """Keep what a policy notice changed of a life; the same again changes nothing."""
        row = NoticeChange(
            notice=change.notice,
            person=change.person,
            before=change.before,
            after=change.after,
            what=json.dumps(change.what, ensure_ascii=False),
        )
        await self._database.transaction(lambda session: session.merge(row))

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
        coverage=_coverage(session, person, None),
    )


def _record(session: Session, record: Record) -> Acknowledged:
    digest = hashlib.sha256(record.model_dump_json(exclude={"slots"}).encode()).hexdigest()[:16]
    connection = session.connection()
    row = connection.execute(_POSITION, {"key": record.person}).first()
    sequence, held_digest = (row.sequence, row.digest) if row else (0, "")
    if sequence == record.sequence and held_digest == digest:
        return Acknowledged(sequence=sequence)
    if sequence != record.after:
        return Acknowledged(sequence=sequence, ahead=True)
    _append_facts(connection, record)
    _append_decisions(connection, record)
    _append_operations(connection, record)
    _set_slots(connection, record)
    _revise_coverage(connection, record)
    standing = {
        "key": record.person,
        "sequence": record.sequence,
        "digest": digest,
        "status": record.status,
        "area": record.area,
        "recorded_on": record.recorded_on,
        "parked": json.dumps([item.model_dump(mode="json") for item in record.parked], ensure_ascii=False),
    }
    connection.execute(_STAND, standing)
    return Acknowledged(sequence=record.sequence)


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


def _coverage(session: Session, person: str, known_on: date | None) -> list[Interval]:
    rows = select(CoverageInterval).where(CoverageInterval.person == person)
    superseded = col(CoverageInterval.superseded_on)
    if known_on is None:
        rows = rows.where(superseded.is_(None))
    else:
        rows = rows.where(col(CoverageInterval.recorded_on) <= known_on).where(
            superseded.is_(None) | (superseded > known_on)
        )
    return [_interval(row) for row in session.exec(rows.order_by(col(CoverageInterval.starts)))]


def _append_facts(connection: Connection, record: Record) -> None:
    rows = [
        {
            "person": record.person,
            "fact_id": fact_id,
            "sequence": record.sequence,
            "position": position,
            "content": content,
            "recorded_on": record.recorded_on,
        }
        for position, (fact_id, content) in enumerate(record.facts.items())
    ]
    if rows:
        connection.execute(_APPEND_FACT, rows)


def _append_decisions(connection: Connection, record: Record) -> None:
    rows = [
        {
            "person": record.person,
            "decision_id": conclusion.id,
            "sequence": record.sequence,
            "rule": conclusion.rule,
            "outcome_zh": conclusion.outcome.zh,
            "outcome_en": conclusion.outcome.en,
            "as_of": conclusion.as_of,
            "pack": conclusion.pack,
            "sources": json.dumps(conclusion.sources, ensure_ascii=False),
        }
        for conclusion in record.conclusions
    ]
    if rows:
        connection.execute(_APPEND_DECISION, rows)


def _append_operations(connection: Connection, record: Record) -> None:
    rows = [
        {
            "person": record.person,
            "operation_id": item.id,
            "sequence": record.sequence,
            **item.model_dump(exclude={"id"}),
        }
        for item in record.operations
    ]
    if rows:
        connection.execute(_APPEND_OPERATION, rows)


def _set_slots(connection: Connection, record: Record) -> None:
    rows = [
        {"person": record.person, "slot": name, "content": slot.model_dump_json(exclude_defaults=True)}
        for name, slot in record.slots.items()
    ]
    if rows:
        connection.execute(_SET_SLOT, rows)


def _revise_coverage(connection: Connection, record: Record) -> None:
    """Close the intervals that hold no longer and open those that are new, in the order in which that was found."""
    for change in record.coverage:
        if change.added is None:
            closed = {"of": record.person, "name": change.gone, "sequence": record.sequence, "on": record.recorded_on}
            connection.execute(_SUPERSEDE, closed)
            continue
        interval = change.added
        row = {
            "person": record.person,
            "interval": interval.id,
            "scheme": interval.scheme,
            "area": interval.area,
            "starts": interval.starts,
            "ends": interval.ends,
            "share": interval.share,
            "because_zh": interval.because.zh,
            "because_en": interval.because.en,
            "recorded_sequence": record.sequence,
            "recorded_on": record.recorded_on,
        }
        connection.execute(_OPEN, [row])


def _interval(row: Any) -> Interval:
    return Interval(
        id=row.interval,
        scheme=row.scheme,
        area=row.area,
        starts=row.starts,
        ends=row.ends,
        share=row.share,
        because=Text(row.because_zh, row.because_en),
    )
