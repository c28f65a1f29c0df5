"""The annual collection (集中征缴) of an area for a plan year: the messages between its workflow and its activities."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import Field

from domain.bilingual import Text
from domain.life import Message

# On how many days before the end those who have not paid are reminded, and how many people a second at most: what a
# bureau and its message gateway can bear, not a rule of any document. An order may say otherwise.
REMIND_DAYS_BEFORE = (30, 14, 7, 3, 1)
PER_SECOND = 20.0


class Stage(StrEnum):
    WAITING = "waiting"
    """The window has not opened."""
    OPENING = "opening"
    """Those who were enrolled last year are registered, and their levies issued."""
    COLLECTING = "collecting"
    CLOSED = "closed"
    NO_WINDOW = "no_window"
    """No pack states a window."""


STAGES = {
    Stage.WAITING: Text("未到征缴期", "before its window"),
    Stage.OPENING: Text("续保登记", "registering who was enrolled last year"),
    Stage.COLLECTING: Text("征缴中", "collecting"),
    Stage.CLOSED: Text("已结束", "closed"),
    Stage.NO_WINDOW: Text("没有征缴期", "no window is stated"),
}


class CampaignCounts(Message):
    """How a collection stands, in people; money in fen."""

    enrolled_last_year: int = 0
    """Without those who have died."""
    registered: int = 0
    paid: int = 0
    open_amount: int = 0

    @property
    def percent(self) -> float:
        """Of those who were enrolled last year or have registered, how many have paid."""
        due = max(self.enrolled_last_year, self.registered)
        return round(100 * self.paid / due, 1) if due else 0.0


class CampaignOrder(Message):
    """What a collection is to do, and how far it has come: what one run hands to the next."""

    area: str
    plan_year: int | None = None
    """The plan year; the one whose window is open on the first day where none is named."""
    target: float | None = None
    """Percent that are to have paid when it closes, where the bureau has set one."""
    remind_days_before: list[int] = Field(default_factory=lambda: list(REMIND_DAYS_BEFORE))
    per_second: float = PER_SECOND
    stage: Stage = Stage.WAITING
    opens: date | None = None
    closes: date | None = None
    extended: bool = False
    apart: list[str] = Field(default_factory=list)
    """Areas within that collect by themselves."""
    registered: int = 0
    """By this collection."""
    refused: int = 0
    reminded: int = 0
    reminded_on: date | None = None
    counts: CampaignCounts = Field(default_factory=CampaignCounts)
    not_enrolled: int = 0
    days: int = 0
    """Days of this run."""
    step: str = ""
    """Which pages are being gone through, if any."""
    after: str = ""
    """Where the next of them begins."""
    step_on: date | None = None
    """The day of that step."""


class CampaignAsked(Message):
    """Which window is asked for."""

    area: str
    plan_year: int | None
    on: date


class CampaignWindow(Message):
    """The window of a plan year, as it is known; no plan year where none is stated."""

    plan_year: int | None = None
    opens: date | None = None
    closes: date | None = None
    extended: bool = False
    apart: list[str] = Field(default_factory=list)
    because: Text = Text("", "")


class CampaignPage(Message):
    """A page of people of a collection."""

    area: str
    plan_year: int
    apart: list[str]
    on: date
    after: str = ""
    limit: int = 100
    per_second: float = PER_SECOND
    closes: date | None = None


class PageDone(Message):
    """How a page went; `after` is empty when it was the last."""

    after: str = ""
    done: int = 0
    refused: int = 0


class Renewal(Message):
    """Somebody who was enrolled last year and has not registered for this one."""

    person: str
    area: str
    registration: str
    """JSON of last year's registration."""


class Unpaid(Message):
    """Somebody who has not paid; `amount` in fen."""

    person: str
    area: str
    amount: int
    key: str
    """Where the next page begins after this one."""
