"""Reads flags: profile defaults with the settings' overrides on top, decided once when made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from colloquy.model.errors import NotFound, SettingsError
from colloquy.settings import Settings, truth

from .registry import REGISTRY, Flag, Value


class FlagSubject(Struct, frozen=True):
    """Whom a flag is asked for. Call sites pass it so that roll-outs can tell people apart."""

    conversation: bytes = b""
    channel: str = ""
    person: str = ""
    attributes: dict[str, Value] = {}


class Flags:
    """The flags of one app.

        flags = Flags.of(settings)
        if flags.enabled("enable_bursts", subject): ...

    An answer takes a dictionary look-up; it is the same for every subject until roll-outs exist.
    """

    def __init__(
        self,
        overrides: Mapping[str, Value] | None = None,
        *,
        profile: str = "default",
        registry: Mapping[str, Flag] | None = None,
    ) -> None:
        """Raises SettingsError for unknown flags and values of a wrong type, all at once.

        `registry` is REGISTRY unless a test brings its own.
        """
        self._registry = dict(REGISTRY if registry is None else registry)
        self._values: dict[str, Value] = {
            name: flag.legacy if profile == "legacy" else flag.default
            for name, flag in self._registry.items()
        }
        problems: list[dict[str, Any]] = []
        for name, value in (overrides or {}).items():
            try:
                self._values[name] = _typed(self._registry, name, value)
            except ValueError as error:
                problems.append(
                    {"setting": f"flags.{name}", "source": "flags", "detail": str(error)}
                )
        if problems:
            text = "; ".join(f"{problem['setting']}: {problem['detail']}" for problem in problems)
            raise SettingsError(text, problems=problems)

    @classmethod
    def of(cls, settings: Settings) -> Flags:
        """The flags that these settings ask for. Raises SettingsError."""
        return cls(settings.flags, profile=settings.profile)

    def enabled(self, name: str, subject: FlagSubject | None = None) -> bool:
        """Whether the flag is on for the subject. Raises NotFound when there is no such flag."""
        return self.value(name, subject) is True

    def value(self, name: str, subject: FlagSubject | None = None) -> Value:
        """The flag's value for the subject. Raises NotFound when there is no such flag."""
        try:
            return self._values[name]
        except KeyError:
            raise NotFound(f"there is no flag {name!r}", field="flag") from None

    def rows(self) -> list[tuple[Flag, Value]]:
        """Every flag with its present value, by name."""
        return [(self._registry[name], self._values[name]) for name in sorted(self._registry)]


def _typed(registry: Mapping[str, Flag], name: str, value: Value) -> Value:
    """The value in the flag's type; texts come from the environment. Raises ValueError."""
    flag = registry.get(name)
    if flag is None:
        raise ValueError(f"there is no such flag; there are {', '.join(sorted(registry))}")
    if flag.type is bool and isinstance(value, str):
        return truth(value)
    try:
        return msgspec.convert(value, flag.type, strict=not isinstance(value, str))
    except msgspec.ValidationError:
        raise ValueError(f"expected {flag.type.__name__}, got {value!r}") from None
