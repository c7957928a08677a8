"""The flags of one process: asked for in memory, replaced as a whole when something changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from colloquy.model.errors import InvalidInput, NotFound, SettingsError
from colloquy.model.flags import FlagState, Rollout, Value
from colloquy.settings import Resolution, Settings, truth
from colloquy.telemetry import get_logger

from .deciding import NOBODY, Decider, Decision, FlagSubject
from .registry import CORE_ROLLOUT, REGISTRY, Flag
from .state import NOTHING_SAID, check_value
from .switches import killed

KILLED = "environment KILL_SWITCH_"
"""How the origin of a value begins that a kill switch at start gave."""
_OVERRIDES = ("environment", "command line")

_CORE = "core"
"""What the core's roll-out is hashed with: its features come to the same people."""

Table = dict[str, Decider]
Listener = Callable[[list[str]], None]
Ended = Callable[["PinnedFlags", bool, float], None]
log = get_logger(__name__)


class Flags:
    """The flags of one app, safe to ask in any thread.

        flags = Flags.of(settings)
        if flags.enabled("enable_bursts", subject): ...

    An answer looks at memory only, so it is there with the database and the network down.
    """

    def __init__(
        self,
        values: Mapping[str, Value] | None = None,
        *,
        profile: str = "default",
        registry: Mapping[str, Flag] | None = None,
        sources: Mapping[str, str] | None = None,
    ) -> None:
        """`values`: what was said besides the profile; `sources`: where. What the environment and
        the command line say is stronger than what operators change, the rest is weaker.

        Raises SettingsError for unknown flags and values of a wrong type, all at once. `registry`
        is REGISTRY unless a test brings its own.
        """
        self.registry = dict(REGISTRY if registry is None else registry)
        self._defaults: dict[str, Value] = {
            name: flag.legacy if profile == "legacy" else flag.default
            for name, flag in self.registry.items()
        }
        self._overrides: dict[str, tuple[Value, str]] = {}
        self._killed_at_start: dict[str, str] = {}
        problems: list[dict[str, Any]] = []
        for name, value in (values or {}).items():
            source = (sources or {}).get(name, "")
            try:
                typed = _typed(self.registry, name, value)
            except ValueError as error:
                problems.append(
                    {"setting": f"flags.{name}", "source": "flags", "detail": str(error)}
                )
                continue
            if source.startswith(KILLED):
                self._killed_at_start[name] = source
            elif source.startswith(_OVERRIDES):
                self._overrides[name] = (typed, source)
            else:
                self._defaults[name] = typed
        if problems:
            text = "; ".join(f"{problem['setting']}: {problem['detail']}" for problem in problems)
            raise SettingsError(text, problems=problems)
        self.states: Mapping[str, FlagState] = {}
        """What operators said, as it is in force."""
        self.thrown: Mapping[str, str] = {}
        """The kill switches that are thrown, and where; those of the start are not among them."""
        self._table = self._made()
        self.killed = _killed(self._table)
        """The flags that a switch holds."""
        self.version = 0
        """Moves with every change."""
        self.is_stale = False
        """What operators said could not be asked for at the last look."""
        self.listeners: set[Listener] = set()
        """Called with the names of flags of which something else is in force, in the thread that
        brought it; with none after a look that failed, and the first that did not."""
        self.ended: Ended | None = None
        """Called with the flags of an attempt at a turn that ended, whether it went well, and the
        seconds since its message was accepted."""

    @classmethod
    def of(cls, settings: Settings, resolution: Resolution | None = None) -> Flags:
        """The flags that these settings ask for. Raises SettingsError."""
        sources = {}
        if resolution is not None:
            sources = {name: resolution.origin(f"flags.{name}") for name in settings.flags}
        return cls(settings.flags, profile=settings.profile, sources=sources)

    def replace(
        self, states: Mapping[str, FlagState], thrown: Mapping[str, str]
    ) -> dict[str, tuple[Decision | None, Decision | None]]:
        """Brings what operators said and the thrown switches into force, all at once.

        Returns the flags that changed, with what everybody was and is served (None: it depends).
        States of flags that do not exist here do nothing.
        """
        said, self.states = self.states, dict(states)
        self.thrown = dict(thrown)
        before, self._table = self._table, self._made()
        self.killed = _killed(self._table)
        self.version += 1
        after = self._table
        changes = {
            name: (before[name].constant, after[name].constant)
            for name in self.registry
            if before[name].constant != after[name].constant
        }
        # Who is served what may change where it depends on them before and after.
        varied = [
            name
            for name in self.registry
            if name in changes
            or (after[name].constant is None and said.get(name) != self.states.get(name))
        ]
        if varied:
            self._tell(varied)
        return changes

    def doubt(self, is_stale: bool) -> None:
        """Says whether operators could be asked. Every failure is told, so that a listener that
        came after the first one knows of it too."""
        was, self.is_stale = self.is_stale, is_stale
        if was or is_stale:
            self._tell([])

    def _tell(self, names: list[str]) -> None:
        for listener in tuple(self.listeners):
            try:
                listener(names)
            except Exception:
                # Whoever listens must not keep a kill from being in force.
                log.exception("flag_listener_failed", names=names)

    def enabled(self, name: str, subject: FlagSubject = NOBODY) -> bool:
        """Whether the flag is on for the subject. Raises NotFound when there is no such flag."""
        try:
            decider = self._table[name]
        except KeyError:
            raise _unknown(name) from None
        return (decider.constant or decider.decide(subject))[0] is True

    def value(self, name: str, subject: FlagSubject = NOBODY) -> Value:
        """The flag's value for the subject. Raises NotFound when there is no such flag."""
        return self.decide(name, subject).value

    def decide(self, name: str, subject: FlagSubject = NOBODY) -> Decision:
        """The flag's value for the subject, and why. Raises NotFound when there is none."""
        return _ask(self._table, name, subject)

    def decider(self, name: str) -> Decider:
        """The flag as it is now: what is asked of it is of one moment. Raises NotFound."""
        try:
            return self._table[name]
        except KeyError:
            raise _unknown(name) from None

    def pin(self, subject: FlagSubject) -> PinnedFlags:
        """The flags as they are now, for one turn of this subject."""
        return PinnedFlags(self, self._table, subject)

    def is_killed(self, name: str) -> bool:
        """Does a switch hold this flag now?"""
        return name in self.killed

    def held(self, name: str) -> str | None:
        """The switch that holds this flag now, and where it was thrown."""
        constant = self._table[name].constant
        return constant.detail if constant is not None and constant.reason == "killed" else None

    def thrown_at_start(self, name: str) -> str | None:
        """Where the switch of this flag was thrown when the process started."""
        return self._killed_at_start.get(name)

    def override(self, name: str) -> tuple[Value, str] | None:
        """What the environment or the command line says of it, and where."""
        return self._overrides.get(name)

    def default(self, name: str) -> Value:
        """What everybody is served of whom nothing else is said."""
        said = self.states.get(name, NOTHING_SAID).value
        return self._defaults[name] if said is None else said

    def varies(self, name: str) -> bool:
        """Does it depend on who is asked for?"""
        return self._table[name].constant is None

    def rows(self) -> list[tuple[Flag, Value]]:
        """Every flag with what somebody unknown is served, by name."""
        return [(self.registry[name], self.value(name)) for name in sorted(self.registry)]

    def state(self, name: str) -> tuple[FlagState, str]:
        """What is said of a flag, and what its roll-out is hashed with: for a feature of the core
        of which operators say nothing, the core's own roll-out. Raises NotFound."""
        flag = self.registry.get(name)
        if flag is None:
            raise _unknown(name)
        said = self.states.get(name)
        if said is not None or not flag.is_core or self._defaults[name] is True:
            return said or NOTHING_SAID, name
        percentage, people, agents = (self._plain(one) for one in CORE_ROLLOUT)
        rollout = Rollout(float(percentage)) if percentage else None
        return FlagState(people=_listed(people), agents=_listed(agents), rollout=rollout), _CORE

    def _plain(self, name: str) -> Value:
        """The value of a flag that is the same for everybody, before there is a table."""
        if name in self._killed_at_start or name in killed(self.thrown, self.registry):
            return self.registry[name].fail_safe
        override = self._overrides.get(name)
        return self.default(name) if override is None else override[0]

    def _made(self) -> Table:
        held = {**self._killed_at_start, **killed(self.thrown, self.registry)}
        table = {}
        for name, flag in self.registry.items():
            state, bucket = self.state(name)
            table[name] = Decider(
                flag,
                self._defaults[name],
                state,
                killed_by=held.get(name),
                override=self._overrides.get(name),
                bucket=bucket,
            )
        return table


class PinnedFlags:
    """The flags of one turn: a change in the middle of it changes nothing for it.

    Kills are the exception (engine decision 36): `revoked` says whether one hit what was used.
    """

    __slots__ = ("_flags", "_table", "asked", "subject")

    def __init__(self, flags: Flags, table: Table, subject: FlagSubject) -> None:
        self._flags = flags
        self._table = table
        self.subject = subject
        self.asked: dict[str, Decision] = {}
        """What was decided in this turn: it is written down with it."""

    def enabled(self, name: str) -> bool:
        """Whether the flag is on for this turn. Raises NotFound."""
        return self.value(name) is True

    def value(self, name: str) -> Value:
        """The flag's value for this turn. Raises NotFound."""
        found = self.asked.get(name)
        if found is None:
            found = self.asked[name] = _ask(self._table, name, self.subject)
        return found.value

    def end(self, ok: bool, seconds: float) -> None:
        """The attempt at the turn that they are of ended: whoever watches releases is told."""
        if self._flags.ended is not None:
            try:
                self._flags.ended(self, ok, seconds)
            except Exception:
                # Whoever watches must not keep a turn from being done.
                log.exception("turn_watcher_failed")

    @property
    def decided(self) -> dict[str, Value]:
        """What was asked for and is not simply the default, for the log."""
        return {
            name: decision.value
            for name, decision in self.asked.items()
            if decision.reason not in ("default", "override")
        }

    @property
    def used(self) -> list[str]:
        """The flags used in this turn that were served another value than the safe one: had they
        been killed, it might have gone otherwise."""
        registry = self._flags.registry
        return [
            name
            for name, decision in self.asked.items()
            if decision.value != registry[name].fail_safe
        ]

    @property
    def revoked(self) -> list[str]:
        """Those of them that were killed since it began."""
        killed = self._flags.killed
        return [name for name in self.used if name in killed] if killed else []


def _killed(table: Table) -> frozenset[str]:
    return frozenset(
        name
        for name, decider in table.items()
        if decider.constant is not None and decider.constant.reason == "killed"
    )


def _ask(table: Table, name: str, subject: FlagSubject) -> Decision:
    try:
        decider = table[name]
    except KeyError:
        raise _unknown(name) from None
    return decider.constant or decider.decide(subject)


def _listed(text: Value) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(text).split(",") if part.strip())


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no flag {name!r}", field="flag")


def _typed(registry: Mapping[str, Flag], name: str, value: Value) -> Value:
    """The value in the flag's type; texts come from the environment. Raises ValueError."""
    flag = registry.get(name)
    if flag is None:
        raise ValueError(f"there is no such flag; there are {', '.join(sorted(registry))}")
    if flag.type is bool and isinstance(value, str):
        return truth(value)
    try:
        found: Value = msgspec.convert(value, flag.type, strict=not isinstance(value, str))
    except msgspec.ValidationError:
        raise ValueError(f"expected {flag.type.__name__}, got {value!r}") from None
    try:
        return check_value(flag, found, name)
    except InvalidInput as error:
        raise ValueError(error.detail) from None
