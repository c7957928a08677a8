"""What is said back."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from .message import Media, Part, Text

TONES = (
    "neutral", "positive", "empathetic", "calm", "encouraging", "apologetic", "celebratory",
    "formal",
)  # fmt: skip
"""How an answer sounds. "positive" is warm."""


class Manner(Struct, frozen=True, omit_defaults=True):
    """How an answer is given: a front end may act it out, a responder writes accordingly.

    `pace`: "slow", step by step; "steady"; or "fast", briefly. `offer_human`: the other side
    should be offered a person.
    """

    tone: str = "neutral"
    pace: str = "steady"
    offer_human: bool = False

    @property
    def is_plain(self) -> bool:
        """Nothing to act out."""
        return self.tone == "neutral" and not self.offer_human


class Reply(Struct, omit_defaults=True):
    """An answer: text, parts, or both.

    `quick_replies` are offered as buttons where the channel has them. `metadata` travels with the
    reply to the front end. `tone` is one of `TONES`; None leaves it to what the visitor feels.
    `hand_over` passes the conversation on after this reply: "human", "team" or "agent", with
    `reason` written into the log.
    """

    text: str | None = None
    parts: list[Part] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    hand_over: str | None = None
    reason: str | None = None
    tone: str | None = None


def plain(reply: Reply) -> Reply:
    """The same in text alone, for those who can show nothing else: attachments as their addresses,
    buttons as a list. Parts that are for programs are left out."""
    lines = [reply.text] if reply.text else []
    for part in reply.parts:
        if isinstance(part, Text):
            lines.append(part.text)
        elif isinstance(part, Media):
            lines.append(f"{part.caption}: {part.url}" if part.caption else part.url)
    lines += [f"{number}. {choice}" for number, choice in enumerate(reply.quick_replies, 1)]
    return Reply(text="\n".join(lines), hand_over=reply.hand_over, reason=reply.reason)
