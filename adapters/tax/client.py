"""A client of the tax bureau's service: levies go out, payments, refunds and statements come back.

Its contract is `contract.json` (OpenAPI). Every call that changes something carries an idempotency key, so a call whose
answer was lost is safe to repeat.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import date, timedelta
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, ConfigDict, ValidationError

from domain.cases import RefundState
from domain.errors import Refused, Unavailable
from domain.money import Money
from domain.reconciliation import StatementPage

# What the bureau answers while it is busy or restarting; everything else from 400 to 499 is its last word.
_PASSING = {408, 425, 429}
TIMEOUT_SECONDS = 10
M = TypeVar("M", bound=BaseModel)
# However long the bureau wants to be left alone, it is asked again within an attempt.
_AGAIN_AT_MOST = timedelta(minutes=5)
_PAGE = 1000
_STATEMENT_PAGE = 5000


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Payment(_Answer):
    """Money that the bureau has booked; `cursor` is the order of booking."""

    id: str
    reference: str
    scheme: str
    area: str
    plan_year: int
    amount: str
    paid_on: date
    arrived_on: date
    cursor: int
    agent: str = ""
    receipt: str = ""

    @property
    def person(self) -> str:
        """Whose levy was paid: a reference is the person's key, then the slot."""
        return self.reference.partition("/")[0]


class LevyAtBureau(_Answer):
    """A levy as the bureau holds it; the amount in fen."""

    reference: str
    revision: int
    state: Literal["open", "paid", "cancelled"]
    scheme: str
    area: str
    plan_year: int
    amount: Money


class TaxBureauClient:
    """A client of the tax bureau's service; closes its connections when left."""

    def __init__(self, address: str) -> None:
        self._http = httpx2.AsyncClient(base_url=address, timeout=TIMEOUT_SECONDS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def issue_levy(self, reference: str, revision: int, payload: str) -> None:
        """Have a levy collected; a higher revision replaces a lower one, the same one again changes nothing."""
        body = {**json.loads(payload), "revision": revision}
        await self._call("PUT", _levy(reference), body, key=f"levy:{reference}:{revision}")

    async def cancel_levy(self, reference: str, revision: int) -> None:
        """Have a levy collected no more."""
        await self._call("DELETE", f"{_levy(reference)}?revision={revision}", key=f"cancel:{reference}:{revision}")

    async def levies(self, payer: str | None = None) -> AsyncIterator[LevyAtBureau]:
        """The levies that the bureau holds, of one payer or of all, by reference."""
        after = ""
        while True:
            query = f"/v1/levies?after={quote(after, safe='')}&limit={_PAGE}"
            page = await self._call("GET", query if payer is None else f"{query}&payer={quote(payer, safe='')}")
            for row in page:
                yield _read(LevyAtBureau, row)
            if len(page) < _PAGE:
                return
            after = page[-1]["reference"]

    async def request_refund(self, reference: str, revision: int, payload: str) -> None:
        """Have money paid back; a higher revision replaces a lower one, the same one again changes nothing."""
        body = {**json.loads(payload), "revision": revision}
        await self._call("PUT", _refund(reference), body, key=f"refund:{reference}:{revision}")

    async def refund_state(self, reference: str) -> RefundState:
        """Where a refund stands."""
        return RefundState.model_validate(await self._call("GET", _refund(reference)))

    async def cancel_refund(self, reference: str, revision: int) -> RefundState:
        """Have a refund not paid, unless it was; the answer says where it stands now."""
        key = f"cancel:{reference}:{revision}"
        return RefundState.model_validate(
            await self._call("DELETE", f"{_refund(reference)}?revision={revision}", key=key)
        )

    async def payments(self, after: int, limit: int = 500) -> list[Payment]:
        """Payments booked after a cursor, oldest first."""
        rows = await self._call("GET", f"/v1/payments?after={after}&limit={limit}")
        return [_read(Payment, row) for row in rows]

    async def statement(self, day: date, after: int = 0, limit: int = _STATEMENT_PAGE) -> StatementPage:
        """A page of the statement of a day, after a line's number."""
        page = await self._call("GET", f"/v1/statements/{day}?after={after}&limit={limit}")
        return _read(StatementPage, page)

    async def ask_for_pushes(self, url: str, secret: str) -> None:
        """Have payments pushed to an address, signed with a secret."""
        await self._call("PUT", "/v1/pushes", {"url": url, "secret": secret})

    async def _call(self, method: str, path: str, body: object | None = None, key: str | None = None) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        try:
            answer = await self._http.request(method, path, json=body, headers=headers)
        except httpx2.TransportError as error:
            raise Unavailable(f"the tax bureau does not answer: {type(error).__name__}") from None
        if answer.is_success:
            try:
                return answer.json() if answer.content else None
            except ValueError:
                raise Unavailable("the tax bureau's answer is no JSON") from None
        if answer.status_code >= 500 or answer.status_code in _PASSING:
            raise Unavailable(f"the tax bureau answered {answer.status_code}", again_in=_again_in(answer))
        raise Refused(f"the tax bureau refused: {answer.status_code} {_reason(answer)}")


class SandboxClient(TaxBureauClient):
    """What the sandbox bureau offers beside its contract: handing money over, and switching faults on."""

    async def pay(
        self,
        reference: str,
        payment: str,
        amount: str,
        paid_on: date,
        arrived_on: date | None = None,
        channel: str = "bank",
        agent: str = "bank-1",
    ) -> None:
        """Pay a levy, as a bank, an agent or the person would."""
        body = {"id": payment, "amount": amount, "paid_on": paid_on.isoformat(), "channel": channel, "agent": agent}
        if arrived_on is not None:
            body["arrived_on"] = arrived_on.isoformat()
        await self._call("POST", f"{_levy(reference)}/payments", body)

    async def post_batch(self, lines: list[dict[str, Any]]) -> None:
        """Post what an agent collected in cash."""
        await self._call("POST", "/v1/batches", {"lines": lines})

    async def pay_refund(self, reference: str, on: date) -> None:
        """Pay a refund out, as the treasury would."""
        await self._call("POST", f"{_refund(reference)}/pay", {"on": on.isoformat()})

    async def misbehave(self, **faults: float | bool) -> None:
        """Switch faults on; those that are not named are off."""
        await self._call("PUT", "/sandbox/faults", faults)


def _read(kind: type[M], content: object) -> M:
    """An answer as a model; one that breaks the contract is said without what stands in it."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Unavailable(f"the tax bureau's answer breaks the contract: field {place}: {first['msg']}") from None


def _levy(reference: str) -> str:
    return f"/v1/levies/{quote(reference, safe='')}"


def _refund(reference: str) -> str:
    return f"/v1/refunds/{quote(reference, safe='')}"


def _again_in(answer: httpx2.Response) -> timedelta | None:
    told = answer.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(told)), _AGAIN_AT_MOST) if re.fullmatch(r"[0-9]{1,6}", told) else None


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
