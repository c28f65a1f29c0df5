"""Activities on the tax bureau."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import TaxBureau
from domain.cases import RefundState
from domain.life import Attempt


@dataclass(frozen=True)
class TaxActivities:
    bureau: TaxBureau

    @activity.defn(name="tax.levy")
    async def levy(self, attempt: Attempt) -> None:
        """Have a levy collected, or cancelled. The slot is the levy's reference and its generation the revision."""
        reference = f"{attempt.person}/{attempt.slot}"
        with translated():
            if attempt.withdraw:
                await self.bureau.cancel_levy(reference, attempt.generation)
            else:
                await self.bureau.issue_levy(reference, attempt.generation, attempt.payload)

    @activity.defn(name="tax.request_refund")
    async def request_refund(self, attempt: Attempt) -> None:
        """Ask for money to be paid back."""
        with translated():
            await self.bureau.request_refund(f"{attempt.person}/{attempt.slot}", attempt.generation, attempt.payload)

    @activity.defn(name="tax.refund_state")
    async def refund_state(self, reference: str) -> RefundState:
        """Where a refund stands at the bureau."""
        with translated():
            return await self.bureau.refund_state(reference)

    @activity.defn(name="tax.cancel_refund")
    async def cancel_refund(self, attempt: Attempt) -> RefundState:
        """Have a refund not paid; the answer says whether the money was faster."""
        with translated():
            return await self.bureau.cancel_refund(f"{attempt.person}/{attempt.slot}", attempt.generation)
