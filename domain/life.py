"""The carried state of a life and its messages: what must stay readable for ever.

Only add fields, with defaults. Facts are kept as the JSON text that was admitted; a life never parses them, the
assessment does.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.bilingual import Text
from domain.status import Status


class Message(BaseModel):
    """Everything that crosses a process: an older reader ignores what a newer writer adds."""

    model_config = ConfigDict(extra="ignore")


class SlotState(StrEnum):
    WANTED = "wanted"
    SENT = "sent"
    """An attempt was made; its outcome may be unknown."""
    DONE = "done"
    WITHDRAWING = "withdrawing"
    """It no longer follows, and was or may have been carried out: it is being taken back."""
    WITHDRAWN = "withdrawn"


class EffectKind(StrEnum):
    LEVY = "levy"
    NOTICE = "notice"
    REFUND = "refund"
    TRANSFER = "transfer"
    DUPLICATE = "duplicate"


CASES = (EffectKind.REFUND, EffectKind.TRANSFER, EffectKind.DUPLICATE)
"""Effects that open a case: what waits for somebody else for weeks is a workflow of its own."""


class Hold(StrEnum):
    """What an operator said of an effect; it holds until the effect is reopened, whatever the rules want."""

    NONE = ""
    VOID = "void"
    """It must not be."""
    WRITTEN_OFF = "written_off"
    """It is given up."""
    SETTLED = "settled"
    """It was done by other means."""


class Effect(Message):
    """One thing to be true in the world outside, e.g. the levy of the resident scheme for 2026."""

    kind: EffectKind
    digest: str
    payload: str
    """JSON of what to do; only the activity that does it reads it."""
    summary: str


class Slot(Message):
    """Where an effect stands. The idempotency key of an attempt is the slot's name and its generation."""

    kind: EffectKind
    digest: str
    generation: int = 1
    state: SlotState = SlotState.WANTED
    payload: str = ""
    summary: str = ""
    retry_at: datetime | None = None
    trouble: str = ""
    """Why the last attempt failed, for the operator."""
    failing_since: date | None = None
    held: Hold = Hold.NONE
    after_sent: bool = False
    """An earlier generation was, or may have been, carried out and was not taken back."""


class Deadline(Message):
    """A day on which a life must look again."""

    matter: str
    on: date
    """The day that the rules name: the last day to act, or the day of a reminder."""
    wake_on: date
    """The day on which the life wakes: the day after a last day, the day itself of a reminder."""
    summary: str
    """Chinese and English, for the timer in the Web UI."""


class Interval(Message):
    """Days of cover, as the queries and the record carry them; both ends included, no end while open."""

    id: str = ""
    """A digest of the rest, so that a life and the ledger can name it."""
    scheme: str
    area: str
    starts: date
    ends: date | None = None
    share: str = "1"
    service: str = ""
    """inpatient or outpatient where only that is covered; empty for all."""
    because: Text


class CoverageChange(Message):
    """Days of cover that begin to hold, or that hold no longer; one of the two is set."""

    added: Interval | None = None
    gone: str = ""


class Conclusion(Message):
    """A decision, in the words of both languages, with the clauses behind it."""

    id: str
    rule: str
    outcome: Text
    as_of: date
    pack: str | None = None
    considered: list[Text] = Field(default_factory=list)
    sources: list[str] = Field(default_factory=list)


class OpenQuestion(Message):
    question: str
    because: Text


class ClawBack(Message):
    """Benefits of a plan year that are to be claimed back."""

    scheme: str
    area: str
    plan_year: int
    because: Text


class Entry(Message):
    """A line of a life's timeline."""

    on: date
    what: Text
    by: str = ""
    """Who did it and why, where an operator did."""


class Operation(Message):
    """What an operator did or proposed, for the ledger."""

    id: str
    on: date
    verb: str
    actor: str
    role: str
    reason: str
    about: str
    """The question, the fact, the effect or the proposal."""
    state: Literal["done", "proposed", "rejected", "lapsed"]


class Proposal(Message):
    """What one operator proposed and a second one must approve."""

    id: str
    verb: str
    content: str
    """JSON of the request."""
    actor: str
    on: date
    lapses_on: date


class CoverageAnswer(Message):
    """Whether a person is covered on a day; days that a person must decide about are `unknown`, never `no`."""

    on: date
    covered: Literal["yes", "no", "unknown"]
    intervals: list[Interval] = Field(default_factory=list)


class Receipt(Message):
    """The answer to a report: what follows from it."""

    fact: str
    person: str
    recorded_on: date
    status: Status
    conclusions: list[Text] = Field(default_factory=list)
    clauses: list[str] = Field(default_factory=list)
    """Document, article and quotation of what the conclusions rest on."""
    refused: Text | None = None
    next_deadline: Deadline | None = None
    parked: list[OpenQuestion] = Field(default_factory=list)


class ReportStanding(Message):
    """What became of a fact that was reported."""

    known: bool = False
    """The life holds it."""
    sender: str = ""
    """Who reported it, as long as the ledger has not acknowledged it."""
    receipt: Receipt | None = None
    """The answer; None while it is judged, and of a fact that was reported long ago."""
    conflict: Text | None = None
    """Why it was not taken after all: the ledger knew its id for another fact."""


class OperationReceipt(Message):
    """The answer to an operator."""

    operation: str
    state: Literal["done", "awaiting_approval", "rejected"]
    says: Text
    receipt: Receipt | None = None
    """What follows now, where the operation stated a fact."""


class Step(Message):
    """What an assessment found, as far as a life needs it; of effects and conclusions only what is new."""

    status: Status = Status.UNREGISTERED
    area: str = ""
    cohort: str = ""
    ended: bool = False
    """The person died, and no rule asks for anything more."""
    coverage_added: list[Interval] = Field(default_factory=list)
    """Days of cover that the life does not hold."""
    coverage_gone: list[str] = Field(default_factory=list)
    """Ids of those that it holds and that no longer follow."""
    undetermined: list[Interval] = Field(default_factory=list)
    deadlines: list[Deadline] = Field(default_factory=list)
    wanted: dict[str, Effect] = Field(default_factory=dict)
    """Effects whose slot is new or has other content than the life knows."""
    unwanted: list[str] = Field(default_factory=list)
    """Slots that the life knows and that no longer follow."""
    conclusions: list[Conclusion] = Field(default_factory=list)
    refused: dict[str, Text] = Field(default_factory=dict)
    parked: list[OpenQuestion] = Field(default_factory=list)
    claw_backs: list[ClawBack] = Field(default_factory=list)
    details: str = ""
    digest: str = ""
    """Of everything here that the ledger must hold; another digest means another record."""


class Life(Message):
    """What a life carries from run to run."""

    key: str
    schema_version: int = 1
    clock_shift_days: int = 0
    admitted: bool = False
    """The ledger was read in an earlier run, so this one goes on where that stopped."""
    facts: dict[str, str] = Field(default_factory=dict)
    """By id, the JSON of each admitted fact, in the order of admission."""
    slots: dict[str, Slot] = Field(default_factory=dict)
    settled_slots: dict[str, str] = Field(default_factory=dict)
    """JSON of the slots of earlier runs that wanted nothing more, which is a twentieth of the memory of a Slot."""
    unrecorded_slots: list[str] = Field(default_factory=list)
    """Names of the slots that changed since the ledger's last acknowledgement."""
    coverage: dict[str, Interval] = Field(default_factory=dict)
    """The days of cover that hold, by id."""
    coverage_changes: list[CoverageChange] = Field(default_factory=list)
    """What of them the ledger has not acknowledged, in order."""
    known_conclusions: list[str] = Field(default_factory=list)
    sequence: int = 0
    """How many assessments changed what the ledger must hold."""
    recorded_sequence: int = 0
    """The last of them that the ledger acknowledged."""
    recorded_facts: int = 0
    """How many facts the ledger has acknowledged."""
    senders: dict[str, str] = Field(default_factory=dict)
    """Who reported the facts that it has not acknowledged, by id."""
    record_digest: str = ""
    unrecorded_conclusions: list[Conclusion] = Field(default_factory=list)
    proposals: dict[str, Proposal] = Field(default_factory=dict)
    unrecorded_operations: list[Operation] = Field(default_factory=list)
    operation_receipts: dict[str, OperationReceipt] = Field(default_factory=dict)
    receipts: dict[str, Receipt] = Field(default_factory=dict)
    """The latest receipts, so that a sender who asks again gets the first answer."""
    conclusions: list[Conclusion] = Field(default_factory=list)
    """The latest conclusions, for the operator who asks why."""
    timeline: list[Entry] = Field(default_factory=list)
    step: Step | None = None
    """What the last assessment of the run before found, for the case that the first one of this run fails."""
    holder: str = ""
    """Name and documents, for operators: personal data, sealed like all of this."""
    packs: str = ""
    """The digest of the packs that a notice told this life of; the rules are asked by these or newer ones."""
    runs: int = 1
    packed: str = ""
    """All of the above but the key, the clock and the count of runs, as `domain.carried` packs it for the next run."""


class Question(Message):
    """What `advance` is asked: what follows from these facts on this day, beyond what the life knows already."""

    key: str
    day: date
    facts: list[str]
    slots: dict[str, str]
    """The digest of each slot that holds now; withdrawn ones are left out."""
    known_conclusions: list[str]
    coverage: list[str] = Field(default_factory=list)
    """Ids of the days of cover that the life holds."""
    packs: str = ""
    """The digest of the packs that the life was told of, if it was."""


class Attempt(Message):
    """One try to carry out, or to take back, an effect."""

    person: str
    slot: str
    generation: int
    kind: EffectKind
    payload: str
    on: date | None = None
    """The life's civil day."""
    clock_shifted: bool = False
    withdraw: bool = False

    @property
    def idempotency_key(self) -> str:
        return f"{self.person}:{self.slot}:{self.generation}"


class Record(Message):
    """What the ledger must hold after an assessment: everything since the sequence it last acknowledged."""

    person: str
    after: int
    sequence: int
    recorded_on: date
    status: Status
    area: str
    facts: dict[str, str]
    coverage: list[CoverageChange]
    conclusions: list[Conclusion]
    parked: list[OpenQuestion]
    slots: dict[str, Slot]
    """Those that changed."""
    operations: list[Operation] = Field(default_factory=list)
    senders: dict[str, str] = Field(default_factory=dict)
    """Who reported these facts, by id."""
    claw_backs: list[ClawBack] = Field(default_factory=list)


class Acknowledged(Message):
    """The ledger's answer to a record. `ahead` says that it holds more than the life knows: the life must read it."""

    sequence: int
    ahead: bool = False
    holder: str | None = None
    """Who the person is, where what was recorded may have changed it: personal data, for operators."""


class Remembered(Message):
    """What the ledger knows of a person whose life starts, or whose life was overtaken."""

    sequence: int = 0
    facts: dict[str, str] = Field(default_factory=dict)
    slots: dict[str, Slot] = Field(default_factory=dict)
    known_conclusions: list[str] = Field(default_factory=list)
    coverage: list[Interval] = Field(default_factory=list)
    holder: str = ""
    """Name and documents, for operators: personal data."""


class Overview(Message):
    """Where a life stands, for the operator's console."""

    key: str
    today: date
    status: Status
    area: str
    runs: int
    coverage: list[Interval] = Field(default_factory=list)
    deadlines: list[Deadline] = Field(default_factory=list)
    parked: list[OpenQuestion] = Field(default_factory=list)
    slots: dict[str, Slot] = Field(default_factory=dict)
    """Effects that are under way, stuck or held."""
    proposals: list[Proposal] = Field(default_factory=list)
    record_trouble: str = ""


class PolicyNotice(Message):
    """New rules are in force: the packs of this digest, or newer ones."""

    notice: str
    packs: str


class Reconsidered(Message):
    """What a policy notice changed of a life."""

    changed: bool
    before: Status
    after: Status
    what: list[Text] = Field(default_factory=list)
