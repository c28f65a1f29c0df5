"""Activities that tell somebody something."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import Notices
from domain.life import Attempt


@dataclass(frozen=True)
class NoticeActivities:
    notices: Notices

    @activity.defn(name="notices.notify")
    async def notify(self, attempt: Attempt) -> None:
        """Send a notice, or, where it no longer follows, the notice that corrects it."""
        with translated():
            await self.notices.send(attempt.idempotency_key, attempt.person, attempt.payload, attempt.withdraw)
