"""What is known on a day: facts that have reached us, without those that were corrected or taken back, in one order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from domain.assessment import Parked
from domain.bilingual import Text
from domain.errors import ContractError
from domain.facts import FACT_TYPES, Fact

_RANK = {kind: rank for rank, kind in enumerate(FACT_TYPES)}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The facts that count on a day, ordered by day, kind, day of recording and id."""

    facts: tuple[Fact, ...]
    parked: tuple[Parked, ...] = ()


def known(facts: Iterable[Fact], as_of: date) -> Knowledge:
    """The facts known on `as_of`.

    Raises ContractError when one id names two different facts.
    """
    by_id: dict[str, Fact] = {}
    for fact in facts:
        if fact.known_on > as_of:
            continue
        twin = by_id.get(fact.fact_id)
        if twin is not None and twin.content() != fact.content():
            raise ContractError(f"facts: the id {fact.fact_id} names two facts with different content")
        if twin is None or fact.known_on < twin.known_on:
            by_id[fact.fact_id] = fact

    corrections: dict[str, list[Fact]] = defaultdict(list)
    for fact in by_id.values():
        if fact.corrects is not None:
            corrections[fact.corrects].append(fact)
    parked = []
    gone: set[str] = set()
    for target, rivals in corrections.items():
        gone.add(target)
        if len(rivals) > 1:
            # Nobody has said which correction is right, so neither counts, and the first statement stays out too.
            gone.update(rival.fact_id for rival in rivals)
            because = Text(
                f"事实{target}有{len(rivals)}个相互矛盾的更正", f"{len(rivals)} facts correct the same fact {target}"
            )
            parked.append(Parked("corrections", because))
    gone.update(fact.fact_id for fact in by_id.values() if fact.withdrawn)
    counting = [fact for fact in by_id.values() if fact.fact_id not in gone]
    counting.sort(key=lambda fact: (fact.on, _RANK[fact.type], fact.known_on, fact.fact_id))
    return Knowledge(tuple(counting), tuple(sorted(parked, key=lambda item: item.because.en)))
