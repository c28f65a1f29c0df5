"""Senders (报送单位): who reports life events, where, about whom, and what they may say and read."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from domain.areas import NATION, AreaCode, chain, place_name
from domain.bilingual import Text
from domain.errors import ContractError, Forbidden
from domain.facts import FACT_TYPES, Fact

SenderId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$")]
NOT_REPORTED = ("decided", "merged", "unmerged")
"""Facts that operators state, each by an act of its own; no sender does."""


LONGEST_NUMBER = 120
"""Characters of a sender's own number of a fact; with the sender's id it is longer."""
_AREAS = ("area", "from_area", "to_area", "keep_area")


class SenderKind(StrEnum):
    HOSPITAL = "hospital"
    SCHOOL = "school"
    EMPLOYER = "employer"
    TAX_BUREAU = "tax_bureau"
    CIVIL_AFFAIRS = "civil_affairs"
    PUBLIC_SECURITY = "public_security"
    VETERANS_AFFAIRS = "veterans_affairs"
    VILLAGE_AGENT = "village_agent"
    OTHER_AREA = "other_area"
    """The bureau of a neighbouring city or province."""
    BUREAU = "bureau"
    """The counter of the bureau itself."""


class Reading(StrEnum):
    COVERAGE = "coverage"
    """Whether somebody is covered on a day."""
    TIMELINE = "timeline"
    """Everything that was recorded of a person, and where they stand."""
    OPEN = "open"
    """What a person must decide, in the whole area."""
    KEYS = "keys"
    """The opaque key of whoever holds a document."""


class Sender(BaseModel):
    """One sender, as the bureau admits it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: SenderId
    name: Text
    kind: SenderKind
    area: AreaCode
    """The area of which it may speak, with all that lie within it."""
    reports: tuple[str, ...]
    """The fact types that it may report."""
    reads: tuple[Reading, ...] = ()
    people: Literal["area", "own"] = "area"
    """Of whom: everybody, by facts of its area, or those only of whom it reported one of `claims`."""
    claims: tuple[str, ...] = ()
    """What makes a person one of its own, such as entering the school."""
    reports_per_minute: int = Field(default=600, ge=1)
    """In one process of the service; more are asked to wait."""

    @field_validator("area")
    @classmethod
    def _is_a_place(cls, area: str) -> str:
        if place_name(area) is None:
            raise ValueError(f"{area} is no division of GB/T 2260")
        return area

    @model_validator(mode="after")
    def _agrees(self) -> Sender:
        for name in (*self.reports, *self.claims):
            if name not in FACT_TYPES or name in NOT_REPORTED:
                raise ValueError(f"{name} is no fact that a sender reports")
        if self.people == "own" and not self.claims:
            raise ValueError("people: own needs claims, the facts that make a person its own")
        if extra := [name for name in self.claims if name not in self.reports]:
            raise ValueError(f"claims {extra[0]}, which it may not report")
        return self

    def stated(self, fact: Fact) -> Fact:
        """A fact as this sender states it: in its area where none is named, and with an id that is its own.

        Raises ContractError for an area that is no place, Forbidden for what this sender may not say.
        """
        if fact.type not in self.reports:
            raise Forbidden(
                f"field type: {self.id} may not report {fact.type}; it may report {', '.join(self.reports)}",
                f"字段 type:{self.id}无权报送{fact.type};可报送:{'、'.join(self.reports)}",
            )
        for name in _AREAS:
            place = getattr(fact, name, None)
            if place is not None and place_name(place) is None:
                raise ContractError(
                    f"field {name}: {place} is no division of GB/T 2260", f"字段 {name}:{place}不是行政区划代码"
                )
        area = fact.area or (None if self.area == NATION else self.area)
        if area is None:
            raise ContractError("field area: expected, but missing", "字段 area:缺少")
        if self.area not in chain(area):
            raise Forbidden(
                f"field area: {self.id} speaks of {self.area} and not of {area}",
                f"字段 area:{self.id}只能报送{self.area},不能报送{area}",
            )
        ends = [place for place in (getattr(fact, "from_area", None), getattr(fact, "to_area", None)) if place]
        if ends and not self.speaks_of(ends):
            raise Forbidden(
                f"field from_area: {self.id} speaks of {self.area}, which the transfer does not concern",
                f"字段 from_area:{self.id}只能报送{self.area}的转移接续",
            )
        for name, number in (("id", fact.id), ("corrects", fact.corrects)):
            if number is not None and len(number) > LONGEST_NUMBER:
                raise ContractError(
                    f"field {name}: at most {LONGEST_NUMBER} characters", f"字段 {name}:最多{LONGEST_NUMBER}个字符"
                )
        # Two senders may number their facts alike; a digest of the content is the same fact whoever says it.
        own = {"area": area, "id": None if fact.id is None else self.own_id(fact.id)}
        if fact.corrects is not None and not is_digest(fact.corrects):
            own["corrects"] = self.own_id(fact.corrects)
        return fact.model_copy(update=own)

    def own_id(self, number: str) -> str:
        """The id of one of this sender's facts, from the sender's own number of it."""
        prefix = f"{self.id}:"
        return number if number.startswith(prefix) else f"{prefix}{number}"

    def may_read(self, what: Reading) -> None:
        """Raises Forbidden where it may not."""
        if what not in self.reads:
            raise Forbidden(f"{self.id} may not read {what}", f"{self.id}无权查询{what}")

    def speaks_of(self, areas: Iterable[str]) -> bool:
        """Whether one of these areas lies in this sender's."""
        return any(self.area in chain(area) for area in areas if area)


def is_digest(fact_id: str) -> bool:
    """Whether a fact is named by its content, because it came without an id."""
    return fact_id.startswith("sha256:")
