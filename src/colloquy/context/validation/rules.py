"""The rules that every context is held to; see docs/context.md."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.context import ITEM_KINDS, ContextItem
from ...model.message import MAX_TEXT
from ...model.times import rfc3339
from .contradictions import contradictions
from .leaks import leaks_in
from .rule import Checked, Finding, Rule, is_event

ROLES = frozenset({"visitor", "assistant", "agent", "human", "team", "system", "tool"})
PEOPLE = frozenset({"visitor", "human", "team"})
LINES = frozenset({"recalled", "thread", "recent", "question", "message"})
"""Kinds of items that were said by somebody."""
LEARNED = frozenset({"profile", "fact", "commitment"})
REPEATED = 40
"""Characters from which saying something twice is a waste, and not a habit such as "Thank you!"."""

_RANK = {kind: place for place, kind in enumerate(ITEM_KINDS)}


def missing(checked: Checked) -> Iterator[Finding]:
    context = checked.context
    if not any(item.text.strip() for item in context.of("message")):
        yield Finding("there is no current message")
    first, last = min(checked.lines, default=1), max(checked.lines, default=0)
    for item, seqs in zip(context.items, checked.seqs, strict=True):
        if not item.source:
            yield Finding(f"a {item.kind} says not where it comes from")
        elif is_event(item.source) and not seqs:
            yield Finding(f"{item.source!r} names no line", item.source)
        for seq in seqs:
            if not 1 <= seq <= context.position:
                yield Finding(f"there is no line {seq} yet", item.source)
            elif first <= seq <= last and seq not in checked.lines:
                yield Finding(f"event {seq} is no line of this conversation", item.source)


def stale(checked: Checked) -> Iterator[Finding]:
    behind = checked.position - checked.context.position
    if behind > 0:
        yield Finding(f"the conversation went on by {behind} since it was put together")


def expired(checked: Checked) -> Iterator[Finding]:
    now = ""
    for item in checked.context.items:
        if item.valid_to is not None:
            now = now or rfc3339(checked.now)
            if item.valid_to <= now:
                yield Finding(f"what it says was so until {item.valid_to}", item.source)


def conflict(checked: Checked) -> Iterator[Finding]:
    """One fact, or one line, with two texts."""
    seen: dict[tuple[str, str], str] = {}
    for item in checked.context.items:
        if item.kind in LINES or item.kind in LEARNED:
            kind = "line" if item.kind in LINES else item.kind
            if seen.setdefault((kind, item.source), item.text) != item.text:
                yield Finding(f"{item.source} has two values", item.source)


def oversized(checked: Checked) -> Iterator[Finding]:
    context = checked.context
    tokens = 0
    for item in context.items:
        tokens += item.tokens
        if len(item.text) > MAX_TEXT:
            yield Finding(
                f"{len(item.text)} characters in one item; the limit is {MAX_TEXT}", item.source
            )
    if tokens != context.tokens:
        yield Finding(f"its items have {tokens} tokens, and it says {context.tokens}")
    if max(tokens, context.tokens) > context.budget:
        yield Finding(f"{max(tokens, context.tokens)} tokens; the budget is {context.budget}")


def orphan(checked: Checked) -> Iterator[Finding]:
    items = checked.context.items
    calls = {item.calls for item in items if item.calls}
    results = {item.answers for item in items if item.answers}
    for item in items:
        if item.calls and item.calls not in results:
            yield Finding("a tool's call without its result", item.source)
        if item.answers and item.answers not in calls:
            yield Finding("a tool's result without its call", item.source)


def privacy(checked: Checked) -> Iterator[Finding]:
    for item in checked.context.items:
        for kind in dict.fromkeys(leak.kind for leak in leaks_in(item.text)):
            yield Finding(f"holds a {kind}", item.source)


def speaker(checked: Checked) -> Iterator[Finding]:
    roles: dict[int, str] = {}
    for item, seqs in zip(checked.context.items, checked.seqs, strict=True):
        said = _misspoken(item)
        if said:
            yield Finding(said, item.source)
        elif item.role and len(seqs) == 1:
            line = checked.lines.get(seqs[0])
            role = line.role if line is not None else roles.setdefault(seqs[0], item.role)
            if role != item.role:
                yield Finding(f"{item.role} did not say that, but {role}", item.source)


def _misspoken(item: ContextItem) -> str:
    """What is wrong with the role of an item, whatever the log says; mostly nothing."""
    if item.role and item.role not in ROLES:
        return f"{item.role!r} is no role"
    if item.kind in LINES and not item.role:
        return "nobody said it"
    if item.role and item.kind not in LINES and item.kind != "pinned":
        return f"a {item.kind} was said by nobody, and not by {item.role}"
    if item.kind == "message" and (
        item.role in ("assistant", "tool") or (item.role == "system" and item.speaker)
    ):
        return f"the message to be answered is not from {item.role}"
    if (item.calls or item.answers) and item.role in PEOPLE:
        return f"{item.role} is no tool"
    return ""


def order(checked: Checked) -> Iterator[Finding]:
    rank = last = 0
    answered: set[str] = set()
    for item, seqs in zip(checked.context.items, checked.seqs, strict=True):
        own = _RANK[item.kind]
        if own < rank:
            yield Finding(f"a {item.kind} stands too late", item.source)
            continue
        if own > rank:
            rank, last = own, 0
        if item.kind in LINES and seqs:
            if seqs[0] < last:
                yield Finding(f"line {seqs[0]} comes after line {last}", item.source)
            last = max(last, seqs[0])
        if item.calls and item.calls in answered:
            yield Finding("a tool's call comes after its result", item.source)
        answered.add(item.answers)


def clock(checked: Checked) -> Iterator[Finding]:
    """Lines in the order of the log whose times go backwards."""
    timed = sorted(
        (seqs[0], item.at, item.source)
        for item, seqs in zip(checked.context.items, checked.seqs, strict=True)
        if item.kind in LINES and len(seqs) == 1 and item.at is not None
    )
    latest = ""
    for _, at, source in timed:
        if at < latest:
            yield Finding(f"{at} is before {latest}, which was said earlier", source)
        latest = max(latest, at)


def duplicate(checked: Checked) -> Iterator[Finding]:
    sources: set[str] = set()
    texts: dict[tuple[str, str], str] = {}
    for item in checked.context.items:
        if item.kind in LINES:
            if item.source in sources:
                yield Finding(f"{item.source} is there twice", item.source)
                continue
            sources.add(item.source)
        if item.calls or item.answers:
            continue  # the same question to a tool at two times is two answers
        if item.kind not in LINES or len(item.text) >= REPEATED:
            said = (item.role, item.text.casefold())
            if said in texts:
                yield Finding(f"says the same as {texts[said]}", item.source)
            texts.setdefault(said, item.source)


BUILT_IN = (
    Rule("missing", "error", 0.6, missing),
    Rule("stale", "error", 0.4, stale),
    Rule("expired", "warning", 0.2, expired),
    Rule("conflict", "error", 0.4, conflict),
    Rule("contradiction", "warning", 0.2, contradictions),
    Rule("oversized", "error", 0.4, oversized),
    Rule("orphan", "error", 0.3, orphan),
    Rule("privacy", "error", 0.6, privacy),
    Rule("speaker", "error", 0.5, speaker),
    Rule("order", "error", 0.3, order),
    Rule("clock", "warning", 0.05, clock),
    Rule("duplicate", "warning", 0.05, duplicate),
)
"""In this order; weights in the score in docs/context.md."""
