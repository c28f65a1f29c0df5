"""`canbao assess FILE`: what follows from the facts of a case file, why, and whether it is what the file expects."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.language import Speaker
from domain.assessment import MATTER_NAMES, Assessment, to_wire
from domain.bilingual import Text
from domain.money import yuan
from policy.case_files import CaseFile, judge_case, read_cases
from policy.pack_library import library

_MISMATCH = 1

_SCHEMES = {"resident": Text("居民医保", "resident scheme"), "employee": Text("职工医保", "employee scheme")}
_SERVICES = {"inpatient": Text("仅住院", "in-patient only"), "outpatient": Text("仅门诊", "out-patient only")}
_RECIPIENTS = {
    "person": Text("退本人", "to the person"),
    "heir": Text("退继承人", "to the heirs"),
    "fund": Text("退资助资金", "to the subsidising fund"),
    "payer": Text("退缴费方", "to who paid"),
}
_INCENTIVES = {"continuous": Text("连续参保", "continuous years"), "zero_claim": Text("零报销", "year without a claim")}


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("assess", help=say("按政策判断案例文件。", "Assess the cases in a file by the rules."))
    def assess(
        file: Annotated[Path, typer.Argument(help=say("案例文件(YAML)", "case file (YAML)"))],
        as_json: Annotated[
            bool, typer.Option("--json", help=say("输出 JSON", "print JSON, one result per case"))
        ] = False,
    ) -> None:
        results = [(case, *judge_case(case, library())) for case in read_cases(file)]
        if as_json:
            wire = [
                {"id": case.id, "assessment": to_wire(found), "mismatches": differences}
                for case, found, differences in results
            ]
            print(json.dumps(wire, ensure_ascii=False, indent=2))
        else:
            page = _Page(Console(highlight=False, soft_wrap=True), say)
            for case, found, differences in results:
                page.print(case, found, differences)
        if any(differences for _, _, differences in results):
            raise typer.Exit(_MISMATCH)


class _Page:
    """One case in words: what follows, then why, with what was tried and did not hold."""

    def __init__(self, console: Console, say: Speaker) -> None:
        self._console, self._say = console, say

    def print(self, case: CaseFile, found: Assessment, differences: list[str]) -> None:
        say = self._say
        self._console.print(f"[bold]{escape(case.id)}[/] {escape(case.title)} ({say('截至', 'as of')} {case.as_of})")
        for title, items in (
            (say("享受待遇", "covered"), self._cover(found)),
            (say("待遇等待", "waiting"), self._waits(found)),
            (say("待遇暂停", "suspended"), self._suspensions(found)),
            (say("关系终止", "terminated"), self._ended(found)),
            (say("尚未确定", "undetermined"), self._open_days(found)),
            (say("应缴", "levies"), self._levies(found)),
            (say("退费", "refunds"), self._refunds(found)),
            (say("扣减财政补助", "subsidy deducted"), self._clawbacks(found)),
            (say("激励", "incentives"), self._incentives(found)),
            (
                say("不予受理", "refused"),
                [f"{escape(item.fact)}: {self._words(item.because)}" for item in found.refused],
            ),
            (say("期限", "deadlines"), self._due(found)),
            (say("通知", "notices"), self._notices(found)),
            (
                say("需要人工决定", "a person must decide"),
                [f"{item.question}: {self._words(item.because)}" for item in found.parked],
            ),
        ):
            self._section(title, items)
        self._reasons(found)
        for difference in differences:
            self._console.print(f"  [red]{say('与预期不符', 'not as expected')}: {escape(difference)}[/]")

    def _section(self, title: str, items: list[str]) -> None:
        if items:
            self._console.print(f"  [bold]{title}[/]")
        for item in items:
            self._console.print(f"    {item}")

    def _words(self, text: Text) -> str:
        return escape(text.in_(self._say.language))

    def _place(self, scheme: str, area: str) -> str:
        name = library().name(area).in_(self._say.language)
        return f"{self._words(_SCHEMES[scheme])} {escape(name)}" + ("" if name == area else f" ({area})")

    def _cover(self, found: Assessment) -> list[str]:
        lines = []
        for span in found.coverage:
            part = f" {span.share:%}" if span.share != 1 else ""
            service = f" {self._words(_SERVICES[span.service])}" if span.service else ""
            days = f"{span.start} → {span.end or '…'}"
            lines.append(f"{days}{part}{service}  {self._place(span.scheme, span.area)}: {self._words(span.because)}")
        kept = [f"{self._place(item.scheme, item.area)}: {self._words(item.because)}" for item in found.kept]
        return lines + kept

    def _waits(self, found: Assessment) -> list[str]:
        return [
            f"{wait.start} → {wait.end or '?'}  {self._place(wait.scheme, wait.area)}: {self._words(wait.because)}"
            for wait in found.waits
        ]

    def _suspensions(self, found: Assessment) -> list[str]:
        return [
            f"{item.start} → {item.end or '…'}  {self._place(item.scheme, item.area)}: {self._words(item.because)}"
            for item in found.suspensions
        ]

    def _ended(self, found: Assessment) -> list[str]:
        return [
            f"{item.on}  {self._place(item.scheme, item.area)}: {self._words(item.because)}"
            for item in found.terminations
        ]

    def _open_days(self, found: Assessment) -> list[str]:
        return [
            f"{item.start} → {item.end or '…'}  {self._place(item.scheme, item.area)}: {self._words(item.because)}"
            for item in found.undetermined
        ]

    def _levies(self, found: Assessment) -> list[str]:
        lines = []
        for levy in found.levies:
            amount = f"{yuan(levy.person)} {self._say('元', 'yuan')}" if levy.person is not None else "?"
            due = f" ({self._say('截止', 'by')} {levy.due})" if levy.due else ""
            lines.append(
                f"{levy.plan_year}: {amount}{due}  {self._place(levy.scheme, levy.area)}: {self._words(levy.because)}"
            )
        return lines

    def _refunds(self, found: Assessment) -> list[str]:
        return [
            f"{item.plan_year}: {yuan(item.amount) if item.amount is not None else '?'} {self._say('元', 'yuan')}, "
            f"{self._words(_RECIPIENTS[item.to])}: {self._words(item.because)}"
            for item in found.refunds
        ]

    def _clawbacks(self, found: Assessment) -> list[str]:
        return [
            f"{item.plan_year}  {self._place(item.scheme, item.area)}: {self._words(item.because)}"
            for item in found.clawbacks
        ]

    def _incentives(self, found: Assessment) -> list[str]:
        return [
            f"{item.year}: +{yuan(item.amount)}, {self._say('累计', 'in all')} {yuan(item.total)} "
            f"({self._words(_INCENTIVES[item.kind])})"
            for item in found.incentives
        ]

    def _due(self, found: Assessment) -> list[str]:
        return [
            f"{item.on} {self._words(MATTER_NAMES[item.matter])}: {self._words(item.because)}"
            for item in found.deadlines
        ]

    def _notices(self, found: Assessment) -> list[str]:
        return [
            f"{item.on} {self._words(MATTER_NAMES[item.matter])}: {self._words(item.because)}" for item in found.notices
        ]

    def _reasons(self, found: Assessment) -> None:
        say = self._say
        if found.decisions:
            self._console.print(f"  [bold]{say('依据', 'why')}[/]")
        for decision in found.decisions:
            self._console.print(f"    {self._words(decision.outcome)} [dim]({decision.rule}, {decision.as_of})[/]")
            for tried in decision.considered:
                self._console.print(
                    f"      [dim]{say('不适用', 'did not hold')}: {escape(tried.rule)}: {self._words(tried.because)}[/]"
                )
            for source in decision.sources:
                quotation = f"「{source.quotation}」" if source.quotation else None
                clause = " ".join(part for part in (source.document, source.article, quotation) if part)
                self._console.print(f"      [dim]{say('出处', 'source')}: {escape(clause)}[/]")
