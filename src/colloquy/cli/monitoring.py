"""`colloquy monitoring`: how events are validated and told, what was written of it, events live."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

from ..model.monitoring import (
    FlushView,
    MonitoringEvent,
    MonitoringView,
    Span,
    ValidationFigures,
    ValidationHistory,
)
from .options import Cursor, Limit, Reach, command
from .output import clock_time, note, print_json, print_table
from .target import Local, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..ops.monitoring import Monitoring

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Monitoring: events for dashboards, and figures.")


class LocalMonitoring:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, monitoring: Monitoring) -> None:
        self._monitoring = monitoring

    async def monitoring(self) -> MonitoringView:
        return self._monitoring.view()

    async def validation_metrics(self) -> ValidationFigures:
        return self._monitoring.validation()

    async def flush_metrics(self) -> FlushView:
        return await self._monitoring.flush()

    async def monitoring_history_page(
        self,
        span: Span = Span.WINDOW,
        event_type: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ValidationHistory:
        return await self._monitoring.history(span, event_type, cursor, limit)


@command(app, "status")
def status(reach: Reach) -> None:
    """Says how monitoring is set and how it does, in the running server."""
    view = _asked(reach, lambda target: target.monitoring())
    if reach.json:
        print_json(view)
        return
    validation = "strict" if view.strict else "lenient"
    told = view.adapter
    for name, value in (
        ("adapters", ", ".join(view.adapters) or "none"),
        ("validation", validation if view.validates else "off"),
        ("broadcasts", told.broadcasts),
        ("failures", told.failures),
        ("invalid", f"{told.validation_errors} of {view.total_validations}"),
        *(
            (adapter, f"{found.connected} dashboards, {found.dropped} frames dropped")
            for adapter, found in view.dashboards.items()
        ),
        ("flush", f"every {view.flush_interval_s} s" if view.persists else "off"),
        ("last flush", "none" if view.last_flush is None else f"{clock_time(view.last_flush)} UTC"),
        ("unwritten", f"{view.unwritten_events} events, {view.waiting_records} records that wait"),
        ("error", view.last_flush_error or "none"),
    ):
        print(f"{name:<11} {value}")


@command(app, "validation")
def validation(reach: Reach) -> None:
    """Lists how events of each kind were validated since the running server started."""
    found = _asked(reach, lambda target: target.validation_metrics())
    if reach.json:
        print_json(found)
        return
    print_table(
        ["event", "total", "passed", "failed", "errors", "warnings", "mean"],
        [
            (
                kind,
                one.total,
                one.passed,
                one.failed,
                one.errors,
                one.warnings,
                f"{one.avg_validation_time_ms:.3f} ms",
            )
            for kind, one in found.by_event_type.items()
        ],
        empty="No events yet.",
    )


@command(app, "history")
def history(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    span: Annotated[Span, typer.Option("--span", help="What one record stands for.")] = Span.WINDOW,
    event_type: Annotated[
        str | None, typer.Option("--event-type", help="Only this kind of event.")
    ] = None,
) -> None:
    """Lists figures of validation that were written, newest first."""
    page = _asked(
        reach, lambda target: target.monitoring_history_page(span, event_type, cursor, limit)
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["at (UTC)", "event", "total", "passed", "failed", "errors", "warnings", "mean"],
        [
            (
                clock_time(one.at),
                one.event_type,
                one.total_events,
                one.passed_events,
                one.failed_events,
                one.total_errors,
                one.total_warnings,
                f"{one.avg_validation_time_ms:.3f} ms",
            )
            for one in page.records
        ],
        empty="Nothing was written yet.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "flush")
def flush(reach: Reach) -> None:
    """Writes the figures of the running server now."""
    done = _asked(reach, lambda target: target.flush_metrics())
    if reach.json:
        print_json(done)
    else:
        print(f"{done.flushed_records} records written")


@command(app, "watch")
def watch(
    reach: Reach,
    count: Annotated[
        int | None, typer.Option("--count", min=1, help="End after so many events.")
    ] = None,
) -> None:
    """Shows what happens on the running server, one event a line, until Ctrl-C."""

    async def follow() -> None:
        seen = 0
        async with reached(reach, server_only=True) as target:
            assert not isinstance(target, Local)
            async for event in target.monitoring_events():
                _print_event(event, as_json=reach.json)
                seen += 1
                if seen == count:
                    return

    asyncio.run(follow())


def _print_event(event: MonitoringEvent, *, as_json: bool) -> None:
    if as_json:
        print_json(event)
        return
    data = msgspec.json.encode(event.data).decode()
    problems = "".join(f" error: {one}" for one in event.errors)
    problems += "".join(f" warning: {one}" for one in event.warnings)
    print(f"{clock_time(event.at)} {event.type} {data}{problems}", flush=True)


if TYPE_CHECKING:
    Target = LocalMonitoring | AsyncClient


@contextlib.asynccontextmanager
async def _target(reach: Reach) -> AsyncIterator[Target]:
    async with reached(reach) as target:
        if isinstance(target, Local):
            yield LocalMonitoring(target.runtime.monitoring)
        else:
            yield target


def _asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    async def work() -> T:
        async with _target(reach) as target:
            return await ask(target)

    return asyncio.run(work())
