"""Handing over files: the same check and the same workflow as `canbao import`."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from domain.bilingual import Text
from domain.errors import ContractError, Missing
from domain.imports import IMPORT_STATES, ImportProgress, ImportState
from domain.money import fen, yuan
from domain.senders import Sender
from intake.api.problems import responses
from intake.api.service import Service
from intake.files.check import Checked
from intake.files.rows import StatedTotals
from intake.imports import HandedOver, csv_text

ImportId = Annotated[str, Path(pattern=r"^[a-z0-9-]{5,100}$")]


class BrokenLine(BaseModel):
    line: int
    because: Text


class CheckOut(BaseModel):
    """What a file was found to hold. Money in yuan."""

    lines: int
    broken: int
    headcount: int
    receipts: int
    amount: str
    broken_lines: list[BrokenLine]
    """The first of them; the result names all."""


class ImportOut(BaseModel):
    """How far a file has come; its result answers every line."""

    id: str
    name: str
    state: ImportState
    state_says: Text
    lines: int
    taken: int
    refused: int
    broken: int
    status_at: str
    result_at: str
    check: CheckOut | None = None


def routes(service: Service) -> APIRouter:
    router = APIRouter(tags=["imports"])

    @router.post(
        "/imports",
        status_code=202,
        summary="上传报送文件(CSV 或 xlsx)· hand over a file (CSV or xlsx)",
        responses=responses(409),
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "text/csv": {"schema": {"type": "string"}},
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {
                        "schema": {"type": "string", "format": "binary"}
                    },
                },
            }
        },
    )
    async def hand_over(
        request: Request,
        name: Annotated[str, Query(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f/\\]+$")] = "upload",
        headcount: Annotated[int | None, Query(ge=0, le=10**9, description="stated number of people")] = None,
        receipts: Annotated[int | None, Query(ge=0, le=10**9, description="stated number of payments")] = None,
        amount: Annotated[
            str | None, Query(pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$", description="stated money in yuan")
        ] = None,
        despite_differences: Annotated[bool, Query(description="take it although the totals do not agree")] = False,
    ) -> ImportOut:
        sender = await service.sender(request)
        service.limits.take(sender)
        stated = StatedTotals(headcount, receipts, None if amount is None else fen(amount))
        with tempfile.TemporaryDirectory(prefix="canbao-") as folder:
            file = FilePath(folder) / "upload"
            with file.open("wb") as opened:
                async for chunk in request.stream():
                    opened.write(chunk)
            given = HandedOver(file, sender, service.senders.mapping(sender.id), service.today(), name)
            checked = await asyncio.to_thread(given.check, stated)
            differences = checked.differences()
            if differences and not despite_differences:
                raise ContractError(
                    f"the totals do not agree, and nothing was taken: {'; '.join(item.en for item in differences)}",
                    f"合计不符,未受理任何一行:{';'.join(item.zh for item in differences)}",
                )
            import_id = await service.imports.take(given, checked)
        await service.audit.write(sender.id, f"import {import_id}")
        return _out(await service.imports.progress(import_id), checked)

    @router.get("/imports/{import_id}", summary="进度 · how far it has come", responses=responses(404))
    async def progress(request: Request, import_id: ImportId) -> ImportOut:
        return _out(await _own(service, await service.sender(request), import_id))

    @router.get(
        "/imports/{import_id}/result",
        summary="逐行结果(CSV)· the answer to every line (CSV)",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **responses(404)},
    )
    async def result(request: Request, import_id: ImportId) -> StreamingResponse:
        await _own(service, await service.sender(request), import_id)
        language = "en" if request.headers.get("accept-language", "").lower().startswith("en") else "zh"

        async def lines() -> AsyncIterator[bytes]:
            yield b"\xef\xbb\xbf"
            async for rows in service.imports.result(import_id, "en" if language == "en" else "zh"):
                yield csv_text(rows).encode()

        return StreamingResponse(lines(), media_type="text/csv; charset=utf-8")

    @router.post(
        "/imports/{import_id}/cancel", summary="取消未报送的行 · report no further line", responses=responses(404)
    )
    async def cancel(request: Request, import_id: ImportId) -> ImportOut:
        sender = await service.sender(request)
        await _own(service, sender, import_id)
        await service.imports.cancel(import_id)
        await service.audit.write(sender.id, f"cancel import {import_id}")
        return _out(await service.imports.progress(import_id))

    return router


async def _own(service: Service, sender: Sender, import_id: str) -> ImportProgress:
    """A file of this sender's. Those of others are as if they were not there."""
    service.limits.take(sender)
    progress = await service.imports.progress(import_id)
    if progress.sender != sender.id:
        raise Missing(f"there is no import {import_id}", f"没有编号为{import_id}的报送文件")
    return progress


def _out(progress: ImportProgress, checked: Checked | None = None) -> ImportOut:
    where = f"/v1/imports/{progress.import_id}"
    return ImportOut(
        id=progress.import_id,
        name=progress.name,
        state=progress.state,
        state_says=IMPORT_STATES[progress.state],
        lines=progress.lines,
        taken=progress.taken,
        refused=progress.refused,
        broken=progress.broken,
        status_at=where,
        result_at=f"{where}/result",
        check=None if checked is None else _check_out(checked),
    )


def _check_out(checked: Checked) -> CheckOut:
    return CheckOut(
        lines=checked.rows + checked.broken,
        broken=checked.broken,
        headcount=checked.headcount,
        receipts=checked.receipts,
        amount=yuan(checked.amount),
        broken_lines=[BrokenLine(line=item.line, because=item.message) for item in checked.problems],
    )
