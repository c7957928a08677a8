"""What an answer took: the language model, its tokens and price, the tools that it called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ..model.usage import ModelUse, ToolUse
from ..model.views import ReplyReason, TranscriptItem
from .words import Word, title, word

OUTCOMES = {
    "ok": Word("ok", "Done", "check", "good"),
    "failed": Word("failed", "Failed", "alert", "bad"),
    "timeout": Word("timeout", "Took too long", "clock", "warn"),
    "invalid": Word("invalid", "Wrong arguments", "alert", "warn"),
    "denied": Word("denied", "Not allowed here", "hand", "warn"),
    "unknown": Word("unknown", "No such tool", "alert", "warn"),
    "uncertain": Word("uncertain", "Outcome not known", "alert", "bad"),
    "too_many": Word("too_many", "Not called: too many", "hand", "warn"),
}
FAILURES = {
    "timeout": "did not answer in time",
    "connection": "could not be reached",
    "cut": "broke off",
    "malformed": "answered what nobody can read",
    "empty": "said nothing",
    "rate_limited": "turned the request away: too many",
    "server_error": "failed",
    "refused": "refused the request",
    "rounds": "called tools and never answered",
    "resting": "was left alone after several failures",
}


class Used(Struct, frozen=True):
    """A tool that a model called. `detail`: what went wrong."""

    name: str
    outcome: Word
    took: str
    detail: str


class Effort(Struct, frozen=True):
    """What a language model did for an answer. `tokens` and `cost` are in words; no cost where no
    price is set. `failed`: why its answer was not used."""

    model: str
    requests: str
    tokens: str
    split: str
    cost: str
    failed: str
    tools: list[Used]


class ToolLine(Struct, frozen=True):
    """A call of a tool with its result, folded. `arguments` is None where only the result is on the
    page, `outcome` where only the call is; `…_cut` say how long a text was that is cut."""

    kind: ClassVar[str] = "tool"
    seq: int
    at: str
    name: str
    outcome: Word | None = None
    took: str = ""
    arguments: str | None = None
    arguments_cut: str = ""
    result: str | None = None
    result_cut: str = ""
    error: str = ""


def effort_of(use: ModelUse) -> Effort:
    about = "about " if use.estimated else ""
    total = use.prompt_tokens + use.completion_tokens
    failed = FAILURES.get(use.failed or "", title(use.failed or ""))
    return Effort(
        model=use.model,
        requests=_count(use.requests, "request"),
        tokens=f"{about}{total:,} tokens" if total else "",
        split=f"{about}{use.prompt_tokens:,} sent, {use.completion_tokens:,} received",
        cost="" if use.cost is None else f"{about}{_price(use.cost)} {use.currency or ''}".rstrip(),
        failed=failed if use.failed else "",
        tools=[_used(one) for one in use.tools],
    )


def stopped_text(why: ReplyReason) -> str:
    """That the visitor stopped an answer, and after how much; "" where nobody did."""
    if not why.stopped:
        return ""
    if not why.written:
        return "Stopped by the visitor before the first word"
    return f"Stopped by the visitor after {_count(why.written, 'character')}"


def tool_lines(items: Iterable[TranscriptItem]) -> dict[int, ToolLine | None]:
    """By the place of their items; None for a result that stands with its call."""
    found: dict[int, ToolLine | None] = {}
    calls: dict[str | None, TranscriptItem] = {}
    for item in items:
        if item.kind == "tool_call":
            calls[item.call_id] = item
            found[item.seq] = _line(item, None)
        elif item.kind == "tool_result":
            call = calls.get(item.call_id)
            found[item.seq] = None if call is not None else _line(None, item)
            if call is not None:
                found[call.seq] = _line(call, item)
    return found


def _line(call: TranscriptItem | None, result: TranscriptItem | None) -> ToolLine:
    item = call or result
    assert item is not None
    line = ToolLine(item.seq, item.at, item.name or "")
    if call is not None:
        line = replace(line, arguments=call.arguments or "{}", arguments_cut=_cut(call.cut))
    if result is not None:
        line = replace(
            line,
            outcome=word(OUTCOMES, result.outcome or "ok"),
            took=_took(result.seconds or 0.0),
            result=result.result,
            result_cut=_cut(result.cut),
            error=result.detail or "",
        )
    return line


def _used(one: ToolUse) -> Used:
    return Used(one.tool, word(OUTCOMES, one.outcome), _took(one.seconds), one.detail or "")


def _cut(characters: int | None) -> str:
    return "" if characters is None else f"the beginning of {_count(characters, 'character')}"


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _price(cost: float) -> str:
    return f"{cost:,.2f}" if cost >= 1 else f"{cost:.5f}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
