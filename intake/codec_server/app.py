"""The codec server as a web application, by the protocol of Temporal's remote codecs.

`…/decode` opens payloads for whoever may see the person they belong to, and writes that down first. `…/encode` seals
what a form of the Web UI, Temporal's command line or an SDK without our codec sends: that names no workflow, so it is
sealed with the intake key of the month. Only the last part of a path counts, as the protocol has it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from google.protobuf import json_format
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.middleware.cors import CORSMiddleware
from temporalio.api.common.v1 import Payload, Payloads

from adapters.payload_codec import AREA, KEY_ID, WORKFLOW_ID, CannotOpen, SealingCodec, is_sealed
from adapters.registry.audit import Way
from domain.errors import ContractError, Forbidden
from domain.operators import Operator
from domain.senders import Sender
from intake.api import problems
from intake.api.messages import PERSON_KEY
from intake.codec_server.viewers import Viewers
from intake.limits import BodyLimit
from intake.tokens import Tokens

_HEADERS = ("authorization", "content-type", "x-namespace")
_LONGEST_TOKEN = 4096


@dataclass(frozen=True)
class CodecService:
    codec: SealingCodec
    person_of: Callable[[str], str]
    viewers: Viewers
    tokens: Tokens
    namespace: str
    token_in_path: bool = False
    """Whether a token may stand in the path, `/as/TOKEN/decode`: for demonstrations on one machine only."""

    async def viewer(self, request: Request, token: str) -> Operator | Sender:
        """Who asks. Raises BadToken, Forbidden."""
        header = request.headers.get("Authorization")
        if token and self.token_in_path:
            header = f"Bearer {token}"
        named = request.headers.get("X-Namespace")
        if named is not None and named != self.namespace:
            raise Forbidden(f"this server has the keys of {self.namespace} only", f"此服务只有{self.namespace}的密钥")
        return self.viewers.known(await self.tokens.sender(header))

    async def decoded(self, viewer: Operator | Sender, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads in clear; what is not sealed, or cannot be opened, stays as it is.

        Raises Forbidden where one of them is of somebody whom this viewer may not see, or none may be seen.
        """
        sealed = [payload for payload in payloads if is_sealed(payload)]
        for person in sorted({self._person(payload) for payload in sealed} - {""}):
            await self.viewers.see(viewer, person)
        others = [payload for payload in sealed if not self._person(payload)]
        seen = [payload for payload in others if self._may_see(viewer, payload)]
        if others:
            refused = "" if len(seen) == len(others) else f"{viewer.id} may not see all of this"
            await self.viewers.audit.write(viewer.id, "decode", refused=refused, way=Way.CODEC)
        if others and not seen and len(others) == len(sealed):
            raise Forbidden(f"{viewer.id} may not see this", f"{viewer.id}无权查看")
        return [
            await self._opened(payload) if self._person(payload) or payload in seen else payload for payload in payloads
        ]

    async def encoded(self, viewer: Operator | Sender, payloads: Sequence[Payload]) -> list[Payload]:
        """Payloads sealed with the intake key. Raises Forbidden."""
        refused = "" if isinstance(viewer, Sender) or viewer.reads else f"{viewer.id} writes nothing"
        await self.viewers.audit.write(viewer.id, "encode", refused=refused, way=Way.CODEC)
        if refused:
            raise Forbidden(refused, f"{viewer.id}无权写入")
        plain = [payload for payload in payloads if not is_sealed(payload)]
        sealed = iter(await self.codec.for_intake(viewer.area, plain))
        return [payload if is_sealed(payload) else next(sealed) for payload in payloads]

    def _person(self, payload: Payload) -> str:
        """The person whose workflow a payload says that it belongs to; the codec finds out whether that is true."""
        return self.person_of(_text(payload, WORKFLOW_ID)) if is_sealed(payload) else ""

    def _may_see(self, viewer: Operator | Sender, payload: Payload) -> bool:
        owner = _text(payload, KEY_ID).partition("/")[0]
        return self.viewers.sees_of_nobody(viewer, owner, _text(payload, AREA))

    async def _opened(self, payload: Payload) -> Payload:
        if not is_sealed(payload):
            return payload
        try:
            return await self.codec.opened(payload)
        except CannotOpen:
            return payload


class Glass(BaseModel):
    """The glass is broken: who must be seen, and why."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(pattern=PERSON_KEY)
    reason: str = Field(max_length=500)


def create_app(service: CodecService, ui: Sequence[str]) -> FastAPI:
    """The routes; `ui` are the origins of the Web UIs that may ask."""
    app = FastAPI(title="Canbao codec server", docs_url=None, redoc_url=None, openapi_url=None, debug=False)
    problems.install(app)

    @app.get("/health")
    async def health() -> Response:
        return Response(status_code=204)

    @app.post("/break-glass")
    async def break_glass(request: Request) -> Response:
        viewer = await service.viewer(request, "")
        glass = _glass(await request.body())
        await service.viewers.break_the_glass(viewer, glass.person, glass.reason)
        return Response(status_code=204)

    @app.post("/{path:path}")
    async def code(request: Request, path: str) -> JSONResponse:
        *before, verb = path.split("/")
        token = before[before.index("as") + 1] if "as" in before[:-1] else ""
        viewer = await service.viewer(request, token[:_LONGEST_TOKEN])
        work = {"decode": service.decoded, "encode": service.encoded}.get(verb)
        if work is None:
            raise ContractError("the path ends with /decode or /encode", "路径应以 /decode 或 /encode 结尾")
        payloads = await work(viewer, _payloads(await request.body()))
        answer = json_format.MessageToDict(Payloads(payloads=payloads))
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    app.add_middleware(BodyLimit, large=("/decode", "/encode"))
    app.add_middleware(problems.Faults)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(ui),
        allow_methods=["POST"],
        allow_headers=list(_HEADERS),
    )
    return app


def _text(payload: Payload, name: str) -> str:
    return payload.metadata.get(name, b"").decode("utf-8", "replace")


def _glass(body: bytes) -> Glass:
    try:
        return Glass.model_validate_json(body)
    except ValidationError:
        raise ContractError("person and reason are expected", "应写明 person 与 reason") from None


def _payloads(body: bytes) -> Sequence[Payload]:
    try:
        return list(json_format.Parse(body, Payloads()).payloads)
    except (json_format.ParseError, UnicodeDecodeError, RecursionError):
        raise ContractError(
            "Payloads are expected, as protobuf writes them in JSON", "应为 protobuf JSON 格式的 Payloads"
        ) from None
