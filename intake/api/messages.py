"""What is sent to the service, and what it answers: the wire contract of its routes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.bilingual import Text
from domain.errors import ContractError
from domain.facts import AnyFact, Words
from domain.identity_documents import IdentityDocument, Kind, read_documents
from domain.life import Receipt
from domain.status import STATUS_NAMES, Status

PERSON_KEY = r"^[a-z0-9]{1,64}$"
PersonKey = Annotated[str, Field(pattern=PERSON_KEY, description="the opaque key of a person")]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Document(Strict):
    """An identity document. A newborn without papers is known by mother, day and order of birth."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"kind": "id_number", "number": "11010519491231002X"},
                {"kind": "passport", "number": "GBR/123456789"},
                {
                    "kind": "newborn",
                    "mother": {"kind": "id_number", "number": "11010519491231002X"},
                    "born": "2026-11-01",
                    "order": 1,
                },
            ]
        },
    )

    kind: Kind
    number: Annotated[str, Field(max_length=60)] | None = None
    mother: Document | None = None
    born: str | None = Field(default=None, max_length=10)
    order: int | None = Field(default=None, ge=1, le=9, description="1 for an only child, 2 for the second of twins")


class PersonSpoken(Strict):
    """About whom: the key of the person, or documents that the person holds. Never both."""

    key: PersonKey | None = None
    documents: list[Document] = Field(default_factory=list, max_length=6)
    name: Words | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="kept sealed, for the operators' eyes; nobody is ever found by it. Only with documents",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> PersonSpoken:
        if (self.key is None) == (not self.documents):
            raise ValueError("either key or documents is expected")
        if self.name is not None and not self.documents:
            raise ValueError("name goes with documents only")
        return self

    def read(self, today: date) -> list[IdentityDocument]:
        """The documents. Raises ContractError, naming the field."""
        return read_documents([item.model_dump(exclude_none=True) for item in self.documents], today)


class Report(Strict):
    """A fact about a person."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "person": {"documents": [{"kind": "birth_certificate", "number": "T130000001"}]},
                    "fact": {"type": "birth", "id": "B-2026-17", "on": "2026-11-01", "area": "130925"},
                }
            ]
        },
    )

    person: PersonSpoken
    fact: AnyFact


class Reports(Strict):
    """Several reports at once; each is answered by itself, and a broken one stops no other."""

    reports: list[dict[str, Any]] = Field(
        min_length=1, max_length=100, description="each as it is sent to /v1/reports by itself"
    )


class EventData(BaseModel):
    """What a CloudEvent carries: about whom, and the fact; its type and id are the event's."""

    person: PersonSpoken
    fact: dict[str, Any]


class CloudEvent(BaseModel):
    """A CloudEvent (specification 1.0, structured mode). `type` is cn.canbao.fact. and the fact type."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "specversion": "1.0",
                    "id": "B-2026-17",
                    "source": "/county-hospital/maternity",
                    "type": "cn.canbao.fact.birth",
                    "datacontenttype": "application/json",
                    "data": {
                        "person": {"documents": [{"kind": "birth_certificate", "number": "T130000001"}]},
                        "fact": {"on": "2026-11-01", "area": "130925"},
                    },
                }
            ]
        },
    )

    specversion: Literal["1.0"]
    id: Words = Field(min_length=1, max_length=120)
    source: Words = Field(min_length=1)
    type: str = Field(pattern=r"^cn\.canbao\.fact\.[a-z_]+$")
    time: datetime | None = None
    data: EventData

    def report(self) -> dict[str, Any]:
        """The report that it carries."""
        kind = self.type.rpartition(".")[2]
        if self.data.fact.get("type", kind) != kind or self.data.fact.get("id", self.id) != self.id:
            raise ContractError(
                "field data.fact: type and id are those of the event", "字段 data.fact:type 与 id 应与事件一致"
            )
        fact = {**self.data.fact, "type": kind, "id": self.id}
        return {"person": self.data.person.model_dump(exclude_none=True), "fact": fact}


class DueOut(BaseModel):
    """What falls due next."""

    on: date
    matter: str
    summary: str


class OpenOut(BaseModel):
    """A question that a person must decide."""

    question: str
    because: Text


class ReceiptOut(BaseModel):
    """What follows from a fact."""

    fact: str = Field(description="the id of the fact, under which it can be corrected")
    person: str
    recorded_on: date
    status: Status
    status_says: Text
    decisions: list[Text] = Field(description="what was decided that was not decided before")
    clauses: list[str] = Field(description="document, article and quotation that the decisions rest on")
    refused: Text | None = Field(description="why the rules do not admit the fact, where they do not")
    next_deadline: DueOut | None
    open: list[OpenOut]

    @classmethod
    def of(cls, receipt: Receipt) -> ReceiptOut:
        due = receipt.next_deadline
        return cls(
            fact=receipt.fact,
            person=receipt.person,
            recorded_on=receipt.recorded_on,
            status=receipt.status,
            status_says=STATUS_NAMES[receipt.status],
            decisions=receipt.conclusions,
            clauses=receipt.clauses,
            refused=receipt.refused,
            next_deadline=None if due is None else DueOut(on=due.on, matter=due.matter, summary=due.summary),
            open=[OpenOut(question=item.question, because=item.because) for item in receipt.parked],
        )


class PendingOut(BaseModel):
    """The fact is taken and not judged yet; ask at `status_at`."""

    fact: str
    person: str
    status_at: str


class KeyOut(BaseModel):
    """The opaque key of a person, and where the person's life runs; the same documents give the same key."""

    key: str
    workflow_id: str
    task_queue: str


class ProblemOut(BaseModel):
    type: str
    title: str
    status: int
    detail: str


class AnswerOut(BaseModel):
    """The answer to one of several reports: a receipt, a pending one, or a problem."""

    status: int
    receipt: ReceiptOut | None = None
    pending: PendingOut | None = None
    problem: ProblemOut | None = None


class AnswersOut(BaseModel):
    """The answers, in the order of the reports."""

    answers: list[AnswerOut]
