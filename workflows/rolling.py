"""Rolling and ending: when a life goes on in a new run, and when it is over."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.workflow import ContinueAsNewVersioningBehavior

from domain.carried import pack
from domain.life import Life
from workflows.life_state import LifeState

# How long no fact must come before a life rolls. A roll in the task that answers a sender makes the server fail that
# task when the next report is already there.
QUIET = timedelta(seconds=1)
# The turn of a year is no reason to roll while a run is this short: a roll costs as many events as a payment.
WORTH_A_RUN = 100
FIRST_MINUTE = timedelta(minutes=1)
# What a run hands to the next one for the sake of senders who ask again and operators who look back.
RECEIPTS_CARRIED = 20
CONCLUSIONS_CARRIED = 12
TIMELINE_CARRIED = 40


class Rolling(LifeState):
    """The part of the loop that hands over to a new run, and that ends."""

    def may_roll(self) -> bool:
        """Rolling is a state, never a wait: handlers wait for the loop, so the loop must not wait for handlers."""
        return self._has_reason() and not self.must_judge() and workflow.all_handlers_finished()

    def _has_reason(self) -> bool:
        info = workflow.info()
        if info.is_continue_as_new_suggested():
            return True
        if self.calls:
            return False  # what is on its way would be sent again by the next run, for nothing
        if self.today().year > self.began and info.get_current_history_length() >= WORTH_A_RUN:
            return True
        # A version that cannot be reached must not make a life roll for ever.
        settled_in = workflow.now() - info.start_time > FIRST_MINUTE
        return settled_in and info.is_target_worker_deployment_version_changed()

    async def quiet(self) -> bool:
        try:
            await workflow.wait_condition(
                self.must_judge, timeout=QUIET, timeout_summary="换届前静候 · quiet before a new run"
            )
        except TimeoutError:
            return self.may_roll()
        return False

    def next_version(self) -> ContinueAsNewVersioningBehavior | None:
        """A life is pinned to the release that runs it, and moves to the current one where it rolls."""
        if workflow.info().is_target_worker_deployment_version_changed():
            return ContinueAsNewVersioningBehavior.AUTO_UPGRADE
        return None

    def next_run(self) -> Life:
        life = self.life
        trimmed = life.model_copy(
            update={
                "receipts": dict(list(life.receipts.items())[-RECEIPTS_CARRIED:]),
                "conclusions": life.conclusions[-CONCLUSIONS_CARRIED:],
                "timeline": life.timeline[-TIMELINE_CARRIED:],
                "operation_receipts": dict(list(life.operation_receipts.items())[-RECEIPTS_CARRIED:]),
                "step": self.step.model_copy(
                    update={
                        "coverage_added": [],
                        "coverage_gone": [],
                        "wanted": {},
                        "unwanted": [],
                        "conclusions": [],
                        "details": "",
                    }
                ),
                "runs": life.runs + 1,
            }
        )
        return pack(trimmed)

    def over(self) -> bool:
        return (
            self.step.ended
            and not self.must_judge()
            and not self.effects
            and not self.life.proposals
            and self.recording is None
            and self.life.recorded_sequence == self.life.sequence
            and workflow.all_handlers_finished()
        )
