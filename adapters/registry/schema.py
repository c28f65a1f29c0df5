"""The schema of a registry: bringing it to this version, and finding where it differs from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text
from sqlmodel import SQLModel

from adapters.registry import people_tables, tables
from domain.errors import ConfigurationError

FIRST = "0001"
NO_TWO_COVERS = "no_two_covers_at_once"
_GUARDS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT conname FROM pg_constraint WHERE contype = 'x'",
}


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema behind a connection."""

    connection: Connection

    def upgrade(self) -> None:
        """Bring it to this version, from nothing or from any release.

        Raises ConfigurationError for a database whose tables are none of ours.
        """
        names = set(inspect(self.connection).get_table_names())
        if names and "alembic_version" not in names:
            # The first release made its tables without saying so.
            if not {"person", "journal", "coverage", "decision", "document", "feed"} <= names or "effect" in names:
                raise ConfigurationError(
                    "the database holds tables that no release of the registry made; choose an empty one",
                    "数据库中已有其他表,并非任何版本的登记库;请选用空库",
                )
            command.stamp(self._config(), FIRST)
        if self.missing():
            command.upgrade(self._config(), "head")

    def version(self) -> str:
        """The migration that was applied last; empty where none was."""
        return MigrationContext.configure(self.connection).get_current_revision() or ""

    def missing(self) -> bool:
        """Whether migrations have not been applied yet."""
        script = ScriptDirectory.from_config(self._config())
        if (version := self.version()) and version not in {item.revision for item in script.walk_revisions()}:
            raise ConfigurationError(
                f"the registry is of a newer release (schema {version}) than this program; use that release",
                f"登记库属于更新的版本(结构{version});请使用相应版本的程序",
            )
        return version != script.get_current_head()

    def drift(self) -> list[str]:
        """Where the tables differ from what this version expects, a line each; empty when they agree."""
        assert tables.Person.metadata is people_tables.Document.metadata is SQLModel.metadata
        context = MigrationContext.configure(self.connection, opts={"compare_type": True})
        found = [_line(item) for item in compare_metadata(context, SQLModel.metadata)]
        guards = self.connection.execute(text(_GUARDS[self.connection.dialect.name])).scalars().all()
        return found if NO_TWO_COVERS in guards else [*found, f"missing constraint {NO_TWO_COVERS}"]

    def _config(self) -> Config:
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = self.connection
        return config


def _line(difference: object) -> str:
    parts = difference if isinstance(difference, tuple) else tuple(difference)  # type: ignore[arg-type]
    if parts and isinstance(parts[0], tuple):
        return "; ".join(map(_line, parts))
    return " ".join(str(getattr(part, "name", None) or part) for part in parts if part is not None)
