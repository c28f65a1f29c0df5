"""Refuses lives whose civil clock is shifted, unless the worker was started to play lives back (`--shifted-clocks`).

The check stands in the validator: a validator is not run again on replay, so a worker with another setting still
replays every history.
"""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

with workflow.unsafe.imports_passed_through():
    from domain.life import Life


class RefuseShiftedClocks(Interceptor):
    """For every worker that serves real people."""

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        return _Refusal


class _Refusal(WorkflowInboundInterceptor):
    def handle_update_validator(self, input: HandleUpdateInput) -> None:
        life = getattr(workflow.instance(), "life", None)
        if isinstance(life, Life) and life.clock_shift_days:
            raise ApplicationError(
                "this life's clock is shifted; only a worker started with --shifted-clocks serves it",
                type="ShiftedClockRefused",
            )
        super().handle_update_validator(input)
