"""Assessment: what follows from a person's facts on a day. This is the wire contract's other half.

Plain dataclasses, because the rules build thousands of them; `to_json` and `to_wire` give the published form, in which
`start` and `end` are called `from` and `to`, empty fields are left out, and money is a decimal string of yuan.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, TypeAdapter

from domain.bilingual import Text
from domain.facts import Scheme
from domain.money import Money

Start = Annotated[date, Field(alias="from")]
End = Annotated[date | None, Field(alias="to")]
Share = Annotated[
    Decimal, PlainSerializer(lambda share: int(share) if share == int(share) else float(share), when_used="json")
]


class Matter(StrEnum):
    """What falls due, or what somebody is told about. Closed: a reader may switch over it."""

    NEWBORN_WINDOW = "newborn_window"
    NEWBORN_REMINDER = "newborn_reminder"
    NEWBORN_WINDOW_MISSED = "newborn_window_missed"
    IDENTITY_UPDATE = "identity_update"
    PAYMENT_DUE = "payment_due"
    PAYMENT_FAILED = "payment_failed"
    WAIT_ENDS = "wait_ends"
    COVER_ENDS = "cover_ends"
    SUSPENSION_ENDS = "suspension_ends"
    ENTRY_WINDOW = "entry_window"
    GAP_ENDS = "gap_ends"
    EMPLOYER_REGISTRATION = "employer_registration"
    ARREARS = "arrears"
    RELATION_ENDED = "relation_ended"
    RELATION_SUSPENDED = "relation_suspended"
    WRITTEN_COMMITMENT = "written_commitment"
    REFUND_AVAILABLE = "refund_available"
    WAIVER_CONFIRMATION = "waiver_confirmation"
    INCENTIVE = "incentive"
    REGISTRATION_DONE = "registration_done"
    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    TRANSFER_OVERDUE = "transfer_overdue"


MATTER_NAMES: dict[Matter, Text] = {
    Matter.NEWBORN_WINDOW: Text("新生儿参保期限", "newborn window"),
    Matter.NEWBORN_REMINDER: Text("新生儿参保提醒", "newborn reminder"),
    Matter.NEWBORN_WINDOW_MISSED: Text("新生儿参保期限已过", "newborn window missed"),
    Matter.IDENTITY_UPDATE: Text("更新参保信息", "update of identity"),
    Matter.PAYMENT_DUE: Text("缴费截止", "payment due"),
    Matter.PAYMENT_FAILED: Text("扣款未成功", "deduction failed"),
    Matter.WAIT_ENDS: Text("待遇等待期满", "waiting period ends"),
    Matter.COVER_ENDS: Text("待遇享受期结束", "cover ends"),
    Matter.SUSPENSION_ENDS: Text("待遇暂停结束", "suspension ends"),
    Matter.ENTRY_WINDOW: Text("特殊情形参保期限", "window of a special entrant"),
    Matter.GAP_ENDS: Text("接续参保期限", "last day to join without a wait"),
    Matter.EMPLOYER_REGISTRATION: Text("用人单位办理参保登记", "employer registers"),
    Matter.ARREARS: Text("补缴截止", "arrears to be made up"),
    Matter.RELATION_ENDED: Text("参保关系终止", "relation terminated"),
    Matter.RELATION_SUSPENDED: Text("参保关系暂停", "relation suspended"),
    Matter.WRITTEN_COMMITMENT: Text("书面承诺", "written commitment"),
    Matter.REFUND_AVAILABLE: Text("可申请退费", "a refund can be applied for"),
    Matter.WAIVER_CONFIRMATION: Text("免缴资格年度确认", "yearly confirmation of a waiver"),
    Matter.INCENTIVE: Text("激励额度生效", "incentive takes effect"),
    Matter.REGISTRATION_DONE: Text("参保登记办结", "registration to be done"),
    Matter.TRANSFER_OUT: Text("转出地办结", "transfer out"),
    Matter.TRANSFER_IN: Text("转入地办结", "transfer in"),
    Matter.TRANSFER_OVERDUE: Text("转移接续超期", "transfer overdue"),
}


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a rule is stated."""

    document: str
    article: str | None = None
    quotation: str | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    scheme: Scheme
    area: str
    start: Start
    end: End
    because: Text
    share: Share = Decimal(1)
    service: Literal["inpatient", "outpatient"] | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    scheme: Scheme
    area: str
    start: Start
    end: End
    unit: Literal["day", "month"]
    fixed: int | None
    because: Text
    variable: int | None = 0
    repaired: int | None = 0
    """Both None where the readings of what is not stated lead to different lengths."""


@dataclass(frozen=True, slots=True)
class Undetermined:
    scheme: Scheme
    area: str
    start: Start
    end: End
    question: str
    because: Text


@dataclass(frozen=True, slots=True)
class Suspension:
    scheme: Scheme
    area: str
    start: Start
    end: End
    because: Text


@dataclass(frozen=True, slots=True)
class Termination:
    scheme: Scheme
    area: str
    on: date
    because: Text


@dataclass(frozen=True, slots=True)
class Levy:
    scheme: Scheme
    area: str
    plan_year: int
    basis: Literal["individual", "individual_plus_subsidy", "remaining_months", "part_year"]
    because: Text
    part: Literal["basic", "supplementary"] = "basic"
    repairs_year: int | None = None
    person: Money | None = None
    government: Money | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    scheme: Scheme
    area: str
    plan_year: int
    amount: Money | None
    to: Literal["person", "heir", "fund", "payer"]
    because: Text


@dataclass(frozen=True, slots=True)
class Clawback:
    scheme: Scheme
    area: str
    plan_year: int
    because: Text


@dataclass(frozen=True, slots=True)
class Kept:
    scheme: Scheme
    area: str
    because: Text


@dataclass(frozen=True, slots=True)
class RefusedFact:
    fact: str
    because: Text


@dataclass(frozen=True, slots=True)
class DueDate:
    matter: Matter
    on: date
    because: Text


@dataclass(frozen=True, slots=True)
class Notice:
    to: Literal["person", "guardian", "heir", "employer", "area"]
    matter: Matter
    on: date
    because: Text


@dataclass(frozen=True, slots=True)
class Incentive:
    kind: Literal["continuous", "zero_claim"]
    year: int
    amount: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Parked:
    question: str
    because: Text


@dataclass(frozen=True, slots=True)
class Considered:
    """A rule that was tried and did not hold."""

    rule: str
    because: Text


@dataclass(frozen=True, slots=True)
class Decision:
    rule: str
    outcome: Text
    as_of: date
    pack: str | None = None
    considered: tuple[Considered, ...] = ()
    sources: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that follows from the facts known on a day. The order of every list is defined: date, scheme, area."""

    coverage: list[Coverage] = field(default_factory=list)
    waits: list[Wait] = field(default_factory=list)
    undetermined: list[Undetermined] = field(default_factory=list)
    suspensions: list[Suspension] = field(default_factory=list)
    terminations: list[Termination] = field(default_factory=list)
    levies: list[Levy] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    clawbacks: list[Clawback] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    refused: list[RefusedFact] = field(default_factory=list)
    deadlines: list[DueDate] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    incentives: list[Incentive] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)


_ADAPTER = TypeAdapter(Assessment)


def to_wire(assessment: Assessment) -> dict[str, Any]:
    """The published form, as plain JSON values."""
    wire: dict[str, Any] = _ADAPTER.dump_python(assessment, mode="json", by_alias=True, exclude_none=True)
    return wire


def to_json(assessment: Assessment) -> str:
    """The published form as JSON text; the same assessment gives the same bytes."""
    return _ADAPTER.dump_json(assessment, by_alias=True, exclude_none=True).decode()
