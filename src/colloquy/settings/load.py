"""Loads the tree: every source is flattened to dotted names, the strongest one wins (decision 7).

All problems of all sources are reported at once; a settings tree is whole or not there at all.
"""

from __future__ import annotations

import difflib
import ipaddress
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from colloquy.model.errors import SettingsError

from .lines import line_of
from .names import (
    ALIASES,
    CONFIDENTIAL,
    INVERTED,
    KILL_SWITCH_PREFIX,
    NOT_SETTINGS,
    PREFIX,
    SECRET,
    Leaf,
    environment_name,
    known_names,
    leaf_of,
    name_of,
    shown,
)
from .operating import AlertSettings
from .tree import PRESETS, Settings

NOT_STORABLE = SECRET | {
    *("app", "database_url", "data_dir", "accept.spool_dir", "preset"),
    *("signals.prefix", "signals.url"),
}
"""Settings that must be known before the store is open, so they cannot be kept in it; and the key
of the secrets in it, which would lie beside what it seals."""

DEFAULT_FILE = "colloquy.toml"
"""The settings of a project: read when it lies in the working folder and no file is named."""

_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


class Problem(Struct, frozen=True):
    """One thing that is wrong: which setting, where it was said, and why it does not do."""

    setting: str
    source: str
    detail: str


class Said(Struct, frozen=True):
    """What one source says about a setting; `line` is its place in a file, where it was found."""

    source: str
    value: Any
    line: int | None = None


class Resolution(Struct, frozen=True):
    """A settings tree together with what each source says, weakest first: the last one counts."""

    settings: Settings
    said: dict[str, list[Said]]

    @classmethod
    def of(cls, settings: Settings) -> Resolution:
        """A tree that a program made: what is not the default came from there."""
        defaults = dict(_flatten(msgspec.to_builtins(Settings())))
        flat = list(_flatten(msgspec.to_builtins(settings)))
        changed = [name for name, value in flat if defaults.get(name) != value]
        return cls(
            settings,
            {name: [Said("program", value)] for name, value in flat if name in changed},
        )

    def origin(self, name: str) -> str:
        """`default`, `preset test`, `file PATH`, `stored`, `environment NAME`, `command line`, or
        `program` where the tree was made in one.

        `name` is dotted. Raises KeyError when there is no such setting.
        """
        if leaf_of(name) is None:
            raise KeyError(name)
        return self.said[name][-1].source if name in self.said else "default"

    def rows(self) -> list[tuple[str, Any, str]]:
        """(name, value as it may be printed, origin) of every setting: `colloquy config show`."""
        flat = _flatten(msgspec.to_builtins(self.settings))
        return [(name, shown(name, value), self.origin(name)) for name, value in flat]


def load_settings(
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    stored: Mapping[str, str] | None = None,
) -> Settings:
    """The settings out of all sources; see `resolve`."""
    return resolve(file, env, overrides, stored).settings


def resolve(
    file: Path | None = None,
    env: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
    stored: Mapping[str, str] | None = None,
) -> Resolution:
    """Merge all sources, weakest first: preset, file, stored, environment, command line.

    `file` is TOML; see `settings_file` for the one that counts without it. A kill switch in the
    environment is stronger than everything. `overrides` (command line) and `stored` map dotted
    names to texts. In texts, lists are separated by commas, and an empty text switches an optional
    setting off. Raises SettingsError with `extra["problems"]`, a list of
    `{setting, source, detail}` over all sources.
    """
    env = env or {}
    problems: list[Problem] = []
    layers = [
        *_from_file(settings_file(file, env), problems),
        *_from_texts(stored or {}, "stored", problems),
        *_from_environment(env, problems),
        *_from_texts(overrides or {}, "command line", problems),
        *_from_kill_switches(env, problems),
    ]
    return _merge(Settings(), layers, problems)


def settings_file(file: Path | None, env: Mapping[str, str]) -> Path | None:
    """The file that counts: the one named, else that of the environment, else that of the working
    folder; None when there is none."""
    if file is not None:
        return file
    if env.get("COLLOQUY_CONFIG"):
        return Path(env["COLLOQUY_CONFIG"])
    here = Path(DEFAULT_FILE)
    return here if here.is_file() else None


def overlay(settings: Settings, overrides: Mapping[str, str]) -> Resolution:
    """Settings made already, with texts of the command line on top. Raises SettingsError."""
    problems: list[Problem] = []
    layers = list(_from_texts(overrides, "command line", problems))
    merged = _merge(settings, layers, problems)
    said = Resolution.of(settings).said
    for name, more in merged.said.items():
        said[name] = [*said.get(name, []), *more]
    return Resolution(merged.settings, said)


def _merge(
    base: Settings, layers: Iterable[tuple[str, Said]], problems: list[Problem]
) -> Resolution:
    """The layers over the base, weakest first, with the preset they name below them."""
    said: dict[str, list[Said]] = {}
    for name, one in layers:
        said.setdefault(name, []).append(one)
    preset = said["preset"][-1].value if "preset" in said else "default"
    for name, value in PRESETS[preset].items():
        said.setdefault(name, []).insert(0, Said(f"preset {preset}", value))
    tree = msgspec.to_builtins(base)
    for name, found in said.items():
        _place(tree, name, found[-1].value)
    # Every leaf was checked alone; what is left are bounds between settings.
    settings = msgspec.convert(tree, Settings)
    origins = {name: found[-1].source for name, found in said.items()}
    problems += _conflicts(settings, origins)
    if problems:
        raise _error(problems)
    return Resolution(settings, said)


def truth(text: str) -> bool:
    """What a text says: true, yes, on, 1, or false, no, off, 0. Raises ValueError."""
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise ValueError(f"expected true or false, got {text!r}")
    return word in _YES


Layer = Iterator[tuple[str, Said]]


def _from_file(file: Path | None, problems: list[Problem]) -> Layer:
    if file is None:
        return
    source = f"file {file}"
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except OSError as error:
        problems.append(Problem("", source, f"cannot be read: {error.strerror or error}"))
        return
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(Problem("", source, f"is not TOML: {error}"))
        return
    for name, value in _flatten(table):
        leaf = leaf_of(name)
        if leaf is None:
            problems.append(Problem(name, source, _unknown(name)))
            continue
        try:
            known = _convert(leaf, None if leaf.optional and value == "" else value)
            yield name, Said(source, known, line_of(text, name))
        except ValueError as error:
            problems.append(Problem(name, source, str(error)))


def _from_texts(texts: Mapping[str, str], source: str, problems: list[Problem]) -> Layer:
    for name, text in texts.items():
        leaf = leaf_of(name)
        if leaf is None:
            problems.append(Problem(name, source, _unknown(name)))
        elif source == "stored" and name in NOT_STORABLE:
            problems.append(Problem(name, source, "cannot be kept in the store"))
        else:
            try:
                yield name, Said(source, _parse(leaf, text))
            except ValueError as error:
                problems.append(Problem(name, source, str(error)))


def _from_environment(env: Mapping[str, str], problems: list[Problem]) -> Layer:
    # Aliases first: where both are there, our own name is the stronger one.
    aliases = [variable for variable in ALIASES if variable in env]
    ours = [
        variable
        for variable in env
        if variable.startswith(PREFIX) and not variable.startswith(NOT_SETTINGS)
    ]
    for variable in (*aliases, *ours):
        source = f"environment {variable}"
        name = ALIASES.get(variable) or name_of(variable)
        leaf = leaf_of(name) if name is not None else None
        if name is None or leaf is None:
            problems.append(Problem(variable, source, _unknown_variable(variable)))
            continue
        try:
            said: Any = _parse(leaf, env[variable])
            yield name, Said(source, not truth(str(said)) if variable in INVERTED else said)
        except ValueError as error:
            problems.append(Problem(name, source, str(error)))


def _from_kill_switches(env: Mapping[str, str], problems: list[Problem]) -> Layer:
    """A flag whose switch is thrown is off, whatever else is said about it (engine decision 36)."""
    for variable, text in env.items():
        if not variable.startswith(KILL_SWITCH_PREFIX):
            continue
        source = f"environment {variable}"
        name = "flags." + variable.removeprefix(KILL_SWITCH_PREFIX).lower()
        try:
            if leaf_of(name) is None:
                raise ValueError("there is no such flag")
            if truth(text):
                yield name, Said(source, False)
        except ValueError as error:
            problems.append(Problem(name, source, str(error)))


def _parse(leaf: Leaf, text: str) -> Any:
    """The value that a text stands for. Raises ValueError."""
    value: Any = text.strip()
    if leaf.optional and value == "":
        return None
    if leaf.type_name == "bool":
        return truth(text)
    if leaf.type_name.startswith("list of") and value.startswith("[{"):
        try:
            value = msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise ValueError(f"expected a JSON list: {error}") from None
    elif leaf.type_name.startswith("list of"):
        value = [part.strip() for part in value.strip("[]").split(",") if part.strip()]
    # A text setting keeps what was written: "null" and "1" are texts too.
    texts = leaf.type_name.startswith(("str", "one of"))
    return _convert(leaf, value, strict=texts)


def _convert(leaf: Leaf, value: Any, strict: bool = True) -> Any:
    """A value of the leaf's type within its range. Raises ValueError."""
    try:
        converted = msgspec.convert(value, leaf.type, strict=strict)
    except msgspec.ValidationError as error:
        # A URL that does not parse may still hold a password, a wrong key most of the right one.
        got = "" if leaf.name in CONFIDENTIAL else f", got {value!r}"
        raise ValueError(_reason(error) + got) from None
    numbers = converted if isinstance(converted, tuple) else (converted,)
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ValueError(f"expected a finite number, got {value!r}")
    return converted


def _reason(error: msgspec.ValidationError) -> str:
    text = str(error).split(", got `")[0]
    return text[:1].lower() + text[1:]


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, Mapping) and leaf_of(name) is None:
            yield from _flatten(value, name + ".")
        else:
            yield name, value


def _place(tree: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.split(".")
    for part in path:
        tree = tree.setdefault(part, {})
    tree[last] = value


def _conflicts(settings: Settings, origins: Mapping[str, str]) -> Iterator[Problem]:
    health = settings.health
    if not health.critical < health.warning < health.recover:
        names = [f"health.{name}" for name in ("critical", "warning", "recover")]
        source = next((origins[name] for name in names if name in origins), "default")
        yield Problem("health", source, "critical < warning < recover does not hold")
    if settings.accept.max_body_bytes > settings.accept.max_pending_bytes:
        source = origins.get("accept.max_body_bytes", origins.get("accept.max_pending_bytes", ""))
        yield Problem("accept.max_body_bytes", source, "is larger than accept.max_pending_bytes")
    yield from _signals(settings, origins)
    for name in _unreachable(settings.alerts):
        source = origins.get("alerts.channels", "default")
        yield Problem(name, source, "is needed by one of alerts.channels, and not set")
    if settings.replies.responder != "rules":
        for name in ("base_url", "name"):
            if not getattr(settings.replies.model, name):
                source = origins.get("replies.responder", "default")
                yield Problem(
                    f"replies.model.{name}", source, "is needed by replies.responder, and not set"
                )
    for network in settings.webhooks.allow_networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            name = "webhooks.allow_networks"
            yield Problem(name, origins.get(name, "default"), str(error))
    for network in settings.security.trusted_proxies:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            source = origins.get("security.trusted_proxies", "default")
            yield Problem("security.trusted_proxies", source, str(error))


def _signals(settings: Settings, origins: Mapping[str, str]) -> Iterator[Problem]:
    source = origins.get("signals.url", "default")
    try:
        server = settings.signals.server
    except ValueError as error:
        yield Problem("signals.url", source, str(error))
        return
    if server is not None and settings.sqlite_file is not None:
        yield Problem(
            "signals.url", source,
            "is for several processes on a PostgreSQL database; a SQLite file has only one",
        )  # fmt: skip


def _unreachable(alerts: AlertSettings) -> Iterator[str]:
    """The settings that the chosen channels lack."""
    needs: dict[str, dict[str, object]] = {
        "webhook": {"webhook_url": alerts.webhook_url, "webhook_secret": alerts.webhook_secret},
        "slack": {"slack_url": alerts.slack_url},
        "email": {
            "email_from": alerts.email_from,
            "email_to": alerts.email_to,
            "smtp_host": alerts.smtp_host,
        },
    }
    for channel in alerts.channels:
        for name, value in needs.get(channel, {}).items():
            if not value:
                yield f"alerts.{name}"


def _unknown(name: str) -> str:
    close = difflib.get_close_matches(name, known_names(), n=1)
    return "there is no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _unknown_variable(variable: str) -> str:
    names = [environment_name(name) for name in known_names()]
    close = difflib.get_close_matches(variable, names, n=1)
    return "there is no such setting" + (f"; did you mean {close[0]}?" if close else "")


def _error(problems: list[Problem]) -> SettingsError:
    lines = [f"{problem.setting} ({problem.source}): {problem.detail}" for problem in problems]
    return SettingsError(
        "; ".join(line.removeprefix(" ") for line in lines),
        problems=[msgspec.to_builtins(problem) for problem in problems],
    )
