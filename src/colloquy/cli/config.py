"""`colloquy config`: what holds, and where each value comes from."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from ..model.errors import SettingsError
from .options import Json, Where, command
from .output import print_json, print_table
from .target import settings_of

app = typer.Typer(no_args_is_help=True, help="Settings: show what holds, check a file.")


@command(app, "show")
def show(
    where: Where,
    prefix: Annotated[str, typer.Argument(help="Only settings that begin so.")] = "",
    changed: Annotated[
        bool, typer.Option("--changed", help="Only settings that differ from the default.")
    ] = False,
    json: Json = False,
) -> None:
    """Shows every setting, its value and where that value comes from.

    Defaults < preset < file < stored < environment < command line.
    """
    rows = [
        (name, value, origin)
        for name, value, origin in settings_of(where).rows()
        if name.startswith(prefix) and (not changed or origin != "default")
    ]
    if json:
        print_json(
            [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        )
        return
    print_table(
        ["setting", "value", "from"],
        [(name, _shown(value), origin) for name, value, origin in rows],
        empty="No such setting." if prefix else "Everything is as by default.",
    )


@command(app, "check")
def check(where: Where, json: Json = False) -> int:
    """Checks every source of settings and lists all that is wrong, not just the first."""
    try:
        settings_of(where)
    except SettingsError as error:
        problems = error.extra["problems"]
        if json:
            print_json({"ok": False, "problems": problems})
        else:
            print_table(
                ["setting", "from", "problem"],
                [(one["setting"], one["source"], one["detail"]) for one in problems],
                empty="",
            )
        return 1
    if json:
        print_json({"ok": True, "problems": []})
    else:
        print("All settings are fine.")
    return 0


def _shown(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
