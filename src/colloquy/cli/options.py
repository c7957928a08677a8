"""Options that many commands share, declared once.

A command takes a parameter annotated with one of the dataclasses here; `command` unfolds it into
the options that its fields describe.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..model.errors import InvalidInput
from ..settings import Resolution, describe, resolve


def complete_setting(incomplete: str) -> list[tuple[str, str]]:
    """Names of settings with their meaning, for the shell that completes one."""
    return [(leaf.name, leaf.doc) for leaf in describe() if leaf.name.startswith(incomplete)]


def complete_assignment(incomplete: str) -> list[tuple[str, str]]:
    """The same for `--set NAME=VALUE`."""
    return [(f"{name}=", doc) for name, doc in complete_setting(incomplete)]


Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most rows to show.")]
Cursor = Annotated[
    str | None, typer.Option("--cursor", help="Show the next page: what the last one ended with.")
]


@dataclass(frozen=True)
class Where:
    """Which settings hold: a file, and what the command line overrides."""

    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help="Settings in TOML. Default: colloquy.toml here. [env: COLLOQUY_CONFIG]",
        ),
    ] = None
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", metavar="URL", help="sqlite:///FILE or postgresql://…"),
    ] = None
    set: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="Override one setting; repeatable.",
            autocompletion=complete_assignment,
        ),
    ] = None

    def overrides(self, **more: object) -> dict[str, str]:
        """What the command line says, by dotted name. Raises InvalidInput."""
        found: dict[str, str] = {}
        for text in self.set or []:
            name, separator, value = text.partition("=")
            if not separator:
                raise InvalidInput(f"--set wants NAME=VALUE, not {text!r}", field="set")
            found[name.strip()] = value
        named = {"database_url": self.database_url, **more}
        found.update({name: _text(value) for name, value in named.items() if value is not None})
        return found


@dataclass(frozen=True)
class Reach(Where):
    """Where the data is: a server's address, else the database of the settings."""

    url: Annotated[
        str | None,
        typer.Option("--url", help="A running server's address. [env: COLLOQUY_URL]"),
    ] = None
    key: Annotated[
        str | None,
        typer.Option("--key", help="API key for --url. Better in the environment."),
    ] = None
    json: Json = False

    def server(self, env: Mapping[str, str] = os.environ) -> tuple[str, str | None] | None:
        """(address, API key) when a server was named. Raises InvalidInput."""
        url = self.url or env.get("COLLOQUY_URL")
        if not url:
            return None
        if not url.startswith(("http://", "https://")):
            raise InvalidInput("an address begins with http:// or https://", field="url")
        return url, self.key or env.get("COLLOQUY_API_KEY")


def command(group: typer.Typer, name: str, **options: Any) -> Callable[[Any], Any]:
    """Like `group.command(name)`, with the dataclasses among the parameters unfolded."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        group.command(name, **options)(_unfolded(function))
        return function

    return register


def _unfolded(function: Callable[..., Any]) -> Callable[..., Any]:
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, type] = {}
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        kind = hints[parameter.name]
        if not is_dataclass(kind):
            parameters.append(
                parameter.replace(annotation=kind, kind=inspect.Parameter.KEYWORD_ONLY)
            )
            continue
        assert isinstance(kind, type)
        groups[parameter.name] = kind
        inner = get_type_hints(kind, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=inner[field.name],
            )
            for field in fields(kind)
        ]

    def call(**values: Any) -> Any:
        made = {
            name: kind(**{field.name: values.pop(field.name) for field in fields(kind)})
            for name, kind in groups.items()
        }
        return function(**values, **made)

    unfolded: Any = call
    unfolded.__name__, unfolded.__doc__ = function.__name__, function.__doc__
    unfolded.__signature__ = inspect.Signature(parameters)
    unfolded.__annotations__ = {one.name: one.annotation for one in parameters}
    return call


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def settings_of(where: Where, **overrides: object) -> Resolution:
    """The settings of a command, with the origin of each. Raises SettingsError, InvalidInput."""
    return resolve(where.config, os.environ, where.overrides(**overrides))
