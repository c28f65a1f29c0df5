"""The program's entrance. Every command passes here: the language, the errors in one sentence, and a clean end."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import time
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from cli.language import Speaker, split_language
from domain.bilingual import Language
from domain.errors import ConfigurationError, ContractError, PackError, Refused, Unavailable

# Each verb's module. Only the one that is asked for is loaded, so that a small command starts at once.
VERBS = {
    "demo": "cli.demo",
    "assess": "cli.assess",
    "person": "cli.person",
    "case": "cli.case",
    "packs": "cli.packs",
    "shadow": "cli.shadow",
    "notice": "cli.notice",
    "nudge": "cli.nudge",
    "import": "cli.import_file",
    "campaign": "cli.campaign",
    "identity": "cli.identity",
    "payments": "cli.payments",
    "serve": "cli.serve",
    "dev-issuer": "cli.dev_issuer",
    "codec": "cli.codec",
    "keys": "cli.keys",
    "audit": "cli.audit",
    "schema": "cli.schema",
    "worker": "cli.worker_process",
    "tax-sandbox": "cli.tax_sandbox",
    "money": "cli.money",
    "reconcile": "cli.reconcile",
    "verify": "cli.verify",
    "rebuild": "cli.verify",
    "backup": "cli.backup",
    "restore": "cli.backup",
    "db": "cli.db",
    "configuration": "cli.configuration",
}
_EXPECTED = (ConfigurationError, ContractError, PackError, Refused, Unavailable)
_CANNOT = 2


def build(say: Speaker, arguments: Sequence[str] = ()) -> typer.Typer:
    """The program in a language, with the verb that the arguments name, or with all of them."""
    app = typer.Typer(
        name="canbao",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help=say(
            "参保:在 Temporal 上承载每个人一生的基本医疗保险参保。任何命令都可加 --lang zh|en。",
            "Canbao carries every person's enrolment in China's basic medical insurance through a whole life, on "
            "Temporal. Every command takes --lang zh|en.",
        ),
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    if not arguments or {"--help", "-h"} & set(arguments):
        _name_panels(say)

    @app.callback()
    def canbao() -> None:
        """Keeps the verbs as sub-commands, even where there is one only."""

    asked = VERBS.get(arguments[0]) if arguments else None
    for module in [asked] if asked else dict.fromkeys(VERBS.values()):
        importlib.import_module(module).add(app, say)
    return app


def _name_panels(say: Speaker) -> None:
    # Loaded only where help is printed: a worker lives long, and need not carry what draws boxes.
    from typer import rich_utils

    rich_utils.OPTIONS_PANEL_TITLE = say("选项", "Options")
    rich_utils.ARGUMENTS_PANEL_TITLE = say("参数", "Arguments")
    rich_utils.COMMANDS_PANEL_TITLE = say("命令", "Commands")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program. It exits with 0, with 1 where an expectation does not hold, with 2 where it cannot be done."""
    language: Language = "en"
    try:
        language, rest = split_language(sys.argv[1:] if arguments is None else arguments)
        code = build(Speaker(language), rest)(rest, standalone_mode=False)
    except _EXPECTED as error:
        code = _complain(error.text.in_(language))
    except TyperException as error:
        code = _complain(error.format_message())
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    _let_threads_end()
    sys.exit(code if isinstance(code, int) else 0)


def _complain(sentence: str) -> int:
    print(f"canbao: {sentence}", file=sys.stderr)
    return _CANNOT


def _let_threads_end() -> None:
    """On CPython 3.11 the engine's threads can abort the interpreter's exit while they still let go of a client."""
    if "temporalio.bridge" in sys.modules:
        gc.collect()
        time.sleep(0.3)
