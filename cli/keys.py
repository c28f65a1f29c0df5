"""`canbao keys`: the key ring and the data keys; rotation and erasure."""

import asyncio
import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from adapters.registry.audit import AuditJournal, Way
from adapters.registry.database import Database
from adapters.registry.identities import Identities
from adapters.registry.rotation import Rotated, rotate_keys
from adapters.secrets import load_or_create
from adapters.settings import load_settings
from cli.connections import console_user, registry, registry_and_temporal
from cli.language import Speaker
from domain.errors import ContractError
from intake.erasing import Erased, Erasing
from workflows.names import person_of

_PAGE = 500
_LONGEST_BASIS = 300


def add(app: typer.Typer, say: Speaker) -> None:
    group = typer.Typer(no_args_is_help=True, help=say("密钥:轮换与销毁。", "Keys: rotation and erasure."))
    app.add_typer(group, name="keys")

    @group.command("list", help=say("密钥环中的密钥,及其包裹的数据密钥数。", "The ring's keys, and what they wrap."))
    def list_keys() -> None:
        ids, wrapped = asyncio.run(_list())
        for name in ids:
            current = say(" (当前)", " (current)") if name == ids[-1] else ""
            print(f"{name}{current}  {wrapped.get(name, 0)}")
        for name in sorted(wrapped.keys() - set(ids)):
            print(say(f"{name} 缺失,仍包裹{wrapped[name]}个", f"{name} is missing and wraps {wrapped[name]}"))
        if wrapped.keys() - set(ids):
            raise typer.Exit(1)

    @group.command(
        "rotate",
        help=say(
            "增加密钥:新内容用新密钥,旧内容仍可读;分页重新加密登记库中的证件与姓名。可中断后重来。",
            "Add a key: new payloads use it, old ones stay readable; documents and names in the registry are sealed "
            "anew, page by page. May be cut off and run again with --no-new-key.",
        ),
    )
    def rotate(
        no_new_key: Annotated[
            bool,
            typer.Option("--no-new-key", help=say("不增加密钥,只重新加密", "add none, only seal anew")),
        ] = False,
        page: Annotated[int, typer.Option(min=1, max=10_000, help=say("每页行数", "rows in a page"))] = _PAGE,
    ) -> None:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(say("重新加密", "sealing anew"), total=None)
            done = asyncio.run(_rotate(not no_new_key, page, lambda: progress.advance(task)))
        print(say(f"当前密钥:{done.current}", f"the current key is {done.current}"))
        for name in done.lost:
            print(say(f"无法解密,保持原样:{name}", f"could not be opened and stays as it is: {name}"))
        if done.lost:
            raise typer.Exit(1)

    _add_erase(group, say)


def _add_erase(group: typer.Typer, say: Speaker) -> None:
    @group.command(
        "erase",
        help=say(
            "销毁一个人的密钥:先关闭并删除其流程,再销毁密钥与身份信息,不可恢复。",
            "Destroy a person's keys: the life is closed and its runs deleted, then keys and identity are destroyed, "
            "for ever.",
        ),
    )
    def erase(
        person: Annotated[str, typer.Argument(help=say("登记号", "the key of the person"))],
        actor: Annotated[str, typer.Option(help=say("经办人", "who does it"))],
        approved_by: Annotated[str, typer.Option(help=say("复核人", "the second person, who approved it"))],
        basis: Annotated[str, typer.Option(help=say("法律依据:文件与条款", "the law: document and article"))],
        yes: Annotated[bool, typer.Option("--yes", help=say("不再询问", "do not ask again"))] = False,
    ) -> None:
        names = {name.strip().casefold() for name in (actor, approved_by)}
        if len(names) < 2 or "" in names:
            raise ContractError("a second person must approve this", "须由另一人复核")
        if not 5 <= len(basis.strip()) <= _LONGEST_BASIS:
            raise ContractError(
                f"--basis names document and article, in 5 to {_LONGEST_BASIS} characters",
                f"--basis 应写明文件与条款,5 至{_LONGEST_BASIS}个字符",
            )
        if not yes:
            typer.confirm(say("不可恢复,确定?", "this cannot be undone; go on?"), abort=True)
        print(say("约需一分钟", "this takes about a minute"), file=sys.stderr)
        reason = f"approved by {approved_by.strip()[:80]}: {basis.strip()}"
        done = asyncio.run(_erase(person, f"{actor.strip()[:50]} ({console_user()})", reason))
        print(
            say(
                f"已删除{done.runs}次运行,销毁{done.keys}个密钥,删除{done.rows}行身份信息",
                f"{done.runs} runs deleted, {done.keys} keys destroyed, {done.rows} rows of identity deleted",
            )
        )


async def _list() -> tuple[list[str], dict[str, int]]:
    async with registry() as database:
        return await database.keys.provider.ids(), await database.keys.wrapped()


async def _rotate(new_key: bool, page: int, advance: Callable[[], None]) -> Rotated:
    async with registry() as database:
        audit = AuditJournal(database)
        await audit.write(console_user(), "rotate keys", way=Way.CONSOLE)
        return await rotate_keys(database, _identities(database), new_key=new_key, page=page, advance=advance)


async def _erase(person: str, actor: str, reason: str) -> Erased:
    async with registry_and_temporal() as (database, client):
        return await Erasing(client, database, person_of).erase(person, actor, reason)


def _identities(database: Database) -> Identities:
    settings = load_settings()
    return Identities(database, load_or_create(settings.secret_file), settings.identity_hash)
