"""Files of facts (批量报送): the messages between whoever hands one over and the workflow that carries it."""

from __future__ import annotations

from enum import StrEnum

from domain.bilingual import Text
from domain.life import Message


class ImportState(StrEnum):
    STAGING = "staging"
    """Its lines are being written down; nothing was reported yet."""
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"


IMPORT_STATES = {
    ImportState.STAGING: Text("接收中", "being taken down"),
    ImportState.RUNNING: Text("报送中", "being reported"),
    ImportState.DONE: Text("完成", "done"),
    ImportState.CANCELLED: Text("已取消", "cancelled"),
}


class LineOutcome(StrEnum):
    WAITING = ""
    TAKEN = "taken"
    REFUSED = "refused"
    """The life, or the rules, do not admit it."""
    BROKEN = "broken"
    """The line could not be read, or the sender may not say this."""


LINE_OUTCOMES = {
    LineOutcome.WAITING: Text("未报送", "not reported"),
    LineOutcome.TAKEN: Text("已受理", "taken"),
    LineOutcome.REFUSED: Text("不予受理", "refused"),
    LineOutcome.BROKEN: Text("无法使用", "not usable"),
}


class ImportOrder(Message):
    """What the workflow of a file is to do, and how far it has come: what one run hands to the next."""

    import_id: str
    sender: str
    area: str
    name: str
    lines: int
    """The number of its last line."""
    after: int = 0
    """The last line that was gone through."""
    taken: int = 0
    refused: int = 0
    passed_over: int = 0
    """Lines of this round whose lives did not answer."""
    rounds: int = 0
    """How often the lines that were passed over were tried again."""


class ImportPage(Message):
    """A page of lines to report."""

    import_id: str
    sender: str
    after: int
    limit: int = 200
    again: bool = False
    """These are lines that were passed over in a round before."""


class PageCarried(Message):
    """How a page went; `after` is its last line, 0 when there was none left."""

    after: int = 0
    taken: int = 0
    refused: int = 0
    passed_over: int = 0


class ImportEnded(Message):
    """What became of a file."""

    import_id: str
    state: ImportState


class StagedLine(Message):
    """A line, with what it states about whom, or why it cannot be used."""

    line: int
    person: str = ""
    fact: str = ""
    outcome: LineOutcome = LineOutcome.WAITING
    answer: Text = Text("", "")


class LineAnswer(Message):
    """What was answered to a line."""

    line: int
    outcome: LineOutcome
    status: str = ""
    answer: Text = Text("", "")


class ImportProgress(Message):
    """How far a file has come."""

    import_id: str
    sender: str
    area: str
    name: str
    state: ImportState
    lines: int
    """Lines that state something or are broken."""
    taken: int = 0
    refused: int = 0
    broken: int = 0

    @property
    def answered(self) -> int:
        return self.taken + self.refused + self.broken
