"""The registry's tables.

Two times are kept: when something is so (valid time: `starts`, `ends`, `paid_on`, a plan year) and when the registry
held it to be so (recorded time: `recorded_*` to `superseded_*`). Nothing is overwritten: a correction closes a row and
opens a new one, so that what was known on an earlier day can still be read. Money is in whole fen.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

_HOLDS = text("superseded_on IS NULL")


class Recorded(SQLModel):
    """When the registry began, and ceased, to hold a row to be true."""

    recorded_sequence: int
    recorded_on: date
    superseded_sequence: int | None = None
    superseded_on: date | None = None


class Carried(SQLModel):
    """An effect of a life by its identity: person, slot and generation. The same effect twice is refused."""

    person: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    generation: int = Field(primary_key=True)
    state: str
    """asked, taken_back or replaced; or void, written_off or settled by an operator."""
    recorded_sequence: int
    recorded_on: date
    changed_on: date


class Person(SQLModel, table=True):
    """A life, by its opaque key, and how far its record goes."""

    key: str = Field(primary_key=True)
    sequence: int = 0
    """The last assessment that was recorded."""
    digest: str = ""
    """Of that record, so that a repeat is known from another record with the same sequence."""
    status: str = ""
    area: str = Field(default="", index=True)
    parked: str = "[]"
    """The open questions as the last record stated them; `parked_question` has their history."""
    claw_backs: str = "[]"
    """Likewise what is to be claimed back; `claw_back` has its history."""
    recorded_on: date | None = None


class JournalFact(SQLModel, table=True):
    """A fact, as it was admitted. Append-only."""

    __tablename__ = "journal"

    person: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    sequence: int
    position: int
    """The order of admission: by the record that brought it, then by its place in it."""
    type: str = ""
    sender: str = ""
    """Who reported it: an agency's system, an operator, a case."""
    content: str
    recorded_on: date


class CoverageInterval(Recorded, table=True):
    """Days of cover. Two that exclude each other (whole, and of one kind of service) never hold at once."""

    __tablename__ = "coverage"
    __table_args__ = (
        Index(
            "one_of_them_holds",
            "person",
            "interval",
            unique=True,
            sqlite_where=_HOLDS,
            postgresql_where=_HOLDS,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    person: str = Field(index=True)
    interval: str
    """The life's name of these days; one of them at a time holds."""
    scheme: str
    area: str
    starts: date
    ends: date | None
    share: str
    service: str = ""
    """inpatient or outpatient where only that is covered; empty for all."""
    because_zh: str
    because_en: str


class Relation(Recorded, table=True):
    """An insurance relation (参保关系): a registration with a scheme, an area and a plan year."""

    person: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    scheme: str
    area: str = Field(index=True)
    capacity: str
    plan_year: int | None
    starts: date


class Payment(Recorded, table=True):
    """A payment (缴费) that was reported to a life, by the fact that reported it."""

    person: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    scheme: str
    area: str = Field(index=True)
    plan_year: int | None
    kind: str
    payer: str
    amount: int | None = Field(default=None, sa_type=BigInteger)
    paid_on: date
    arrived_on: date = Field(index=True)


class RefundPaid(Recorded, table=True):
    """Money that went back (退费), as whoever paid it out confirmed."""

    __tablename__ = "refund_paid"

    person: str = Field(primary_key=True)
    fact_id: str = Field(primary_key=True)
    scheme: str
    area: str = Field(index=True)
    plan_year: int | None
    amount: int | None = Field(default=None, sa_type=BigInteger)
    paid_on: date


class ClawBack(Recorded, table=True):
    """Benefits that are to be claimed back (追回), as the rules find."""

    __tablename__ = "claw_back"

    id: int | None = Field(default=None, primary_key=True)
    person: str = Field(index=True)
    scheme: str
    area: str
    plan_year: int
    because_zh: str
    because_en: str


class ParkedQuestion(Recorded, table=True):
    """A question that a person must decide, for as long as it is open."""

    __tablename__ = "parked_question"

    id: int | None = Field(default=None, primary_key=True)
    person: str = Field(index=True)
    area: str = Field(index=True)
    question: str
    because_zh: str
    because_en: str


class Levy(Carried, table=True):
    """A premium that is due (应缴), as it was sent to the tax bureau."""

    scheme: str
    area: str = Field(index=True)
    plan_year: int
    part: str
    amount: int = Field(sa_type=BigInteger)
    due: date | None


class Refund(Carried, table=True):
    """Money that is to go back (应退), as the tax bureau is asked for it."""

    scheme: str
    area: str = Field(index=True)
    plan_year: int
    recipient: str
    amount: int = Field(sa_type=BigInteger)


class Transfer(Carried, table=True):
    """A transfer (转移接续) between two pooling areas, as its case carries it."""

    scheme: str
    from_area: str = Field(index=True)
    to_area: str = Field(index=True)
    requested_on: date


class Duplicate(Carried, table=True):
    """A duplicate enrolment (重复参保), as its case carries it."""

    scheme: str
    area: str = Field(index=True)
    reported_on: date
    action: str


class NoticeSent(Carried, table=True):
    """A notice (通知) to the person, or to whoever stands for them."""

    __tablename__ = "notice"

    recipient: str
    matter: str
    on: date


class Decision(SQLModel, table=True):
    """A conclusion of the rules, with the pack and the clauses behind it. Append-only."""

    person: str = Field(primary_key=True)
    decision_id: str = Field(primary_key=True)
    sequence: int
    rule: str
    outcome_zh: str
    outcome_en: str
    as_of: date
    pack: str | None
    sources: str


class EffectSlot(SQLModel, table=True):
    """Where an effect stood at the last record, so that a life that is rebuilt does nothing twice."""

    __tablename__ = "effect"

    person: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    content: str


class OperatorAct(SQLModel, table=True):
    """What an operator did or proposed, and why. Append-only."""

    __tablename__ = "operation"

    person: str = Field(primary_key=True)
    operation_id: str = Field(primary_key=True)
    sequence: int
    on: date
    verb: str
    actor: str
    role: str
    reason: str
    about: str
    state: str


class PublishedPack(SQLModel, table=True):
    """A policy pack that came into force without a release. Append-only; the latest of an id counts."""

    __tablename__ = "published_pack"

    number: int | None = Field(default=None, primary_key=True)
    pack: str = Field(index=True)
    """Area and name, as 130925/2026."""
    content: str
    digest: str
    published_by: str
    reason: str
    published_at: str


class NoticeChange(SQLModel, table=True):
    """What a policy notice changed of one life."""

    __tablename__ = "notice_change"

    notice: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    before: str
    after: str
    what: str


class Suspense(SQLModel, table=True):
    """Money that no life has taken (暂收款): whose it is, or what it is for, a person must say."""

    payment: str = Field(primary_key=True)
    """The bureau's id of the payment."""
    reference: str
    scheme: str
    area: str = Field(index=True)
    plan_year: int
    amount: str
    """In yuan, as it came: it may be no amount at all."""
    paid_on: date
    arrived_on: date = Field(index=True)
    agent: str
    cause: str
    because_zh: str
    because_en: str
    settled_on: date | None = None
    settled_by: str = ""
    settled_how: str = ""


class RejectedPush(SQLModel, table=True):
    """A push whose signature was not the bureau's. Its content is not kept."""

    __tablename__ = "rejected_push"

    digest: str = Field(primary_key=True)
    received_at: str
    because: str


class ReconciledDay(SQLModel, table=True):
    """What the statement and the ledger came to on a day, in an area: number and sum in fen, in less out."""

    __tablename__ = "reconciled_day"

    day: date = Field(primary_key=True)
    area: str = Field(primary_key=True)
    statement_count: int = Field(sa_type=BigInteger)
    statement_amount: int = Field(sa_type=BigInteger)
    ledger_count: int = Field(sa_type=BigInteger)
    ledger_amount: int = Field(sa_type=BigInteger)


class AgentDay(SQLModel, table=True):
    """What a collecting agent handed over on a day: heads, receipts, and the sum in fen, of statement and ledger."""

    __tablename__ = "agent_day"

    day: date = Field(primary_key=True)
    agent: str = Field(primary_key=True)
    heads: int = Field(sa_type=BigInteger)
    receipts: int = Field(sa_type=BigInteger)
    amount: int = Field(sa_type=BigInteger)
    ledger_heads: int = Field(sa_type=BigInteger)
    ledger_amount: int = Field(sa_type=BigInteger)


class Difference(SQLModel, table=True):
    """A movement of money on which statement and ledger disagree, until it is closed by a rule or by an operator."""

    day: date = Field(primary_key=True)
    movement: str = Field(primary_key=True)
    cause: str
    area: str = Field(index=True)
    agent: str
    statement_amount: int | None = Field(default=None, sa_type=BigInteger)
    ledger_amount: int | None = Field(default=None, sa_type=BigInteger)
    found_on: date
    closed_on: date | None = None
    closed_by: str = ""
    reason: str = ""


class Feed(SQLModel, table=True):
    """How far a feed of another system was read, such as the tax bureau's payments."""

    name: str = Field(primary_key=True)
    cursor: str


class ImportFile(SQLModel, table=True):
    """A file of facts that a sender handed over. Its content is not kept, only what its lines state."""

    __tablename__ = "import_file"

    id: str = Field(primary_key=True)
    """Of sender and content, so that the same file twice is one import."""
    sender: str = Field(index=True)
    area: str
    name: str
    lines: int
    staged: int
    """The last line that is in `import_line`; equal to `lines` when all are."""
    handed_over_at: str
    totals: str
    """JSON of headcount, receipts and money, as the check found them."""
    state: str
    """staging, running, done or cancelled."""


class ImportLine(SQLModel, table=True):
    """A line of such a file: about whom, what it states, and what was answered."""

    __tablename__ = "import_line"

    import_id: str = Field(primary_key=True)
    line: int = Field(primary_key=True)
    person: str = ""
    fact: str = ""
    """JSON as it is reported; empty for a line that could not be used."""
    outcome: str = Field(default="")
    """Empty until it is answered; then taken, refused or broken."""
    status: str = ""
    answer_zh: str = ""
    answer_en: str = ""


class NotEnrolled(SQLModel, table=True):
    """Who was not enrolled when a campaign closed (全民参保计划库), and why."""

    __tablename__ = "not_enrolled"

    campaign: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    area: str
    status: str
    because: str
    """no_registration or unpaid."""
