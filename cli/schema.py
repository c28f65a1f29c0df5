"""`canbao schema`: the published JSON Schema of facts, receipts and workflow input."""

import json

import typer

from cli.language import Speaker
from intake.schemas import published


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "schema",
        help=say("打印事实与回执的 JSON Schema。", "Print the JSON Schema of facts and receipts."),
    )
    def schema() -> None:
        print(json.dumps(published(), ensure_ascii=False, indent=1))
