"""All packs, and the look-up of a parameter by area, nearest first, and by exact day. Nothing is carried forward."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar

from domain.areas import chain, place_name
from domain.assessment import Citation
from domain.bilingual import Text
from domain.errors import PackError
from policy.counting import DAY
from policy.pack_files import Pack, read_pack
from policy.parameters import Parameter

T = TypeVar("T")
_REMEMBERED = 200_000
"""So many answers are remembered; lives ask the same questions of the same first days of years."""
PACK_FOLDER = Path(__file__).parent / "packs"


@dataclass(frozen=True, slots=True)
class Stated(Generic[T]):
    """A value, with the pack and the clause that state it."""

    value: T
    pack: str
    citation: Citation


@dataclass(frozen=True, slots=True)
class NotStated:
    """No pack in force on that day states it; `pack` is the one that says that its sources do not."""

    key: str
    because: Text
    pack: str | None = None


class PackLibrary:
    """The packs of a folder, checked against one another."""

    def __init__(self, packs: list[Pack]) -> None:
        self._by_area: dict[str, list[Pack]] = defaultdict(list)
        self._answers: dict[tuple[str, str, date], Stated[Any] | NotStated] = {}
        self._cache: dict[tuple[str, str], list[tuple[Pack, Stated[Any] | NotStated]]] = {}
        for pack in sorted(packs, key=lambda pack: (pack.area, pack.valid_from, pack.id)):
            self._by_area[pack.area].append(pack)
        for area_packs in self._by_area.values():
            _check_neighbours(area_packs)

    @property
    def packs(self) -> list[Pack]:
        return [pack for packs in self._by_area.values() for pack in packs]

    def with_packs(self, packs: list[Pack]) -> PackLibrary:
        """These packs and others; one with the same id takes the place of ours. Raises PackError where they clash."""
        newer = {pack.id for pack in packs}
        return PackLibrary([*(pack for pack in self.packs if pack.id not in newer), *packs])

    def name(self, area: str) -> Text:
        """The area's name as a pack gives it, else by GB/T 2260; its code where there is neither."""
        packs = self._by_area.get(area)
        return packs[-1].name if packs else Text(place_name(area) or area, area)

    def look_up(self, parameter: Parameter[T], area: str, on: date) -> Stated[T] | NotStated:
        """What holds in an area on a day: the nearest pack in force that speaks of the parameter decides."""
        question = (parameter.key, area, on)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._ask(parameter.key, area, on)
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[question] = answer
        return answer

    def _ask(self, key: str, area: str, on: date) -> Stated[Any] | NotStated:
        for pack, found in self._speaking(key, area):
            if pack.in_force(on):
                return found
        name = self.name(area)
        return NotStated(
            key,
            Text(
                f"{name.zh}在{on}没有任何政策包规定“{key}”",
                f"no pack in force on {on} in {name.en} states {key}",
            ),
        )

    def look_up_all(self, parameter: Parameter[T], area: str, on: date) -> list[Stated[T]]:
        """Everything that is stated on a day for an area and the areas around it, the nearest first."""
        speaking = self._speaking(parameter.key, area)
        return [found for pack, found in speaking if isinstance(found, Stated) and pack.in_force(on)]

    def _speaking(self, key: str, area: str) -> list[tuple[Pack, Stated[Any] | NotStated]]:
        """The packs that speak of a parameter in an area, nearest area first, with what they say."""
        found = self._cache.get((key, area))
        if found is None:
            found = []
            for code in chain(area):
                for pack in self._by_area.get(code, ()):
                    statement = pack.statements.get(key)
                    if statement is not None and statement.unknown:
                        found.append((pack, NotStated(key, _silent(pack, key), pack.id)))
                    elif statement is not None:
                        found.append((pack, Stated(statement.value, pack.id, statement.citation)))
            self._cache[(key, area)] = found
        return found


def _silent(pack: Pack, key: str) -> Text:
    return Text(f"政策包{pack.id}的来源没有规定“{key}”", f"the sources of pack {pack.id} do not state {key}")


def _check_neighbours(packs: list[Pack]) -> None:
    """Two packs of one area may lie over one another as long as they speak of different things."""
    for earlier, later in pairwise(packs):
        if earlier.valid_to is not None and earlier.valid_to + DAY < later.valid_from and not later.gap_before_because:
            raise PackError(
                f"{later.file}, valid_from: a gap since {earlier.valid_to} without a reason; "
                "say it in gap_before_because"
            )
    for number, pack in enumerate(packs):
        for other in packs[number + 1 :]:
            both = pack.statements.keys() & other.statements.keys()
            if both and other.valid_from <= (pack.valid_to or date.max):
                raise PackError(f"{other.file}, {min(both)}: overlap: {pack.file.name} states it too")


def load_library(folder: Path = PACK_FOLDER) -> PackLibrary:
    """The packs in a folder, read afresh.

    Raises PackError, with file, line and key, when one is malformed or two contradict each other.
    """
    files = sorted(folder.glob("*/*.yaml"))
    if not files:
        raise PackError(f"{folder}: no policy packs are here")
    return PackLibrary([read_pack(file) for file in files])


@lru_cache(maxsize=1)
def library() -> PackLibrary:
    """The packs that come with the program, read once; that their areas exist, its tests have seen."""
    return PackLibrary([read_pack(file, known_area=True) for file in sorted(PACK_FOLDER.glob("*/*.yaml"))])
