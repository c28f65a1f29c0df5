"""Activities on the tax bureau."""

from __future__ import annotations

from dataclasses import dataclass

from temporalio import activity

from activities.failures import translated
from activities.ports import TaxBureau
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
