"""The ledger: what the registry holds of each life, written by compare-and-set.

A record names the sequence that the ledger last acknowledged and carries everything since, so no order of late
retries, resets and restarts loses or doubles a row.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from adapters.registry.database import Database
from adapters.registry.tables import CoverageInterval, Decision, JournalFact, Person
from domain.bilingual import Text
from domain.life import Acknowledged, Interval, OpenQuestion, Record, Remembered, Slot
from domain.status import Status


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's status and area, and what a person must decide about them."""

    status: Status
    area: str
    parked: list[OpenQuestion]


class Ledger:
    """The registry's side of a life."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, person: str) -> Remembered:
        """What is recorded of a person; empty for a key that was never recorded."""
        async with self._database.transaction() as session:
            row = await session.get(Person, person)
            if row is None or row.sequence == 0:
                return Remembered()
            facts = await session.exec(
                select(JournalFact).where(JournalFact.person == person).order_by(col(JournalFact.position))
            )
            decisions = await session.exec(
                select(Decision.decision_id)
                .where(Decision.person == person)
                .order_by(col(Decision.sequence), col(Decision.decision_id))
            )
            return Remembered(
                sequence=row.sequence,
                facts={fact.fact_id: fact.content for fact in facts},
                slots={name: Slot.model_validate(slot) for name, slot in json.loads(row.slots).items()},
                known_conclusions=list(decisions),
            )

    async def record(self, record: Record) -> Acknowledged:
        """Write one assessment in one transaction. A repeat changes nothing and gets the same answer."""
        digest = hashlib.sha256(record.model_dump_json(exclude={"slots"}).encode()).hexdigest()[:16]
        async with self._database.transaction() as session:
            row = await session.get(Person, record.person)
            if row is None:
                row = Person(key=record.person)
                session.add(row)
            if row.sequence == record.sequence and row.digest == digest:
                return Acknowledged(sequence=row.sequence)
            if row.sequence != record.after:
                return Acknowledged(sequence=row.sequence, ahead=True)
            await _append_facts(session, record)
            await _append_decisions(session, record)
            await _revise_coverage(session, record)
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

    async def standing(self, person: str) -> Standing | None:
        """Where a person stands by the last record; None for a key that was never recorded."""
        async with self._database.transaction() as session:
            row = await session.get(Person, person)
            if row is None or row.sequence == 0:
                return None
            parked = [OpenQuestion.model_validate(item) for item in json.loads(row.parked)]
            return Standing(Status(row.status), row.area, parked)

    async def coverage(self, person: str, known_on: date | None = None) -> list[Interval]:
        """The days of cover, as held today or as the registry held them at the end of `known_on`."""
        rows = select(CoverageInterval).where(CoverageInterval.person == person)
        if known_on is None:
            rows = rows.where(col(CoverageInterval.superseded_on).is_(None))
        else:
            superseded = col(CoverageInterval.superseded_on)
            rows = rows.where(col(CoverageInterval.recorded_on) <= known_on).where(
                superseded.is_(None) | (superseded > known_on)
            )
        async with self._database.transaction() as session:
            return [_interval(row) for row in await session.exec(rows.order_by(col(CoverageInterval.starts)))]


async def _append_facts(session: AsyncSession, record: Record) -> None:
    known = await session.exec(select(func.count()).where(JournalFact.person == record.person))
    position = known.one()
    for fact_id, content in record.facts.items():
        if await session.get(JournalFact, (record.person, fact_id)) is None:
            session.add(
                JournalFact(
                    person=record.person,
                    fact_id=fact_id,
                    position=position,
                    sequence=record.sequence,
                    content=content,
                    recorded_on=record.recorded_on,
                )
            )
            position += 1


async def _append_decisions(session: AsyncSession, record: Record) -> None:
    for conclusion in record.conclusions:
        if await session.get(Decision, (record.person, conclusion.id)) is None:
            session.add(
                Decision(
                    person=record.person,
                    decision_id=conclusion.id,
                    sequence=record.sequence,
                    rule=conclusion.rule,
                    outcome_zh=conclusion.outcome.zh,
                    outcome_en=conclusion.outcome.en,
                    as_of=conclusion.as_of,
                    pack=conclusion.pack,
                    sources=json.dumps(conclusion.sources, ensure_ascii=False),
                )
            )


async def _revise_coverage(session: AsyncSession, record: Record) -> None:
    """Close the intervals that hold no longer and open those that are new; what did not change stays as it is."""
    held = await session.exec(
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
