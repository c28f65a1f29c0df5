"""Who asks the codec server, and whose payloads they may see."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta

from adapters.payload_codec import SYSTEM
from adapters.registry.audit import BREAK_THE_GLASS, AuditJournal, Way
from adapters.registry.key_merges import KeyMerges
from adapters.registry.senders import SenderPeople
from domain.areas import place_name
from domain.errors import ContractError, Forbidden, Missing
from domain.operators import Operator
from domain.senders import Reading, Sender
from intake.operator_list import OperatorList
from intake.sender_files import Senders

GLASS_OPEN = timedelta(minutes=30)
"""How long a person may be seen after the glass was broken."""
# A life that was reported this moment may not be in the registry yet.
_LOOKS, _LOOK_SECONDS = 20, 0.1
_LATELY, _LATELY_SECONDS = 1000, 5.0


@dataclass(frozen=True)
class Viewers:
    """Operators, and senders, who speak with Temporal themselves."""

    operators: OperatorList
    senders: Senders
    people: SenderPeople
    merges: KeyMerges
    audit: AuditJournal
    _lately: dict[str, tuple[str, set[str], float]] = field(default_factory=dict)

    def known(self, name: str) -> Operator | Sender:
        """Raises Forbidden for a token of somebody who is neither."""
        operator = self.operators.current().get(name)
        if operator is not None:
            return operator
        if self.senders.knows(name):
            return self.senders.get(name)
        raise Forbidden(
            f"{name[:40]} is no operator and no sender that the bureau admits", f"{name[:40]}不是已登记的经办人员或单位"
        )

    async def see(self, viewer: Operator | Sender, person: str) -> None:
        """Write down that somebody looks at a person, or that they may not. Raises Forbidden where they may not."""
        because = await self._against(viewer, person)
        # Whoever sends a payload may write anything where the person stands.
        named = person if await self.merges.known(person) else ""
        await self.audit.write(viewer.id, "decode", person=named, refused=because, way=Way.CODEC)
        if because:
            raise Forbidden(
                f"{because}; a reviewer may break the glass with a reason: canbao codec break-glass",
                f"{viewer.id}无权查看此人;复核人员可说明理由后紧急查看:canbao codec break-glass",
            )

    async def break_the_glass(self, operator: Operator | Sender, person: str, reason: str) -> None:
        """Let an operator see a person outside their area for a while. Raises Forbidden, ContractError."""
        if len(reason.strip()) < 5:
            raise ContractError(
                "a reason is expected, in words that an auditor understands", "请写明理由,须让审计人员看得懂"
            )
        if not await self.merges.known(person):
            raise Missing("there is nobody of this key", "没有这个登记号")
        person = await self.merges.canonical(person)
        may = isinstance(operator, Operator) and operator.may_break_the_glass
        refused = "" if may else f"{operator.id} may not break the glass"
        await self.audit.write(
            operator.id, BREAK_THE_GLASS, person=person, refused=refused, way=Way.CODEC, reason=reason.strip()
        )
        if refused:
            raise Forbidden(f"{refused}; ask a reviewer", f"{operator.id}无权紧急查看;请联系复核人员")

    @staticmethod
    def sees_of_nobody(viewer: Operator | Sender, owner: str, area: str) -> bool:
        """Whether somebody sees what belongs to no person's workflow.

        What was sealed for a form or an update (`area` says for whom its sender speaks) is seen by those who speak for
        that area too; what the system itself carries, such as a collection, by operators.
        """
        if isinstance(viewer, Operator) and owner == SYSTEM:
            return viewer.reads
        if owner == SYSTEM or place_name(area) is None:
            return False
        if isinstance(viewer, Operator):
            return viewer.sees([area])
        return Reading.TIMELINE in viewer.reads and viewer.people == "area" and viewer.speaks_of([area])

    async def _against(self, viewer: Operator | Sender, person: str) -> str:
        """Why somebody may not see a person; empty where they may."""
        if isinstance(viewer, Operator) and not viewer.reads:
            return f"{viewer.id} reads no personal data"
        if isinstance(viewer, Sender) and Reading.TIMELINE not in viewer.reads:
            return f"{viewer.id} may not read timelines"
        key, areas = await self._known(person)
        if isinstance(viewer, Operator):
            if viewer.sees(areas) or await self.audit.glass_broken(viewer.id, key, GLASS_OPEN):
                return ""
        elif await self.people.owned(viewer.id, [key]) or (viewer.people == "area" and viewer.speaks_of(areas)):
            return ""
        return f"{viewer.id} may not see this person"

    async def _known(self, person: str) -> tuple[str, set[str]]:
        """A person's key of today and areas; kept for a moment, since a page of the Web UI asks a hundred times."""
        held = self._lately.get(person)
        if held is not None and held[2] > time.monotonic():
            return held[0], held[1]
        key = await self.merges.canonical(person)
        for _ in range(_LOOKS):
            if areas := await self.people.areas(key):
                if len(self._lately) >= _LATELY:
                    self._lately.clear()
                self._lately[person] = (key, areas, time.monotonic() + _LATELY_SECONDS)
                return key, areas
            await asyncio.sleep(_LOOK_SECONDS)
        return key, set()
