"""The service as a web application."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.security import HTTPBearer

from intake.api import health, households, imports, keys, people, problems, reports
from intake.api.service import Service
from intake.limits import BodyLimit

VERSION = "1"
_DESCRIPTION = """报送人生事件,查询参保结果 · Report life events, and read what follows.

Every call names its sender by an OAuth 2 access token (JWT, client credentials). Saying the same fact again is safe:
it has one id and gets the first answer. Errors are problems (RFC 9457) with a stable `type`.
"""


def create_app(service: Service) -> FastAPI:
    """The routes of the service."""
    app = FastAPI(
        title="参保 Canbao", version=VERSION, description=_DESCRIPTION, docs_url=None, redoc_url=None, debug=False
    )
    problems.install(app)
    app.include_router(health.routes(service))
    for part in (reports, people, keys, households, imports):
        app.include_router(part.routes(service), prefix="/v1", dependencies=[_BEARER])
    app.add_middleware(BodyLimit, large=("/v1/imports",))
    app.add_middleware(problems.Faults)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The contract: as the routes state it, with problems where the framework names its own errors."""
    found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = found["components"]["schemas"]
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = problems.Problem.model_json_schema()
    return found


def _bearer() -> Any:
    from fastapi import Depends

    # Who asks is found out by each route; this says in the contract that they must.
    return Depends(HTTPBearer(auto_error=False, description="access token of the sender"))


_BEARER = _bearer()
