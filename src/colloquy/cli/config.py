"""`colloquy config`: what holds, where each value comes from, and why."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from ..model.errors import NotFound, SettingsError
from ..settings import Explanation, Settings, Statement, explain, near
from .options import Json, Where, command, complete_setting, settings_of
from .output import print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Settings: what holds, and why.")


@command(app, "show")
def show(
    where: Where,
    prefix: Annotated[
        str,
        typer.Argument(help="Only settings that begin so.", autocompletion=complete_setting),
    ] = "",
    changed: Annotated[
        bool, typer.Option("--changed", help="Only settings that differ from the default.")
    ] = False,
    json: Json = False,
) -> None:
    """Shows every setting, its value and where that value comes from.

    Defaults < preset < file < stored < environment < command line.
    """
    rows = [row for row in settings_of(where).rows() if row[0].startswith(prefix)]
    if not rows:
        raise NotFound(f"no setting begins with {prefix}{near(prefix)}", field="prefix")
    if changed:
        rows = [(name, value, origin) for name, value, origin in rows if origin != "default"]
    if json:
        print_json(
            [{"name": name, "value": value, "origin": origin} for name, value, origin in rows]
        )
        return
    print_table(
        ["setting", "value", "from"],
        [(name, _shown(value), origin) for name, value, origin in rows],
        empty="Everything is as by default.",
    )


@command(app, "explain")
def explain_(
    where: Where,
    name: Annotated[
        str,
        typer.Argument(
            help="A setting, as accept.max_batch, or its environment name.",
            autocompletion=complete_setting,
        ),
    ],
    json: Json = False,
) -> None:
    """Says why a setting has its value: every source that names it, and which of them counts."""
    resolution = settings_of(where)
    found = explain(resolution, name)
    if found.name.startswith("flags."):
        found = _of_flag(found, resolution.settings)
    if json:
        print_json(found)
    else:
        _print(found)


def _of_flag(found: Explanation, settings: Settings) -> Explanation:
    """What the registry of flags knows of it. Raises NotFound when it knows none."""
    from ..flags.registry import REGISTRY

    flag = REGISTRY.get(found.name.removeprefix("flags."))
    if flag is None:
        raise NotFound(f"there is no such flag; there are {', '.join(REGISTRY)}", field="name")
    by_profile = flag.legacy if settings.profile == "legacy" else flag.default
    said = [*found.said[:-1], Statement(f"profile {settings.profile}", by_profile)]
    return msgspec.structs.replace(
        found,
        description=flag.meaning,
        type=flag.type.__name__,
        said=said,
        value=said[0].value,
        origin=said[0].source,
    )


def _print(found: Explanation) -> None:
    print(f"{found.name} = {_shown(found.value)}")
    print(f"  {found.description}")
    bounds = f", {found.range}" if found.range else ""
    print(f"  {found.type}{bounds}; in the environment {' or '.join(found.environment)}")
    print()
    print_table(
        ["", "source", "says"],
        [
            (
                "→" if number == 0 else "",
                f"{one.source}, line {one.line}" if one.line is not None else one.source,
                _shown(one.value),
            )
            for number, one in enumerate(found.said)
        ],
        empty="",
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
