"""Who is in the roster, and on which day each thing about them becomes known."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from domain.civil_time import current_day
from domain.facts import Fact
from domain.identity_documents import IdentityDocument, document
from intake.desk import Desk
from intake.files.rows import Problem, Row, read_rows


@dataclass(frozen=True, slots=True)
class BankPayment:
    """Money that somebody brings to the bank for a levy of the tax bureau."""

    id: str
    plan_year: int
    amount: str
    paid_on: date
    arrived_on: date


@dataclass(slots=True)
class Plan:
    """One person's year: facts and payments by the day on which they become known."""

    key: str
    name: str
    area: str
    events: list[tuple[date, Fact | BankPayment]] = field(default_factory=list)

    @property
    def first_day(self) -> date:
        return self.events[0][0]


async def make_plans(roster: Path, payments: Path, desk: Desk) -> tuple[list[Plan], list[Problem]]:
    """The people of a roster with what they pay at the bank, and the lines that could not be used."""
    problems: list[Problem] = []
    plans: dict[str, Plan] = {}
    rows: Iterable[Row | Problem] = read_rows(roster, current_day())
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
            continue
        key = await desk.person(row.documents, row.name)
        plan = plans.setdefault(key, Plan(key, row.name, row.fact.area or ""))
        plan.events.append((row.fact.known_on, row.fact))
    for owner, payment in _bank_payments(payments):
        plans[await desk.person([owner])].events.append((payment.arrived_on, payment))
    for plan in plans.values():
        # On one day the bank's news comes after what the offices report.
        plan.events.sort(key=lambda event: (event[0], isinstance(event[1], BankPayment)))
    return sorted(plans.values(), key=lambda plan: (plan.area, plan.first_day, plan.key)), problems


def _bank_payments(file: Path) -> Iterable[tuple[IdentityDocument, BankPayment]]:
    with file.open(encoding="utf-8", newline="") as opened:
        for row in csv.DictReader(opened):
            kind, number = (
                ("id_number", row["身份证号"]) if row["身份证号"] else ("birth_certificate", row["出生医学证明编号"])
            )
            owner = document("id_number" if kind == "id_number" else "birth_certificate", number, current_day())
            yield (
                owner,
                BankPayment(
                    id=row["流水号"],
                    plan_year=int(row["年度"]),
                    amount=row["金额"],
                    paid_on=date.fromisoformat(row["缴费日期"]),
                    arrived_on=date.fromisoformat(row["到账日期"]),
                ),
            )
