"""`colloquy feedback`: how conversations go, what to look at, and the same as a file."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, TypeVar, cast

import typer

from ..model.errors import ColloquyError, InvalidInput
from ..model.feedback import (
    Analytics,
    FeedbackFilter,
    FeedbackFormat,
    FeedbackKind,
    FeedbackProgress,
    Period,
    Recommendations,
    SignalsView,
)
from .options import Reach, command
from .output import clock_time, print_json, print_table, progress
from .target import Local, parse_moment, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..runtime.feedback import FeedbackDesk

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Feedback: ratings, and how conversations went.")

_TIME = "RFC 3339"
LOOK_EVERY_S = 0.25
"""How often the terminal is told how far figures are."""
Format = Annotated[str, typer.Option("--format", metavar="csv|json", help="Of the file.")]
Kind = Annotated[
    str,
    typer.Option(
        "--kind", metavar="ratings|signals", help="A row for each rating, or each conversation."
    ),
]


@dataclass(frozen=True)
class Wanted:
    """Which feedback."""

    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help=f"By default 30 days ago ({_TIME})."),
    ] = None
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help=f"By default now ({_TIME}).")
    ] = None
    channel: Annotated[str | None, typer.Option("--channel", help="Only of this channel.")] = None
    intent: Annotated[
        str | None, typer.Option("--intent", help="Only replies to messages with this intent.")
    ] = None
    handler: Annotated[
        str | None, typer.Option("--handler", help="Only replies by this handler.")
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", help="Only replies in which this model had a part.")
    ] = None

    def filter(self) -> FeedbackFilter:
        """Raises InvalidInput."""
        return FeedbackFilter(
            _moment(self.since, "since"),
            _moment(self.until, "until"),
            self.channel,
            self.intent,
            self.handler,
            self.model,
        )


class LocalFeedback:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, desk: FeedbackDesk) -> None:
        self._desk = desk

    async def feedback_analytics(
        self, filter: FeedbackFilter, refresh: bool | None = None
    ) -> Analytics:
        return await self._desk.analytics(filter, refresh=bool(refresh))

    async def feedback_recommendations(
        self, filter: FeedbackFilter, refresh: bool | None = None
    ) -> Recommendations:
        return await self._desk.recommendations(filter, refresh=bool(refresh))

    async def feedback_signals(self, conversation_id: str) -> SignalsView:
        return await self._desk.signals(conversation_id)

    async def feedback_progress(self, filter: FeedbackFilter) -> FeedbackProgress:
        return self._desk.progress(filter)

    async def feedback_file(
        self, filter: FeedbackFilter, kind: FeedbackKind, format: FeedbackFormat
    ) -> AsyncIterator[bytes]:
        async for chunk in await self._desk.export(kind, format, filter):
            yield chunk


if TYPE_CHECKING:
    Target = LocalFeedback | AsyncClient


@command(app, "report")
def report(
    reach: Reach,
    wanted: Wanted,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Compute anew, also where figures are kept.")
    ] = False,
) -> None:
    """Shows figures beside those of the period before, what changed, and what to look at first.

    What is called a change or a weak spot passed a statistical test; docs/feedback.md has them.
    """
    chosen = wanted.filter()

    async def ask(target: Target) -> tuple[Analytics, Recommendations]:
        found = await _with_progress(target, chosen, target.feedback_analytics(chosen, refresh))
        return found, await target.feedback_recommendations(chosen)

    found, advice = _asked(reach, ask)
    if reach.json:
        print_json({"analytics": found, "recommendations": advice.recommendations})
        return
    period = found.period
    print(f"{clock_time(period.since)} to {clock_time(period.until)} (UTC)")
    now, before = _figures(period), _figures(found.before)
    print_table(
        ["figure", "now", "before"],
        [(name, value, before[name]) for name, value in now.items()],
        empty="",
    )
    print()
    print_table(
        ["trend", "test", "n", "effect", "p", ""],
        [
            (one.measure, one.test, one.n, _short(one.effect), _short(one.p), one.note)
            for one in found.trends
        ],
        empty="",
    )
    print()
    for one in advice.recommendations:
        print(f"{one.rank}. {one.text}")
        if one.insight.evidence.conversations:
            print(f"   {' '.join(one.insight.evidence.conversations)}")
    if not advice.recommendations:
        print(f"Nothing is worse than the rest beyond chance ({found.comparisons} comparisons).")


@command(app, "signals")
def signals(
    reach: Reach,
    conversation_id: Annotated[str, typer.Argument(metavar="ID", help="The conversation's id.")],
) -> None:
    """Shows what one conversation says by how it went."""
    view = _asked(reach, lambda target: target.feedback_signals(conversation_id))
    if reach.json:
        print_json(view)
        return
    found = view.signals
    names = found.__struct_fields__ if found is not None else ()
    print_table(
        ["signal", "value"],
        [(name, _value(getattr(found, name))) for name in names],
        empty="The visitor said nothing.",
    )


@command(app, "export")
def export(
    reach: Reach,
    wanted: Wanted,
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="A file; - is stdout.")] = "-",
    format: Format = "json",
    kind: Kind = "ratings",
) -> None:
    """Writes ratings or signals out. In a table no text is a formula.

    The setting feedback.privacy says who is named: nobody, everybody by a pseudonym, or by name.
    """
    for value, allowed, field in (
        (format, ("json", "csv"), "format"),
        (kind, ("ratings", "signals"), "kind"),
    ):
        if value not in allowed:
            raise InvalidInput(f"one of {', '.join(allowed)}, not {value!r}", field=field)
    chosen = wanted.filter()

    async def save(target: Target) -> int:
        chunks = target.feedback_file(
            chosen, cast(FeedbackKind, kind), cast(FeedbackFormat, format)
        )
        size = 0
        with _sink(file) as out:
            async for chunk in chunks:
                out.write(chunk)
                size += len(chunk)
        return size

    size = _asked(reach, save)
    if file == "-":
        return
    if reach.json:
        print_json({"file": file, "bytes": size, "format": format, "kind": kind})
    else:
        print(f"{size:,} bytes → {file}")


@contextlib.contextmanager
def _sink(file: str) -> Iterator[BinaryIO]:
    """Where a file goes, piece by piece; one that breaks off leaves what was there before. Raises
    InvalidInput where it cannot be written."""
    if file == "-":
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = Path(f"{file}.part")
    try:
        with part.open("wb") as out:
            yield out
        part.replace(file)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="file") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


async def _with_progress(target: Target, chosen: FeedbackFilter, asked: Awaitable[T]) -> T:
    """What is asked for, with a bar on the terminal while conversations are read for it."""
    waiting = asyncio.ensure_future(asked)
    done = 0
    with contextlib.ExitStack() as stack:
        advance: Callable[[int], None] | None = None
        while not (await asyncio.wait([waiting], timeout=LOOK_EVERY_S))[0]:
            # A server of an older version does not say; the figures come all the same.
            with contextlib.suppress(ColloquyError):
                seen = await target.feedback_progress(chosen)
                if seen.state == "computing" and advance is None and seen.total:
                    advance = stack.enter_context(progress("reading conversations", seen.total))
                if seen.state == "computing" and advance is not None and seen.done > done:
                    advance(seen.done - done)
                    done = seen.done
    return await waiting


def _asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    async def work() -> T:
        async with reached(reach) as target:
            if isinstance(target, Local):
                return await ask(LocalFeedback(target.runtime.feedback_desk))
            return await ask(target)

    return asyncio.run(work())


def _figures(period: Period) -> dict[str, str]:
    satisfaction, times, ended = period.satisfaction, period.response_time, period.outcomes
    return {
        "ratings": f"{period.total_feedback:,}",
        "average rating": _short(period.average_rating),
        "satisfied": ""
        if satisfaction is None
        else f"{satisfaction.percent:.0f} % ({satisfaction.low:.0f} to {satisfaction.high:.0f})",
        "response time": "" if times is None else f"{_short(times.mean_s)} s",
        "conversations": "" if ended is None else f"{ended.conversations:,}",
        "completed": ""
        if ended is None or ended.completion_rate is None
        else f"{ended.completion_rate:.0%}",
        "taken over": "" if ended is None else f"{ended.taken_over:,}",
    }


def _short(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _value(value: object) -> object:
    return _short(value) if isinstance(value, float) else value


def _moment(text: str | None, field: str) -> datetime | None:
    return None if text is None else parse_moment(text, field)
