"""Kill switches: a name that holds flags at their safe values, whatever else is said of them.

Each flag is a switch of its own; besides there are these, which hold several. A switch is thrown in
the environment when a process starts, and at any time in a file, through the API, the command line
or the console.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ..model.errors import NotFound
from .registry import REGISTRY, Flag

MAX_FILE = 64 * 1024
"""Bytes of the file of thrown switches."""


class Switch(Struct, frozen=True):
    """A switch that holds several flags."""

    name: str
    flags: tuple[str, ...]
    meaning: str


SWITCHES: dict[str, Switch] = {
    switch.name: switch
    for switch in (
        Switch(
            "disable_v2_messages",
            ("use_advanced_messages",),
            "Replies are plain text.",
        ),
        Switch(
            "disable_memory_system",
            ("enable_memory_system", "enable_context_recall", "enable_context_graph"),
            "Nothing is learned, and nothing recalled, neither from the log nor from the graph.",
        ),
        Switch(
            "disable_state_management",
            ("enable_state_management",),
            "What handlers kept is neither read nor changed; it stays as it is.",
        ),
        Switch(
            "disable_new_tools",
            ("use_new_tool_framework", "enable_tools"),
            "Nobody calls tools, neither language models nor other programs.",
        ),
        Switch(
            "emergency_rollback",
            tuple(
                name
                for name, flag in REGISTRY.items()
                if flag.type is bool and flag.default != flag.fail_safe
            ),
            "Every feature that is not safe by itself is off at once.",
        ),
    )
}


def check_switch(name: str, registry: Mapping[str, Flag] = REGISTRY) -> str:
    """The name of a switch or a flag. Raises NotFound."""
    if name not in SWITCHES and name not in registry:
        raise NotFound(
            f"there is no kill switch {name!r}; there are {', '.join(sorted(SWITCHES))}, "
            "and every flag is one",
            field="switch",
        )
    return name


def killed(thrown: Mapping[str, str], registry: Mapping[str, Flag] = REGISTRY) -> dict[str, str]:
    """The flags that these thrown switches hold, each with the switch and where it was thrown.

    `thrown`: switch → where. Switches that do not exist here hold nothing.
    """
    held: dict[str, str] = {}
    for name in sorted(thrown):
        switch = SWITCHES.get(name)
        names = switch.flags if switch is not None else (name,)
        for flag in names:
            if flag in registry:
                held.setdefault(flag, f"{name} ({thrown[name]})")
    return held


def read_switches(text: str) -> list[str]:
    """The names in a file of thrown switches: one a line, `#` begins a remark."""
    lines = (line.partition("#")[0].strip() for line in text[:MAX_FILE].splitlines())
    return [line for line in lines if line]
