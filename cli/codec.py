"""`canbao codec`: the codec server of the Web UI; and breaking the glass."""

import asyncio
import re
from datetime import timedelta
from typing import Annotated

import httpx2
import typer
import uvicorn
from temporalio.envconfig import ClientConfig

from adapters.logs import configure
from adapters.payload_codec import SealingCodec
from adapters.registry.audit import AuditJournal
from adapters.registry.database import Database
from adapters.registry.key_merges import KeyMerges
from adapters.registry.senders import SenderPeople
from adapters.settings import Settings, load_settings
from cli.connections import registry
from cli.language import Speaker
from domain.errors import ConfigurationError, Refused, Unavailable
from intake.codec_server.app import CodecService, create_app
from intake.codec_server.viewers import GLASS_OPEN, Viewers
from intake.operator_list import OperatorList
from intake.sender_files import read_senders
from intake.tokens import Tokens
from sandbox.processes import claim_port
from workflows.names import person_of

PORT = 8690
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SECONDS = 20
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def add(app: typer.Typer, say: Speaker) -> None:
    group = typer.Typer(
        invoke_without_command=True,
        help=say(
            "运行编解码服务:有权者在网页界面中看到明文。",
            "Run the codec server: those who have the right see clear text in the Web UI.",
        ),
    )
    app.add_typer(group, name="codec")

    @group.callback()
    def codec(
        context: typer.Context,
        port: Annotated[int, typer.Option(min=0, max=65535, help=say("端口", "port to listen on"))] = PORT,
        host: Annotated[str, typer.Option(help=say("监听地址", "address to listen at"))] = "127.0.0.1",
        ui: Annotated[
            list[str] | None,
            typer.Option(help=say("允许的网页界面来源,可重复", "origin of a Web UI that may ask; may be repeated")),
        ] = None,
        token_in_path: Annotated[
            bool,
            typer.Option(
                "--token-in-path",
                help=say("令牌可写在路径中,仅限本机演示", "take a token from the path; demonstrations on one machine"),
            ),
        ] = False,
    ) -> None:
        if context.invoked_subcommand is not None:
            return
        if token_in_path and host not in _LOOPBACK:
            raise ConfigurationError(
                "--token-in-path is for this machine only; take it away, or listen at 127.0.0.1",
                "--token-in-path 仅限本机;请去掉,或监听 127.0.0.1",
            )
        claim_port(port, "the codec server")
        origins = [_origin(text) for text in ui or ()] or ["http://127.0.0.1:8233", "http://localhost:8233"]
        settings = load_settings()
        configure(settings.log_level)
        asyncio.run(_serve(settings, host, port, origins, token_in_path, say))

    @group.command(
        "break-glass",
        help=say("紧急查看辖区外的人,写明理由。", "See a person outside your area for a while, with a reason."),
    )
    def break_glass(
        person: Annotated[str, typer.Argument(help=say("登记号", "the key of the person"))],
        reason: Annotated[str, typer.Option(help=say("理由", "why"))],
        token: Annotated[str, typer.Option(envvar="OPERATOR_TOKEN", help=say("访问令牌", "your access token"))],
        server: Annotated[str, typer.Option(help=say("编解码服务地址", "address of the codec server"))] = (
            f"http://127.0.0.1:{PORT}"
        ),
    ) -> None:
        _break(server.rstrip("/"), person, reason, token, say.language)
        minutes = GLASS_OPEN // timedelta(minutes=1)
        print(say(f"{minutes}分钟内可查看,已记入审计", f"for {minutes} minutes; it stands in the audit journal"))


def service_of(database: Database, settings: Settings, namespace: str, *, token_in_path: bool = False) -> CodecService:
    """The codec server on an open registry. Raises ConfigurationError for files that cannot be used."""
    return CodecService(
        codec=SealingCodec(database.keys, person_of),
        person_of=person_of,
        viewers=Viewers(
            _operators(settings),
            read_senders(settings.senders),
            SenderPeople(database),
            KeyMerges(database),
            AuditJournal(database),
        ),
        tokens=Tokens(settings.key_set_address, settings.token_issuer, settings.token_audience),
        namespace=namespace,
        token_in_path=token_in_path,
    )


def _operators(settings: Settings) -> OperatorList:
    operators = OperatorList(settings.operators)
    both = [item.id for item in operators.current().operators if read_senders(settings.senders).knows(item.id)]
    if both:
        raise ConfigurationError(
            f"{both[0]} is an operator and a sender; give one of them another id", f"{both[0]}既是经办人员又是报送单位"
        )
    return operators


def _origin(text: str) -> str:
    """The origin of a Web UI. Raises ConfigurationError for what a browser never sends as one."""
    if not _ORIGIN.fullmatch(text):
        raise ConfigurationError(
            f"--ui {text} is no origin; write https://HOST or http://HOST:PORT, without a path",
            f"--ui {text}不是来源;应为 https://主机 或 http://主机:端口,不含路径",
        )
    return text


async def _serve(
    settings: Settings, host: str, port: int, origins: list[str], token_in_path: bool, say: Speaker
) -> None:
    namespace = ClientConfig.load_client_connect_config().get("namespace") or "default"
    async with registry() as database:
        service = service_of(database, settings, namespace, token_in_path=token_in_path)
        config = uvicorn.Config(
            create_app(service, origins),
            host=host,
            port=port,
            log_config=None,  # as everything else is logged
            access_log=False,  # a path can hold a token
            server_header=False,
        )
        print(
            say(f"编解码服务 http://{host}:{port},允许 {'、'.join(origins)}",
                f"codec server at http://{host}:{port}, for {', '.join(origins)}"),
            flush=True,
        )  # fmt: skip
        await uvicorn.Server(config).serve()


def _break(server: str, person: str, reason: str, token: str, language: str) -> None:
    try:
        answer = httpx2.post(
            f"{server}/break-glass",
            json={"person": person, "reason": reason},
            headers={"Authorization": f"Bearer {token}", "Accept-Language": language},
            timeout=_SECONDS,
        )
        said = "" if answer.status_code == 204 else str(answer.json()["detail"])
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, KeyError, TypeError):
        raise Unavailable(
            f"no codec server answers at {server}; see canbao codec", f"{server}没有编解码服务答复"
        ) from None
    if said:
        raise Refused(said)
