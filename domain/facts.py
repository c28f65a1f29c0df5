"""Facts: what happened in a person's life, as the senders report it. This is the wire contract.

Names are the wire names (JSON and YAML). A fact type or a field that does not stand here is refused. The order of the
classes is the order in which facts of one day apply.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from domain.areas import AreaCode
from domain.bilingual import Text
from domain.errors import ContractError
from domain.money import Money

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _civil_date(value: object) -> object:
    # pydantic would read a number as seconds since 1970 and a datetime as its day; both hide a sender's mistake.
    if isinstance(value, datetime) or not (
        isinstance(value, date) or (isinstance(value, str) and _DATE.fullmatch(value))
    ):
        raise ValueError("a civil date is written YYYY-MM-DD")
    return value


CivilDate = Annotated[
    date,
    BeforeValidator(_civil_date),
    WithJsonSchema({"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
]
# Text without control characters, which no database and no log should have to hold.
Words = Annotated[str, Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
Month = Annotated[str, Field(pattern=r"^(19[5-9][0-9]|20[0-9]{2}|21[0-9]{2})-(0[1-9]|1[0-2])$")]
Year = Annotated[int, Field(ge=1949, le=2200, strict=True)]
Scheme = Literal["resident", "employee"]
Capacity = Literal["ordinary", "newborn", "student", "flexible", "unit"]
Identity = Literal["birth_certificate", "id_number"]
NameUsed = Literal["own", "parent", "virtual"]
Group = Literal[
    "poor_registered",
    "low_income",
    "low_income_a",
    "low_income_b",
    "low_income_c",
    "low_income_family",
    "five_guarantee",
    "three_none",
    "orphan",
    "disability_1",
    "disability_2",
    "disability_3",
    "disability_4",
    "disabled_no_capacity",
    "special_family_planning",
    "entitled_group",
    "martyr_dependant",
    "expropriated_urban",
    "expropriated_farmer",
    "veteran",
    "army_spouse",
    "farm_area",
    "medical_assistance",
    "rural_low_income",
    "hard_up",
]


class FactBase(BaseModel):
    """What every fact has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    on: CivilDate = Field(description="the day it happened")
    area: AreaCode | None = Field(default=None, description="GB/T 2260 code; the case's area where it is left out")
    recorded_on: CivilDate | None = Field(default=None, description="the day it reached us; `on` where it is left out")
    id: Words | None = Field(default=None, min_length=1, max_length=200, description="the sender's own id of this fact")
    corrects: Words | None = Field(default=None, max_length=200, description="id of the fact that this one replaces")
    withdrawn: bool = Field(default=False, description="with `corrects`: takes that fact back")

    @property
    def known_on(self) -> date:
        return self.recorded_on or self.on

    def content(self) -> dict[str, Any]:
        """The fact without what the receiver adds; two facts with the same content say the same."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude={"recorded_on", "id"})

    @cached_property
    def fact_id(self) -> str:
        """The sender's id, or a digest of the content for a fact that came without one."""
        if self.id is not None:
            return self.id
        text = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:24]

    @model_validator(mode="after")
    def _dates_agree(self) -> FactBase:
        if self.recorded_on is not None and self.recorded_on < self.on:
            raise ValueError("recorded_on is before on: a fact cannot be recorded before it happened")
        if self.withdrawn and self.corrects is None:
            raise ValueError("withdrawn needs corrects: the id of the fact that is taken back")
        return self


class Birth(FactBase):
    type: Literal["birth"]
    identity: Identity = "birth_certificate"
    name: NameUsed = "own"
    guardian_covered: bool | None = None
    mother_covered: bool | None = None


class HukouRegistered(FactBase):
    type: Literal["hukou_registered"]


class IdentityUpdated(FactBase):
    type: Literal["identity_updated"]
    identity: Identity = "id_number"
    name: NameUsed = "own"


class Died(FactBase):
    type: Literal["died"]


class Moved(FactBase):
    type: Literal["moved"]
    kind: Literal["hukou", "residence", "returned_from_abroad", "released"]


class Registered(FactBase):
    type: Literal["registered"]
    scheme: Scheme
    capacity: Capacity = "ordinary"
    tier: Literal[1, 2] | None = None
    supplementary: bool = False
    household: Words | None = None
    plan_year: Year | None = None
    channel: Literal["counter", "online", "school", "village", "bank", "employer"] | None = None


class Paid(FactBase):
    type: Literal["paid"]
    scheme: Scheme
    plan_year: Year | None = None
    months: Annotated[int, Field(ge=1, le=12)] | None = None
    years: Annotated[int, Field(ge=1, le=10)] | None = None
    from_month: Month | None = None
    to_month: Month | None = None
    capacity: Capacity | None = None
    arrived_on: CivilDate | None = None
    amount: Money | None = None
    kind: Literal["individual", "full", "repair", "lump_sum"] = "individual"
    repairs_year: Year | None = None
    payer: Literal["person", "employer", "government", "unemployment_fund", "family"] = "person"

    @property
    def arrival(self) -> date:
        return self.arrived_on or self.on


class DeductionFailed(FactBase):
    type: Literal["deduction_failed"]
    scheme: Scheme
    plan_year: Year | None = None


class WaiverConfirmed(FactBase):
    type: Literal["waiver_confirmed"]
    scheme: Scheme
    plan_year: Year


class EmploymentStarted(FactBase):
    type: Literal["employment_started"]
    form: Literal["unit", "seasonal", "flexible"] = "unit"
    first_time: bool | None = None


class EmploymentEnded(FactBase):
    type: Literal["employment_ended"]


class StopRequested(FactBase):
    type: Literal["stop_requested"]
    scheme: Scheme


class SchoolEntered(FactBase):
    type: Literal["school_entered"]
    level: Literal["college", "school", "kindergarten"] = "college"
    out_of_city: bool = False


class SchoolLeft(FactBase):
    type: Literal["school_left"]
    reason: Literal["graduated", "left"] = "graduated"


class GroupGranted(FactBase):
    type: Literal["group_granted"]
    group: Group


class GroupEnded(FactBase):
    type: Literal["group_ended"]
    group: Group


class Discharged(FactBase):
    type: Literal["discharged"]
    relative: bool = False


class LandExpropriated(FactBase):
    type: Literal["land_expropriated"]
    premium_paid_until: CivilDate | None = None


class HouseholdState(FactBase):
    type: Literal["household_state"]
    household: Words
    all_enrolled: bool


class BenefitsUsed(FactBase):
    type: Literal["benefits_used"]
    scheme: Scheme
    serious_illness: bool = False
    quota_used: bool = False


class Admitted(FactBase):
    type: Literal["admitted"]
    discharged_on: CivilDate | None = None


class AlsoEnrolled(FactBase):
    type: Literal["also_enrolled"]
    scheme: Scheme
    plan_year: Year | None = None
    since: CivilDate | None = None
    usual_residence: bool | None = None
    continuous_months: Annotated[int, Field(ge=0)] | None = None
    paid_up: bool | None = None
    can_pay_now: bool | None = None
    full_time: bool | None = None


class KeepChosen(FactBase):
    type: Literal["keep_chosen"]
    scheme: Scheme
    keep_area: AreaCode
    commitment: bool = False


class RepairRequested(FactBase):
    type: Literal["repair_requested"]
    scheme: Scheme
    years: Annotated[int, Field(ge=1)]


class RefundRequested(FactBase):
    type: Literal["refund_requested"]
    scheme: Scheme
    plan_year: Year | None = None


class TransferRequested(FactBase):
    type: Literal["transfer_requested"]
    scheme: Scheme
    from_area: AreaCode
    to_area: AreaCode


class TransferSheetReceived(FactBase):
    type: Literal["transfer_sheet_received"]
    scheme: Scheme
    from_area: AreaCode
    to_area: AreaCode


class TransferCompleted(FactBase):
    type: Literal["transfer_completed"]
    scheme: Scheme
    from_area: AreaCode
    to_area: AreaCode


class RefundConfirmed(FactBase):
    type: Literal["refund_confirmed"]
    scheme: Scheme
    plan_year: Year | None = None
    amount: Money | None = None


class RefundFailed(FactBase):
    type: Literal["refund_failed"]
    scheme: Scheme
    plan_year: Year | None = None
    amount: Money | None = None


class Merged(FactBase):
    type: Literal["merged"]
    other: Words


class Unmerged(FactBase):
    type: Literal["unmerged"]
    other: Words


class Decided(FactBase):
    type: Literal["decided"]
    question: Words | None = None
    case: Words | None = None
    answer: Words
    by: Words
    approved_by: Words | None = None
    reason: Words


def _without_on(schema: dict[str, Any]) -> None:
    """`on` is the first day of what was covered, and need not be said again."""
    schema["required"] = [name for name in schema["required"] if name != "on"]


class CoveredBefore(FactBase):
    type: Literal["covered_before"]
    scheme: Scheme
    starts: CivilDate = Field(alias="from")
    ends: CivilDate = Field(alias="to")

    model_config = ConfigDict(serialize_by_alias=True, json_schema_extra=_without_on)

    @model_validator(mode="before")
    @classmethod
    def _on_is_from(cls, value: Any) -> Any:
        return {"on": value["from"], **value} if isinstance(value, dict) and "from" in value else value


Fact = (
    Birth
    | HukouRegistered
    | IdentityUpdated
    | Died
    | Moved
    | Registered
    | Paid
    | DeductionFailed
    | WaiverConfirmed
    | EmploymentStarted
    | EmploymentEnded
    | StopRequested
    | SchoolEntered
    | SchoolLeft
    | GroupGranted
    | GroupEnded
    | Discharged
    | LandExpropriated
    | HouseholdState
    | BenefitsUsed
    | Admitted
    | AlsoEnrolled
    | KeepChosen
    | RepairRequested
    | RefundRequested
    | TransferRequested
    | TransferSheetReceived
    | TransferCompleted
    | RefundConfirmed
    | RefundFailed
    | Merged
    | Unmerged
    | Decided
    | CoveredBefore
)
AnyFact = Annotated[Fact, Field(discriminator="type")]


class ReportedFact(RootModel[dict[str, Any]]):
    """A fact as a message: its wire form, not judged yet, so that whoever receives it can say what is wrong with it."""


FACT_TYPES: tuple[str, ...] = tuple(get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(Fact))
"""Every fact type, in the order in which facts of one day apply."""

_ADAPTER: TypeAdapter[Fact] = TypeAdapter(AnyFact)


def parse_fact(data: object) -> Fact:
    """A fact from its wire form (a mapping, or JSON text).

    Raises ContractError whose message names each wrong field and what was expected of it.
    """
    try:
        return _ADAPTER.validate_json(data) if isinstance(data, str | bytes) else _ADAPTER.validate_python(data)
    except ValidationError as error:
        text = describe(error)
        raise ContractError(text.en, text.zh) from None


def describe(error: ValidationError) -> Text:
    """What is wrong with a fact, field by field, without repeating the values (they may be personal data)."""
    sentences = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = ".".join(field_name(part) for part in problem["loc"] if part not in FACT_TYPES)
        message = problem["msg"].removeprefix("Value error, ")
        match problem["type"]:
            case "union_tag_invalid":
                sentences.append(
                    Text("字段 type:没有这种事实", "field type: this fact type is not part of the contract")
                )
            case "union_tag_not_found":
                sentences.append(Text("字段 type:缺少", "field type: expected, but missing"))
            case "extra_forbidden":
                sentences.append(
                    Text(f"字段 {place}:这种事实没有该字段", f"field {place}: this fact type has no such field")
                )
            case "missing":
                sentences.append(Text(f"字段 {place}:缺少", f"field {place}: expected, but missing"))
            case _ if place:
                sentences.append(Text(f"字段 {place}:{message}", f"field {place}: {message}"))
            case _:
                sentences.append(Text(message, message))
    return Text(";".join(item.zh for item in sentences), "; ".join(item.en for item in sentences))


def field_name(part: object) -> str:
    """A field as an error may name it: a name that no contract could have is somebody's words, and not repeated."""
    text = str(part)
    return text if re.fullmatch(r"[A-Za-z0-9_]{1,40}", text) else "…"


def wire(fact: Fact) -> str:
    """Compact JSON of a fact, as a life carries it and the journal keeps it."""
    return fact.model_dump_json(exclude_defaults=True, by_alias=True)
