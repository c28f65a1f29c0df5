"""Rows of several tables, written together.

A server is asked once for all of them: each question costs as much as writing several rows. A file is asked table by
table, which costs it nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, text
from sqlalchemy.dialects import sqlite
from sqlmodel import SQLModel

Row = dict[str, Any]


def table_of(model: type[SQLModel]) -> Table:
    """The table behind a model."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    return table


@dataclass(frozen=True, slots=True)
class There:
    """What happens to a row that is there already."""

    revised: tuple[str, ...] = ()
    """The columns that are written again; without any, what is there stays."""
    key: tuple[str, ...] = ()
    """The columns by which it is known; the primary key where none are named."""
    where: str = ""
    """The condition of the index over the key, where it has one."""


class Together:
    """Writes rows of these tables."""

    def __init__(self, dialect: str, tables: dict[type[SQLModel], There]) -> None:
        self._tables = tables
        self._one_by_one = {} if dialect == "postgresql" else {m: _insert(m, there) for m, there in tables.items()}
        self._at_once: dict[tuple[tuple[type[SQLModel], tuple[str, ...]], ...], Any] = {}

    def write(self, connection: Connection, rows: dict[type[SQLModel], list[Row]]) -> None:
        """Write rows by table."""
        written = {model: content for model, content in rows.items() if content}
        if not written:
            return
        for model, content in written.items() if self._one_by_one else ():
            connection.execute(self._one_by_one[model], content)
        if not self._one_by_one:
            given = {table_of(model).name: json.dumps(content, default=str) for model, content in written.items()}
            named = tuple((model, tuple(content[0])) for model, content in written.items())
            connection.execute(self._statement(named), given)

    def _statement(self, named: tuple[tuple[type[SQLModel], tuple[str, ...]], ...]) -> Any:
        if named not in self._at_once:
            parts = [f"w{number} AS ({self._part(*given)})" for number, given in enumerate(named)]
            self._at_once[named] = text(f"WITH {', '.join(parts)} SELECT 1")
        return self._at_once[named]

    def _part(self, model: type[SQLModel], columns: tuple[str, ...]) -> str:
        name, there = table_of(model).name, self._tables[model]
        names = ", ".join(f'"{column}"' for column in columns)
        key = ", ".join(f'"{column}"' for column in _key(model, there))
        where = f" WHERE {there.where}" if there.where else ""
        sets = ", ".join(f'"{column}" = excluded."{column}"' for column in there.revised)
        then = f"DO UPDATE SET {sets}" if sets else "DO NOTHING"
        rows = f"jsonb_populate_recordset(NULL::{name}, CAST(:{name} AS jsonb))"
        return f"INSERT INTO {name} ({names}) SELECT {names} FROM {rows} ON CONFLICT ({key}){where} {then}"


def _key(model: type[SQLModel], there: There) -> tuple[str, ...]:
    return there.key or tuple(column.name for column in table_of(model).primary_key)


def _insert(model: type[SQLModel], there: There) -> Any:
    insert = sqlite.insert(table_of(model))
    where = text(there.where) if there.where else None
    key = _key(model, there)
    if not there.revised:
        return insert.on_conflict_do_nothing(index_elements=key, index_where=where)
    again = {name: insert.excluded[name] for name in there.revised}
    return insert.on_conflict_do_update(index_elements=key, index_where=where, set_=again)
