"""Case work: what every case with another party does, whatever it is about.

A case is opened by a life, waits for tax bureaus and agencies for weeks, and reports facts back. Each wait has a
deadline and is repeated; each failure is shown with what to do; an operator can try again, or say that it was settled
by other means. When it no longer follows, its life withdraws it, and the procedure undoes what it did.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

from activities.cases import CaseActivities
from activities.notices import NoticeActivities
from activities.registry import RegistryActivities
from domain.bilingual import Text
from domain.cases import Case, CaseOperation, CaseReport, CaseStanding, Letter
from domain.civil_time import civil_day, first_instant
from domain.life import Attempt, EffectKind, Entry, Operation, OperationReceipt, Proposal
from domain.operations import Answer, Approve, OperatorRequest, Reject, Request, Retry, Settle, parse_request
from workflows.hearing import heard
from workflows.names import CASES_QUEUE, NOTICES_QUEUE, REGISTRY_QUEUE
from workflows.patience import ATTEMPT_LIMIT, ATTEMPT_RETRY, CALL_LIMIT, PATIENCE, PATIENCE_AFTER_REFUSAL
from workflows.search_attributes import OPEN_MATTERS, PARKED, PERSON_KEY, POOLING_AREA
from workflows.two_people import proposal_of, read_request, refuse, seen_by_second_person

# No source says how long an agency may take to answer a letter; after so many days ours is sent again.
LETTER_WAITS = timedelta(days=10)


class NoLongerFollowsError(Exception):
    """The life withdrew the case; whatever waits stops waiting, and the procedure undoes what it did."""


class SettledByOtherMeansError(Exception):
    """Two people said that it was done by other means; whatever waits stops waiting."""


class CaseWork:
    """What a case knows, and how it waits, asks and is operated on."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.stage = Text("已受理", "opened")
        self.letters: dict[str, Letter] = {}
        self.proposals: dict[str, Proposal] = {}
        self.answers: dict[str, OperationReceipt] = {}
        self.timeline: list[Entry] = []
        self.trouble = ""
        self.withdrawn = False
        self.revised = False
        self.again = False
        self.settled: Settle | None = None
        self.keeping: list[asyncio.Task[None]] = []
        self.stated: dict[str, dict[str, Any]] = {}
        self.undoing = False
        self.reopened = False
        self.shown: dict[SearchAttributeKey[Any], Any] = {}

    def today(self) -> date:
        return civil_day(workflow.now(), self.case.clock_shift_days)

    # -- what its life says -------------------------------------------------------------------------------------------

    @workflow.signal(description="内容变更 · Its life knows more about the case")
    def revise(self, said: RawValue) -> None:
        case = heard(said, Case)
        if case is not None and case.generation > self.case.generation:
            self.case = case.model_copy(update={"clock_shift_days": self.case.clock_shift_days})
            self.revised, self.withdrawn = True, False
            self.reopened = self.undoing
            workflow.upsert_memo({"generation": case.generation})

    @workflow.signal(description="不再成立 · The case no longer follows")
    def withdraw(self, said: RawValue) -> None:
        generation = heard(said, int)
        if generation is not None and generation >= self.case.generation:
            self.withdrawn, self.reopened = True, False

    # -- what people do -----------------------------------------------------------------------------------------------

    @workflow.update(description="复函 · An agency answers a letter")
    async def answer(self, request: OperatorRequest) -> OperationReceipt:
        return self._operate("answer", request)

    @workflow.update(description="立即再试 · Try again now")
    async def retry(self, request: OperatorRequest) -> OperationReceipt:
        return self._operate("retry", request)

    @workflow.update(description="线下办结,须两人 · Settled by other means; takes two people")
    async def settle(self, request: OperatorRequest) -> OperationReceipt:
        return self._operate("settle", request)

    @workflow.update(description="复核同意 · Approve a proposal")
    async def approve(self, request: OperatorRequest) -> OperationReceipt:
        return self._operate("approve", request)

    @workflow.update(description="复核不同意 · Reject a proposal")
    async def reject(self, request: OperatorRequest) -> OperationReceipt:
        return self._operate("reject", request)

    @answer.validator
    def _may_answer(self, request: OperatorRequest) -> None:
        self._check("answer", request)

    @retry.validator
    def _may_retry(self, request: OperatorRequest) -> None:
        self._check("retry", request)

    @settle.validator
    def _may_settle(self, request: OperatorRequest) -> None:
        self._check("settle", request)

    @approve.validator
    def _may_approve(self, request: OperatorRequest) -> None:
        self._check("approve", request)

    @reject.validator
    def _may_reject(self, request: OperatorRequest) -> None:
        self._check("reject", request)

    @workflow.query(description="现状 · Where this case stands")
    def standing(self) -> CaseStanding:
        return CaseStanding(
            stage=self.stage,
            generation=self.case.generation,
            content=self.case.content,
            letters=self.letters,
            proposals=list(self.proposals.values()),
            trouble=self.trouble,
            timeline=self.timeline,
        )

    def _check(self, verb: str, raw: OperatorRequest) -> None:
        request = read_request(verb, raw)
        if self._first_answer(request) is not None:
            return
        match request:
            case Answer():
                self._check_answer(request)
            case Retry():
                if not self.trouble:
                    refuse("该事项没有受阻", "nothing is stuck here")
            case Settle():
                if request.slot != self.case.slot:
                    refuse(f"本流程办理的是{self.case.slot}", f"this case carries {self.case.slot}")
            case Approve() | Reject():
                seen_by_second_person(self.proposals, request, self.today())

    def _first_answer(self, request: Request) -> OperationReceipt | None:
        """The answer to a request that was sent before; to try again may well be asked for twice."""
        if request.id is None:
            if isinstance(request, Retry):
                return None
            if isinstance(request, Settle) and request.operation_id not in self.proposals:
                return None
        return self.answers.get(request.operation_id)

    def _check_answer(self, request: Answer) -> None:
        letter = self.letters.get(request.letter)
        if letter is None:
            sent = ", ".join(self.letters)
            refuse(
                f"没有函件{request.letter};已发:{sent or '无'}", f"no letter {request.letter}; sent: {sent or 'none'}"
            )
        if letter.answer is not None:
            refuse("该函件已有答复", f"this letter was already answered by {letter.answered_by}")

    def _operate(self, verb: str, raw: OperatorRequest) -> OperationReceipt:
        request = parse_request(verb, raw.root)
        known = self._first_answer(request)
        if known is not None:
            return known
        state, says = "done", Text("已办理", "done")
        match request:
            case Answer():
                letter = self.letters[request.letter]
                letter.answer = "accepted" if request.accepted else "refused"
                letter.answered_by, letter.because, letter.months = request.actor, request.reason, request.months
            case Retry():
                self.again = True
            case Settle():
                self.proposals[request.operation_id] = proposal_of(verb, request, self.today())
                state = "awaiting_approval"
                says = Text(
                    f"须由另一人复核:{request.operation_id}", f"a second person must approve {request.operation_id}"
                )
            case Approve():
                proposed = parse_request("settle", json.loads(self.proposals.pop(request.proposal).content))
                assert isinstance(proposed, Settle)
                self.settled = proposed
            case Reject():
                del self.proposals[request.proposal]
                state, says = "rejected", Text("复核不同意", "rejected")
        self.note(Text(f"{verb} {request.about}", f"{verb} {request.about}"), by=_who(request))
        self.keeping.append(asyncio.create_task(self._keep(verb, request, state)))
        receipt = OperationReceipt.model_validate({"operation": request.operation_id, "state": state, "says": says})
        self.answers[request.operation_id] = receipt
        self.show()
        return receipt

    async def _keep(self, verb: str, request: Request, state: str) -> None:
        """Have the ledger keep what was done; Temporal forgets a closed case after its retention."""
        content = {
            "id": f"{request.operation_id}:{state}:{workflow.now():%Y%m%dT%H%M%S%f}",
            "on": self.today(),
            "verb": verb,
            "actor": request.actor,
            "role": request.role,
            "reason": request.reason,
            "about": f"{self.case.slot} {request.about}",
            "state": "proposed" if state == "awaiting_approval" else state,
        }
        done = CaseOperation(person=self.case.person, operation=Operation.model_validate(content))
        await workflow.execute_activity_method(
            RegistryActivities.keep_operation,
            done,
            task_queue=REGISTRY_QUEUE,
            start_to_close_timeout=CALL_LIMIT,
            retry_policy=ATTEMPT_RETRY,
            summary=f"登记入库 · record {verb}",
        )

    # -- what a procedure does ----------------------------------------------------------------------------------------

    def enter(self, zh: str, en: str) -> None:
        """Enter a stage of the procedure, and show it."""
        self.stage = Text(zh, en)
        self.note(self.stage)
        self.show()

    def note(self, what: Text, by: str = "") -> None:
        self.timeline.append(Entry(on=self.today(), what=what, by=by))

    async def until(self, holds: Callable[[], bool], day: date, summary: str) -> bool:
        """Wait until something holds, or until a civil day has passed (False). Raises when the case is taken away."""
        instant = first_instant(day + timedelta(days=1), self.case.clock_shift_days)
        return await self._wait(holds, max(instant - workflow.now(), timedelta(seconds=1)), summary)

    async def _wait(self, holds: Callable[[], bool], at_most: timedelta, summary: str) -> bool:
        try:
            await workflow.wait_condition(
                lambda: holds() or self._taken_away(), timeout=at_most, timeout_summary=summary
            )
        except TimeoutError:
            return False
        self._raise_if_taken_away()
        return True

    def _taken_away(self) -> bool:
        return not self.undoing and (self.withdrawn or self.settled is not None)

    def _raise_if_taken_away(self) -> None:
        if self._taken_away():
            if self.settled is not None:
                raise SettledByOtherMeansError
            raise NoLongerFollowsError

    async def attempt(self, call: Any, given: Any, queue: str, summary: str) -> Any:
        """Call an activity until it succeeds; a failure is shown and tried again later, or when an operator says so."""
        while True:
            try:
                answer = await workflow.execute_activity(
                    call,
                    given,
                    task_queue=queue,
                    start_to_close_timeout=CALL_LIMIT,
                    schedule_to_close_timeout=ATTEMPT_LIMIT,
                    retry_policy=ATTEMPT_RETRY,
                    summary=summary,
                )
            except ActivityError as failure:
                refused = isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable
                await self.stuck(
                    str(failure.cause or failure), PATIENCE_AFTER_REFUSAL if refused else PATIENCE, summary
                )
            else:
                self.trouble = ""
                return answer

    async def stuck(self, trouble: str, patience: timedelta, summary: str) -> None:
        """Show what is wrong, and wait until an operator says `retry`, the life says something else, or time passes."""
        self.trouble, self.again = trouble, False
        generation = self.case.generation
        self.note(Text(f"受阻:{trouble}", f"stuck: {trouble}"))
        self.show()
        await self._wait(
            lambda: self.again or self.case.generation != generation, patience, f"再试 · try again: {summary}"
        )

    def effect(self, step: str, generation: int, payload: dict[str, Any], kind: EffectKind) -> Attempt:
        """One call of this case to a system outside; the step and the generation are its identity."""
        return Attempt(
            person=self.case.person,
            slot=f"{self.case.slot}{step}",
            generation=generation,
            kind=kind,
            payload=json.dumps(payload, ensure_ascii=False, separators=(",", ":")),
            on=self.today(),
        )

    async def report(self, fact: dict[str, Any], number: int = 1) -> None:
        """Report a fact to the life; again and again, until it has it. The same fact is said in the same words."""
        identity = f"{self.case.slot}/{self.case.generation}/{fact['type']}/{number}"
        stated = self.stated.setdefault(identity, {"on": self.today().isoformat(), **fact, "id": identity})
        told = CaseReport(person=self.case.person, fact=stated)
        await self.attempt(CaseActivities.report, told, CASES_QUEUE, f"回报 · report {fact['type']}")

    async def ask(self, name: str, area: str, what: Text, due: date | None = None) -> Letter:
        """Write to an area's agency and wait for its answer; after the last day write again."""
        letter = Letter(to=area, what=what, due=max(due or date.min, self.today() + LETTER_WAITS))
        if due is not None and due >= self.today():
            letter.due = due
        self.letters[name] = letter
        while True:
            letter.sent += 1
            words = {"to": "area", "area": area, "matter": self.case.kind, "zh": what.zh, "en": what.en}
            payload = {**words, "letter": name, "due": letter.due.isoformat(), "on": self.today().isoformat()}
            generation = self.case.generation * 100 + letter.sent
            posted = self.effect(f"/letter/{name}", generation, payload, EffectKind.NOTICE)
            await self.attempt(NoticeActivities.notify, posted, NOTICES_QUEUE, f"发函 · letter to {area}: {name}")
            self.show()
            if await self.until(lambda: letter.answer is not None, letter.due, f"待复函 · answer of {area}: {name}"):
                self.show()
                return letter
            letter.due = self.today() + LETTER_WAITS
            self.note(Text(f"{area}逾期未复函,再次发函", f"{area} did not answer in time; the letter is sent again"))

    async def both(self, first: Awaitable[Letter], second: Awaitable[Letter]) -> tuple[Letter, Letter]:
        """Two answers, awaited at once; when one of them is not to be had, nobody goes on asking for the other."""
        tasks = [asyncio.ensure_future(first), asyncio.ensure_future(second)]
        try:
            one, other = await asyncio.gather(*tasks)
        except (Exception, asyncio.CancelledError):
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise
        return one, other

    async def tell(self, name: str, to: str, what: Text) -> None:
        """Tell somebody something that needs no answer."""
        payload = {"to": to, "matter": self.case.kind, "on": self.today().isoformat(), "zh": what.zh, "en": what.en}
        posted = self.effect(f"/told/{name}", self.case.generation, payload, EffectKind.NOTICE)
        await self.attempt(NoticeActivities.notify, posted, NOTICES_QUEUE, f"告知 · tell {to}: {name}")

    async def close(self, zh: str, en: str) -> str:
        """The end of the case: shown, and with every handler finished."""
        self.enter(zh, en)
        await workflow.wait_condition(workflow.all_handlers_finished)
        await workflow.wait_condition(lambda: all(task.done() for task in self.keeping))
        if self.reopened:  # while it was being undone, it was wanted again
            workflow.continue_as_new(self.case)
        return en

    def show(self) -> None:
        lines = [f"## {self.stage.both()}", f"\n`{self.case.slot}` ({self.case.generation})\n"]
        for name, letter in self.letters.items():
            answer = f"{letter.answer}: {letter.because}" if letter.answer else f"≤ {letter.due}"
            lines.append(f"- 函 · letter `{name}` → {letter.to}: {letter.what.both()} ({answer})")
        lines += [f"- 待复核 · to be approved: `{name}`" for name in self.proposals]
        if self.trouble:
            lines.append(f"\n**受阻 · stuck**: {self.trouble} (`retry`)")
        workflow.set_current_details("\n".join(lines))
        area = str(self.case.content.get("area") or self.case.content.get("to_area") or "")
        now: dict[SearchAttributeKey[Any], Any] = {
            PERSON_KEY: self.case.person,
            POOLING_AREA: area,
            OPEN_MATTERS: [str(self.case.kind)],
            PARKED: bool(self.trouble or self.proposals),
        }
        changed = [key.value_set(value) for key, value in now.items() if self.shown.get(key) != value]
        self.shown = now
        if changed:
            workflow.upsert_search_attributes(changed)


def _who(request: Request) -> str:
    return f"{request.actor} ({request.role}): {request.reason}"
