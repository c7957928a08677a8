"""Events held to their kinds: what is sound passes, each thing that is wrong is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.ops.monitoring.events import KINDS, UNKNOWN
from colloquy.ops.monitoring.validation import MAX_BYTES, check

NOW = 1_800_000_000_000_000
S = 1_000_000
ID = "0" * 32

SOUND: dict[str, dict[str, Any]] = {
    "messages_accepted": {"accepted": {"stored": 3}, "refused": {"too_large": 1}},
    "turns_committed": {"turns": 2, "messages": 2, "replies": 1, "mean_ms": 12.5},
    "replies_delivered": {"delivered": {"web": 2}},
    "turns_failed": {"attempts": 2, "dead_letters": 1},
    "contexts_validated": {"contexts": 4, "invalid": 0, "mean_ms": 0.3},
    "conversations_changed": {"conversations": [ID], "is_complete": True},
    "operation_progress": {
        "operation": ID,
        "what": "rollback",
        "step": "rollback-progress",
        "status": "in_progress",
        "done": 1,
        "total": 2,
    },
    "ledger_changed": {"change": "rollback-point-created", "point": ID},
    "alert": {
        "notice": ID,
        "change": "alert.opened",
        "name": "queue_age",
        "severity": "warning",
        "message": "it waits",
    },
    "flag_changed": {"flag": "enable_bursts", "before": True, "after": False},
    "health_changed": {"status": "warning", "before": "healthy", "score": 70.0, "causes": ["wal"]},
    "task_failed": {"task": "search", "crashes": 1, "error": None},
    "app": {"name": "import.done", "data": {"rows": 5}},
}

UNSOUND = [
    ("messages_accepted", {"accepted": {}}, "nothing was accepted"),
    ("messages_accepted", {"accepted": {"stored": 0}}, ">= 1"),
    ("turns_committed", {"turns": 0, "messages": 0, "replies": 0}, ">= 1"),
    ("turns_committed", {"turns": 1, "messages": 1, "replies": 1}, "mean_ms goes with messages"),
    ("turns_committed", {"turns": "1", "messages": 0, "replies": 0}, "Expected `int`"),
    ("turns_committed", {"turns": 1, "messages": 0, "replies": 0, "x": 1}, "unknown field"),
    ("replies_delivered", {"delivered": {}}, "nothing was delivered"),
    ("turns_failed", {"attempts": 0, "dead_letters": 0}, "nothing failed"),
    ("contexts_validated", {"contexts": 1, "invalid": 2, "mean_ms": 1.0}, "2 invalid of 1"),
    ("conversations_changed", {"conversations": [ID, ID], "is_complete": True}, "twice"),
    ("conversations_changed", {"conversations": ["x"], "is_complete": True}, "regex"),
    ("conversations_changed", {"conversations": [], "is_complete": True}, "no conversation"),
    ("operation_progress", {**SOUND["operation_progress"], "done": 3}, "3 done of 2"),
    ("alert", {**SOUND["alert"], "severity": "bad"}, "Invalid enum value"),
    ("flag_changed", {"flag": "x", "before": 1, "after": 1}, "1 before, too"),
    ("health_changed", {**SOUND["health_changed"], "score": 101.0}, "<= 100"),
    ("health_changed", {**SOUND["health_changed"], "before": "warning"}, "did not change"),
    ("app", {"name": "Import"}, "regex"),
    ("app", {"name": "a", "data": {"x": object()}}, "no JSON"),
    ("app", {"name": "a", "data": {"x": "y" * MAX_BYTES}}, "bytes of JSON"),
]


def test_there_is_a_sound_event_of_every_kind() -> None:
    assert SOUND.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_event_passes_as_it_is(kind: str) -> None:
    checked = check(kind, SOUND[kind], NOW, NOW)
    assert (checked.errors, checked.is_valid, checked.counted) == ([], True, kind)
    assert msgspec.json.decode(checked.data) == SOUND[kind]
    assert checked.seconds > 0


@pytest.mark.parametrize(("kind", "data", "reason"), UNSOUND)
def test_what_is_wrong_is_named(kind: str, data: dict[str, Any], reason: str) -> None:
    checked = check(kind, data, NOW, NOW)
    assert not checked.is_valid
    assert any(reason in error for error in checked.errors), checked.errors


def test_an_unknown_kind_counts_as_one_whatever_it_is_called() -> None:
    checked = check("z" * 500, {"a": 1}, NOW, NOW)
    assert (checked.counted, len(checked.kind)) == (UNKNOWN, 50)
    assert "there is no kind" in checked.errors[0]


def test_what_is_odd_is_a_warning_and_passes() -> None:
    slow = {"turns": 1, "messages": 1, "replies": 0, "mean_ms": 20_000.0}
    checked = check("turns_committed", slow, NOW - 90 * S, NOW)
    assert checked.is_valid
    assert checked.warnings == ["20000 ms to commit", "it is 90 s old"]


def test_the_future_is_an_error_beyond_what_clocks_differ() -> None:
    event = SOUND["app"]
    assert check("app", event, NOW + 4 * S, NOW).is_valid
    assert check("app", event, NOW + 60 * S, NOW).errors == ["it is of a time 60 s ahead"]


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(max_size=9), st.integers() | st.floats() | st.text(max_size=9)),
)
def test_nothing_that_is_published_raises(kind: str, data: dict[str, Any]) -> None:
    checked = check(kind, data, NOW, NOW)
    assert len(checked.counted) <= 50
    msgspec.json.decode(checked.data)
