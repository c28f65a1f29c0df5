"""Levies: issued, replaced by a higher revision, cancelled."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Response
from sqlmodel import col, select

from domain.money import yuan
from sandbox.tax_bureau.books import Books, Levy
from sandbox.tax_bureau.orders import LevyOrder, amount_of


def add(app: FastAPI, books: Books) -> None:
    _orders(app, books)
    _queries(app, books)


def _orders(app: FastAPI, books: Books) -> None:
    @app.put("/v1/levies/{reference:path}", status_code=204, summary="应缴核定 · Have a levy collected")
    def issue(reference: str, order: LevyOrder) -> Response:
        content = {**order.model_dump(exclude={"amount", "basis"}), "amount": amount_of(order.amount)}
        with books.session() as session:
            levy = session.get(Levy, reference)
            if levy is None:
                levy = Levy(reference=reference, **content, state="open")
            elif order.revision < levy.revision:
                raise HTTPException(409, f"revision {levy.revision} was already issued")
            elif order.revision > levy.revision:
                if levy.state == "paid":
                    raise HTTPException(409, "the levy was already paid")
                levy.sqlmodel_update({**content, "state": "open"})
            session.add(levy)
        return Response(status_code=204)

    @app.delete("/v1/levies/{reference:path}", status_code=204, summary="撤销应缴 · Have a levy collected no more")
    def cancel(reference: str, revision: Annotated[int, Query(ge=1)]) -> Response:
        with books.session() as session:
            levy = session.get(Levy, reference)
            if levy is not None and levy.revision <= revision:
                if levy.state == "paid":
                    raise HTTPException(409, "the levy was already paid")
                levy.state, levy.revision = "cancelled", revision
                session.add(levy)
        return Response(status_code=204)


def _queries(app: FastAPI, books: Books) -> None:
    @app.get("/v1/levies/{reference:path}", summary="查询应缴 · Where a levy stands")
    def read(reference: str) -> dict[str, Any]:
        with books.session() as session:
            levy = session.get(Levy, reference)
            if levy is None:
                raise HTTPException(404, "no such levy")
            return _shown(levy)

    @app.get("/v1/levies", summary="应缴清单 · Levies, by reference")
    def listing(
        payer: str | None = None,
        after: str = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 500,
    ) -> list[dict[str, Any]]:
        with books.session() as session:
            rows = select(Levy).where(Levy.reference > after).order_by(Levy.reference).limit(limit)
            if payer is not None:
                rows = rows.where(col(Levy.reference).startswith(f"{payer}/"))
            return [_shown(levy) for levy in session.exec(rows)]


def _shown(levy: Levy) -> dict[str, Any]:
    return {**levy.model_dump(mode="json"), "amount": yuan(levy.amount)}
