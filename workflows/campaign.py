"""集中征缴 The annual collection of an area: from the day on which its window opens to the list of the not enrolled.

Started by the area's Schedule or by hand. Who was enrolled last year is registered anew, and the lives have their
levies issued; who has not paid is reminded, at a pace and on days that the bureau sets, until the money has come; a
notice that extends the window moves the end while it runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from temporalio import workflow
from temporalio.common import Priority, RawValue, RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities.campaigns import CampaignActivities
    from domain.campaigns import STAGES, CampaignAsked, CampaignOrder, CampaignPage, CampaignWindow, PageDone, Stage
    from domain.civil_time import civil_day, first_instant
    from domain.money import yuan
    from workflows.hearing import heard
    from workflows.names import INTAKE_QUEUE

PAGE_LIMIT = timedelta(hours=2)
# Longer than a life may take to answer.
HEARTBEAT = timedelta(minutes=5)
RETRY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=10))
# It looks at nine every morning, and reminds nobody earlier in the day.
MORNING = timedelta(hours=9)
REGISTER, REMIND, LIST = "register", "remind", "list"
WEEK = timedelta(days=6)
# So many days in one run.
DAYS = 60


@workflow.defn
class Campaign:
    """One collection: an area and a plan year."""

    @workflow.init
    def __init__(self, order: CampaignOrder) -> None:
        self.order = order
        self.paused = False

    @workflow.run
    async def run(self, order: CampaignOrder) -> CampaignOrder:
        while await self._look():
            if self.order.days >= DAYS:
                self.order.days = 0
                workflow.continue_as_new(self.order)
            await self._until_morning()
            await workflow.wait_condition(lambda: not self.paused)
        self._show()
        return self.order

    async def _look(self) -> bool:
        """One day's work; whether there is another day."""
        order, today = self.order, self._today()
        order.days += 1
        if order.step_on != today:
            order.step, order.after, order.step_on = "", "", today  # what a day left undone, this one begins anew
        if not await self._see_window(today) or order.opens is None or order.closes is None:
            order.stage = Stage.NO_WINDOW
            return False
        if today < order.opens:
            order.stage = Stage.WAITING
            self._show()
            return True
        if today > order.closes:
            await self._close(today)
            return False
        if order.stage in (Stage.WAITING, Stage.OPENING):
            order.stage = Stage.OPENING
            self._show()
            await self._register(today)
            order.stage = Stage.COLLECTING
        if (order.closes - today).days in order.remind_days_before and order.reminded_on != today:
            if order.step != REMIND:
                await self._register(today)  # whoever became known since
            await self._until_nine(today)
            await self._remind(today)
            order.reminded_on = today
        await self._count(today)
        self._show()
        return True

    async def _see_window(self, today: date) -> bool:
        """Ask for the window anew every day, since a notice may have moved its end."""
        order = self.order
        asked = CampaignAsked(area=order.area, plan_year=order.plan_year, on=today)
        window: CampaignWindow = await workflow.execute_activity_method(
            CampaignActivities.window,
            asked,
            task_queue=INTAKE_QUEUE,
            start_to_close_timeout=HEARTBEAT,
            retry_policy=RETRY,
            summary=f"征缴期 · window on {today}",
        )
        if window.plan_year is None:
            return False
        order.plan_year, order.opens, order.closes = window.plan_year, window.opens, window.closes
        order.extended, order.apart = window.extended, window.apart
        return True

    async def _register(self, today: date) -> None:
        def count(done: PageDone) -> None:
            self.order.registered += done.done
            self.order.refused += done.refused

        if self.order.step != REGISTER:
            self.order.refused = 0  # who is refused is asked for again in every pass
        await self._pages(REGISTER, CampaignActivities.register, today, "续保登记 · register", count)

    async def _remind(self, today: date) -> None:
        def count(done: PageDone) -> None:
            self.order.reminded += done.done

        await self._pages(REMIND, CampaignActivities.remind, today, "催缴 · remind", count)

    async def _close(self, today: date) -> None:
        def count(done: PageDone) -> None:
            self.order.not_enrolled += done.done

        if self.order.step != LIST:
            self.order.not_enrolled = 0
        await self._pages(LIST, CampaignActivities.list_not_enrolled, today, "未参保名单 · not enrolled", count)
        await self._count(today)
        self.order.stage = Stage.CLOSED

    async def _pages(
        self,
        step: str,
        work: Callable[..., Awaitable[PageDone]],
        today: date,
        what: str,
        count: Callable[[PageDone], None],
    ) -> None:
        """Go through the pages of a step. A long one goes on in the next run, at the page where this one stopped."""
        order = self.order
        if order.step != step:
            order.step, order.after = step, ""
        while True:
            await workflow.wait_condition(lambda: not self.paused)
            if step == REMIND and self._today() != today:
                break  # it was paused overnight: nobody is told yesterday's news
            done: PageDone = await workflow.execute_activity_method(
                work,
                self._page(today).model_copy(update={"after": order.after}),
                task_queue=INTAKE_QUEUE,
                start_to_close_timeout=PAGE_LIMIT,
                heartbeat_timeout=HEARTBEAT,
                retry_policy=RETRY,
                priority=Priority(fairness_key=order.area),
                summary=f"{what} {order.after}",
            )
            count(done)
            order.after = done.after
            self._show()
            if not done.after:
                break
            if workflow.info().is_continue_as_new_suggested():
                order.days = 0
                workflow.continue_as_new(order)
        order.step = ""

    async def _until_nine(self, today: date) -> None:
        """Nobody is woken by a reminder."""
        nine = first_instant(today) + MORNING
        if workflow.now() < nine:
            await workflow.sleep(nine - workflow.now(), summary="九点前不催缴 · no reminders before nine")

    async def _count(self, today: date) -> None:
        self.order.counts = await workflow.execute_activity_method(
            CampaignActivities.counts,
            self._page(today),
            task_queue=INTAKE_QUEUE,
            start_to_close_timeout=PAGE_LIMIT,
            retry_policy=RETRY,
            summary="进度 · progress",
        )

    def _page(self, today: date) -> CampaignPage:
        order = self.order
        assert order.plan_year is not None
        return CampaignPage(
            area=order.area,
            plan_year=order.plan_year,
            apart=order.apart,
            on=today,
            per_second=order.per_second,
            closes=order.closes,
        )

    async def _until_morning(self) -> None:
        """Sleep until the next morning; before the window for a week, since a notice may move its beginning too."""
        order, tomorrow = self.order, self._today() + timedelta(days=1)
        day = tomorrow
        if order.stage is Stage.WAITING and order.opens is not None:
            day = max(tomorrow, min(order.opens, tomorrow + WEEK))
        morning = first_instant(day) + MORNING
        await workflow.sleep(morning - workflow.now(), summary=f"{day} 征缴 · collection")

    def _today(self) -> date:
        return civil_day(workflow.now())

    def _show(self) -> None:
        order, counts = self.order, self.order.counts
        target = "" if order.target is None else f", 目标 · target {order.target}%"
        extended = " (延期 · extended)" if order.extended else ""
        workflow.set_current_details(
            f"## 集中征缴 · collection {order.area} {order.plan_year or ''}\n\n"
            f"{STAGES[order.stage].both()}, {order.opens or '?'} → {order.closes or '?'}{extended}\n\n"
            f"- 上年参保 · enrolled last year: {counts.enrolled_last_year}\n"
            f"- 已登记 · registered: {counts.registered} (续保 · by this collection {order.registered}, "
            f"不予受理 · refused {order.refused})\n"
            f"- 已缴费 · paid: {counts.paid} = {counts.percent}%{target}\n"
            f"- 待缴 · to be paid: {yuan(counts.open_amount)} 元 · yuan\n"
            f"- 催缴 · reminders: {order.reminded}\n"
            f"- 未参保 · not enrolled: {order.not_enrolled}"
        )

    @workflow.signal(description="暂停 · Pause")
    def pause(self) -> None:
        self.paused = True

    @workflow.signal(description="继续 · Go on")
    def resume(self) -> None:
        self.paused = False

    @workflow.signal(description="目标缴费率(百分比)· Percent that are to have paid")
    def aim(self, said: RawValue) -> None:
        target = heard(said, float)
        if target is not None:
            self.order.target = target
            self._show()

    @workflow.query(description="进度 · How far it has come")
    def progress(self) -> CampaignOrder:
        return self.order
