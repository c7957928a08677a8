"""What is said back."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .message import Part

TONES = ("neutral", "positive", "empathetic")


class Reply(Struct, omit_defaults=True):
    """An answer: text, parts, or both.

    `quick_replies` are offered as buttons where the channel has them. `metadata` travels with the
    reply to the front end. `tone` is how a front end presents it: "neutral", "positive" or
    "empathetic"; None leaves it to the polarity of what the visitor said. `hand_over` passes the
    conversation on after this reply: "human", "team" or "agent", with `reason` written into the
    log.
    """

    text: str | None = None
    parts: list[Part] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    hand_over: str | None = None
    reason: str | None = None
    tone: str | None = None
