"""The check before a file is taken: what its lines come to, and whether that is what it says of itself (对账)."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from domain.bilingual import Text
from domain.errors import ContractError
from domain.facts import Paid
from domain.money import yuan
from domain.senders import Sender
from intake.files.mapping import Mapping
from intake.files.rows import Problem, Row, StatedTotals, read_lines

# So many broken lines are named at once; the result file names all.
NAMED = 20
_PROGRESS_LINES = 2000


@dataclass
class Checked:
    """What a file was found to hold. `amount` in fen."""

    lines: int = 0
    """The number of the last line."""
    rows: int = 0
    broken: int = 0
    headcount: int = 0
    receipts: int = 0
    """Lines that state a payment."""
    amount: int = 0
    problems: list[Problem] = field(default_factory=list)
    """The first of the broken lines."""
    stated: StatedTotals = field(default_factory=StatedTotals)
    totals_missing: bool = False
    """The file is to state its totals in a line of its own, and has none that can be read: it may be cut short."""

    def differences(self) -> list[Text]:
        """Where the totals that were stated are not those that were found."""
        found = []
        if self.totals_missing:
            found.append(Text("缺少可读的合计行", "the line with the totals is missing, or cannot be read"))
        for zh, en, stated, held in (
            ("人数", "headcount", self.stated.headcount, self.headcount),
            ("笔数", "receipts", self.stated.receipts, self.receipts),
        ):
            if stated is not None and stated != held:
                found.append(Text(f"{zh}应为{stated},实为{held}", f"{en}: {stated} stated, {held} found"))
        if self.stated.amount is not None and self.stated.amount != self.amount:
            stated_yuan, held_yuan = yuan(self.stated.amount), yuan(self.amount)
            text = Text(f"金额应为{stated_yuan},实为{held_yuan}", f"money: {stated_yuan} stated, {held_yuan} found")
            found.append(text)
        return found


def check_file(
    file: Path,
    sender: Sender,
    mapping: Mapping,
    today: date,
    stated: StatedTotals | None = None,
    progress: Callable[[int], None] = lambda _line: None,
) -> Checked:
    """Read a file to its end. What is stated beside it counts before what its own last line states.

    Raises ContractError where the file as a whole cannot be read, or states nothing.
    """
    checked = Checked(totals_missing=mapping.total_row is not None)
    people = array("q")
    for item in read_lines(file, today, mapping, sender):
        if isinstance(item, StatedTotals):
            checked.stated, checked.totals_missing = item, False
            continue
        checked.lines = item.line
        if isinstance(item, Problem):
            checked.broken += 1
            if len(checked.problems) < NAMED:
                checked.problems.append(item)
            continue
        checked.rows += 1
        people.append(hash(item.documents[0].number))
        _count(item, checked)
        if checked.rows % _PROGRESS_LINES == 0:
            progress(item.line)
    if not checked.rows and not checked.broken:
        raise ContractError(f"{file.name}: there is no line below the heading", f"{file.name}:列名之下没有内容")
    checked.headcount = _distinct(people)
    if stated is not None:
        if stated != StatedTotals():
            checked.totals_missing = False  # they are stated beside the file
        checked.stated = StatedTotals(
            checked.stated.headcount if stated.headcount is None else stated.headcount,
            checked.stated.receipts if stated.receipts is None else stated.receipts,
            checked.stated.amount if stated.amount is None else stated.amount,
        )
    return checked


def _count(row: Row, checked: Checked) -> None:
    if isinstance(row.states, Paid):
        checked.receipts += 1
        checked.amount += row.states.amount or 0


def _distinct(numbers: array[int]) -> int:
    """How many different ones there are; a part at a time, since a set of them all would be as large as the file."""
    parts = 1 + len(numbers) // 100_000
    return sum(len({number for number in numbers if number % parts == part}) for part in range(parts))
