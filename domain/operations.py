"""What operators may ask of a life, each with who asks, in which role and why. The wire form of the operators' updates.

Temporal does not know who sends an update: actor and role are claims, which the way in has to check and which are
recorded as they were made.
"""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError

from domain.areas import AreaCode
from domain.errors import ContractError
from domain.facts import describe

Role = Literal["clerk", "reviewer"]
Short = Annotated[str, Field(min_length=1, max_length=200)]


class OperatorRequest(RootModel[dict[str, Any]]):
    """A request as a message: its wire form, not checked yet, so that whoever receives it can say what is wrong."""


class Request(BaseModel):
    """What every request has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: Annotated[str, Field(min_length=1, max_length=80, description="经办人 · who asks, as the bureau names them")]
    role: Role = Field(description="经办 clerk · 复核 reviewer")
    reason: Annotated[str, Field(min_length=1, max_length=500, description="理由 · why")]
    id: str | None = Field(default=None, min_length=1, max_length=120, description="重发时不变 · the same in a resend")

    @property
    def operation_id(self) -> str:
        """The sender's id, or a digest of the content: the same request again is the same operation."""
        if self.id is not None:
            return f"operation:{self.id}"
        text = json.dumps([type(self).__name__, self.model_dump(mode="json")], sort_keys=True)
        return "operation:" + hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def about(self) -> str:
        """What the request is about: its first field of its own."""
        own = [name for name in type(self).model_fields if name not in Request.model_fields]
        return str(getattr(self, own[0]))


class Resolve(Request):
    """决定待定事项 · Decide a question that was parked."""

    question: Short
    answer: Annotated[str, Field(min_length=1, max_length=2000)]
    case: str | None = Field(default=None, description="只对该年度 · for this plan year only")
    area: AreaCode | None = None


class Correct(Request):
    """更正或撤回事实 · Correct a fact, or take it back where no replacement is given."""

    fact: Short
    replacement: dict[str, Any] | None = None


class WriteOff(Request):
    """核销应缴 · Give a levy up."""

    slot: Short


class Settle(Request):
    """线下办结 · Say that an effect was carried out by other means."""

    slot: Short
    evidence: Short


class Merge(Request):
    """合并两个登记号 · Say that two keys are one person."""

    other: Short


class Retry(Request):
    """立即再试 · Try a stuck effect again now; `registry` stands for the record."""

    slot: Short


class Void(Request):
    """作废 · Say that an effect must not be, whatever the rules want."""

    slot: Short


class Reopen(Request):
    """重新办理 · Let the rules decide again about an effect that was held, done or taken back."""

    slot: Short


class Approve(Request):
    """复核同意 · Approve what another operator proposed."""

    proposal: Short


class Reject(Request):
    """复核不同意 · Reject what another operator proposed."""

    proposal: Short


class Answer(Request):
    """复函 · An agency's answer to a letter of a case."""

    letter: Short
    accepted: bool
    months: Annotated[int, Field(ge=0)] | None = Field(
        default=None, description="累计月数 · months that the sheet carries"
    )


REQUESTS: dict[str, type[Request]] = {
    "resolve": Resolve,
    "correct": Correct,
    "write_off": WriteOff,
    "settle": Settle,
    "merge": Merge,
    "retry": Retry,
    "void": Void,
    "reopen": Reopen,
    "approve": Approve,
    "reject": Reject,
    "answer": Answer,
}
"""By the name of the update."""
TWO_PEOPLE = ("write_off", "settle", "merge")
"""What a second person must approve; so must a correction of a closed plan year."""
REVIEWERS_ONLY = ("void", "reopen", "approve", "reject")


def parse_request(verb: str, data: object) -> Request:
    """A request from its wire form. Raises ContractError whose message names each wrong field."""
    try:
        return REQUESTS[verb].model_validate(data)
    except ValidationError as error:
        text = describe(error)
        raise ContractError(text.en, text.zh) from None
