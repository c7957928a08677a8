"""Headers of inbox rows: short to write."""

from __future__ import annotations

from typing import Any

from colloquy.storage.store import InboxHeader
from colloquy.storage.write_set import KIND_MESSAGE

START = 1_000_000_000
"""When these tests begin, in microseconds."""


def header(number: int, conversation: bytes = b"a", at: int = START, **fields: Any) -> InboxHeader:
    known: dict[str, Any] = {
        "id": number,
        "message_id": number.to_bytes(16, "big"),
        "conversation": conversation,
        "partition": conversation[0] % 4,
        "kind": KIND_MESSAGE,
        "state": "ready",
        "due_at": 0,
        "received_at": at,
        "stream": None,
        "sequence": None,
        "attempts": 0,
        "recorded": 0,
        "size": 10,
        "note": None,
    }
    return InboxHeader(**(known | fields))
