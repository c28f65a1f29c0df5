"""Reading the registry: what other systems and clerks ask. Business lists come from here, never from Temporal.

Every list is read in pages: `after` is the key that the page before ended with, empty for the first.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import literal, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from adapters.registry.database import Database
from adapters.registry.ledger import coverage, held, prefix
from adapters.registry.tables import (
    CoverageInterval,
    Decision,
    JournalFact,
    Levy,
    OperatorAct,
    ParkedQuestion,
    Payment,
    Person,
    RefundPaid,
    Relation,
)
from domain.bilingual import Text
from domain.life import Interval, OpenQuestion
from domain.status import Status

PAGE = 200


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What the registry learned of a person, or concluded, on a day."""

    recorded_on: date
    kind: str
    """fact, decision, cover, cover_ended or operation."""
    what: Text
    by: str
    """The sender of a fact, the rule of a decision, the operator."""


@dataclass(frozen=True, slots=True)
class OpenMatter:
    """A question about somebody that a person must decide."""

    person: str
    area: str
    question: str
    because: Text
    since: date
    key: str


@dataclass(frozen=True, slots=True)
class OpenLevy:
    """A premium that was asked for and is not paid; `amount` in fen."""

    person: str
    area: str
    plan_year: int
    slot: str
    amount: int
    due: date | None
    key: str


@dataclass(frozen=True, slots=True)
class PersonStanding:
    """Where a person stands, and what a person must decide about them."""

    area: str
    status: Status
    parked: list[OpenQuestion]


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A relation that a person has."""

    scheme: str
    area: str
    plan_year: int | None
    """None where it is not of a year."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A person of an area, and where they stand."""

    person: str
    area: str
    status: str


class Reader:
    """The registry's reading side."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def coverage_on(self, person: str, day: date, known_on: date | None = None) -> list[Interval]:
        """The cover of a day, as held today or as the registry held it at the end of `known_on`; empty for none."""

        def read(session: Session) -> list[Interval]:
            spans = coverage(session, person, known_on)
            return [span for span in spans if span.starts <= day and (span.ends is None or day <= span.ends)]

        return await self._database.transaction(read)

    async def standing(self, person: str) -> PersonStanding:
        """Where a person stands by the last record, and what is open; empty for a key that was never recorded."""

        def read(session: Session) -> PersonStanding:
            row = session.get(Person, person)
            if row is None:
                return PersonStanding("", Status.UNREGISTERED, [])
            parked = [OpenQuestion.model_validate(item) for item in json.loads(row.parked)]
            return PersonStanding(row.area, Status(row.status or Status.UNREGISTERED), parked)

        return await self._database.transaction(read)

    async def enrolments(self, person: str, plan_year: int | None, on: date) -> list[Enrolment]:
        """Where a person is enrolled for a plan year, or covered as an employee today."""

        def read(session: Session) -> list[Enrolment]:
            relations = (
                select(Relation)
                .where(Relation.person == person, held(Relation, None))
                .where(Relation.plan_year == plan_year, col(Relation.plan_year).is_not(None))
            )
            found = [Enrolment(row.scheme, row.area, row.plan_year) for row in session.exec(relations)]
            covers = coverage(session, person, None)
            return found + [
                Enrolment(span.scheme, span.area, None)
                for span in covers
                if span.scheme == "employee" and span.starts <= on and (span.ends is None or span.ends >= on)
            ]

        return await self._database.transaction(read)

    async def history(self, person: str) -> list[HistoryLine]:
        """Everything that was recorded of a person, in the order in which it was recorded."""
        return await self._database.transaction(lambda session: _history(session, person))

    async def open_matters(self, area: str, after: str = "", limit: int = PAGE) -> list[OpenMatter]:
        """The questions that are open in an area and within it."""

        def read(session: Session) -> list[OpenMatter]:
            rows = (
                select(ParkedQuestion)
                .where(col(ParkedQuestion.area).startswith(prefix(area)), held(ParkedQuestion, None))
                .where(col(ParkedQuestion.id) > int(after or 0))
                .order_by(col(ParkedQuestion.id))
                .limit(limit)
            )
            return [
                OpenMatter(
                    row.person,
                    row.area,
                    row.question,
                    Text(row.because_zh, row.because_en),
                    row.recorded_on,
                    str(row.id),
                )
                for row in session.exec(rows)
            ]

        return await self._database.transaction(read)

    async def open_levies(self, area: str, plan_year: int, after: str = "", limit: int = PAGE) -> list[OpenLevy]:
        """The premiums of a plan year that were asked for in an area and within it, and are not paid."""
        person, _, slot = after.partition("/")

        def read(session: Session) -> list[OpenLevy]:
            paid, back, owed = _of_the_year(Payment), _of_the_year(RefundPaid), _owed()
            rows = (
                select(Levy)
                .where(Levy.plan_year == plan_year, Levy.state == "asked", paid - back < owed)
                .where(col(Levy.area).startswith(prefix(area)))
                .where(tuple_(col(Levy.person), col(Levy.slot)) > tuple_(literal(person), literal(slot)))
                .order_by(col(Levy.person), col(Levy.slot))
                .limit(limit)
            )
            return [
                OpenLevy(
                    row.person,
                    row.area,
                    row.plan_year,
                    row.slot,
                    row.amount,
                    row.due,
                    f"{row.person}/{row.slot}",
                )
                for row in session.exec(rows)
            ]

        return await self._database.transaction(read)

    async def people(self, area: str, after: str = "", limit: int = PAGE) -> list[Resident]:
        """Who belongs to an area, or to one within it, by key."""

        def read(session: Session) -> list[Resident]:
            rows = select(Person).where(col(Person.area).startswith(prefix(area)), Person.key > after)
            return [
                Resident(row.key, row.area, row.status) for row in session.exec(rows.order_by(Person.key).limit(limit))
            ]

        return await self._database.transaction(read)


def _of_the_year(table: type[Payment] | type[RefundPaid]) -> Any:
    """What the registry holds to have come in, or gone back, for the year of a levy."""
    rows = (
        select(func.coalesce(func.sum(table.amount), 0))
        .where(table.person == Levy.person, table.scheme == Levy.scheme)
        .where(table.plan_year == Levy.plan_year, table.area == Levy.area, held(table, None))
    )
    return rows.correlate(Levy).scalar_subquery()


def _owed() -> Any:
    """What all parts of the premium of a levy's year come to."""
    part = aliased(Levy)
    rows = (
        select(func.coalesce(func.sum(part.amount), 0))
        .where(part.person == Levy.person, part.scheme == Levy.scheme, part.area == Levy.area)
        .where(part.plan_year == Levy.plan_year, part.state == "asked")
    )
    return rows.correlate(Levy).scalar_subquery()


def _history(session: Session, person: str) -> list[HistoryLine]:
    journal = session.exec(
        select(JournalFact)
        .where(JournalFact.person == person)
        .order_by(col(JournalFact.sequence), col(JournalFact.position))
    ).all()
    covers = session.exec(
        select(CoverageInterval).where(CoverageInterval.person == person).order_by(col(CoverageInterval.id))
    ).all()
    # A decision is recorded with the facts and the cover of its record; without any, on the day that it is about.
    recorded = {row.sequence: row.recorded_on for row in journal}
    recorded |= {row.recorded_sequence: row.recorded_on for row in covers}
    lines = [(row.sequence, _fact(row)) for row in journal]
    decisions = session.exec(select(Decision).where(Decision.person == person).order_by(Decision.decision_id))
    for decision in decisions:
        on = recorded.get(decision.sequence, decision.as_of)
        says = Text(decision.outcome_zh, decision.outcome_en)
        lines.append((decision.sequence, HistoryLine(on, "decision", says, decision.rule)))
    for cover in covers:
        days = f"{cover.starts} → {cover.ends or '…'}"
        says = Text(f"{days} {cover.because_zh}", f"{days} {cover.because_en}")
        lines.append((cover.recorded_sequence, HistoryLine(cover.recorded_on, "cover", says, cover.area)))
        if cover.superseded_on is not None:
            ended = HistoryLine(cover.superseded_on, "cover_ended", says, cover.area)
            lines.append((cover.superseded_sequence or 0, ended))
    for act in session.exec(select(OperatorAct).where(OperatorAct.person == person)):
        says = Text(f"{act.verb} {act.about}:{act.reason}", f"{act.verb} {act.about}: {act.reason}")
        lines.append((act.sequence, HistoryLine(act.on, "operation", says, f"{act.role}:{act.actor}")))
    return [line for _, line in sorted(lines, key=lambda item: item[0])]


def _fact(row: JournalFact) -> HistoryLine:
    return HistoryLine(row.recorded_on, "fact", Text(row.type, row.type), row.sender)
