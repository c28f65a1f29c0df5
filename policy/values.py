"""What the parameters of packs look like: windows, fees, subsidies, starts of cover, waits and steps.

Each model is one sentence that a regulation may contain. A field that a source does not speak of stays empty.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from domain.facts import Capacity, CivilDate, Group
from domain.money import Money
from policy.counting import Duration
from policy.plan_days import PlanDay, in_plan_year

Population = Literal["ordinary", "pupil", "college", "newborn"]
"""Whom a value is for. `ordinary` is every resident who is not one of the others."""

Event = Literal[
    "discharged",
    "discharged_family",
    "moved",
    "returned_from_abroad",
    "released",
    "graduated",
    "employee_ended",
    "newborn",
    "hukou_registered",
]
"""What may have happened to somebody who comes outside the window."""

CoverStart = Literal[
    "plan_year_start",
    "payment_day",
    "day_after_payment",
    "arrival_day",
    "day_after_arrival",
    "registration_day",
    "registration_and_mark",
    "first_of_payment_month",
    "first_of_next_month",
    "after_previous_cover",
    "after_wait",
]
"""From which day a payment covers. `registration_and_mark`: the day on which both the registration and the identity
mark (身份标识) are done; `after_previous_cover`: the day after the cover that it follows."""

Anchor = Literal[
    "payment_day",
    "arrival_day",
    "day_after_payment",
    "day_after_arrival",
    "first_of_payment_month",
    "plan_year_start",
]
"""The day from which a wait is counted."""

WaitUnit = Literal["day", "anniversary_month", "natural_month", "full_months_then_next_first"]
"""`natural_month`: calendar months, the month of the anchor being the first, and cover starts on a first."""

Price = Literal["individual", "individual_plus_subsidy", "remaining_months"]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ForSome(_Value):
    """An entry for some populations and plan years; for all of them where it does not say."""

    population: tuple[Population, ...] = ()
    plan_year: tuple[int, ...] = ()

    def holds_for(self, population: Population, plan_year: int) -> bool:
        return (not self.population or population in self.population) and (
            not self.plan_year or plan_year in self.plan_year
        )


class Period(ForSome):
    """A stretch of days, both ends included, relative to a plan year."""

    first: PlanDay
    last: PlanDay

    @model_validator(mode="after")
    def _in_order(self) -> Period:
        if in_plan_year(self.first, 2024) > in_plan_year(self.last, 2024):
            raise ValueError("misordered: first is after last")
        return self

    @cached_property
    def _by_year(self) -> dict[int, tuple[date, date]]:
        return {}

    def days(self, plan_year: int) -> tuple[date, date]:
        found = self._by_year.get(plan_year)
        if found is None:
            found = self._by_year[plan_year] = (
                in_plan_year(self.first, plan_year),
                in_plan_year(self.last, plan_year),
            )
        return found


class Extension(ForSome):
    """A window moved by notice: known from `decided_on` (always, where it is part of the rules), until `last`."""

    last: PlanDay
    applies_to: Literal["registration", "payment", "both"]
    decided_on: CivilDate | None = None


class WaitRule(_Value):
    """A wait that one entry states for itself; what it leaves out, the parameters `wait.*` say."""

    fixed: int = Field(ge=1)
    unit: WaitUnit | None = None
    start_anchor: Anchor | None = None
    count_start_day: bool | None = None


class Condition(ForSome):
    """For whom an entry holds; an empty condition holds for everybody. All that is named must be true.

    `events` are those that happened within the plan year; `previous_year` looks at the resident scheme.
    """

    paid_from: PlanDay | None = None
    paid_until: PlanDay | None = None
    groups: tuple[Group, ...] = ()
    capacity: tuple[Capacity, ...] = ()
    events: tuple[Event, ...] = ()
    previous_year: Literal["enrolled", "missed"] | None = None
    enrolled_before: bool | None = None
    lapsed_at_least: Duration | None = None

    @cached_property
    def is_open(self) -> bool:
        """Whether it holds for everybody who is of its population and plan year."""
        return not (
            self.paid_from
            or self.paid_until
            or self.groups
            or self.capacity
            or self.events
            or self.previous_year
            or self.enrolled_before is not None
            or self.lapsed_at_least
        )


class Start(Condition):
    """From when somebody is covered. Of several entries the first whose condition holds decides."""

    start: CoverStart
    wait: WaitRule | None = None
    price: Price | None = None


class AnchorRule(Condition):
    anchor: Anchor


def _entry(field: str) -> Any:
    """Let a pack write the bare word where one value holds for everybody."""
    return BeforeValidator(lambda value: [{field: value}] if isinstance(value, str) else value)


Starts = Annotated[tuple[Start, ...], _entry("start")]
Anchors = Annotated[tuple[AnchorRule, ...], _entry("anchor")]


class Exemption(_Value):
    """Somebody who is not held to the window or to the wait: a group, or an event not longer ago than `within`; an
    event of the same plan year, where no time is stated.

    `start` is left out where the source admits them and does not say from when they are covered.
    """

    groups: tuple[Group, ...] = ()
    events: tuple[Event, ...] = ()
    within: Duration | None = None
    paid_from: PlanDay | None = None
    paid_until: PlanDay | None = None
    any_time: bool = True
    start: CoverStart | None = None
    price: Price | None = None
    whole_household: bool = False
    hukou_here: bool = False


class Fee(ForSome):
    """The year's premium: what the person pays, and all public money on top. Ages are in full years, both included."""

    group: Group | None = None
    tier: Literal[1, 2] | None = None
    age_from: int | None = None
    age_to: int | None = None
    person: Money
    government: Money | None = None


class Subsidy(ForSome):
    """Public money for the individual part. `groups`: any of them; `and_groups`: one of these too.

    `full` pays all; `flat` a sum; `percent` a part (of the fee of `tier`, where it is named); `capped_to_tier` as much
    as that tier costs; `pays` leaves the person that amount; `unstated`: the source gives no exact amount.
    """

    groups: tuple[Group, ...]
    and_groups: tuple[Group, ...] = ()
    age_from: int | None = None
    age_to: int | None = None
    or_student: bool = False
    local_hukou: bool = False
    kind: Literal["full", "flat", "percent", "capped_to_tier", "pays", "unstated"]
    amount: Money | None = None
    percent: int | None = Field(default=None, ge=1, le=100)
    tier: Literal[1, 2] | None = None
    settle: Literal["waived", "reimbursed"] = "waived"

    @model_validator(mode="after")
    def _complete(self) -> Subsidy:
        needed = {"flat": "amount", "pays": "amount", "percent": "percent", "capped_to_tier": "tier"}.get(self.kind)
        if needed is not None and getattr(self, needed) is None:
            raise ValueError(f"{needed} is expected for a subsidy of kind {self.kind}")
        return self


class PartFee(ForSome):
    """The entry year of a freshman from elsewhere at a part of the year's fee, rounded half up to whole yuan."""

    numerator: int = Field(ge=1)
    denominator: int = Field(ge=2)
    within: Duration
    first: PlanDay
    last: PlanDay


class FreshmanCover(_Value):
    """First-year students: which year's fee they pay, and from when that covers."""

    pays: Literal["entry_year", "next_year"]
    start: Literal["september", "school_entry", "payment_day"]
    continuous: bool = False
    """Only for those who were enrolled without a break."""


class LateStep(_Value):
    """What a newborn gets who comes after the window: `until` counts like the window; the last step has no end."""

    until: Duration | Literal["birth_year_end"] | None = None
    start: CoverStart | Literal["ordinary", "refused"]
    wait: WaitRule | None = None
    paid_until: PlanDay | None = None
    """After this day of the plan year the child is refused for it."""


class NewbornFree(_Value):
    """Children for whom the person part is public money, for so many natural years from that of birth on.

    `only_in_time`: only if they were registered within the window or within the year of birth.
    """

    natural_years: int = Field(ge=1)
    born_from: CivilDate | None = None
    mother_covered: bool = False
    only_in_time: bool = False


class Reminders(_Value):
    every: Duration
    times: int = Field(ge=1)


class EmployeeStart(_Value):
    """How cover begins when a person's employee months begin, or begin again after months without.

    `previous` is the scheme of the last cover before; `gap_within` and `gap_over` measure from it. `made_up`: whether
    the missing months were paid afterwards.
    """

    capacity: tuple[Literal["unit", "flexible"], ...] = ()
    previous: tuple[Literal["resident", "employee", "none"], ...] = ()
    first_time: bool | None = None
    gap_within: Duration | None = None
    gap_over: Duration | None = None
    continuous_years: int | None = None
    made_up: bool | None = None
    start: Literal[
        "first_paid_month",
        "payment_month",
        "month_after_payment",
        "month_after_registration",
        "payment_day",
        "after_wait",
    ]
    covers_gap: bool = False
    wait_months: int | None = Field(default=None, ge=1)
    wait_days: int | None = Field(default=None, ge=1)
    share: Decimal = Decimal(0)
    """What is paid during the wait, as a part of the full benefits."""
    outpatient_from: Literal["month_after_payment"] | None = None


class ArrearsCalendar(ForSome):
    """A year's premium of flexible workers: unpaid it rests, then the relation ends; made up, the gap is covered."""

    rests_from: PlanDay
    made_up_until: PlanDay
    ends_on: PlanDay


class Arrears(_Value):
    """An employer's arrears: benefits rest after the months of grace; made up within `months`, they come back for the
    days between too, later only `then_days` after the money arrived. What is left out is not stated."""

    grace_months: int = Field(default=0, ge=0)
    months: int | None = Field(default=None, ge=1)
    then_days: int | None = Field(default=None, ge=0)
