"""The activity that tells lives of a policy notice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import Lives, NoticeReports
from domain.errors import Unavailable
from domain.life import PolicyNotice
from domain.policy_notices import LifeChanged, NoticePage, PageTold

_TRIES = 3


@dataclass(frozen=True)
class PolicyNoticeActivities:
    reports: NoticeReports
    lives: Lives

    @activity.defn(name="policy_notices.tell")
    async def tell(self, page: NoticePage) -> PageTold:
        """Tell a page of lives, one after the other at the pace; after an interruption it goes on where it stopped."""
        so_far = activity.info().heartbeat_details
        told = PageTold.model_validate(so_far[0]) if so_far else PageTold(after=page.after)
        with translated():
            people = await self.reports.people(page.area, told.after, page.limit)
        for person in people:
            await self._tell_one(page, person, told)
            told.after = person
            activity.heartbeat(told)
            await asyncio.sleep(1 / page.per_second)
        if not people:
            told.after = ""
        return told

    async def _tell_one(self, page: NoticePage, person: str, told: PageTold) -> None:
        notice = PolicyNotice(notice=page.notice, packs=page.packs)
        for attempt in range(_TRIES):
            activity.heartbeat(told)
            try:
                answer = await self.lives.reconsider(person, notice)
                break
            except Unavailable as error:
                if attempt == _TRIES - 1:
                    told.unreachable += 1
                    await self._keep(page, person, "", "", [f"没有答复 · no answer: {error}"])
                    return
        told.told += 1
        if answer is None:
            told.ended += 1
        elif answer.changed:
            told.changed += 1
            what = [item.both() for item in answer.what]
            await self._keep(page, person, answer.before, answer.after, what)

    async def _keep(self, page: NoticePage, person: str, before: str, after: str, what: list[str]) -> None:
        with translated():
            change = LifeChanged(notice=page.notice, person=person, before=before, after=after, what=what)
            await self.reports.keep_change(change)
