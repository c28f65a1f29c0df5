"""`canbao packs`: which rules there are, what they say on a day and where that is written, and what has changed."""

import asyncio
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from cli.language import Speaker
from domain.areas import NATION
from domain.bilingual import Text
from domain.civil_time import current_day
from domain.errors import ContractError, PackError
from policy.pack_files import Pack, read_pack
from policy.pack_library import PACK_FOLDER, PackLibrary, library, load_library
from policy.pack_words import Resolved, differences, in_words, past_review, resolve

_AREA = re.compile(r"[0-9]{6}")
_PAST_REVIEW = 1


def add(app: typer.Typer, say: Speaker) -> None:
    packs = typer.Typer(
        no_args_is_help=True, help=say("查看与检查政策包。", "Look at the policy packs and check them.")
    )
    app.add_typer(packs, name="packs")

    @packs.command("list", help=say("列出所有政策包。", "List every pack."))
    def list_() -> None:
        _list(Console(highlight=False), say, library())

    @packs.command("show", help=say("某地某日的全部规定及出处。", "What holds in an area on a day, with the sources."))
    def show(
        area: Annotated[str, typer.Argument(help=say("地区代码(GB/T 2260)", "area code (GB/T 2260)"))],
        on: Annotated[
            datetime | None,
            typer.Option(formats=["%Y-%m-%d"], help=say("日期,默认今天", "the day; today by default")),
        ] = None,
    ) -> None:
        day = on.date() if on is not None else current_day()
        _show(Console(highlight=False, soft_wrap=True), say, library(), _known(area), day)

    @packs.command(
        "check",
        help=say("重新读取并检查所有政策包。", "Read all packs afresh and check them; 1 when one is due for review."),
    )
    def check(
        folder: Annotated[Path, typer.Argument(help=say("政策包目录", "folder of packs"))] = PACK_FOLDER,
    ) -> None:
        if _check(Console(highlight=False, soft_wrap=True), say, folder):
            raise typer.Exit(_PAST_REVIEW)

    @packs.command(
        "diff",
        help=say(
            "比较两个政策包(130925/2017),或两地(130925@2017-01-01)。",
            "Compare two packs (130925/2017), or two areas on a day (130925@2017-01-01).",
        ),
    )
    def diff(
        first: Annotated[str, typer.Argument(help=say("前者", "the first"))],
        second: Annotated[str, typer.Argument(help=say("后者", "the second"))],
    ) -> None:
        console = Console(highlight=False, soft_wrap=True)
        found = differences(_side(first), _side(second))
        for sentence in found:
            console.print(escape(sentence.in_(say.language)))
        if not found:
            console.print(say("没有不同", "no difference"))

    @packs.command(
        "publish",
        help=say(
            "发布政策包,运行中的工作进程即刻采用。", "Publish packs; running workers take them up without a release."
        ),
    )
    def publish(
        files: Annotated[list[Path], typer.Argument(help=say("政策包文件", "pack files"))],
        by: Annotated[str, typer.Option(help=say("发布人", "who publishes them"))],
        reason: Annotated[str, typer.Option(help=say("依据", "why"))],
    ) -> None:
        print(asyncio.run(_publish(files, by, reason)))


async def _publish(files: list[Path], by: str, reason: str) -> str:
    from adapters.registry.published_packs import PublishedPacks
    from cli.connections import registry
    from cli.notice import check, publish

    async with registry() as database:
        store = PublishedPacks(database)
        check(files, await store.texts())
        return await publish(store, files, by, reason)


def _known(area: str) -> str:
    if not _AREA.fullmatch(area):
        raise ContractError(
            f"{area} is no area code: six digits of GB/T 2260 are expected, such as 130925",
            f"{area} 不是地区代码:应为六位 GB/T 2260 代码,例如 130925",
        )
    return area


def _list(console: Console, say: Speaker, found: PackLibrary) -> None:
    table = Table(box=None, pad_edge=False)
    for title in (
        say("政策包", "pack"),
        say("地区", "area"),
        say("起", "from"),
        say("止", "to"),
        say("参数", "values"),
        say("来源等级", "grades"),
        say("复核期限", "review by"),
    ):
        table.add_column(title, overflow="fold")
    for pack in found.packs:
        grades = sorted({statement.grade for statement in pack.statements.values()})
        table.add_row(
            pack.id,
            escape(pack.name.in_(say.language)),
            str(pack.valid_from),
            str(pack.valid_to or "…"),
            str(len(pack.statements)),
            " ".join(grades),
            str(pack.review_by),
        )
    console.print(table)
    areas = len({pack.area for pack in found.packs} - {NATION})
    console.print(
        say(
            f"共{len(found.packs)}个政策包,全国及{areas}个地区",
            f"{len(found.packs)} packs of the nation and {areas} areas",
        )
    )


def _show(console: Console, say: Speaker, found: PackLibrary, area: str, on: date) -> None:
    resolved = resolve(found, area, on)
    if not resolved:
        name = found.name(area)
        raise ContractError(
            f"no pack is in force in {name.en} on {on}; choose a later day",
            f"{name.zh}在{on}没有有效的政策包;请选择较晚的日期",
        )
    console.print(f"[bold]{escape(found.name(area).in_(say.language))}[/] {area} {on}")
    for item in resolved:
        value = say("来源没有规定", "the sources do not say") if item.statement.unknown else item.value
        assumed = say("(推定)", " (assumed)") if item.statement.validity == "assumed" else ""
        console.print(f"  [bold]{item.key}[/]: {escape(value)}")
        console.print(f"    [dim]{escape(_clause(item))}{assumed}[/]")


def _clause(item: Resolved) -> str:
    citation = item.statement.citation
    parts = [item.pack.id, f"[{item.statement.grade}]", citation.document, citation.article]
    if citation.quotation:
        parts.append(f"「{citation.quotation}」")
    parts.append(item.statement.link)
    return " ".join(part for part in parts if part)


def _check(console: Console, say: Speaker, folder: Path) -> bool:
    """Read everything afresh, say what is due for review, and whether anything is."""
    files = sorted(folder.glob("*/*.yaml"))
    for file in track(
        files, description=say("读取政策包", "reading packs"), console=Console(stderr=True), transient=True
    ):
        read_pack(file)
    found = load_library(folder)
    values = sum(len(pack.statements) for pack in found.packs)
    console.print(
        say(
            f"{len(found.packs)}个政策包、{values}项规定,均有来源,没有重叠",
            f"{len(found.packs)} packs with {values} statements: every one has a source, none overlap",
        )
    )
    due = past_review(found, current_day())
    for pack in due:
        console.print(_due(pack).in_(say.language))
    return bool(due)


def _due(pack: Pack) -> Text:
    values = ", ".join(pack.statements)
    return Text(
        f"{pack.id}:应于{pack.review_by}前复核来源:{values}",
        f"{pack.id}: its sources were to be read again by {pack.review_by}: {values}",
    )


def _side(name: str) -> list[Resolved]:
    """The rules that a name means: those of one pack, or those of an area on a day."""
    area, at, day = name.partition("@")
    if at:
        try:
            return resolve(library(), _known(area), date.fromisoformat(day))
        except ValueError:
            raise ContractError(
                f"{name}: a day is written YYYY-MM-DD after the @", f"{name}:@后的日期应写作 YYYY-MM-DD"
            ) from None
    for pack in library().packs:
        if pack.id == name:
            return _of_one(pack)
    raise PackError(
        f"there is no pack {name}; canbao packs list names them, and AREA@YYYY-MM-DD means an area on a day",
        f"没有政策包{name};canbao packs list 列出全部,“地区@日期”表示某地某日",
    )


def _of_one(pack: Pack) -> list[Resolved]:
    return [Resolved(key, in_words(key, statement), pack, statement) for key, statement in pack.statements.items()]
