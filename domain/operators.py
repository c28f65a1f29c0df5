"""Operators (经办人员): who at the bureau may see the personal data of which area, and who may not."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, field_validator

from domain.areas import AreaCode, chain, place_name
from domain.bilingual import Text
from domain.senders import SenderId


class OperatorRole(StrEnum):
    CLERK = "clerk"
    """经办: works on the lives of the area."""
    REVIEWER = "reviewer"
    """复核: as a clerk; may also break the glass, with a reason."""
    AUDITOR = "auditor"
    """审计: reads the audit journal, and no personal data."""
    TECHNICIAN = "technician"
    """运维: keeps the system running, and reads no personal data."""


_READ = (OperatorRole.CLERK, OperatorRole.REVIEWER)


class Operator(BaseModel):
    """One operator, as the bureau admits them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: SenderId
    """The subject of their access tokens."""
    name: Text
    role: OperatorRole
    area: AreaCode
    """The area whose people they see, with all that lie within it; 000000 for the whole country."""

    @field_validator("area")
    @classmethod
    def _is_a_place(cls, area: str) -> str:
        if place_name(area) is None:
            raise ValueError(f"{area} is no division of GB/T 2260")
        return area

    @property
    def reads(self) -> bool:
        """Whether they see personal data at all."""
        return self.role in _READ

    @property
    def may_break_the_glass(self) -> bool:
        return self.role is OperatorRole.REVIEWER

    def sees(self, areas: Iterable[str]) -> bool:
        """Whether one of these areas lies in theirs."""
        return self.reads and any(self.area in chain(area) for area in areas if area)


class Operators(BaseModel):
    """All operators, as a file lists them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    operators: tuple[Operator, ...]

    @field_validator("operators")
    @classmethod
    def _each_once(cls, operators: tuple[Operator, ...]) -> tuple[Operator, ...]:
        ids = [operator.id for operator in operators]
        if twice := [name for name in ids if ids.count(name) > 1]:
            raise ValueError(f"{twice[0]} is listed twice")
        return operators

    def get(self, name: str) -> Operator | None:
        return next((operator for operator in self.operators if operator.id == name), None)
