"""`canbao backup` and `canbao restore`: the embedded stores of a data folder."""

from pathlib import Path
from typing import Annotated

import typer

from adapters.backups import back_up, restore, secrets_of
from adapters.settings import Settings, load_settings
from cli.language import Speaker
from domain.errors import ConfigurationError


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command(
        "backup", help=say("备份数据目录(可在运行中进行)。", "Back up the data folder, also while it is in use.")
    )
    def backup(
        target: Annotated[Path, typer.Argument(help=say("空目录", "an empty folder"))],
        secrets: Annotated[
            Path | None, typer.Option(help=say("密钥另存的空目录", "an empty folder of their own for the secrets"))
        ] = None,
    ) -> None:
        data = _embedded().data
        names = back_up(data, target, secrets)
        print(say(f"已备份:{'、'.join(names)}", f"backed up: {', '.join(names)}"))
        if secrets is None and (apart := secrets_of(data)):
            print(
                say(
                    f"密钥不在备份中,无之则备份不可读;请另行保存:{'、'.join(apart)}(--secrets)",
                    f"the secrets are not in it, and without them it cannot be read; keep them elsewhere: "
                    f"{', '.join(apart)} (--secrets)",
                )
            )

    @app.command("restore", help=say("将备份恢复到空的数据目录。", "Restore a backup into an empty data folder."))
    def restore_(
        source: Annotated[Path, typer.Argument(help=say("备份目录", "the folder of the backup"))],
        secrets: Annotated[
            Path | None, typer.Option(help=say("密钥所在目录", "the folder in which the secrets were kept"))
        ] = None,
    ) -> None:
        names = restore(source, _embedded().data, secrets)
        print(say(f"已恢复:{'、'.join(names)}", f"restored: {', '.join(names)}"))


def _embedded() -> Settings:
    settings = load_settings()
    if settings.database_url and settings.database_url != f"sqlite:///{settings.data / 'registry.db'}":
        raise ConfigurationError(
            "the registry is not in the data folder; back it up with its own tools, such as pg_dump",
            "登记库不在数据目录中;请用其自带工具备份,例如 pg_dump",
        )
    return settings
