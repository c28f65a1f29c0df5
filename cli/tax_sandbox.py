"""`canbao tax-sandbox`: the sandbox tax bureau, a process of its own."""

import json
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from cli.language import Speaker
from domain.errors import ConfigurationError
from sandbox.processes import claim_port
from sandbox.tax_bureau.app import contract, create_app


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("tax-sandbox", help=say("运行税务沙箱。", "Run the sandbox tax bureau."))
    def tax_sandbox(
        port: Annotated[int, typer.Option(help=say("端口", "port to listen on"))] = 8650,
        data: Annotated[Path, typer.Option(help=say("数据目录", "folder of its database"))] = Path(".canbao"),
        published: Annotated[
            bool,
            typer.Option("--contract", help=say("只打印接口约定(OpenAPI)", "print the contract (OpenAPI) and end")),
        ] = False,
    ) -> None:
        if published:
            print(json.dumps(contract(), ensure_ascii=False, indent=1))
            return
        file = data / "tax-bureau.db"
        try:
            data.mkdir(parents=True, exist_ok=True)
            file.open("ab").close()
        except OSError as error:
            raise ConfigurationError(
                f"{file} cannot be written: {error.strerror}; choose another --data",
                f"{file}无法写入:{error.strerror};请另选 --data",
            ) from None
        claim_port(port, "the tax sandbox")
        uvicorn.run(create_app(file), host="127.0.0.1", port=port, log_level="warning", access_log=False)
