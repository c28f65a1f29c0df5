"""`canbao notice`: publish new packs, and tell every life that they concern; how far that has come, and its report."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.packs_in_force import with_published
from adapters.registry.database import Database
from adapters.registry.ledger import Ledger
from adapters.registry.published_packs import PackText, PublishedPacks
from cli.connections import in_a_sentence, registry_and_temporal
from cli.language import Speaker
from domain.policy_notices import NoticeOrder
from policy.pack_files import Pack, read_pack
from policy.pack_library import PackLibrary, library
from workflows.names import LIVES_QUEUE
from workflows.notice import Notice

PACK_FILES = ("政策包文件", "pack files, such as 130925/2026.yaml")


def add(app: typer.Typer, say: Speaker) -> None:
    notice = typer.Typer(no_args_is_help=True, help=say("政策通知:新规定生效。", "New rules come into force."))
    app.add_typer(notice, name="notice")

    @notice.command(
        "apply", help=say("发布政策包,并请有关流程重新判断。", "Publish packs, and have lives judge by them.")
    )
    def apply(
        packs: Annotated[list[Path], typer.Argument(help=say(*PACK_FILES))],
        by: Annotated[str, typer.Option(help=say("发布人", "who publishes them"))],
        reason: Annotated[str, typer.Option(help=say("依据", "why"))],
        rate: Annotated[float, typer.Option(min=0.1, help=say("每秒人数", "lives a second"))] = 20.0,
        wait: Annotated[bool, typer.Option("--wait", help=say("等到完成", "wait until it is done"))] = False,
    ) -> None:
        asyncio.run(_apply(say, packs, by, reason, rate, wait))

    @notice.command("status", help=say("进度与变化。", "How far it has come, and what it changed."))
    def status(packs: Annotated[list[Path], typer.Argument(help=say(*PACK_FILES))]) -> None:
        asyncio.run(_status(say, packs))


def check(files: list[Path], published: list[PackText]) -> tuple[list[Pack], PackLibrary]:
    """The packs, and the library that they make with those in force. Raises PackError."""
    packs = [read_pack(file) for file in files]
    texts = [PackText(_name(file), file.read_text(encoding="utf-8")) for file in files]
    newer = {text.name for text in texts}
    together = sorted([*texts, *(text for text in published if text.name not in newer)], key=lambda text: text.name)
    return packs, with_published(library(), together)


async def notice_id(store: PublishedPacks, packs: list[Pack], files: list[Path]) -> str:
    """The workflow id of a notice: its packs, and their latest publication. A pack that is taken back is one more."""
    names = "+".join(sorted(pack.id.replace("/", "-") for pack in packs))
    return f"notice-{names}-{await store.version([_name(file) for file in files])}"


def _name(file: Path) -> str:
    return f"{file.parent.name}/{file.stem}"


def areas_of(packs: list[Pack]) -> list[str]:
    """The areas that packs speak of."""
    return sorted({pack.area for pack in packs})


async def _apply(say: Speaker, files: list[Path], by: str, reason: str, rate: float, wait: bool) -> None:
    async with registry_and_temporal() as (database, client):
        store = PublishedPacks(database)
        packs, _ = check(files, await store.texts())
        digest = await publish(store, files, by, reason)
        name = await notice_id(store, packs, files)
        order = NoticeOrder(notice=name, packs=digest, areas=areas_of(packs), per_second=rate)
        try:
            await client.start_workflow(
                Notice.run,
                order,
                id=name,
                task_queue=LIVES_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
                static_summary=say("政策通知", "policy notice"),
            )
        except WorkflowAlreadyStartedError:
            print(say("该通知已发出", "this notice was already given"))
        print(name)
        if wait:
            await client.get_workflow_handle(name).result()
            await _print_status(say, client, database, name)


async def publish(store: PublishedPacks, files: list[Path], by: str, reason: str) -> str:
    """Publish packs that were checked; the digest of all that are published now."""
    texts = [PackText(_name(file), file.read_text(encoding="utf-8")) for file in files]
    return await store.publish(texts, by, reason)


async def _status(say: Speaker, files: list[Path]) -> None:
    async with registry_and_temporal() as (database, client):
        store = PublishedPacks(database)
        packs, _ = check(files, await store.texts())
        await _print_status(say, client, database, await notice_id(store, packs, files))


async def _print_status(say: Speaker, client: Client, database: Database, name: str) -> None:
    try:
        order: NoticeOrder = await client.get_workflow_handle(name).query("progress", result_type=NoticeOrder)
    except RPCError as error:
        raise in_a_sentence(error, f"notice {name}") from None
    done = order.area >= len(order.areas)
    console = Console(highlight=False, soft_wrap=True)
    console.print(say("完成" if done else "进行中", "done" if done else "under way"))
    console.print(
        say(
            f"已告知{order.told}人,有变化{order.changed}人,已终结{order.ended}人,未答复{order.unreachable}人",
            f"told {order.told}, changed {order.changed}, ended {order.ended}, unreachable {order.unreachable}",
        )
    )
    for change in await Ledger(database).changes(name):
        console.print(f"{change.person}: {change.before} → {change.after}")
        for line in change.what:
            console.print(f"  {escape(line)}")
