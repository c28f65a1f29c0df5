"""`canbao audit`: read the audit journal, and look for what was changed in it."""

import asyncio
from typing import Annotated

import typer

from adapters.registry.audit import Audited, AuditJournal, ChainFound
from cli.connections import look_into, registry
from cli.language import Speaker


def add(app: typer.Typer, say: Speaker) -> None:
    group = typer.Typer(
        no_args_is_help=True,
        help=say("审计:谁在何时查看或更改了谁的数据。", "The audit journal: who read or changed whose data, and when."),
    )
    app.add_typer(group, name="audit")

    @group.command("show", help=say("最近的记录,最新在前。", "The latest lines, newest first."))
    def show(
        who: Annotated[str, typer.Option(help=say("只看此人或单位", "of this operator or sender only"))] = "",
        person: Annotated[str, typer.Option(help=say("只看关于此登记号的", "about this person's key only"))] = "",
        limit: Annotated[int, typer.Option(min=1, max=100_000, help=say("行数", "how many"))] = 50,
    ) -> None:
        for line in asyncio.run(_show(who, person, limit)):
            print("  ".join(part for part in _parts(line) if part))

    @group.command(
        "verify",
        help=say("核验链条:被改、被删、被插入的记录;有异常时以 1 退出。", "Find changed, missing and added lines."),
    )
    def verify(
        expect: Annotated[
            str,
            typer.Option(help=say("先前抄录的末端值", "the end that was noted earlier; it must be in the chain")),
        ] = "",
    ) -> None:
        found = asyncio.run(_verify(expect))
        print(say(f"{found.lines}行,末端 {found.end or '-'}", f"{found.lines} lines, the end is {found.end or '-'}"))
        if found.broken:
            print(say(f"链条断裂:{found.broken}", f"the chain is broken: {found.broken}"))
            raise typer.Exit(1)
        print(say("完好;请将末端值抄录到别处", "whole; note the end somewhere else"))


def _parts(line: Audited) -> tuple[str, ...]:
    reason = f"“{line.reason}”" if line.reason else ""
    return (line.at, line.way, line.sender, line.act, line.person, line.outcome, line.because, reason)


async def _show(who: str, person: str, limit: int) -> list[Audited]:
    async with registry() as database:
        audit = AuditJournal(database)
        await look_into(database, "read audit", person)
        return await audit.lines(sender=who, person=person, limit=limit)


async def _verify(expect: str) -> ChainFound:
    async with registry() as database:
        return await AuditJournal(database).verify(expect)
