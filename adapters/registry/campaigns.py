"""The registry's side of a collection: who is to be registered anew, who has not paid, who is not enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import and_, delete, exists, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from adapters.registry.database import Database
from adapters.registry.ledger import held, prefix
from adapters.registry.people_tables import KeyMerge
from adapters.registry.reader import Reader
from adapters.registry.tables import (
    CoverageInterval,
    JournalFact,
    Levy,
    NotEnrolled,
    Payment,
    Person,
    RefundPaid,
    Relation,
)
from adapters.registry.together import table_of
from adapters.registry.writing import insert_of
from domain.campaigns import CampaignCounts, CampaignPage, Renewal, Unpaid
from domain.status import Status

_SCHEME = "resident"


class CampaignBooks:
    """Who belongs to a collection, and how it stands. Everything is read from what the lives recorded."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reader = Reader(database)
        self._add = insert_of(database.dialect, table_of(NotEnrolled)).on_conflict_do_nothing()

    async def renewals(self, page: CampaignPage) -> list[Renewal]:
        """Residents of last year who live, have not stopped, and are registered or covered nowhere for this year."""

        def read(session: Session) -> list[Renewal]:
            year = page.plan_year
            rows = (
                select(Relation.person, Relation.area, JournalFact.content)
                .join(Person, col(Person.key) == Relation.person)
                .join(
                    JournalFact,
                    and_(col(JournalFact.person) == Relation.person, col(JournalFact.fact_id) == Relation.fact_id),
                )
                .where(Relation.scheme == _SCHEME, Relation.plan_year == year - 1, held(Relation, None))
                .where(_within(Relation.area, page.area, page.apart), Relation.person > page.after)
                .where(Person.status != Status.DECEASED)
                .where(not_(_registered(Relation.person, year)), not_(_employed(Relation.person, page.on)))
                .where(not_(_stopped(Relation.person)), not_(_merged(Relation.person)))
                .order_by(col(Relation.person))
                .limit(page.limit)
            )
            return [
                Renewal(person=person, area=area, registration=content) for person, area, content in session.exec(rows)
            ]

        return await self._database.transaction(read)

    async def unpaid(self, page: CampaignPage) -> list[Unpaid]:
        """Those who were asked for a premium of the plan year and have not paid all of it.

        Who belongs to an area that collects by itself has no person here, so that the pages go on.
        """
        found = await self._reader.open_levies(page.area, page.plan_year, page.after, page.limit)
        prefixes = tuple(prefix(area) for area in page.apart)
        return [
            Unpaid(
                person="" if prefixes and item.area.startswith(prefixes) else item.person,
                area=item.area,
                amount=item.amount,
                key=item.key,
            )
            for item in found
        ]

    async def counts(self, page: CampaignPage) -> CampaignCounts:
        """How the collection stands."""

        def read(session: Session) -> CampaignCounts:
            year = page.plan_year

            def people(condition: Any, of_year: int) -> int:
                rows = (
                    select(func.count(func.distinct(Relation.person)))
                    .join(Person, col(Person.key) == Relation.person)
                    .where(Relation.scheme == _SCHEME, Relation.plan_year == of_year, held(Relation, None))
                    .where(_within(Relation.area, page.area, page.apart), condition)
                    .where(Person.status != Status.DECEASED, not_(_merged(Relation.person)))
                )
                return int(session.exec(rows).one())

            open_amount = session.exec(
                select(func.coalesce(func.sum(Levy.amount), 0))
                .where(Levy.scheme == _SCHEME, Levy.plan_year == year, Levy.state == "asked")
                .where(_within(Levy.area, page.area, page.apart), not_(_paid(Levy.person, year)))
            ).one()
            return CampaignCounts(
                enrolled_last_year=people(True, year - 1),
                registered=people(True, year),
                paid=people(or_(_paid(Relation.person, year), _covered(Relation.person, year)), year),
                open_amount=int(open_amount),
            )

        return await self._database.transaction(read)

    async def list_not_enrolled(self, campaign: str, page: CampaignPage) -> tuple[int, str]:
        """Write down a page of the people of the area who are enrolled nowhere for the year.

        How many, and the last person that was looked at; empty after the last page.
        """

        def write(session: Session) -> tuple[int, str]:
            year = page.plan_year
            everybody = (
                select(Person.key)
                .where(_within(Person.area, page.area, page.apart), Person.key > page.after)
                .where(Person.status != Status.DECEASED, not_(_merged(Person.key)))
                .order_by(col(Person.key))
                .limit(page.limit)
            )
            keys = list(session.exec(everybody))
            if not keys:
                return 0, ""
            missing = session.exec(
                select(Person.key, Person.area, Person.status, _registered(Person.key, year).label("registered"))
                .where(col(Person.key).in_(keys))
                .where(not_(_paid(Person.key, year)), not_(_covered(Person.key, year)))
            ).all()
            rows = [
                {
                    "campaign": campaign,
                    "person": person,
                    "area": area,
                    "status": status,
                    "because": "unpaid" if registered else "no_registration",
                }
                for person, area, status, registered in missing
            ]
            if rows:
                session.connection().execute(self._add, rows)
            return len(rows), keys[-1]

        return await self._database.transaction(write)

    async def forget(self, campaign: str) -> None:
        """A list that is made anew begins empty."""
        statement = delete(table_of(NotEnrolled)).where(table_of(NotEnrolled).c.campaign == campaign)
        await self._database.transaction(lambda session: session.connection().execute(statement) and None)

    async def not_enrolled(self, campaign: str, after: str = "", limit: int = 1000) -> list[NotEnrolled]:
        """Who was not enrolled when a collection closed, by key."""

        def read(session: Session) -> Sequence[NotEnrolled]:
            rows = select(NotEnrolled).where(NotEnrolled.campaign == campaign, NotEnrolled.person > after)
            return session.exec(rows.order_by(col(NotEnrolled.person)).limit(limit)).all()

        return list(await self._database.transaction(read))


def _within(column: Any, area: str, apart: Sequence[str]) -> Any:
    inside = col(column).startswith(prefix(area))
    return and_(inside, *(not_(col(column).startswith(prefix(other))) for other in apart))


def _registered(person: Any, year: int) -> Any:
    other = aliased(Relation)
    return exists().where(col(other.person) == person, col(other.plan_year) == year, col(other.superseded_on).is_(None))


def _paid(person: Any, year: int) -> Any:
    """Whether all that was asked for the year came in; money of unstated amount is the whole of it."""
    payment, levy = aliased(Payment), aliased(Levy)
    of_year = (
        col(payment.person) == person,
        col(payment.scheme) == _SCHEME,
        col(payment.plan_year) == year,
        col(payment.superseded_on).is_(None),
    )
    owed = (
        select(func.coalesce(func.sum(levy.amount), 0))
        .where(col(levy.person) == person, levy.scheme == _SCHEME, levy.plan_year == year, levy.state == "asked")
        .scalar_subquery()
    )
    came = select(func.coalesce(func.sum(payment.amount), 0)).where(*of_year).scalar_subquery()
    back = aliased(RefundPaid)
    returned = (
        select(func.coalesce(func.sum(back.amount), 0))
        .where(col(back.person) == person, back.scheme == _SCHEME, back.plan_year == year)
        .where(col(back.superseded_on).is_(None))
        .scalar_subquery()
    )
    whole = exists().where(*of_year, col(payment.amount).is_(None))
    # Money that came and went back again paid for nothing.
    return and_(exists().where(*of_year), or_(and_(came - returned >= owed, came > returned), whole))


def _covered(person: Any, year: int) -> Any:
    """Whether any day of the year is covered, by whichever scheme."""
    span = aliased(CoverageInterval)
    return exists().where(
        col(span.person) == person,
        col(span.superseded_on).is_(None),
        col(span.starts) <= date(year, 12, 31),
        or_(col(span.ends).is_(None), col(span.ends) >= date(year, 1, 1)),
    )


def _employed(person: Any, on: date) -> Any:
    """Whether the employee scheme covers the person now."""
    span = aliased(CoverageInterval)
    return exists().where(
        col(span.person) == person,
        col(span.scheme) == "employee",
        col(span.superseded_on).is_(None),
        or_(col(span.ends).is_(None), col(span.ends) >= on),
    )


def _stopped(person: Any) -> Any:
    """Whether the person asked to stop after the registration at hand was admitted, and did not take that back."""
    fact, later = aliased(JournalFact), aliased(JournalFact)
    taken_back = exists().where(
        col(later.person) == col(fact.person), col(later.content).contains('"corrects":"' + col(fact.fact_id) + '"')
    )
    return exists().where(
        col(fact.person) == person,
        col(fact.type) == "stop_requested",
        or_(
            col(fact.sequence) > JournalFact.sequence,
            and_(col(fact.sequence) == JournalFact.sequence, col(fact.position) > JournalFact.position),
        ),
        col(fact.content).contains('"scheme":"resident"'),
        not_(col(fact.content).contains('"withdrawn":true')),
        not_(taken_back),
    )


def _merged(person: Any) -> Any:
    """Whether a key is another one's person, by decision."""
    merge = aliased(KeyMerge)
    return exists().where(col(merge.person) == person, col(merge.parted_on).is_(None))
