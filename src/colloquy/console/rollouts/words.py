"""Roll-outs in words: states, moves, judgements, times, what is said of a flag before and after."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from ...model.errors import InvalidInput
from ...model.flags import FlagState
from ...model.rollouts import LevelChange, Verdict
from ..flags.words import parts_of, value_text
from ..words import Word

STATES = {
    "running": Word("running", "Running", "play", "info"),
    "paused": Word("paused", "Paused", "pause", "warn"),
    "completed": Word("completed", "Completed", "check", "good"),
    "cancelled": Word("cancelled", "Cancelled", "close"),
    "rolled_back": Word("rolled_back", "Taken back", "back", "bad"),
}
MOVES = {
    "started": Word("started", "Begun", "play", "info"),
    "advanced": Word("advanced", "Next step", "next", "info"),
    "warned": Word("warned", "Held", "alert", "warn"),
    "recovered": Word("recovered", "Well again", "check", "good"),
    **{name: STATES[name] for name in ("paused", "completed", "cancelled", "rolled_back")},
    "resumed": Word("resumed", "Resumed", "play", "info"),
}
STATUSES = {
    "running": Word("running", "Under way", "clock", "info"),
    "done": Word("done", "Done", "check", "good"),
    "incomplete": Word("incomplete", "Incomplete", "alert", "warn"),
    "undone": Word("undone", "Undone", "reload"),
}
LEVELS = {
    "feature": Word("feature", "Feature", "flag"),
    "partial": Word("partial", "Partial", "flag", "warn"),
    "complete": Word("complete", "Complete", "alert", "bad"),
    "emergency": Word("emergency", "Emergency", "bolt", "bad"),
}
MEANINGS = {
    "feature": "This flag alone.",
    "partial": "This flag, its owner's others that are being rolled out, and its kill switches.",
    "complete": "Every flag that is being rolled out, and every kill switch but the last one.",
    "emergency": "The last kill switch, which holds everything: one write.",
}
"""What each level takes back."""
_JUDGEMENTS = {
    "ok": Word("ok", "Nothing is wrong", "check", "good"),
    "warn": Word("warn", "Held: look at it", "alert", "warn"),
    "alert": Word("alert", "Held: something is wrong", "alert", "bad"),
    "roll_back": Word("roll_back", "Broken", "alert", "bad"),
}
_FEW = Word("few", "Too few turns to say", "clock")
_UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
_DURATION = re.compile(r"([0-9]{1,9}(?:[.][0-9]{1,3})?) *(d|h|min|s)")


def judgement_word(verdict: Verdict) -> Word:
    """What the guard thinks, in a word."""
    if not verdict.findings and not verdict.enough:
        return _FEW
    return _JUDGEMENTS[verdict.judgement]


def duration_text(seconds: float) -> str:
    """`6 d 23 h`, `40 min`: the two greatest units that say something."""
    rest, parts = round(seconds), []
    for unit, size in _UNITS.items():
        number, rest = divmod(rest, size)
        if number:
            parts.append(f"{number} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"


def duration_of(text: str, field: str) -> float:
    """Seconds of `7 d`, `1 d 12 h`, `90 min`. Raises InvalidInput."""
    if not re.fullmatch(rf"(?:{_DURATION.pattern} *)+", text):
        raise InvalidInput("write it as 7 d, 12 h, 30 min or 90 s", field=field)
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def said_text(change: LevelChange, value: Any) -> str:
    """What is said of a flag or a switch, before a change or after it."""
    if change.kind == "switch":
        return "ready" if value is None else "thrown"
    if value is None:
        return "nothing is said"
    state = msgspec.convert(value, FlagState)
    everybody = [] if state.value is None else [f"{value_text(state.value)} for everybody"]
    return ", ".join([*everybody, *parts_of(state)]) or "nothing is said"
