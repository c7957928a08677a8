"""What a turn was answered with: the items of an assembled context, each with its source."""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

ItemKind = Literal[
    "summary", "profile", "feeling", "fact", "commitment", "recalled", "thread", "pinned",
    "recent", "question", "message",
]  # fmt: skip
"""In the order in which a context is read."""
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)


class ContextItem(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """`source`: "event:12" is the conversation's 12th event, "fact:ann|email" a key of the graph,
    "session" what the conversation keeps. `must`: it is in every context of this turn."""

    kind: ItemKind
    text: str
    source: str
    tokens: int
    role: str = ""
    speaker: str = ""
    at: str | None = None
    """When it was said or learned."""
    score: float | None = None
    """How well it fits the message, of what was recalled; compares within one context only."""
    must: bool = False
    calls: str = ""
    """The tool call that this line makes, by its id."""
    answers: str = ""
    """The tool call whose result this line is."""
    valid_to: str | None = None
    """When it stopped being so, of what was learned."""


class AssembledContext(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The items in the order in which they are read, the message last.

    `position`: the conversation's last event that was looked at. `left_out`: how many of each kind
    did not fit. `off`: what was switched off or could not be asked.
    """

    items: list[ContextItem]
    tokens: int
    budget: int
    counter: str
    """Which `TokenCounter` counted."""
    position: int
    left_out: dict[str, int] = {}
    off: list[str] = []

    def of(self, *kinds: ItemKind) -> list[ContextItem]:
        """The items of these kinds."""
        return [item for item in self.items if item.kind in kinds]


class ContextSource(Struct, frozen=True, array_like=True):
    """One item of a context as it is kept: where it came from, not what it said."""

    kind: str
    source: str
    tokens: int


class ContextRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is kept of a context with the reply: enough to put it together again."""

    position: int
    budget: int
    tokens: int
    sources: list[ContextSource]
    left_out: dict[str, int] = {}
    off: list[str] = []


def record_of(context: AssembledContext) -> ContextRecord:
    """What is kept of it."""
    return ContextRecord(
        position=context.position,
        budget=context.budget,
        tokens=context.tokens,
        sources=[ContextSource(item.kind, item.source, item.tokens) for item in context.items],
        left_out=context.left_out,
        off=context.off,
    )
