"""`canbao configuration`: every setting, with default, unit and meaning; `docs/configuration.md` is its output."""

from __future__ import annotations

import typer

from adapters.settings import PREFIX, Settings
from cli.language import Speaker


def add(app: typer.Typer, say: Speaker) -> None:
    @app.command("configuration", help=say("列出全部设置。", "List every setting."))
    def configuration() -> None:
        print(describe_settings(), end="")


def describe_settings() -> str:
    """The settings as a Markdown document."""
    lines = [
        "# 设置 · Settings",
        "",
        "由 `canbao configuration` 生成 · Made by `canbao configuration`. "
        "未列出的 `CANBAO_*` 变量会被拒绝 · A `CANBAO_*` variable that does not stand here is refused.",
        "",
        "Temporal 的连接使用其标准环境变量和 temporal.toml 配置 · How to reach Temporal is set by its own standard "
        "environment (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE`, …) and `temporal.toml` profiles.",
        "",
        "| 变量 · variable | 默认 · default | 含义与单位 · meaning and unit |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{PREFIX}{name.upper()}` | `{field.default}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(lines) + "\n"
