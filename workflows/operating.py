"""Operating: what people at the bureau may do to a life, each as an update that the Web UI's own form can send.

A request that cannot be carried out is refused with a sentence and leaves the life, and its history, as they were.
"""

from __future__ import annotations

import json
from typing import Any

from temporalio import workflow

from domain.bilingual import Text
from domain.facts import Fact, parse_fact, wire
from domain.life import CASES, EffectKind, Hold, Operation, OperationReceipt, Slot, SlotState
from domain.operations import (
    TWO_PEOPLE,
    Approve,
    Correct,
    Merge,
    OperatorRequest,
    Reject,
    Reopen,
    Request,
    Resolve,
    Retry,
    Settle,
    Void,
    WriteOff,
    parse_request,
)
from workflows.answering import Answering
from workflows.carrying_out import CarryingOut
from workflows.judging import may_be_out
from workflows.names import case_workflow_id
from workflows.operator_view import PENDING
from workflows.two_people import proposal_of, read_request, refuse, seen_by_second_person

RECORD = "registry"


class Operating(Answering, CarryingOut):
    """The part of a life that operators act on."""

    @workflow.update(description="决定待定事项 · Decide a parked question")
    async def resolve(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("resolve", request)

    @workflow.update(description="更正或撤回一项事实 · Correct a fact, or take it back")
    async def correct(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("correct", request)

    @workflow.update(description="核销应缴,须两人 · Give a levy up; takes two people")
    async def write_off(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("write_off", request)

    @workflow.update(description="线下办结,须两人 · Settled by other means; takes two people")
    async def settle(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("settle", request)

    @workflow.update(description="合并登记号,须两人 · Two keys are one person; takes two people")
    async def merge(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("merge", request)

    @workflow.update(description="立即再试 · Try a stuck effect again now")
    async def retry(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("retry", request)

    @workflow.update(description="作废,限复核 · Declare an effect void; reviewers only")
    async def void(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("void", request)

    @workflow.update(description="重新办理,限复核 · Let the rules decide again about an effect; reviewers only")
    async def reopen(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("reopen", request)

    @workflow.update(description="复核同意 · Approve a proposal")
    async def approve(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("approve", request)

    @workflow.update(description="复核不同意 · Reject a proposal")
    async def reject(self, request: OperatorRequest) -> OperationReceipt:
        return await self._operate("reject", request)

    @resolve.validator
    def _may_resolve(self, request: OperatorRequest) -> None:
        self._check_request("resolve", request)

    @correct.validator
    def _may_correct(self, request: OperatorRequest) -> None:
        self._check_request("correct", request)

    @write_off.validator
    def _may_write_off(self, request: OperatorRequest) -> None:
        self._check_request("write_off", request)

    @settle.validator
    def _may_settle(self, request: OperatorRequest) -> None:
        self._check_request("settle", request)

    @merge.validator
    def _may_merge(self, request: OperatorRequest) -> None:
        self._check_request("merge", request)

    @retry.validator
    def _may_retry(self, request: OperatorRequest) -> None:
        self._check_request("retry", request)

    @void.validator
    def _may_void(self, request: OperatorRequest) -> None:
        self._check_request("void", request)

    @reopen.validator
    def _may_reopen(self, request: OperatorRequest) -> None:
        self._check_request("reopen", request)

    @approve.validator
    def _may_approve(self, request: OperatorRequest) -> None:
        self._check_request("approve", request)

    @reject.validator
    def _may_reject(self, request: OperatorRequest) -> None:
        self._check_request("reject", request)

    # -- what is allowed ----------------------------------------------------------------------------------------------

    def _check_request(self, verb: str, raw: OperatorRequest) -> None:
        """Refuse what cannot be done. Reads only."""
        request = read_request(verb, raw)
        if self._first_answer(request) is None:
            self._check_content(request)

    def _first_answer(self, request: Request) -> OperationReceipt | None:
        """The answer to a request that was sent before.

        What states a fact or waits for a second person is the same operation when it says the same; anything else may
        well be asked for twice, unless the sender names it.
        """
        name = request.operation_id
        same = isinstance(request, Resolve | Correct | Merge) or name in self.life.proposals or request.id is not None
        return self.life.operation_receipts.get(name) if same else None

    def _check_content(self, request: Request) -> None:
        match request:
            case Resolve():
                self._check_question(request)
            case Correct() | Merge():
                self._fact_of(request, "check")
            case WriteOff() | Settle() | Retry() | Void() | Reopen():
                self._check_slot(request)
            case Approve() | Reject():
                seen_by_second_person(self.life.proposals, request, self.today())

    def _check_question(self, request: Resolve) -> None:
        asked = sorted({item.question for item in self.step.parked})
        if request.question not in asked:
            refuse(
                f"没有待定事项{request.question};待定的有:{'、'.join(asked) or '无'}",
                f"no question {request.question} is open; open are: {', '.join(asked) or 'none'}",
            )

    def _check_slot(self, request: WriteOff | Settle | Retry | Void | Reopen) -> None:
        if isinstance(request, Retry) and request.slot == RECORD:
            if not self.record_trouble:
                refuse("登记入库没有受阻", "the record is not stuck")
            return
        slot = self.slot(request.slot)
        if slot is None:
            open_now = sorted(name for name, item in self.life.slots.items() if item.state in PENDING)
            refuse(
                f"没有事项{request.slot};办理中的有:{'、'.join(open_now) or '无'}",
                f"there is no effect {request.slot}; under way are: {', '.join(open_now) or 'none'}",
            )
        if isinstance(request, WriteOff) and slot.kind is not EffectKind.LEVY:
            refuse("只能核销应缴", "only a levy can be written off")
        if isinstance(request, Settle) and slot.kind in CASES:
            where = case_workflow_id(self.life.key, request.slot)
            refuse(f"请在流程{where}中办理", f"do this at the workflow {where}, which carries the case")
        if isinstance(request, Retry) and slot.retry_at is None:
            refuse("该事项没有受阻", "this effect is not stuck")
        if not isinstance(request, Reopen | Retry) and slot.held:
            refuse(f"该事项已{slot.held};请先重新办理", f"this effect is already {slot.held}; reopen it first")
        if isinstance(request, WriteOff | Settle) and slot.state in (SlotState.WITHDRAWING, SlotState.WITHDRAWN):
            refuse("该事项已撤回", "this effect was taken back")
        if isinstance(request, Reopen) and slot.state in PENDING and not slot.held:
            refuse("该事项正在办理", "this effect is under way")

    # -- what is done -------------------------------------------------------------------------------------------------

    async def _operate(self, verb: str, raw: OperatorRequest) -> OperationReceipt:
        request = parse_request(verb, raw.root)
        known = self._first_answer(request)
        if known is not None:
            return known
        match request:
            case Approve():
                answer = await self._approve(request)
            case Reject():
                proposal = self.life.proposals.pop(request.proposal)
                self.life.operation_receipts.pop(request.proposal, None)
                answer = self._answered(request, "rejected", Text("复核不同意", "rejected"), proposal.verb)
            case _ if self._takes_two(verb, request):
                answer = self._propose(verb, request)
            case _:
                answer = await self._do(verb, request)
        self.life.operation_receipts[request.operation_id] = answer
        self.woken = True
        return answer

    def _takes_two(self, verb: str, request: Request) -> bool:
        if verb in TWO_PEOPLE:
            return True
        if not isinstance(request, Correct):
            return False
        facts = [parse_fact(self.life.facts[request.fact])]
        if request.replacement is not None:
            facts.append(parse_fact(self._fact_of(request, "check")))
        return any(_plan_year(fact) < self.today().year for fact in facts)

    def _propose(self, verb: str, request: Request) -> OperationReceipt:
        self.life.proposals[request.operation_id] = proposal_of(verb, request, self.today())
        says = Text(f"须由另一人复核:{request.operation_id}", f"a second person must approve {request.operation_id}")
        return self._answered(request, "awaiting_approval", says, verb)

    async def _approve(self, approval: Approve) -> OperationReceipt:
        proposal = self.life.proposals[approval.proposal]
        request = parse_request(proposal.verb, json.loads(proposal.content))
        # Much may have happened since it was proposed.
        self._check_content(request)
        del self.life.proposals[approval.proposal]
        self._journal(approval, "approve", "done")
        return await self._do(proposal.verb, request)

    async def _do(self, verb: str, request: Request) -> OperationReceipt:
        self._journal(request, verb, "done")
        done = Text("已办理", "done")
        match request:
            case Resolve() | Correct() | Merge():
                stated = parse_fact(self._fact_of(request, "take"))
                receipt = await self.take(stated, f"{request.role}:{request.actor}")
                return OperationReceipt(operation=request.operation_id, state="done", says=done, receipt=receipt)
            case Retry():
                self._try_again(request.slot)
            case Reopen():
                slot = self._slot(request.slot)
                again = {"held": Hold.NONE, "digest": "", "trouble": ""}
                self.keep_slot(request.slot, slot.model_copy(update=again))
            case Settle():
                self._hold(request.slot, Hold.SETTLED, SlotState.DONE)
            case Void():
                self._hold(request.slot, Hold.VOID, None)
            case WriteOff():
                self._hold(request.slot, Hold.WRITTEN_OFF, None)
        return OperationReceipt(operation=request.operation_id, state="done", says=done)

    def _slot(self, name: str) -> Slot:
        slot = self.slot(name)
        assert slot is not None, name
        return slot

    def _try_again(self, name: str) -> None:
        if name == RECORD:
            self.record_again = True
        else:
            self.life.slots[name].retry_at = None

    def _hold(self, name: str, hold: Hold, state: SlotState | None) -> None:
        slot = self._slot(name)
        if state is None:
            state = SlotState.WITHDRAWING if may_be_out(slot) else SlotState.WITHDRAWN
        content = {"state": state, "held": hold, "retry_at": None, "trouble": "", "failing_since": None}
        self.keep_slot(name, slot.model_copy(update=content))

    def _fact_of(self, request: Resolve | Correct | Merge, purpose: str) -> str:
        """The fact that a request states, as JSON; refuses one that cannot be stated."""
        fact_id = request.operation_id
        today = self.today().isoformat()
        content: dict[str, Any]
        match request:
            case Resolve():
                content = {
                    "type": "decided",
                    "on": today,
                    "area": request.area or self.step.area or None,
                    "question": request.question,
                    "case": request.case,
                    "answer": request.answer,
                    "by": request.actor,
                    "reason": request.reason,
                }
            case Merge():
                if request.other == self.life.key:
                    refuse("这是同一登记号", "this is the same key")
                content = {"type": "merged", "on": today, "other": request.other}
            case Correct():
                content = self._correction(request)
        content = {name: value for name, value in content.items() if value is not None} | {"id": fact_id}
        return wire(self.check_fact(content) if purpose == "check" else parse_fact(content))

    def _correction(self, request: Correct) -> dict[str, Any]:
        text = self.life.facts.get(request.fact)
        if text is None:
            refuse(f"没有事实{request.fact}", f"there is no fact {request.fact}; `facts` lists them")
        for other_id, other in self.life.facts.items():
            if parse_fact(other).corrects == request.fact and other_id != request.operation_id:
                refuse(
                    f"事实{request.fact}已由{other_id}更正,请更正后者",
                    f"the fact {request.fact} was already corrected by {other_id}; correct that one",
                )
        stated = parse_fact(text)
        if request.replacement is None:
            added = {"recorded_on", "corrects"}
            kept = stated.model_dump(mode="json", exclude_defaults=True, by_alias=True, exclude=added)
            return {**kept, "type": stated.type, "corrects": request.fact, "withdrawn": True}
        if request.replacement.get("type", stated.type) != stated.type:
            refuse("更正不能改变事实的种类", f"a correction is of the same type, {stated.type}; or take the fact back")
        return {**request.replacement, "type": stated.type, "corrects": request.fact}

    # -- what is kept -------------------------------------------------------------------------------------------------

    def _answered(self, request: Request, state: str, says: Text, verb: str) -> OperationReceipt:
        self._journal(request, verb, "proposed" if state == "awaiting_approval" else "rejected")
        return OperationReceipt.model_validate({"operation": request.operation_id, "state": state, "says": says})

    def _journal(self, request: Request, verb: str, state: str) -> None:
        entry = Operation.model_validate(
            {
                "id": f"{request.operation_id}:{state}:{workflow.now():%Y%m%dT%H%M%S%f}",
                "on": self.today(),
                "verb": verb,
                "actor": request.actor,
                "role": request.role,
                "reason": request.reason,
                "about": request.about,
                "state": state,
            }
        )
        self.life.unrecorded_operations.append(entry)
        states = {"done": "办理 · done", "proposed": "提出 · proposed", "rejected": "不同意 · rejected"}
        what = Text(f"{verb} {request.about}:{states[state]}", f"{verb} {request.about}: {state}")
        self.note(what, f"{request.actor} ({request.role}): {request.reason}")

    def lapse_proposals(self) -> None:
        """Let go of proposals that nobody looked at in time; they can be made again."""
        for name, proposal in list(self.life.proposals.items()):
            if proposal.lapses_on <= self.today():
                del self.life.proposals[name]
                self.life.operation_receipts.pop(name, None)
                self.life.unrecorded_operations.append(
                    Operation(
                        id=f"{name}:lapsed:{self.today()}",
                        on=self.today(),
                        verb=proposal.verb,
                        actor=proposal.actor,
                        role="",
                        reason="",
                        about=name,
                        state="lapsed",
                    )
                )
                what = Text(f"{proposal.verb}逾期未复核", f"nobody approved {proposal.verb} in time")
                self.note(what, proposal.actor)


def _plan_year(fact: Fact) -> int:
    """The earliest plan year that a fact speaks of, or the year in which it happened."""
    named = [getattr(fact, name, None) for name in ("plan_year", "repairs_year", "case")]
    years = [int(year) for year in named if year is not None and str(year).isdecimal()]
    return min(years, default=fact.on.year)
