"""转移接续 Transfer between two pooling areas, as one saga.

Both ends check it, the old area hands the relation over within ten working days, the new one takes it within five. It
closes when no day between them is uncovered or covered twice and the months have been carried. When one side fails,
what the other did is undone. Source: 医保办发〔2021〕43号.
"""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.registry import Between, RegistryActivities
    from domain.bilingual import Text
    from domain.cases import Case, Continuity, Letter
    from workflows.case_work import CaseWork, NoLongerFollowsError, SettledByOtherMeansError
    from workflows.names import REGISTRY_QUEUE

# Days are looked at again when the life learns of something, and else so often.
LOOKS_AGAIN = timedelta(days=7)


class SideFailedError(Exception):
    """One side will not do its part."""


@workflow.defn
class Transfer(CaseWork):
    """One transfer of one relation."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.handed_over = False

    @workflow.run
    async def run(self, case: Case) -> str:
        try:
            await self._checked_at_both_ends()
            months = await self._handed_over()
            await self._taken_over(months)
            await self._without_gap_or_overlap()
        except SettledByOtherMeansError:
            self.undoing = True
            await self._report("transfer_completed")
            return await self.close("线下办结", "settled by other means")
        except (SideFailedError, NoLongerFollowsError) as failure:
            return await self._undone(str(failure) or "no longer follows")
        await self._report("transfer_completed")
        return await self.close("转移接续办结", "completed")

    async def _checked_at_both_ends(self) -> None:
        self.enter("转出地与转入地校验", "checked at both ends")
        content = self.case.content
        out = Text("请核对停保与欠费", "please check that the relation has stopped and nothing is owed")
        into = Text("请核对参保", "please check that the person has enrolled")
        letters = await self.both(
            self.ask("check-out", content["from_area"], out, self._due()),
            self.ask("check-in", content["to_area"], into, self._due()),
        )
        for letter in letters:
            _accepted(letter)

    async def _handed_over(self) -> int:
        """The old area hands over within its ten working days; the answer carries the sheet."""
        self.enter("转出", "handed over by the old area")
        content = self.case.content
        between = self._between()
        counted: int = await self.attempt(
            RegistryActivities.months, between, REGISTRY_QUEUE, "累计月数 · months of contribution"
        )
        words = Text(
            f"请转出,附《信息表》(登记库累计{counted}个月)", f"please hand over with the sheet ({counted} months)"
        )
        letter = _accepted(await self.ask("transfer-out", content["from_area"], words, self._due()))
        self.handed_over = True
        await self._report("transfer_sheet_received")
        return counted if letter.months is None else letter.months

    async def _taken_over(self, months: int) -> None:
        """The new area takes over within its five working days, with as many months as the sheet says."""
        self.enter("转入", "taken over by the new area")
        await self.until(lambda: self.case.content["side"] == "in", self.today(), "转入期限 · by when")
        attempt = 0
        while True:
            attempt += 1
            name = "transfer-in" if attempt == 1 else f"transfer-in-{attempt}"
            words = Text(f"请转入,累计{months}个月", f"please take over {months} months")
            letter = _accepted(await self.ask(name, self.case.content["to_area"], words, self._due()))
            if letter.months in (None, months):
                return
            self.note(Text(f"月数不符:{letter.months} ≠ {months}", f"months differ: {letter.months} ≠ {months}"))

    async def _without_gap_or_overlap(self) -> None:
        """Prove from the ledger that no day is uncovered or covered twice; else wait for what closes it."""
        self.enter("核对待遇衔接", "days between the two areas are checked")
        while True:
            between = self._between()
            found: Continuity = await self.attempt(
                RegistryActivities.continuity, between, REGISTRY_QUEUE, "核对衔接 · gaps and overlaps"
            )
            if not found.gaps and not found.overlaps:
                return
            days = [f"{start} → {end}" for start, end in [*found.gaps, *found.overlaps]]
            kind = Text("中断", "uncovered") if found.gaps else Text("重复", "covered twice")
            await self.stuck(f"{kind.both()}: {', '.join(days)}", LOOKS_AGAIN, "衔接 · continuity")

    async def _undone(self, because: str) -> str:
        """Compensate: what the old area handed over goes back to it."""
        self.undoing = True
        content = self.case.content
        if self.handed_over:
            self.enter("恢复转出地关系", "the old area restores the relation")
            words = Text(f"转移未成,请恢复参保关系:{because}", f"the transfer failed, please restore: {because}")
            await self.ask("restore", content["from_area"], words)
        why = Text(f"转移接续未办成:{because}", f"the transfer was not carried out: {because}")
        await self.tell("not-carried-out", "person", why)
        return await self.close(f"未办成:{because}", f"undone: {because}")

    async def _report(self, kind: str) -> None:
        content = self.case.content
        fact = {name: content[name] for name in ("scheme", "from_area", "to_area")}
        await self.report({"type": kind, "area": content["to_area"], **fact})

    def _between(self) -> Between:
        content = self.case.content
        return Between(
            person=self.case.person,
            scheme=content["scheme"],
            from_area=content["from_area"],
            to_area=content["to_area"],
            on=self.today(),
        )

    def _due(self) -> date | None:
        """The last day of the side whose turn it is, as the rules count it."""
        due = self.case.content.get("due")
        return date.fromisoformat(due) if due else None


def _accepted(letter: Letter) -> Letter:
    if letter.answer != "accepted":
        raise SideFailedError(f"{letter.to}: {letter.because}")
    return letter
