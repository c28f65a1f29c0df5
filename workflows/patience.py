"""How long a call to a system outside may take, and how long to wait before it is tried again."""

from __future__ import annotations

from datetime import timedelta

from temporalio.common import RetryPolicy

# One call.
CALL_LIMIT = timedelta(seconds=30)
# One attempt, of several calls. The long patience is kept outside, so that nothing waits for a bureau that is away.
ATTEMPT_LIMIT = timedelta(minutes=10)
# Within an attempt: after 1, 5, 21, 85 and 341 seconds, so that a bureau that comes back is not met by a storm.
ATTEMPT_RETRY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=4, maximum_interval=timedelta(minutes=6)
)
# Between attempts.
PATIENCE = timedelta(hours=6)
# The other side said no; asking again soon would change nothing, and asking never again would lose the effect.
PATIENCE_AFTER_REFUSAL = timedelta(days=7)
