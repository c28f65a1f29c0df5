"""`canbao person`: look at a life, report to it, try a fact without reporting it, and do what operators do."""

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from activities.assessment import area_of
from activities.packs_in_force import with_published
from adapters.payload_converter import UnreadablePayload
from adapters.registry.published_packs import PublishedPacks
from cli.connections import in_a_sentence, look_into, registry_and_temporal
from cli.language import Speaker
from cli.operate import add_verb, operate, print_receipt
from domain.assessment import MATTER_NAMES, Assessment
from domain.errors import ContractError, Refused, Unavailable
from domain.facts import Fact, parse_fact
from domain.life import Conclusion, Entry, Overview
from domain.money import yuan
from domain.operations import REQUESTS
from domain.status import STATUS_NAMES
from intake.report import report as report_fact
from policy.assess import assess
from policy.pack_library import library
from workflows.names import person_workflow_id
from workflows.person import PersonLifecycle

KEY = ("登记号或流程编号", "the key, or the workflow id")
FACT = ("JSON 或文件", "JSON, or a file")
LIFE_VERBS = [verb for verb in REQUESTS if verb != "answer"]


def add(app: typer.Typer, say: Speaker) -> None:
    person = typer.Typer(no_args_is_help=True, help=say("查看与办理一个人的参保。", "Look at a life and act on it."))
    app.add_typer(person, name="person")
    console = Console(highlight=False, soft_wrap=True)

    @person.command("show", help=say("现状。", "Where the life stands."))
    def show(key: Annotated[str, typer.Argument(help=say(*KEY))]) -> None:
        _show(console, say, asyncio.run(_ask(key, "overview", Overview)))

    @person.command("explain", help=say("为什么:最近的结论与依据。", "Why: the latest conclusions with their clauses."))
    def explain(key: Annotated[str, typer.Argument(help=say(*KEY))]) -> None:
        for item in asyncio.run(_ask(key, "explain", list[Conclusion])):
            console.print(f"{item.as_of} [bold]{escape(item.outcome.in_(say.language))}[/]  ({item.rule})")
            for source in item.sources:
                console.print(f"    {escape(source)}")

    @person.command("timeline", help=say("经过。", "What happened, line by line."))
    def timeline(key: Annotated[str, typer.Argument(help=say(*KEY))]) -> None:
        for entry in asyncio.run(_ask(key, "timeline", list[Entry])):
            who = f"  — {entry.by}" if entry.by else ""
            console.print(f"{entry.on} {escape(entry.what.in_(say.language) + who)}")

    @person.command("facts", help=say("全部事实。", "Every fact, as it was admitted."))
    def facts(key: Annotated[str, typer.Argument(help=say(*KEY))]) -> None:
        for text in asyncio.run(_ask(key, "facts", list[str])):
            print(text)

    _add_reports(person, say, console)
    for verb in LIFE_VERBS:
        add_verb(person, say, console, verb, KEY, _act)


def _add_reports(person: typer.Typer, say: Speaker, console: Console) -> None:
    @person.command("preview", help=say("如果报告这项事实,会有什么变化。", "What would change if this were reported."))
    def preview(
        key: Annotated[str, typer.Argument(help=say(*KEY))],
        fact: Annotated[str, typer.Argument(help=say(*FACT))],
    ) -> None:
        asyncio.run(_preview(console, say, key, read_fact(fact)))

    @person.command("report", help=say("报告一项事实。", "Report a fact."))
    def report(
        key: Annotated[str, typer.Argument(help=say(*KEY))],
        fact: Annotated[str, typer.Argument(help=say(*FACT))],
    ) -> None:
        asyncio.run(_report(console, say, key, read_fact(fact)))


def read_fact(text: str) -> Fact:
    """A fact from JSON, or from a file of JSON. Raises ContractError."""
    file = Path(text)
    if not text.lstrip().startswith("{"):
        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise ContractError(f"{file}: cannot be read: {error.strerror}", f"{file}:无法读取") from None
    return parse_fact(text)


def life(client: Client, key: str) -> WorkflowHandle[PersonLifecycle, str]:
    """The handle of a life, by key or workflow id."""
    workflow_id = key if key.startswith("person-") else person_workflow_id(key)
    return client.get_workflow_handle_for(PersonLifecycle.run, workflow_id)


async def _ask(key: str, query: str, kind: Any) -> Any:
    async with registry_and_temporal() as (database, client):
        await look_into(database, f"read {query}", key)
        return await query_of(life(client, key), query, kind)


async def query_of(handle: WorkflowHandle[Any, Any], query: str, kind: Any) -> Any:
    """Ask a workflow something. Raises Refused where there is none, Unavailable where nobody answers."""
    try:
        return await handle.query(query, result_type=kind)
    except RPCError as error:
        raise in_a_sentence(error, f"workflow {handle.id}") from None
    except WorkflowQueryFailedError as error:
        raise Refused(str(error)) from None
    except UnreadablePayload as error:
        raise Unavailable(f"the answer cannot be read here: {error}", f"答复在此无法解密:{error}") from None


async def _act(key: str, verb: str, request: dict[str, Any]) -> Any:
    async with registry_and_temporal() as (database, client):
        await look_into(database, f"act {verb}", key)
        return await operate(life(client, key), verb, request)


CONSOLE_SENDER = "console"


async def _report(console: Console, say: Speaker, key: str, fact: Fact) -> None:
    async with registry_and_temporal() as (database, client):
        await look_into(database, f"report {fact.type}", key)
        overview: Overview = await query_of(life(client, key), "overview", Overview)
        print_receipt(console, say, await report_fact(client, overview.key, fact, CONSOLE_SENDER))


async def _preview(console: Console, say: Speaker, key: str, fact: Fact) -> None:
    """Judge the life's facts with and without one more, here, and say what differs."""
    async with registry_and_temporal() as (database, client):
        await look_into(database, "read preview", key)
        handle = life(client, key)
        overview: Overview = await query_of(handle, "overview", Overview)
        facts = [parse_fact(text) for text in await query_of(handle, "facts", list[str])]
        stated = fact.model_copy(update={"recorded_on": overview.today})
        packs = with_published(library(), await PublishedPacks(database).texts())
    before = assess(facts, area_of(facts), overview.today, packs)
    after = assess([*facts, stated], area_of([*facts, stated]), overview.today, packs)
    lines = differences(before, after, say)
    for line in lines or [say("没有变化", "nothing would change")]:
        console.print(line)


def differences(before: Assessment, after: Assessment, say: Speaker) -> list[str]:
    """What differs between two assessments, a line each: gone first, then new."""
    old, new = _lines(before, say), _lines(after, say)
    gone = [f"[red]- {escape(line)}[/]" for line in old if line not in new]
    return gone + [f"[green]+ {escape(line)}[/]" for line in new if line not in old]


def _lines(found: Assessment, say: Speaker) -> list[str]:
    cover, levy, refund = say("待遇", "cover"), say("应缴", "levy"), say("退费", "refund")
    lines = [f"{cover} {item.scheme} {item.area} {_days(item.start, item.end)}" for item in found.coverage]
    lines += [f"? {item.question} {item.area} {_days(item.start, item.end)}" for item in found.undetermined]
    lines += [f"{say('等待', 'wait')} {item.area} {_days(item.start, item.end)}" for item in found.waits]
    lines += [f"{say('暂停', 'suspended')} {item.area} {_days(item.start, item.end)}" for item in found.suspensions]
    lines += [f"{say('终止', 'terminated')} {item.area} {item.on}" for item in found.terminations]
    lines += [f"{levy} {item.area} {item.plan_year}: {_money(item.person)}" for item in found.levies]
    lines += [f"{refund} {item.area} {item.plan_year}: {_money(item.amount)} → {item.to}" for item in found.refunds]
    lines += [f"{item.on} {MATTER_NAMES[item.matter].in_(say.language)}" for item in found.deadlines]
    lines += [f"{say('不予受理', 'refused')} {item.fact}: {item.because.in_(say.language)}" for item in found.refused]
    lines += [f"{say('待决定', 'to be decided')} {item.question}" for item in found.parked]
    return lines


def _days(start: date, end: date | None) -> str:
    return f"{start} → {end or '…'}"


def _money(amount: int | None) -> str:
    return "?" if amount is None else yuan(amount)


def _show(console: Console, say: Speaker, found: Overview) -> None:
    console.print(f"[bold]{STATUS_NAMES[found.status].in_(say.language)}[/] {found.area} ({found.today})")
    for span in found.coverage[-5:]:
        console.print(f"{_days(span.starts, span.ends)} {escape(span.because.in_(say.language))}")
    for deadline in found.deadlines:
        console.print(f"{say('期限', 'due')} {deadline.on} {escape(deadline.summary)}")
    for item in found.parked:
        console.print(f"{say('待决定', 'to be decided')} `{item.question}` {escape(item.because.in_(say.language))}")
    for proposal in found.proposals:
        reason = escape(json.loads(proposal.content)["reason"])
        what = f"`{proposal.id}` {proposal.verb} {proposal.actor}: {reason}"
        console.print(f"{say('待复核', 'to be approved')} {what}")
    for name, slot in found.slots.items():
        state = slot.held or slot.state
        console.print(f"{say('办理中', 'under way')} `{name}` {state} {escape(slot.trouble)}")
    if found.record_trouble:
        console.print(
            f"{say('登记入库受阻', 'the record is stuck')}: {escape(found.record_trouble)} (retry slot=registry)"
        )
