"""`canbao dev-issuer`: a token issuer for development."""

from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from adapters.secrets import load_or_create
from adapters.settings import load_settings
from cli.language import Speaker
from sandbox.dev_issuer import DevelopmentIssuer
from sandbox.processes import claim_port


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "dev-issuer",
        help=say("运行开发用令牌签发者。", "Run a token issuer for development; never use it in production."),
    )
    def dev_issuer(
        port: Annotated[int, typer.Option(help=say("端口", "port to listen on"))] = 8670,
        token: Annotated[
            str | None,
            typer.Option(metavar="SENDER", help=say("只打印该单位的令牌", "print a token of this sender and end")),
        ] = None,
        secret: Annotated[
            str | None,
            typer.Option(metavar="SENDER", help=say("只打印该单位的密钥", "print this sender's secret and end")),
        ] = None,
    ) -> None:
        settings = load_settings()
        issuer = DevelopmentIssuer(
            load_or_create(settings.issuer_key_file), settings.token_issuer, settings.token_audience
        )
        issuer.publish(Path(settings.data / "dev-issuer.jwks.json"))
        if token is not None:
            print(issuer.token(token))
        elif secret is not None:
            print(issuer.client_secret(secret))
        else:
            claim_port(port, "the development issuer")
            print(
                say(f"令牌地址 http://127.0.0.1:{port}/token", f"tokens at http://127.0.0.1:{port}/token"), flush=True
            )
            uvicorn.run(issuer.app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)
