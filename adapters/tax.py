"""The tax bureau's side over HTTP: levies go out, payments come back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx2

from domain.cases import RefundState
from domain.errors import Refused, Unavailable

# What the bureau answers while it is busy or restarting; everything else from 400 to 499 is its last word.
_PASSING = {408, 425, 429}
TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that the bureau has collected, in the order in which it booked them."""

    id: str
    reference: str
    scheme: str
    area: str
    plan_year: int
    amount: str
    paid_on: date
    arrived_on: date
    cursor: int

    @property
    def person(self) -> str:
        """Whose levy was paid: a reference is the person's key, then the slot."""
        return self.reference.partition("/")[0]


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
        await self._call("PUT", _path(reference), {**json.loads(payload), "revision": revision})

    async def cancel_levy(self, reference: str, revision: int) -> None:
        """Have a levy collected no more."""
        await self._call("DELETE", f"{_path(reference)}?revision={revision}")

    async def request_refund(self, reference: str, revision: int, payload: str) -> None:
        """Have money paid back; a higher revision replaces a lower one, the same one again changes nothing."""
        await self._call("PUT", _refund(reference), {**json.loads(payload), "revision": revision})

    async def refund_state(self, reference: str) -> RefundState:
        """Where a refund stands."""
        return RefundState.model_validate(await self._call("GET", _refund(reference)))

    async def cancel_refund(self, reference: str, revision: int) -> RefundState:
        """Have a refund not paid, unless it was; the answer says where it stands now."""
        return RefundState.model_validate(await self._call("DELETE", f"{_refund(reference)}?revision={revision}"))

    async def pay_refund(self, reference: str, on: date) -> None:
        """Pay a refund out, as the treasury would; the bureau's sandbox offers this."""
        await self._call("POST", f"{_refund(reference)}/pay", {"on": on.isoformat()})

    async def pay(self, reference: str, payment: str, amount: str, paid_on: date, arrived_on: date) -> None:
        """Pay a levy, as a bank, an agent or the person would; the bureau's sandbox offers this."""
        body = {
            "id": payment,
            "amount": amount,
            "paid_on": paid_on.isoformat(),
            "arrived_on": arrived_on.isoformat(),
        }
        await self._call("POST", f"{_path(reference)}/payments", body)

    async def payments(self, after: int, limit: int = 500) -> list[Payment]:
        """Payments booked after a cursor, oldest first."""
        rows: list[dict[str, Any]] = await self._call("GET", f"/v1/payments?after={after}&limit={limit}")
        return [
            Payment(
                id=row["id"],
                reference=row["reference"],
                scheme=row["scheme"],
                area=row["area"],
                plan_year=row["plan_year"],
                amount=row["amount"],
                paid_on=date.fromisoformat(row["paid_on"]),
                arrived_on=date.fromisoformat(row["arrived_on"]),
                cursor=row["cursor"],
            )
            for row in rows
        ]

    async def _call(self, method: str, path: str, body: object | None = None) -> Any:
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx2.TransportError as error:
            raise Unavailable(f"the tax bureau does not answer: {type(error).__name__}") from None
        if answer.is_success:
            return answer.json() if answer.content else None
        if answer.status_code >= 500 or answer.status_code in _PASSING:
            raise Unavailable(f"the tax bureau answered {answer.status_code}")
        raise Refused(f"the tax bureau refused: {answer.status_code} {_reason(answer)}")


def _path(reference: str) -> str:
    return f"/v1/levies/{quote(reference, safe='')}"


def _refund(reference: str) -> str:
    return f"/v1/refunds/{quote(reference, safe='')}"


def _reason(answer: httpx2.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
