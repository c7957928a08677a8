"""Contexts of old systems beside ours: what a model was given to know, from both, as one.

An old context is a flat JSON object; everything in it may be missing:

    {"summary": "…", "user": {"name": "Ann"}, "facts": {"email": "ann@example.com"},
     "messages": [V1, …], "max_tokens": 3000}

Further fields are not looked at. A new one is an `AssembledContext`, or its JSON with fields
missing. Where both say the same, or have a summary, or a fact of the same name, the new one's word
counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from ..context.tokens import EstimatedTokens, TokenCounter
from ..model.context import ITEM_KINDS, AssembledContext, ContextItem, ItemKind
from ..model.errors import InvalidInput, MalformedV1
from ..model.message import input_error
from ..settings.memory import ContextSettings
from .contents import said_in_v1
from .v1 import RESULTS, V1Message, check_v1, moment_of

_ROLES = {"user": "visitor", "assistant": "assistant", "tool": "tool", "function": "tool"}
_DROPPED_FIRST: tuple[ItemKind, ...] = ("recalled", "recent", "fact", "profile", "summary")
"""Of what came from the old context, when both together are over the budget."""
_SAID: tuple[ItemKind, ...] = ("recent", "recalled", "thread", "pinned", "question", "message")


class OldContext(Struct):
    summary: str | None = None
    user: dict[str, Any] | None = None
    facts: dict[str, Any] | None = None
    messages: list[dict[str, Any]] | None = None
    max_tokens: int | None = None


class _NewItem(Struct):
    """An item whose fields may be missing, but for what it says."""

    kind: ItemKind
    text: str
    source: str = "unknown"
    tokens: int | None = None


def context_of_v1(old: Mapping[str, Any], counter: TokenCounter | None = None) -> AssembledContext:
    """An old context in our form; its items have sources like `v1:messages[3]`.

    Raises MalformedV1 with the path of what does not fit.
    """
    counter = counter or EstimatedTokens()
    try:
        shape = msgspec.convert(dict(old), OldContext)
    except msgspec.ValidationError as error:
        found = input_error(error)
        raise MalformedV1(found.detail, field=found.field) from None
    items: list[ContextItem] = []

    def add(kind: ItemKind, text: str, source: str, **fields: Any) -> None:
        if text.strip():
            tokens = counter.count(text)
            items.append(
                ContextItem(kind=kind, text=text, source=f"v1:{source}", tokens=tokens, **fields)
            )

    add("summary", shape.summary or "", "summary")
    for kind, rows in (("profile", shape.user), ("fact", shape.facts)):
        for name, value in (rows or {}).items():
            section = "user" if kind == "profile" else "facts"
            if value is not None:
                add(kind, f"{name}: {_text(value)}", f"{section}.{name}")  # type: ignore[arg-type]
    for number, message in enumerate(shape.messages or ()):
        try:
            fields = _line(message)
        except InvalidInput as error:
            path = f"messages[{number}]" + (f".{error.field}" if error.field else "")
            raise MalformedV1(error.detail, field=path) from None
        add("recent", source=f"messages[{number}]", **fields)
    tokens = sum(item.tokens for item in items)
    return AssembledContext(
        items=items,
        tokens=tokens,
        budget=shape.max_tokens or ContextSettings().budget,
        counter=counter.name,
        position=0,
    )


def merge_contexts(
    old: Mapping[str, Any] | None,
    new: AssembledContext | Mapping[str, Any] | None,
    counter: TokenCounter | None = None,
) -> AssembledContext:
    """Both as one, in the order in which contexts are read, within the new one's budget.

    What is too much is left out of the old one's part, oldest first, and counted in `left_out`;
    nothing of the new one is. Raises MalformedV1, or InvalidInput for a new one that is none.
    """
    counter = counter or EstimatedTokens()
    ours = _completed(new, counter)
    if old is None and ours is not None:
        return ours
    theirs = context_of_v1(old or {}, counter)
    if ours is None:
        ours = msgspec.structs.replace(theirs, items=[], tokens=0)
    known = {_key(item) for item in ours.items}
    added = [item for item in theirs.items if _key(item) not in known]
    left_out = dict(ours.left_out)
    room = ours.budget - ours.tokens
    for item in sorted(added, key=lambda item: _DROPPED_FIRST.index(item.kind)):
        if sum(item.tokens for item in added) <= room:
            break
        added.remove(item)
        left_out[item.kind] = left_out.get(item.kind, 0) + 1
    # Older than what is ours of the same kind, so before it; sorting keeps that order.
    items = sorted([*added, *ours.items], key=lambda item: ITEM_KINDS.index(item.kind))
    return msgspec.structs.replace(
        ours, items=items, tokens=sum(item.tokens for item in items), left_out=left_out
    )


def _completed(
    new: AssembledContext | Mapping[str, Any] | None, counter: TokenCounter
) -> AssembledContext | None:
    if new is None or isinstance(new, AssembledContext):
        return new
    tree = dict(new)
    try:
        items = [_item(item, counter) for item in msgspec.convert(tree.get("items", []), list[Any])]
        tree["items"] = msgspec.to_builtins(items)
        tree.setdefault("tokens", sum(item.tokens for item in items))
        tree.setdefault("budget", ContextSettings().budget)
        tree.setdefault("counter", counter.name)
        tree.setdefault("position", 0)
        return msgspec.convert(tree, AssembledContext)
    except msgspec.ValidationError as error:
        raise input_error(error) from None


def _item(item: Any, counter: TokenCounter) -> ContextItem:
    least = msgspec.convert(item, _NewItem)
    tokens = least.tokens if least.tokens is not None else counter.count(least.text)
    return msgspec.convert({**item, "source": least.source, "tokens": tokens}, ContextItem)


def _line(message: V1Message) -> dict[str, Any]:
    """What an item of an old message has. Raises InvalidInput."""
    shape = check_v1(message)
    text, parts = said_in_v1(shape)
    pieces = [text] if text else []
    pieces += [part.text for part in parts if hasattr(part, "text")]
    if shape.role in RESULTS:
        pieces = [_text(shape.content)]
    calls = shape.tool_calls or []
    if not pieces and calls:
        pieces = [f"{call.function.name}({_text(call.function.arguments)})" for call in calls]
    at = moment_of(shape.timestamp)
    return {
        "text": "\n".join(pieces),
        "role": _ROLES.get(shape.role, "system"),
        "speaker": shape.name or "",
        "at": msgspec.to_builtins(at) if at is not None else None,
        "calls": (calls[0].id or "call-0") if calls else "",
        "answers": shape.tool_call_id or "" if shape.role == "tool" else "",
    }


def _key(item: ContextItem) -> tuple[str, ...]:
    """What two items have in common of which one is enough."""
    if item.kind == "summary":
        return ("summary",)
    if item.kind in ("fact", "profile"):
        return (item.kind, item.text.partition(":")[0].strip().casefold())
    kind = "said" if item.kind in _SAID else item.kind
    return (kind, item.role, item.text.strip())


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
