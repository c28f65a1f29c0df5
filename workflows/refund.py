"""退费 Refund: asked for at the tax bureau, accepted, the money confirmed, settled.

Only the tax bureau's confirmation, or two people at the bureau who say that it was settled by other means, makes it
settled. Source of the procedure: 医保发〔2020〕33号 (refunds on application, through the channel of payment).
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.tax import TaxActivities
    from domain.bilingual import Text
    from domain.cases import Case, RefundState
    from domain.life import EffectKind
    from domain.money import fen, yuan
    from workflows.case_work import CaseWork, NoLongerFollowsError, SettledByOtherMeansError
    from workflows.names import TAX_QUEUE
    from workflows.patience import PATIENCE_AFTER_REFUSAL

# How often the bureau is asked where a refund stands: daily at first, then weekly.
LOOKS_DAILY = 30


@workflow.defn
class Refund(CaseWork):
    """One refund of one relation's year to one recipient."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.tries = 0

    @workflow.run
    async def run(self, case: Case) -> str:
        try:
            while not await self._asked_and_paid():
                pass
        except SettledByOtherMeansError:
            return await self._settled_by_other_means()
        except NoLongerFollowsError:
            return await self._taken_back()
        return await self.close("已退费", "refunded")

    async def _asked_and_paid(self) -> bool:
        """Ask for the money and wait for the bureau's word; False when it has to be asked for anew."""
        self.tries += 1
        self.revised = False
        state = await self._already_paid() if self.tries > 1 else None
        if state is None:
            self.enter("向税务申请退费", "the refund is asked for")
            asked = self.effect("", self._revision(), self.case.content, EffectKind.REFUND)
            await self.attempt(TaxActivities.request_refund, asked, TAX_QUEUE, "申请退费 · ask for the refund")
            self.enter("税务已受理", "accepted by the tax bureau")
            state = await self._bureau_says()
        if state is None:
            return False  # its content changed while it waited: the higher revision replaces what was asked for
        if state.state == "paid" and fen(state.amount or "0") == fen(self.case.content["amount"]):
            await self._report("refund_confirmed", state)
            return True
        if state.state == "paid":
            amounts = f"{state.amount} ≠ {self.case.content['amount']}"
            trouble = Text(f"税务退回的金额不符:{amounts}", f"the bureau paid another amount: {amounts}")
        else:
            await self._report("refund_failed", state)
            trouble = Text(f"退费未成功:{state.because}", f"the refund failed: {state.because}")
        await self.stuck(trouble.both(), PATIENCE_AFTER_REFUSAL, "退费 · refund")
        return False

    async def _already_paid(self) -> RefundState | None:
        """What was paid on an earlier request; asking anew would only be refused."""
        state = await self._where_it_stands()
        return state if state.state == "paid" else None

    async def _where_it_stands(self) -> RefundState:
        reference = f"{self.case.person}/{self.case.slot}"
        state: RefundState = await self.attempt(
            TaxActivities.refund_state, reference, TAX_QUEUE, "查询退费 · where does the refund stand?"
        )
        return state

    async def _bureau_says(self) -> RefundState | None:
        """Ask where it stands until the bureau paid or failed; None when the content changed meanwhile."""
        looks = 0
        while True:
            state = await self._where_it_stands()
            if state.state in ("paid", "failed"):
                return state
            looks += 1
            again = self.today() + timedelta(days=0 if looks <= LOOKS_DAILY else 6)
            if await self.until(lambda: self.revised, again, "待税务确认 · the bureau's confirmation"):
                return None

    async def _report(self, kind: str, state: RefundState) -> None:
        content = self.case.content
        await self.report(
            {
                "type": kind,
                "scheme": content["scheme"],
                "area": content["area"],
                "plan_year": content["plan_year"],
                "amount": state.amount or content["amount"],
                **({"on": state.on.isoformat()} if state.on is not None and state.on <= self.today() else {}),
            },
            self.tries,
        )

    async def _settled_by_other_means(self) -> str:
        self.undoing = True
        state = await self._cancelled_at_the_bureau()
        amount = self.case.content["amount"]
        if state.state == "paid":
            # Both went out: the life learns of all of it, which is not what is owed, and a person has to decide.
            twice = yuan(fen(amount) + fen(state.amount or amount))
            await self._report("refund_confirmed", RefundState(state="paid", amount=twice))
            return await self.close("线下与税务均已退费", "settled by other means, and paid by the bureau too")
        await self._report("refund_confirmed", RefundState(state="paid"))
        return await self.close("线下办结", "settled by other means")

    async def _taken_back(self) -> str:
        self.undoing = True
        state = await self._cancelled_at_the_bureau()
        if state.state == "paid":
            # The money was faster. The life learns of it, and a person has to decide.
            await self._report("refund_confirmed", state)
            return await self.close("撤回前已退费", "paid before it could be taken back")
        return await self.close("已撤回", "taken back")

    async def _cancelled_at_the_bureau(self) -> RefundState:
        cancelled = self.effect("", self._revision(), {}, EffectKind.REFUND)
        state: RefundState = await self.attempt(
            TaxActivities.cancel_refund, cancelled, TAX_QUEUE, "撤回退费 · take the refund back"
        )
        return state

    def _revision(self) -> int:
        """What the bureau tells an earlier request from a later one by."""
        return self.case.generation * 100 + self.tries
