"""The vocabulary of packs: every parameter that a pack may state, with the type of its value.

A key that does not stand here is refused when a pack is loaded. Keys are those of the published parameter tables.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from domain.money import Money
from policy.counting import Duration

T = TypeVar("T")

Population = Literal["ordinary", "pupil", "college", "newborn"]
"""Whom a value is for. `ordinary` is every resident who is not one of the others."""

_PLAN_DAY = re.compile(r"(previous-year|plan-year|next-year) (\d{2})-(\d{2})|(\d{4}-\d{2}-\d{2})")
_OFFSETS = {"previous-year": -1, "plan-year": 0, "next-year": 1}


def _as_text(day: object) -> object:
    return day.isoformat() if isinstance(day, date) else day


def _checked_plan_day(text: str) -> str:
    match = _PLAN_DAY.fullmatch(text)
    if match is None:
        raise ValueError('a day of a plan year is written "previous-year MM-DD", "plan-year MM-DD" or YYYY-MM-DD')
    in_plan_year(text, 2023)  # a day that not every year has is none to rely on
    return text


def in_plan_year(plan_day: str, year: int) -> date:
    """The date of a day that is given relative to a plan year."""
    match = _PLAN_DAY.fullmatch(plan_day)
    assert match is not None, plan_day
    which, month, day, absolute = match.groups()
    return date.fromisoformat(absolute) if absolute else date(year + _OFFSETS[which], int(month), int(day))


PlanDay = Annotated[str, BeforeValidator(_as_text), AfterValidator(_checked_plan_day)]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ForSome(_Value):
    """An entry for some populations and plan years; for all of them where it does not say."""

    population: tuple[Population, ...] = ()
    plan_year: tuple[int, ...] = ()

    def holds_for(self, population: Population, plan_year: int) -> bool:
        return (not self.population or population in self.population) and (
            not self.plan_year or plan_year in self.plan_year
        )


class Period(_ForSome):
    """A stretch of days, both ends included, relative to a plan year."""

    first: PlanDay
    last: PlanDay

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if in_plan_year(self.first, 2024) > in_plan_year(self.last, 2024):
            raise ValueError("misordered: first is after last")
        return self

    def days(self, plan_year: int) -> tuple[date, date]:
        return in_plan_year(self.first, plan_year), in_plan_year(self.last, plan_year)


class Fee(_ForSome):
    """The year's premium: what the person pays, and all public money on top."""

    person: Money
    government: Money | None = None


CoverStart = Literal[
    "plan_year_start",
    "payment_day",
    "day_after_payment",
    "arrival_day",
    "day_after_arrival",
    "first_of_payment_month",
    "first_of_next_month",
    "after_wait",
]


class LateStart(_Value):
    """From when somebody is covered who paid after the window. The first entry whose condition holds decides."""

    gap_at_least: Duration | None = None
    """Only for those who were enrolled once, and since that long no longer."""
    start: CoverStart


class LateStep(_Value):
    """What a newborn gets who comes after the window: `until` counts like the window; the last step has no end."""

    until: Duration | None = None
    start: CoverStart | Literal["ordinary"]


class WaitLength(_Value):
    """The fixed waiting period.

    `day` and `month` run from the anchor; with `natural_month` the payment month is the first, and cover starts on the
    first of the month that follows `length` months.
    """

    length: int = Field(ge=1)
    unit: Literal["day", "month", "natural_month"]


class Reminders(_Value):
    every: Duration
    times: int = Field(ge=1)


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """A key with the type of its value."""

    key: str
    type: Any

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        return TypeAdapter(self.type)


BENEFIT_PERIOD = Parameter[tuple[Period, ...]]("benefit_period", tuple[Period, ...])
COLLECTION_WINDOW = Parameter[tuple[Period, ...]]("window.collect", tuple[Period, ...])
FEE = Parameter[tuple[Fee, ...]]("fee", tuple[Fee, ...])
COVER_IN_WINDOW = Parameter[CoverStart]("cover_start.in_window", CoverStart)
COVER_LATE = Parameter[tuple[LateStart, ...]]("cover_start.late", tuple[LateStart, ...])
LATE_ALLOWED = Parameter[bool]("late.allowed", bool)
LATE_PRICE = Parameter[Literal["individual", "individual_plus_subsidy"]](
    "late.price", Literal["individual", "individual_plus_subsidy"]
)
LATE_LAST_DAY = Parameter[PlanDay]("late.last_payment_day", PlanDay)
WAIT_FIXED = Parameter[WaitLength]("wait.fixed", WaitLength)
WAIT_ANCHOR = Parameter[Literal["payment_day", "arrival_day"]](
    "wait.start_anchor", Literal["payment_day", "arrival_day"]
)
WAIT_COUNTS_START = Parameter[bool]("wait.count_start_day", bool)
NEWBORN_WINDOW = Parameter[Duration]("newborn.window", Duration)
NEWBORN_COUNTS_START = Parameter[bool]("newborn.count_start_day", bool)
NEWBORN_ROLLS = Parameter[bool]("newborn.rest_day_moves_end", bool)
NEWBORN_ACT = Parameter[Literal["register", "pay", "register_and_pay", "arrival"]](
    "newborn.act", Literal["register", "pay", "register_and_pay", "arrival"]
)
NEWBORN_COVER = Parameter[Literal["birth"]]("newborn.cover", Literal["birth"])
NEWBORN_LATE_STEPS = Parameter[tuple[LateStep, ...]]("newborn.late_steps", tuple[LateStep, ...])
NEWBORN_CROSS_YEAR = Parameter[Literal["each_year_by_its_own_fee"]](
    "newborn.cross_year", Literal["each_year_by_its_own_fee"]
)
NEWBORN_AGE_LIMIT = Parameter[Duration]("newborn.age_limit", Duration)
NEWBORN_REMINDER = Parameter[Duration]("newborn.reminder_before_end", Duration)
IDENTITY_REMINDERS = Parameter[Reminders]("newborn.identity_reminders", Reminders)

PARAMETERS: dict[str, Parameter[Any]] = {
    parameter.key: parameter for parameter in tuple(globals().values()) if isinstance(parameter, Parameter)
}
