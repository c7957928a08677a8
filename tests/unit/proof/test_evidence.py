"""Rows of the exported log as the checker wants them."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.proof.evidence import logged
from colloquy.proof.records import Logged


def row(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "position": 9,
        "conversation_id": "c",
        "seq": 2,
        "kind": kind,
        "turn_id": "t",
        "body": body,
    }


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("message", {"message_id": "m", "late": True}, {"message_id": "m", "late": True}),
        ("message", {"message_id": "m"}, {"message_id": "m"}),
        ("reply", {"reply_id": "r"}, {"reply_id": "r"}),
        (
            "reply",
            {"reply_id": "r", "metadata": {"about": "m", "count": 3}},
            {"reply_id": "r", "about": "m", "count": 3},
        ),
        ("timer_fired", {"name": "tick", "data": {"of": "m"}}, {"timer_of": "m"}),
        ("dead_letter_retried", {"message_id": "m"}, {"message_id": "m"}),
        ("session_opened", {}, {}),
    ],
)
def test_a_row(kind: str, body: dict[str, Any], expected: dict[str, Any]) -> None:
    assert logged(row(kind, body)) == Logged(
        position=9, conversation_id="c", seq=2, kind=kind, turn_id="t", **expected
    )
