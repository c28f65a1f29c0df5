"""The ledger: what the registry holds of each life, written by compare-and-set.

A record names the sequence that the ledger last acknowledged and carries everything since, so no order of late
retries, resets and restarts loses or doubles a row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from sqlalchemy.dialects.sqlite import insert
from sqlmodel import Session, col, select

from adapters.registry.database import Database
from adapters.registry.tables import CoverageInterval, Decision, JournalFact, Person
from domain.bilingual import Text
from domain.life import Acknowledged, Interval, OpenQuestion, Record, Remembered, Slot
from domain.status import Status

# What is there stays: a fact and a decision are written once. Built once, so that the database keeps them compiled.
_APPEND_FACT = insert(JournalFact).on_conflict_do_nothing()
_APPEND_DECISION = insert(Decision).on_conflict_do_nothing()


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
    return Remembered(
        sequence=row.sequence,
        facts=dict(facts.all()),
        slots={name: Slot.model_validate(slot) for name, slot in json.loads(row.slots).items()},
        known_conclusions=list(decisions),
    )


def _record(session: Session, record: Record) -> Acknowledged:
    digest = hashlib.sha256(record.model_dump_json(exclude={"slots"}).encode()).hexdigest()[:16]
    row = session.get(Person, record.person)
    if row is None:
        row = Person(key=record.person)
        session.add(row)
    if row.sequence == record.sequence and row.digest == digest:
        return Acknowledged(sequence=row.sequence)
    if row.sequence != record.after:
        return Acknowledged(sequence=row.sequence, ahead=True)
    _append_facts(session, record)
    _append_decisions(session, record)
    _revise_coverage(session, record)
    row.sequence = record.sequence
    row.digest = digest
    row.status = record.status
    row.area = record.area
    row.recorded_on = record.recorded_on
    row.parked = json.dumps([item.model_dump(mode="json") for item in record.parked], ensure_ascii=False)
    row.slots = json.dumps(
        {name: slot.model_dump(mode="json", exclude_defaults=True) for name, slot in record.slots.items()},
        ensure_ascii=False,
    )
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


def _append_facts(session: Session, record: Record) -> None:
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
        session.connection().execute(_APPEND_FACT, rows)


def _append_decisions(session: Session, record: Record) -> None:
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
        session.connection().execute(_APPEND_DECISION, rows)


def _revise_coverage(session: Session, record: Record) -> None:
    """Close the intervals that hold no longer and open those that are new; what did not change stays as it is."""
    held = session.exec(
        select(CoverageInterval)
        .where(CoverageInterval.person == record.person)
        .where(col(CoverageInterval.superseded_on).is_(None))
    )
    wanted = list(record.coverage)
    for row in held:
        interval = _interval(row)
        if interval in wanted:
            wanted.remove(interval)
        else:
            row.superseded_sequence = record.sequence
            row.superseded_on = record.recorded_on
    for interval in wanted:
        session.add(
            CoverageInterval(
                person=record.person,
                scheme=interval.scheme,
                area=interval.area,
                starts=interval.starts,
                ends=interval.ends,
                share=interval.share,
                because_zh=interval.because.zh,
                because_en=interval.because.en,
                recorded_sequence=record.sequence,
                recorded_on=record.recorded_on,
            )
        )


def _interval(row: CoverageInterval) -> Interval:
    return Interval(
        scheme=row.scheme,
        area=row.area,
        starts=row.starts,
        ends=row.ends,
        share=row.share,
        because=Text(row.because_zh, row.because_en),
    )
