"""The tree of commands, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from ..model.errors import ColloquyError
from . import (
    alerts,
    backup,
    chat,
    config,
    db,
    dead_letters,
    demo,
    doctor,
    evaluating,
    evolve,
    exporting,
    feedback,
    flags,
    graph,
    importing,
    keys,
    ledger,
    mcp,
    monitoring,
    new,
    pack,
    proof,
    reprocessing,
    rollout,
    serve,
    trace,
    webhooks,
)
from .options import Json
from .output import print_error, print_json

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 + SIGINT, as shells have it."""


def build() -> typer.Typer:
    """All commands. Their modules import the engine only when they run."""
    root = typer.Typer(
        name="colloquy",
        no_args_is_help=True,
        help="The durable engine behind assistants.",
        epilog="Start here: colloquy demo, colloquy new",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for module in (
        new,
        serve,
        chat,
        demo,
        importing,
        exporting,
        trace,
        backup,
        reprocessing,
        doctor,
        proof,
        mcp,
    ):
        module.register(root)
    root.add_typer(dead_letters.app, name="dead-letters")
    root.add_typer(keys.app, name="keys")
    root.add_typer(webhooks.app, name="webhooks")
    root.add_typer(flags.app, name="flags")
    root.add_typer(rollout.app, name="rollout")
    root.add_typer(alerts.app, name="alerts")
    root.add_typer(monitoring.app, name="monitoring")
    root.add_typer(feedback.app, name="feedback")
    root.add_typer(graph.app, name="graph")
    root.add_typer(ledger.app, name="ledger")
    root.add_typer(evaluating.app, name="eval")
    root.add_typer(evolve.app, name="evolve")
    root.add_typer(pack.app, name="pack")
    root.add_typer(config.app, name="config")
    root.add_typer(db.app, name="db")

    @root.command("version")
    def version(
        json: Json = False,
        short: Annotated[bool, typer.Option("--short", help="The number alone.")] = False,
    ) -> None:
        """Prints the versions of Colloquy and of what it stands on."""
        found = versions()
        if json:
            print_json(found)
        elif short:
            print(found["colloquy"])
        else:
            print(", ".join(f"{name} {number}" for name, number in found.items()))

    return root


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code: 0, 1 (an error), 2 (wrong usage), 130 (Ctrl-C).

    An error is one line on standard error: its code and its detail.
    """
    as_json = "--json" in arguments
    program = typer.main.get_command(build())
    try:
        result = program.main(list(arguments), prog_name="colloquy", standalone_mode=False)
        sys.stdout.flush()
    except TyperException as error:
        if error.format_message():  # a group without a command has printed its help
            print_error(UsageMistake(error.format_message()), as_json=as_json)
        return error.exit_code
    except ColloquyError as error:
        print_error(error, as_json=as_json)
        return 1
    except (typer.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): nobody is left to tell.
        sys.stderr.close()
        return 1
    return result if isinstance(result, int) else 0


class UsageMistake(ColloquyError):
    """The command line itself is wrong."""

    code = "usage"
    status = 400
    title = "Wrong usage"


def versions() -> dict[str, str]:
    """Colloquy, Python, SQLite."""
    import platform
    from importlib import metadata

    import apsw

    return {
        "colloquy": metadata.version("colloquy"),
        "python": platform.python_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }
