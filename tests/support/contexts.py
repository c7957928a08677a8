"""Contexts to be validated."""

from __future__ import annotations

from typing import Any

from colloquy.model.context import AssembledContext, ContextItem, ItemKind
from colloquy.model.times import rfc3339

NOON = 1_780_315_200_000_000
"""2026-06-01 12:00 UTC, a Monday, in microseconds since 1970."""
MINUTE = 60_000_000


def said(seq: int, text: str, *, kind: ItemKind = "recent", **fields: Any) -> ContextItem:
    """A line, said `seq` minutes after noon."""
    given = {"source": f"event:{seq}", "role": "visitor", "at": rfc3339(NOON + seq * MINUTE)}
    return ContextItem(kind=kind, text=text, tokens=5, **(given | fields))


def known(text: str, source: str, *, kind: ItemKind = "fact", **fields: Any) -> ContextItem:
    return ContextItem(kind=kind, text=text, source=source, tokens=5, **fields)


MESSAGE = said(100, "Is it still free?", kind="message")


def context_of(*items: ContextItem, **fields: Any) -> AssembledContext:
    """Of these items, in this order, and the message."""
    given: dict[str, Any] = {
        "items": [*items, MESSAGE], "tokens": 5 * len(items) + 5, "budget": 1000,
        "counter": "words", "position": 100,
    }  # fmt: skip
    return AssembledContext(**(given | fields))
