"""`canbao demo`: made-up people of four areas live fifteen months on a real Temporal server, in a minute."""

import asyncio
import json
import os
import signal
import sys
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import httpx2
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from adapters.logs import configure
from adapters.registry.database import open_registry
from adapters.registry.feeds import Feeds
from adapters.registry.identities import Identities
from adapters.registry.ledger import Ledger, Standing
from adapters.registry.money import MoneyBooks
from adapters.secrets import load_or_create
from adapters.settings import Settings
from adapters.tax.client import SandboxClient
from cli.language import Speaker
from cli.timeline_picture import Person, draw
from demo.make_roster import PAYMENTS, ROSTER
from demo.plan import Plan, make_plans
from demo.player import Player, make_skipper
from domain.civil_time import current_day
from domain.errors import ConfigurationError
from domain.life import Interval
from domain.status import STATUS_NAMES
from intake.desk import Desk
from policy.pack_library import library
from sandbox.dev_issuer import DevelopmentIssuer
from sandbox.processes import answers, claim_port, free_port, program, running
from sandbox.temporal_server import kind_name, temporal_server
from workflows.names import person_workflow_id
from workflows.search_attributes import SEARCH_ATTRIBUTES

_OF_A_BUREAU = ("CANBAO_DATABASE_URL", "CANBAO_KEY_RING", "CANBAO_KEY_SET", "CANBAO_SENDERS")
_OPERATOR = "demonstration"
_OPERATORS = f"""operators:
  - {{id: {_OPERATOR}, name: {{zh: 演示, en: demonstration}}, role: reviewer, area: '000000'}}
"""
# The people are made up; for as long as this, somebody may leave the page open.
_TOKEN_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True)
class Ports:
    temporal: int
    web: int
    tax: int
    codec: int


@dataclass(frozen=True, slots=True)
class Outcome:
    plan: Plan
    standing: Standing | None
    cover: list[Interval]


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "demo",
        help=say(
            "演示:四个统筹区的虚构人员在真实的 Temporal 上度过十五个月。",
            "Made-up people of four areas live fifteen months on a real Temporal server.",
        ),
    )
    def demo(
        data: Annotated[Path, typer.Option(help=say("数据目录", "folder for all files"))] = Path(".canbao"),
        port: Annotated[int | None, typer.Option(help=say("Temporal 端口", "port of Temporal"))] = None,
        ui_port: Annotated[int | None, typer.Option(help=say("网页界面端口", "port of the Web UI"))] = None,
        tax_port: Annotated[int | None, typer.Option(help=say("税务沙箱端口", "port of the tax sandbox"))] = None,
        codec_port: Annotated[int | None, typer.Option(help=say("编解码服务端口", "port of the codec server"))] = None,
        leave: Annotated[bool, typer.Option("--exit", help=say("完成后退出", "end when the table is printed"))] = False,
    ) -> None:
        _check_folder(data)
        ports = Ports(
            claim_port(port, "Temporal"),
            claim_port(ui_port, "the Web UI"),
            claim_port(tax_port, "the tax sandbox"),
            claim_port(codec_port, "the codec server"),
        )
        console = Console(highlight=False)
        console.print(say("正在启动 Temporal 与税务沙箱…", "starting Temporal and the tax sandbox…"))
        with ExitStack() as stack:
            configure("INFO", stack.enter_context((data / "logs" / "canbao.log").open("a", encoding="utf-8")))
            _start_servers(stack, data, ports, _codec_endpoint(data, ports))
            asyncio.run(_play(console, say, data, ports, leave))


def _check_folder(data: Path) -> None:
    try:
        (data / "logs").mkdir(parents=True, exist_ok=True)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ConfigurationError(
            f"the folder {data} cannot be written: {error.strerror}; choose another --data",
            f"目录{data}无法写入:{error.strerror};请另选 --data",
        ) from None


def _codec_endpoint(data: Path, ports: Ports) -> str:
    """Where the Web UI has payloads opened: as an operator of the whole country, for whoever opens it through here."""
    (data / "operators.yaml").write_text(_OPERATORS, encoding="utf-8")
    for name in _OF_A_BUREAU:
        os.environ.pop(name, None)  # made-up people stay out of a bureau's own registry and keys
    os.environ |= {"CANBAO_DATA": str(data), "CANBAO_OPERATORS": str(data / "operators.yaml")}
    settings = Settings(data=data)
    issuer = DevelopmentIssuer(load_or_create(settings.issuer_key_file), settings.token_issuer, settings.token_audience)
    issuer.publish(Path(settings.key_set_address))
    return f"http://127.0.0.1:{ports.codec}/as/{issuer.token(_OPERATOR, _TOKEN_SECONDS)}"


def _codec_server(data: Path, ports: Ports) -> AbstractContextManager[object]:
    """The codec server, as a process of its own, once there is a registry."""
    command = [program("canbao"), "codec", "--token-in-path", "--port", str(ports.codec)]
    command += ["--ui", f"http://127.0.0.1:{ports.web}", "--ui", f"http://localhost:{ports.web}"]
    return running(command, data / "logs" / "codec.log", lambda: answers(ports.codec), "the codec server")


def _start_servers(stack: ExitStack, data: Path, ports: Ports, codec_endpoint: str) -> None:
    stack.enter_context(
        temporal_server(
            port=ports.temporal,
            ui_port=ports.web,
            codec_endpoint=codec_endpoint,
            database=data / "temporal.db",
            log=data / "logs" / "temporal.log",
            search_attributes=[(key.name, kind_name(key.indexed_value_type.name)) for key in SEARCH_ATTRIBUTES],
        )
    )
    command = [program("canbao"), "tax-sandbox", "--port", str(ports.tax), "--data", str(data)]
    stack.enter_context(
        running(command, data / "logs" / "tax-sandbox.log", lambda: answers(ports.tax), "the tax sandbox")
    )


async def _play(console: Console, say: Speaker, data: Path, ports: Ports, leave: bool) -> None:
    from worker import connect, serving

    os.environ["TEMPORAL_ADDRESS"] = f"127.0.0.1:{ports.temporal}"
    os.environ["TEMPORAL_NAMESPACE"] = "default"
    settings = Settings(
        data=data,
        tax_address=f"http://127.0.0.1:{ports.tax}",
        shifted_clocks=True,
        metrics_address=f"127.0.0.1:{free_port()}",
    )
    database = open_registry(settings)
    await database.prepare()
    try:
        skipper = make_skipper(await connect(database.keys, settings, metrics=True))
        async with (
            serving(skipper.client, settings, database),
            SandboxClient(settings.tax_address) as bureau,
        ):
            desk = Desk(
                skipper.client, Identities(database, load_or_create(settings.secret_file), settings.identity_hash)
            )
            plans, problems = await make_plans(ROSTER, PAYMENTS, desk)
            log = PlayLog.open(data / "demo.json")
            player = Player(skipper, desk, bureau, Feeds(database), MoneyBooks(database), log.start)
            with _progress(console) as progress:
                task = progress.add_task(say("播放人生", "playing lives"), total=len(plans))
                progress.advance(task, sum(plan.key in log.played for plan in plans))

                def played(plan: Plan) -> None:
                    log.add(plan.key)
                    progress.advance(task)

                await player.play_all([plan for plan in plans if plan.key not in log.played], played)
            ledger = Ledger(database)
            outcomes = [
                Outcome(plan, await ledger.standing(plan.key), await ledger.coverage(plan.key)) for plan in plans
            ]
            _print_outcomes(console, say, outcomes)
            for problem in problems:
                console.print(f"[yellow]{problem.in_(say.language)}[/]", soft_wrap=True)
            for refusal in player.refusals:
                console.print(f"[yellow]{refusal}[/]")
            await _keep_metrics(settings, data)
            with _codec_server(data, ports):
                _print_links(console, say, data, ports, outcomes)
                if not leave:
                    _print_next_steps(console, say, data, ports, outcomes)
                    await _until_stopped(console, say)
    finally:
        await database.close()


async def _keep_metrics(settings: Settings, data: Path) -> None:
    """What the worker counted, as a monitoring system would have read it."""
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"http://{settings.metrics_address}/metrics")
    (data / "logs" / "metrics.txt").write_text(answer.text, encoding="utf-8")


@dataclass
class PlayLog:
    """Which lives were played, and the real day that their clocks are counted from; so a second run resumes."""

    file: Path
    start: date
    played: list[str]

    @classmethod
    def open(cls, file: Path) -> "PlayLog":
        if not file.exists():
            return cls(file, current_day(), [])
        content = json.loads(file.read_text(encoding="utf-8"))
        return cls(file, date.fromisoformat(content["start"]), content["played"])

    def add(self, key: str) -> None:
        self.played.append(key)
        content = json.dumps({"start": self.start.isoformat(), "played": self.played})
        partial = self.file.with_suffix(".partial")
        partial.write_text(content, encoding="utf-8")
        partial.replace(self.file)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, disable=not sys.stdout.isatty() and not console.is_terminal)


def _print_outcomes(console: Console, say: Speaker, outcomes: list[Outcome]) -> None:
    table = Table(title=say("十五个月后", "After fifteen months"), show_lines=False)
    for title in (say("统筹区", "area"), say("姓名", "name"), say("状态", "status")):
        table.add_column(title, no_wrap=True)
    table.add_column(say("待遇享受期", "covered"), no_wrap=True)
    table.add_column(say("为什么", "why"))
    for outcome in outcomes:
        status = STATUS_NAMES[outcome.standing.status].in_(say.language) if outcome.standing else "?"
        reasons = [span.because.in_(say.language) for span in outcome.cover]
        if outcome.standing:
            reasons += [f"? {item.because.in_(say.language)}" for item in outcome.standing.parked]
            if not reasons and outcome.standing.last_decision:
                reasons.append(outcome.standing.last_decision.in_(say.language))
        table.add_row(
            library().name(outcome.plan.area).in_(say.language),
            outcome.plan.name,
            status,
            "\n".join(f"{span.starts} → {span.ends or '…'}" for span in outcome.cover) or "—",
            "\n".join(reasons),
        )
    (console if console.width >= 100 else Console(width=140, highlight=False)).print(table)


def _print_links(console: Console, say: Speaker, data: Path, ports: Ports, outcomes: list[Outcome]) -> None:
    areas = {
        area: library().name(area).in_(say.language) for area in dict.fromkeys(item.plan.area for item in outcomes)
    }
    people = [Person(item.plan.name, item.plan.area, item.cover) for item in outcomes]
    picture = data / "coverage.svg"
    picture.write_text(
        draw(say("谁在何时享受待遇", "Who was covered when"), people, areas, say.language), encoding="utf-8"
    )
    console.print(say(f"时间图: {picture}", f"picture: {picture}"))
    base = f"http://127.0.0.1:{ports.web}/namespaces/default/workflows"
    console.print(say(f"网页界面: {base}", f"Web UI: {base}"))
    shown = (
        next((item for item in outcomes if item.cover), None),
        next((item for item in outcomes if item.standing and item.standing.parked), None),
    )
    for item in shown:
        if item is not None:
            console.print(f"  {item.plan.name}: {base}/{person_workflow_id(item.plan.key)}", soft_wrap=True)


def _print_next_steps(console: Console, say: Speaker, data: Path, ports: Ports, outcomes: list[Outcome]) -> None:
    """What may be tried from another terminal while the demonstration runs."""
    where = f"export TEMPORAL_ADDRESS=127.0.0.1:{ports.temporal} CANBAO_DATA={data}"
    console.print(say("在另一个终端里可以试试:", "from another terminal:"))
    console.print(f"  {where}", soft_wrap=True)
    for item in outcomes[:1]:
        console.print(f"  ./do canbao person show {item.plan.key}", soft_wrap=True)


async def _until_stopped(console: Console, say: Speaker) -> None:
    console.print(say("按 Ctrl-C 结束。", "Ctrl-C ends it."))
    stopped = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopped.set)
    await stopped.wait()
