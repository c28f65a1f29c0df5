"""The vocabulary of packs: every parameter that a pack may state, with the type of its value.

A key that does not stand here is refused when a pack is loaded. Keys are those of the published parameter tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field, TypeAdapter

from domain.facts import Group
from domain.money import Money
from policy.counting import Duration
from policy.plan_days import PlanDay
from policy.values import (
    Anchors,
    Arrears,
    ArrearsCalendar,
    EmployeeStart,
    Exemption,
    Extension,
    Fee,
    FreshmanCover,
    LateStep,
    NewbornFree,
    PartFee,
    Period,
    Price,
    Reminders,
    Starts,
    Subsidy,
    WaitUnit,
)

T = TypeVar("T")
Months = Annotated[int, Field(ge=0, le=24)]
Count = Annotated[int, Field(ge=0)]
NewbornAct = Literal["register", "pay", "register_and_pay", "arrival"]
CrossYear = Literal["each_year_by_its_own_fee", "each_year_in_window_or_lost", "one_enrolment_covers_both"]
RefundReason = Literal["duplicate", "employee", "other_area", "death", "never_eligible", "paid_in_error"]


@dataclass(frozen=True, eq=False)
class Parameter(Generic[T]):
    """A key with the type of its value."""

    key: str
    type: Any

    @cached_property
    def adapter(self) -> TypeAdapter[T]:
        return _adapter(self.type)


_ADAPTERS: dict[Any, TypeAdapter[Any]] = {}


def _adapter(kind: Any) -> TypeAdapter[Any]:
    # Several parameters share a type, and a validator takes milliseconds to build.
    key = repr(kind)
    if key not in _ADAPTERS:
        _ADAPTERS[key] = TypeAdapter(kind)
    return _ADAPTERS[key]


# How a period is counted in which somebody must act
COUNTS_START = Parameter[bool]("counting.count_start_day", bool)
ROLLS = Parameter[bool]("counting.rest_day_moves_end", bool)

# Collection and cover
BENEFIT_PERIOD = Parameter[tuple[Period, ...]]("benefit_period", tuple[Period, ...])
COLLECTION_WINDOW = Parameter[tuple[Period, ...]]("window.collect", tuple[Period, ...])
EXTENSION = Parameter[tuple[Extension, ...]]("window.extension", tuple[Extension, ...])
COVER_IN_WINDOW = Parameter[Starts]("cover_start.in_window", Starts)
COVER_IN_EXTENSION = Parameter[Starts]("cover_start.in_extension", Starts)
COVER_LATE = Parameter[Starts]("cover_start.late", Starts)
LATE_ALLOWED = Parameter[bool]("late.allowed", bool)
LATE_PRICE = Parameter[Price]("late.price", Price)
LATE_LAST_DAY = Parameter[PlanDay]("late.last_payment_day", PlanDay)
HOUSEHOLD_RULE = Parameter[str](
    "household.rule",
    Literal["none", "register_by_household", "all_eligible_members_required", "precondition_for_midyear"],
)

# Money
FEE = Parameter[tuple[Fee, ...]]("fee", tuple[Fee, ...])
FEE_SUPPLEMENTARY = Parameter[tuple[Fee, ...]]("fee.supplementary", tuple[Fee, ...])
TIER_OF_MINORS = Parameter[Literal[1, 2]]("fee.tier_of_minors_and_students", Literal[1, 2])
AGE_REFERENCE = Parameter[PlanDay]("age_reference_date", PlanDay)
SUBSIDY = Parameter[tuple[Subsidy, ...]]("subsidy", tuple[Subsidy, ...])
SUBSIDY_STACKING = Parameter[Literal["highest_only", "all"]]("subsidy.stacking", Literal["highest_only", "all"])

# Waiting
WAIT_FIXED = Parameter[Count]("wait.fixed", Count)
WAIT_UNIT = Parameter[WaitUnit]("wait.unit", WaitUnit)
WAIT_ANCHOR = Parameter[Anchors]("wait.start_anchor", Anchors)
WAIT_COUNTS_START = Parameter[bool]("wait.count_start_day", bool)
WAIT_LAPSED_IN_WINDOW = Parameter[bool]("wait.lapsed_in_window", bool)
WAIT_VARIABLE = Parameter[Months]("wait.variable_per_year", Months)
WAIT_FIRST_YEAR = Parameter[bool]("wait.first_missed_year_counts", bool)
WAIT_REPAIR = Parameter[Months]("wait.repair_per_year", Months)
WAIT_FLOOR = Parameter[Months]("wait.floor", Months)
WAIT_FLOOR_FROM = Parameter[Count]("wait.floor_from_missed", Count)
WAIT_COUNTS_FROM = Parameter[int]("wait.counts_years_from", int)
WAIT_REGIME = Parameter[int]("wait.regime_since_year", int)
WAIT_EMPLOYEE_YEARS = Parameter[bool]("wait.employee_years_count", bool)
WAIT_STRADDLE = Parameter[Literal["admission_date", "day_by_day"]](
    "wait.inpatient_straddle", Literal["admission_date", "day_by_day"]
)
EXEMPT_OPEN = Parameter[tuple[Exemption, ...]]("wait.exempt_left_to_provinces", tuple[Exemption, ...])
EXEMPT = Parameter[tuple[Exemption, ...]]("wait.exempt", tuple[Exemption, ...])

# Switching between the schemes
GAP_MAX = Parameter[Duration]("gap.max_months", Duration)
GAP_ANCHOR = Parameter[Literal["end_of_cover", "month_of_stop"]]("gap.anchor", Literal["end_of_cover", "month_of_stop"])
GAP_YEARS = Parameter[Count]("gap.min_continuous_years", Count)
GAP_START = Parameter[Starts]("gap.cover_start", Starts)
SWITCH_WAIT = Parameter[Months]("switch.wait_over_gap", Months)
SWITCH_AS_INDIVIDUAL = Parameter[bool]("switch.flexible_from_resident", bool)
OLD_RELATION = Parameter[Literal["wait_end", "immediate"]](
    "switch.old_relation_until", Literal["wait_end", "immediate"]
)

RESIDENT_RESTS = Parameter[bool]("suspension.resident_rests", bool)

# Employee scheme
EMPLOYEE_COVER = Parameter[Literal["first_paid_month"]]("employee.cover", Literal["first_paid_month"])
EMPLOYEE_START = Parameter[tuple[EmployeeStart, ...]]("employee.start", tuple[EmployeeStart, ...])
EMPLOYEE_ARREARS = Parameter[Arrears]("arrears.made_up", Arrears)
ARREARS_CALENDAR = Parameter[tuple[ArrearsCalendar, ...]]("arrears.calendar", tuple[ArrearsCalendar, ...])
MAKE_UP_WITHIN = Parameter[Duration]("employee.make_up_within", Duration)
FLEXIBLE_ANNUAL = Parameter[tuple[Fee, ...]]("employee.flexible_annual", tuple[Fee, ...])
EMPLOYER_REGISTERS = Parameter[Duration]("sla.employer_registration", Duration)

# Newborns
NEWBORN_WINDOW = Parameter[Duration | Literal["birth_year_end"]]("newborn.window", Duration | Literal["birth_year_end"])
NEWBORN_ANCHOR = Parameter[Literal["birth", "hukou"]]("newborn.anchor", Literal["birth", "hukou"])
NEWBORN_COUNTS_START = Parameter[bool]("newborn.count_start_day", bool)
NEWBORN_ROLLS = Parameter[bool]("newborn.rest_day_moves_end", bool)
NEWBORN_ACT = Parameter[NewbornAct]("newborn.act", NewbornAct)
NEWBORN_COVER = Parameter[Literal["birth"]]("newborn.cover", Literal["birth"])
NEWBORN_LATE_STEPS = Parameter[tuple[LateStep, ...]]("newborn.late_steps", tuple[LateStep, ...])
NEWBORN_CROSS_YEAR = Parameter[CrossYear]("newborn.cross_year", CrossYear)
NEWBORN_FREE = Parameter[tuple[NewbornFree, ...]]("newborn.free", tuple[NewbornFree, ...])
NEWBORN_RIDES = Parameter[bool]("newborn.rides_on_guardian", bool)
NEWBORN_HOUSEHOLD = Parameter[bool]("newborn.whole_household", bool)
NEWBORN_CERTIFICATE = Parameter[Literal["next_year"]]("newborn.certificate_replaced_by", Literal["next_year"])
NEWBORN_AGE_LIMIT = Parameter[Duration]("newborn.age_limit", Duration)
NEWBORN_INFANT_AGE = Parameter[Duration]("newborn.infant_age", Duration)
NEWBORN_REMINDER = Parameter[Duration]("newborn.reminder_before_end", Duration)
IDENTITY_REMINDERS = Parameter[Reminders]("newborn.identity_reminders", Reminders)

# Students
FRESHMAN_COVER = Parameter[tuple[FreshmanCover, ...]]("student.freshman_cover", tuple[FreshmanCover, ...])
PART_FEE = Parameter[tuple[PartFee, ...]]("student.part_fee", tuple[PartFee, ...])
PREPAY = Parameter[bool]("student.prepay", bool)
SEAMLESS = Parameter[bool]("student.no_day_between_periods", bool)
GRADUATE_END = Parameter[PlanDay]("student.graduate_end", PlanDay)

DEATH_ENDS = Parameter[bool]("death.ends_everything", bool)

# Duplicates, refunds, transfers
DUPLICATE_MONTHS = Parameter[Count]("duplicates.employee_continuous_months", Count)
DUPLICATE_STUDENT = Parameter[bool]("duplicates.student_keeps_school", bool)
DUPLICATE_RESIDENCE = Parameter[bool]("duplicates.resident_keeps_residence", bool)
DUPLICATE_WORKPLACE = Parameter[bool]("duplicates.employee_keeps_workplace", bool)
DUPLICATE_PAYABLE = Parameter[bool]("duplicates.flexible_keeps_payable", bool)
DUPLICATE_CHOICE = Parameter[tuple[Group, ...]]("duplicates.who_may_choose", tuple[Group, ...])
DUPLICATE_COMMITMENT = Parameter[bool]("duplicates.written_commitment", bool)
CLAWBACK = Parameter[bool]("duplicates.clawback", bool)
REFUND_REASONS = Parameter[tuple[RefundReason, ...]]("refund.before_start", tuple[RefundReason, ...])
REFUND_AFTER = Parameter[tuple[RefundReason, ...]]("refund.after_start", tuple[RefundReason, ...])
REFUND_BASIS = Parameter[Literal["event", "application"]]("refund.cutoff_basis", Literal["event", "application"])
REFUND_ACCEPTANCE = Parameter[PlanDay]("refund.acceptance_until", PlanDay)
REFUND_LUMP_SUM = Parameter[Literal["joining_month", "month_after_joining", "none"]](
    "refund.flex_lump_sum", Literal["joining_month", "month_after_joining", "none"]
)
REFUND_LUMP_SUM_MOVED = Parameter[Literal["month_after_application"]](
    "refund.flex_lump_sum_moved", Literal["month_after_application"]
)
REFUND_LUMP_SUM_DEATH = Parameter[PlanDay]("refund.flex_lump_sum_death_by", PlanDay)
TRANSFER_OUT = Parameter[Count]("sla.transfer_out", Count)
TRANSFER_IN = Parameter[Count]("sla.transfer_in", Count)
TRANSFER_RESIDENT_YEAR = Parameter[bool]("transfer.resident_same_year", bool)
REGISTER_COUNTER = Parameter[Count]("sla.register_counter", Count)
REGISTER_ONLINE = Parameter[Count]("sla.register_online", Count)
POOLING = Parameter[Literal["city", "county"]]("pooling.level", Literal["city", "county"])

# Incentives, in yuan a year
INCENTIVE_YEARS = Parameter[Count]("incentive.after_years", Count)
INCENTIVE_CONTINUOUS = Parameter[Money]("incentive.continuous", Money)
INCENTIVE_ZERO_CLAIM = Parameter[Money]("incentive.zero_claim", Money)
INCENTIVE_CAP_PERCENT = Parameter[Count]("incentive.cap_percent", Count)
INCENTIVE_BASE = Parameter[Money]("incentive.base_cap", Money)
INCENTIVE_SURVIVES = Parameter[bool]("incentive.survives_lapse", bool)

PARAMETERS: dict[str, Parameter[Any]] = {
    parameter.key: parameter for parameter in tuple(globals().values()) if isinstance(parameter, Parameter)
}
