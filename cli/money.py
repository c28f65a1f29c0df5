"""`canbao money`: money that no life has taken, and a person's accounts."""

import asyncio
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from adapters.registry.money import RETURNED, Account, MoneyBooks
from adapters.registry.tables import Suspense
from adapters.settings import load_settings
from cli.connections import registry
from cli.language import Speaker
from cli.payments import payment_desk
from domain.areas import NATION
from domain.civil_time import current_day
from domain.life import Receipt
from domain.money import yuan


def add(app: typer.Typer, say: Speaker) -> None:
    money = typer.Typer(no_args_is_help=True, help=say("暂收款与个人账目。", "Money in suspense, and accounts."))
    app.add_typer(money, name="money")

    @money.command("list", help=say("没有归属的款项。", "Money that no life has taken."))
    def list_(
        area: Annotated[str, typer.Argument(help=say("地区代码", "area code"))] = NATION,
        after: Annotated[str, typer.Option(help=say("上一页最后的编号", "the last id of the page before"))] = "",
    ) -> None:
        rows = asyncio.run(_suspense(area, after))
        table = Table()
        for name in (
            say("编号", "id"),
            say("地区", "area"),
            say("金额", "yuan"),
            say("到账", "arrived"),
            say("原因", "why"),
        ):
            table.add_column(name)
        for row in rows:
            why = say(row.because_zh, row.because_en)
            table.add_row(row.payment, row.area, row.amount, str(row.arrived_on), why)
        Console().print(table if rows else say("没有暂收款", "nothing is in suspense"))

    @money.command("assign", help=say("将暂收款归入某人。", "Give money in suspense to the person whose it is."))
    def assign(
        payment: Annotated[str, typer.Argument(help=say("款项编号", "id of the payment"))],
        person: Annotated[str, typer.Argument(help=say("登记号", "the person's key"))],
        actor: Annotated[str, typer.Option(help=say("办理人", "who does it"))],
        reason: Annotated[str, typer.Option(help=say("理由", "why"))],
    ) -> None:
        receipt = asyncio.run(_assign(payment, person, f"{actor}: {reason}"))
        print(say(f"已归入{receipt.person}", f"given to {receipt.person}"))

    @money.command("return", help=say("登记暂收款已退还缴费人。", "Say that money in suspense went back to the payer."))
    def return_(
        payment: Annotated[str, typer.Argument(help=say("款项编号", "id of the payment"))],
        actor: Annotated[str, typer.Option(help=say("办理人", "who does it"))],
        reason: Annotated[str, typer.Option(help=say("理由与凭证", "why, and the evidence"))],
    ) -> None:
        asyncio.run(_return(payment, actor, reason))
        print(say("已登记", "noted"))

    @money.command(
        "show", help=say("某人的账目:已缴 = 入账 + 已退 + 暂存。", "Accounts: paid = credited + refunded + held.")
    )
    def show(person: Annotated[str, typer.Argument(help=say("登记号", "the person's key"))]) -> None:
        for account in asyncio.run(_accounts(person)):
            name = f"{account.scheme} {account.area} {account.plan_year}"
            sums = [yuan(amount) for amount in (account.paid, account.credited, account.refunded, account.held)]
            print(f"{name}: {sums[0]} = {sums[1]} + {sums[2]} + {sums[3]} ({say('应缴', 'owed')} {yuan(account.owed)})")


async def _suspense(area: str, after: str) -> list[Suspense]:
    async with registry() as database:
        return await MoneyBooks(database).suspense(area, after)


async def _assign(payment: str, person: str, by: str) -> Receipt:
    async with payment_desk(load_settings()) as (desk, _, _):
        return await desk.assign(payment, person, current_day(), by)


async def _return(payment: str, actor: str, reason: str) -> None:
    async with registry() as database:
        await MoneyBooks(database).claim(payment, current_day(), actor, f"{RETURNED}{reason}")


async def _accounts(person: str) -> list[Account]:
    async with registry() as database:
        return await MoneyBooks(database).accounts(person)
