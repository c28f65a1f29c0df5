"""How an adapter's error becomes an activity's: what may pass is retried, a refusal is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from domain.errors import Refused, Unavailable


@contextmanager
def translated() -> Iterator[None]:
    """Raise adapter errors as ApplicationError, with a stable type and without a stack of the adapter's own."""
    try:
        yield
    except Unavailable as error:
        # Expected while the other side is away, so it does not count as a failure of ours in logs and metrics.
        raise ApplicationError(
            str(error),
            type="Unavailable",
            category=ApplicationErrorCategory.BENIGN,
            next_retry_delay=error.again_in,
        ) from None
    except Refused as error:
        raise ApplicationError(str(error), type="Refused", non_retryable=True) from None
