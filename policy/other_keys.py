"""Facts about the key itself (two keys are one person, or are not): a person must act on them, so they are parked."""

from __future__ import annotations

from domain.bilingual import Text
from domain.facts import Merged, Unmerged
from policy.case import Case


def judge(case: Case) -> None:
    """Park what is said about other keys of the same person, which the registry settles and no rule of insurance."""
    kinds: tuple[type[Merged | Unmerged], ...] = (Merged, Unmerged)
    for kind in kinds:
        for fact in case.of(kind)[:1]:
            because = Text(
                "两个登记号是否为同一人需要人工核对", "whether two keys are one person must be checked by a person"
            )
            case.park(fact.type, because)
