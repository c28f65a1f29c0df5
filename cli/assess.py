"""`canbao assess FILE`: what follows from the facts of a case file, and whether it is what the file expects."""

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
            for case, found, differences in results:
                _print(Console(highlight=False, soft_wrap=True), say, case, found, differences)
        if any(differences for _, _, differences in results):
            raise typer.Exit(_MISMATCH)


def _print(console: Console, say: Speaker, case: CaseFile, found: Assessment, differences: list[str]) -> None:
    def words(text: Text) -> str:
        return escape(text.in_(say.language))

    console.print(f"[bold]{escape(case.id)}[/] {escape(case.title)}")
    for title, items in (
        (
            say("待遇享受期", "covered"),
            [f"{item.start} → {item.end or '…'} {item.area} {words(item.because)}" for item in found.coverage],
        ),
        (
            say("尚未确定", "undetermined"),
            [f"{item.start} → {item.end or '…'} {words(item.because)}" for item in found.undetermined],
        ),
        (
            say("等待期", "waiting"),
            [f"{item.start} → {item.end or '?'} {words(item.because)}" for item in found.waits],
        ),
        (
            say("应缴", "levies"),
            [
                f"{item.plan_year}: {yuan(item.person) if item.person is not None else '?'} {words(item.because)}"
                for item in found.levies
            ],
        ),
        (say("不予受理", "refused"), [f"{escape(item.fact)}: {words(item.because)}" for item in found.refused]),
        (
            say("期限", "deadlines"),
            [f"{item.on} {words(MATTER_NAMES[item.matter])}: {words(item.because)}" for item in found.deadlines],
        ),
        (
            say("通知", "notices"),
            [f"{item.on} {words(MATTER_NAMES[item.matter])}: {words(item.because)}" for item in found.notices],
        ),
        (say("需要人工决定", "to be decided"), [f"{item.question}: {words(item.because)}" for item in found.parked]),
    ):
        for item in items:
            console.print(f"  {title}: {item}")
    for decision in found.decisions:
        console.print(f"  {say('依据', 'why')}: {words(decision.outcome)} ({decision.pack or '-'})")
        for source in decision.sources:
            clause = " ".join(part for part in (source.document, source.article, source.quotation) if part)
            console.print(f"    [dim]{escape(clause)}[/]")
        for tried in decision.considered:
            console.print(f"    [dim]{say('不适用', 'did not hold')}: {tried.rule}: {words(tried.because)}[/]")
    for difference in differences:
        console.print(f"  [red]{say('与预期不符', 'not as expected')}: {escape(difference)}[/]")
