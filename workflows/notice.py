"""政策通知 A policy notice: new rules came into force, and every life that they concern judges again by them.

The lives are taken from the registry page by page, told at a pace that the bureau can bear, and counted; what changed
of each is kept in the registry. It can be paused, and goes on after any interruption where it stopped.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.policy_notices import PolicyNoticeActivities
    from domain.policy_notices import NoticeOrder, NoticePage, PageTold
    from workflows.names import CASES_QUEUE

PAGE_LIMIT = timedelta(hours=2)
HEARTBEAT = timedelta(seconds=60)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=5))
# So many pages in one run.
PAGES = 200


@workflow.defn
class Notice:
    """One notice, for the areas that it concerns."""

    @workflow.init
    def __init__(self, order: NoticeOrder) -> None:
        self.order = order
        self.paused = False

    @workflow.run
    async def run(self, order: NoticeOrder) -> NoticeOrder:
        pages = 0
        while self.order.area < len(self.order.areas):
            if pages == PAGES:
                workflow.continue_as_new(self.order)
            self._show()
            await workflow.wait_condition(lambda: not self.paused)
            self._count(await self._page())
            pages += 1
        self._show()
        return self.order

    async def _page(self) -> PageTold:
        page = NoticePage(
            notice=self.order.notice,
            packs=self.order.packs,
            area=self.order.areas[self.order.area],
            after=self.order.after,
            per_second=self.order.per_second,
        )
        return await workflow.execute_activity_method(
            PolicyNoticeActivities.tell,
            page,
            task_queue=CASES_QUEUE,
            start_to_close_timeout=PAGE_LIMIT,
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary=f"告知 · tell {page.area} {page.after}",
        )

    def _count(self, page: PageTold) -> None:
        order = self.order
        order.told += page.told
        order.changed += page.changed
        order.ended += page.ended
        order.unreachable += page.unreachable
        order.after = page.after
        if not page.after:
            order.area += 1

    def _show(self) -> None:
        order = self.order
        done = order.area >= len(order.areas)
        stage = "完成 · done" if done else f"{order.areas[order.area]} {order.after or '…'}"
        counts = (
            f"已告知 · told {order.told}, 有变化 · changed {order.changed}, 已终结 · ended {order.ended}, "
            f"未答复 · unreachable {order.unreachable}"
        )
        workflow.set_current_details(f"## {order.notice}\n\n{stage}\n\n{counts}")

    @workflow.signal(description="暂停 · Pause")
    def pause(self) -> None:
        self.paused = True

    @workflow.signal(description="继续 · Go on")
    def resume(self) -> None:
        self.paused = False

    @workflow.query(description="进度 · How far it has come")
    def progress(self) -> NoticeOrder:
        return self.order
