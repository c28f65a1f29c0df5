"""`canbao worker`, also `python worker.py`: serve the task queues until SIGTERM or Ctrl-C."""

import asyncio
import signal
from typing import Annotated

import typer
from temporalio.client import Client

from activities.packs_in_force import with_published
from adapters.logs import configure
from adapters.registry.database import Database
from adapters.registry.published_packs import PublishedPacks
from adapters.settings import Settings, load_settings
from cli.connections import registry
from cli.language import Speaker
from cli.schedules import schedule_campaigns, schedule_reconciliation
from domain.civil_time import current_day
from domain.errors import ConfigurationError
from policy.pack_library import library
from workflows.names import QUEUES

NAMES = ", ".join(queue.removeprefix("canbao-") for queue in QUEUES)


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("worker", help=say("运行工作进程,直到 SIGTERM。", "Run a worker until SIGTERM."))
    def worker_process(
        setup: Annotated[
            bool,
            typer.Option(
                "--setup",
                help=say("先登记搜索属性与定时任务", "register the search attributes and the schedules first"),
            ),
        ] = False,
        queues: Annotated[
            str,
            typer.Option(
                help=say(
                    f"只服务这些队列,逗号分隔:{NAMES}",
                    f"serve these queues only, with commas between: {NAMES}",
                )
            ),
        ] = "all",
        shifted_clocks: Annotated[
            bool,
            typer.Option(
                "--shifted-clocks",
                help=say(
                    "允许时钟偏移,仅限演示与测试", "serve lives whose clock is shifted; demonstrations and tests only"
                ),
            ),
        ] = False,
    ) -> None:
        settings = load_settings()
        if shifted_clocks:
            settings = settings.model_copy(update={"shifted_clocks": True})
        configure(settings.log_level)
        asyncio.run(_serve(settings, setup, _queues(queues), say))


def _queues(text: str) -> list[str]:
    """The task queues by their short names: tax is canbao-tax."""
    asked = [name.strip() for name in text.split(",")]
    known = dict(zip(NAMES.split(", "), QUEUES, strict=True))
    unknown = [name for name in asked if name not in known and name != "all"]
    if unknown:
        raise ConfigurationError(
            f"there is no queue {unknown[0]}; the queues are {NAMES}", f"没有队列{unknown[0]};队列有:{NAMES}"
        )
    return [queue for name, queue in known.items() if name in asked or "all" in asked]


async def _serve(settings: Settings, setup: bool, queues: list[str], say: Speaker) -> None:
    from worker import connect, missing_search_attributes, serving

    async with registry() as database:
        client = await connect(database.keys, settings, metrics=True)
        if setup:
            await _set_up(client, database, say)
        if missing := await missing_search_attributes(client):
            # A life that writes an attribute which is not registered would retry its task for ever and look healthy.
            raise ConfigurationError(
                f"the namespace {client.namespace} lacks the search attributes {', '.join(missing)}; "
                "run python worker.py --setup with a right to register them",
                f"命名空间{client.namespace}缺少搜索属性{', '.join(missing)};"
                "请以有权登记的身份运行 python worker.py --setup",
            )
        stopped = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stopped.set)
        async with serving(client, settings, database, queues):
            print(say("工作进程已启动", "the worker serves"), flush=True)
            await stopped.wait()
            print(say("正在完成在办事项", "finishing what is in hand"), flush=True)


async def _set_up(client: Client, database: Database, say: Speaker) -> None:
    """Search attributes and schedules, as this release has them."""
    from worker import register_search_attributes

    await register_search_attributes(client)
    await schedule_reconciliation(client)
    packs = with_published(library(), await PublishedPacks(database).texts())
    areas = await schedule_campaigns(client, packs, current_day())
    print(say(f"已安排{len(areas)}个统筹区的集中征缴", f"collections of {len(areas)} areas are scheduled"), flush=True)
