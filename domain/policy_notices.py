"""Policy notices: new rules are out, and every life that they may concern has to judge again. The messages of that."""

from __future__ import annotations

from pydantic import Field

from domain.life import Message


class NoticeOrder(Message):
    """What a notice is to do, and how far it has come: what one run hands to the next."""

    notice: str
    """Its name: area, pack and the digest of the packs in force with it."""
    packs: str
    """That digest."""
    areas: list[str]
    """GB/T 2260 codes; a life is concerned that belongs to one of them or to an area within it."""
    per_second: float = 20.0
    area: int = 0
    """The place, in `areas`, of the one that is being worked through."""
    after: str = ""
    """The key of the last life that was told."""
    told: int = 0
    changed: int = 0
    ended: int = 0
    """Lives that run no more."""
    unreachable: int = 0
    """Lives that gave no answer; they are named in the report and have to be told again."""


class NoticePage(Message):
    """A page of lives to tell."""

    notice: str
    packs: str
    area: str
    after: str
    per_second: float
    limit: int = 100


class PageTold(Message):
    """How a page went; `after` is where the next one begins, and empty when there is none."""

    after: str = ""
    told: int = 0
    changed: int = 0
    ended: int = 0
    unreachable: int = 0


class LifeChanged(Message):
    """What a notice changed of one life, for the report."""

    notice: str
    person: str
    before: str
    after: str
    what: list[str] = Field(default_factory=list)
