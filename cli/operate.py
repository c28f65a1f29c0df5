"""Operators' updates from the command line, of lives and of cases: `NAME=VALUE` fields, an actor, a role, a reason."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError

from cli.connections import in_a_sentence
from cli.language import Speaker
from domain.errors import ContractError, Refused
from domain.life import OperationReceipt, Receipt
from domain.operations import REQUESTS, Request

Send = Callable[[str, str, dict[str, Any]], Coroutine[Any, Any, OperationReceipt]]


def add_verb(app: typer.Typer, say: Speaker, console: Console, verb: str, where: tuple[str, str], send: Send) -> None:
    """A command that sends one kind of update to the workflow that its first argument names."""
    zh, en = (REQUESTS[verb].__doc__ or "").split(" · ")
    own = [name for name in REQUESTS[verb].model_fields if name not in Request.model_fields]

    @app.command(verb.replace("_", "-"), help=say(zh, en) + f" ({' '.join(f'{name}=…' for name in own)})")
    def act(
        workflow: Annotated[str, typer.Argument(help=say(*where))],
        content: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…")],
        actor: Annotated[str, typer.Option(help=say("经办人", "who does it"))],
        reason: Annotated[str, typer.Option(help=say("理由", "why"))],
        role: Annotated[str, typer.Option(help=say("clerk 经办,reviewer 复核", "clerk or reviewer"))] = "clerk",
    ) -> None:
        request = {"actor": actor, "role": role, "reason": reason, **fields(content)}
        print_operation(console, say, asyncio.run(send(workflow, verb, request)))


def fields(written: list[str]) -> dict[str, Any]:
    """`slot=levy/x accepted=true months=3` as a mapping; a value that reads as JSON is what it reads as.

    Raises ContractError for something else than NAME=VALUE.
    """
    found: dict[str, Any] = {}
    for item in written:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise ContractError(f"{item}: NAME=VALUE is expected", f"{item}:应写作 名称=值")
        found[name] = _value(name, value)
    return found


def _value(name: str, text: str) -> Any:
    # Codes and amounts look like numbers and are not.
    if name in ("months", "accepted", "replacement"):
        try:
            return json.loads(text)
        except ValueError:
            raise ContractError(f"{name}={text}: JSON is expected", f"{name}={text}:应为 JSON") from None
    return text


async def operate(handle: WorkflowHandle[Any, Any], verb: str, request: dict[str, Any]) -> OperationReceipt:
    """Send an operator's update. Raises Refused with the life's own sentence."""
    try:
        answer: OperationReceipt = await handle.execute_update(verb, request, result_type=OperationReceipt)
    except WorkflowUpdateFailedError as error:
        raise Refused(str(error.cause)) from None
    except RPCError as error:
        raise in_a_sentence(error, f"running workflow {handle.id}") from None
    return answer


def print_operation(console: Console, say: Speaker, answer: OperationReceipt) -> None:
    """What an operation led to."""
    console.print(escape(answer.says.in_(say.language)))
    if answer.receipt is not None:
        print_receipt(console, say, answer.receipt)


def print_receipt(console: Console, say: Speaker, receipt: Receipt) -> None:
    """What follows from a fact."""
    for conclusion in receipt.conclusions:
        console.print(f"- {escape(conclusion.in_(say.language))}")
    if receipt.refused is not None:
        console.print(say("不予受理:", "refused: ") + escape(receipt.refused.in_(say.language)))
    if receipt.next_deadline is not None:
        console.print(say("下一期限:", "next: ") + escape(f"{receipt.next_deadline.summary}"))
    for item in receipt.parked:
        console.print(say("待决定:", "to be decided: ") + escape(f"{item.question}: {item.because.in_(say.language)}"))
