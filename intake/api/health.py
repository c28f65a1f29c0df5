"""Whether the service lives, and whether it can answer."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from sqlalchemy import text
from temporalio.service import RPCError

from domain.errors import Unavailable
from intake.api.service import Service

_SECONDS = 3


def routes(service: Service) -> APIRouter:
    router = APIRouter(prefix="/health", tags=["health"])

    @router.get("/live", summary="进程是否运行 · whether the process runs")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/ready", summary="能否受理 · whether Temporal and the registry answer", responses={503: {}})
    async def ready() -> dict[str, str]:
        await service.database.transaction(lambda session: session.connection().execute(text("SELECT 1")) and None)
        try:
            async with asyncio.timeout(_SECONDS):
                await service.client.service_client.check_health()
        except (RPCError, TimeoutError):
            raise Unavailable("Temporal does not answer", "Temporal 没有答复") from None
        return {"status": "ok"}

    return router
