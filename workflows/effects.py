"""Which activity carries out a kind of effect, and on which queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from activities.cases import CaseActivities
from activities.notices import NoticeActivities
from activities.tax import TaxActivities
from domain.life import EffectKind
from workflows.names import CASES_QUEUE, NOTICES_QUEUE, TAX_QUEUE


class Effector(NamedTuple):
    activity: Callable[..., Awaitable[None]]
    queue: str


EFFECTS = {
    EffectKind.LEVY: Effector(TaxActivities.levy, TAX_QUEUE),
    EffectKind.NOTICE: Effector(NoticeActivities.notify, NOTICES_QUEUE),
    EffectKind.REFUND: Effector(CaseActivities.carry, CASES_QUEUE),
    EffectKind.TRANSFER: Effector(CaseActivities.carry, CASES_QUEUE),
    EffectKind.DUPLICATE: Effector(CaseActivities.carry, CASES_QUEUE),
}
