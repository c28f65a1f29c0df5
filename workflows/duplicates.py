"""重复参保 Duplicate enrolment: proposed, decided, acknowledged by both registries, closed.

It is decided by a rule, by the person's written commitment or by an operator, all of which reach the life as facts; the
life tells the case. The area of the relation that goes is told to terminate or to suspend it, as the rule says. Source:
医保发〔2020〕33号, art. 4.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.bilingual import Text
    from domain.cases import Case
    from workflows.case_work import CaseWork, NoLongerFollowsError, SettledByOtherMeansError

# While nobody has decided, the person is reminded so often.
REMINDS_EVERY = timedelta(days=30)
_ACTIONS = {"terminate": Text("终止", "terminate"), "suspend": Text("暂停", "suspend")}


@workflow.defn
class Duplicates(CaseWork):
    """Two live records of one person."""

    @workflow.init
    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.rounds = 0
        self.reminders = 0

    @workflow.run
    async def run(self, case: Case) -> str:
        try:
            await self._decided()
            while not await self._acknowledged():
                await self._decided()  # what was decided may have been taken back
        except SettledByOtherMeansError:
            return await self.close("线下办结", "settled by other means")
        except NoLongerFollowsError:
            return await self._undone()
        return await self.close("重复参保已清理", "settled")

    async def _decided(self) -> None:
        if self.case.content["loses"] is None:
            self.enter("待决定保留哪一条", "proposed: which record stays?")
        while self.case.content["loses"] is None:
            day = self.today() + REMINDS_EVERY
            if not await self.until(lambda: self.case.content["loses"] is not None, day, "待决定 · to be decided"):
                self.reminders += 1
                words = Text("重复参保待确认保留哪一条", "two live records: please say which one stays")
                await self.tell(f"reminder-{self.reminders}", "person", words)

    async def _acknowledged(self) -> bool:
        """Both areas acknowledge; False when the decision changed meanwhile, or when one refused and is asked again."""
        self.revised = False
        self.rounds += 1
        content = self.case.content
        by = {"rule": "依规定", "commitment": "依本人承诺", "operator": "经办决定"}[content["decided_by"]]
        self.enter(f"{by},待两地确认", f"decided by {content['decided_by']}; both areas acknowledge")
        action = _ACTIONS[content["action"]]
        loses, keeps = content["loses"], content["keeps"]
        goes = Text(f"重复参保,请{action.zh}该参保关系", f"duplicate enrolment: please {action.en} the relation")
        stays = Text("重复参保,保留该参保关系", "duplicate enrolment: the relation stays")
        letters = await self.both(
            self.ask(f"goes-{self.rounds}", loses["area"], goes),
            self.ask(f"stays-{self.rounds}", keeps["area"], stays),
        )
        if self.revised:
            return False
        refused = [letter for letter in letters if letter.answer == "refused"]
        if refused:
            trouble = "; ".join(f"{letter.to}: {letter.because}" for letter in refused)
            await self.stuck(trouble, REMINDS_EVERY, "两地确认 · acknowledgements")
            return False
        return True

    async def _undone(self) -> str:
        """Tell whoever was told to end a relation that it stays."""
        self.undoing = True
        for name, letter in list(self.letters.items()):
            if name.startswith("goes-"):
                words = Text("重复参保不成立,请恢复参保关系", "no duplicate after all: please restore the relation")
                await self.ask(f"restore-{name}", letter.to, words)
        return await self.close("不构成重复参保", "no duplicate")
