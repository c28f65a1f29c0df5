"""Two people: what one operator proposes takes effect when another one, who may, approves it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NoReturn

from temporalio.exceptions import ApplicationError

from domain.bilingual import Text
from domain.errors import ContractError
from domain.life import Proposal
from domain.operations import REVIEWERS_ONLY, Approve, OperatorRequest, Reject, Request, parse_request

# So long a proposal waits for a second person; then it lapses, and may be made again.
PROPOSAL_WAITS = timedelta(days=30)


def refuse(zh: str, en: str) -> NoReturn:
    """Refuse a request with a sentence."""
    raise ApplicationError(Text(zh, en).both(), type="Refused")


def read_request(verb: str, raw: OperatorRequest) -> Request:
    """A request as an operator sent it; refuses one that is malformed or that the role may not make."""
    try:
        request = parse_request(verb, raw.root)
    except ContractError as error:
        raise ApplicationError(str(error), type="ContractError") from None
    if verb in REVIEWERS_ONLY and request.role != "reviewer":
        refuse("只有复核人员可以办理", "only a reviewer may do this")
    return request


def proposal_of(verb: str, request: Request, today: date) -> Proposal:
    """A request as a proposal that waits for a second person."""
    return Proposal(
        id=request.operation_id,
        verb=verb,
        content=request.model_dump_json(exclude_none=True),
        actor=request.actor,
        on=today,
        lapses_on=today + PROPOSAL_WAITS,
    )


def seen_by_second_person(proposals: dict[str, Proposal], request: Approve | Reject, today: date) -> Proposal:
    """The proposal that a request is about; refuses where there is none, or where the same person looks at it."""
    proposal = proposals.get(request.proposal)
    if proposal is None:
        waiting = ", ".join(sorted(proposals))
        refuse(
            f"没有待复核事项{request.proposal};待复核的有:{waiting or '无'}",
            f"no proposal {request.proposal} waits for approval; waiting are: {waiting or 'none'}",
        )
    if proposal.lapses_on <= today:
        refuse("该事项已逾期,请重新提出", "this proposal has lapsed; make it again")
    if proposal.actor == request.actor:
        refuse("须由另一人复核", "a second person must look at it; this one proposed it")
    return proposal
