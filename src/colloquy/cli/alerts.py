"""`colloquy alerts`: what is wrong, which rules watch it, and tests of the channels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..model.alerts import (
    AlertPage,
    AlertState,
    AlertTest,
    AlertView,
    RuleList,
    RuleState,
    Severity,
)
from .options import Cursor, Limit, Reach, command
from .output import clock_time, note, print_json, print_table, shortened
from .target import ACTOR, Local, reached

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..ops.alerts import Alerts

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Alerts: what is wrong, and who is told of it.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The alert's id as listed.")]


class LocalAlerts:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    async def alert_page(
        self,
        cursor: str | None = None,
        limit: int = 50,
        state: AlertState = AlertState.OPEN,
        severity: Severity | None = None,
    ) -> AlertPage:
        return self._alerts.page(cursor, limit, state, severity)

    async def alert(self, alert_id: str) -> AlertView:
        return self._alerts.get(alert_id)

    async def resolve_alert(self, alert_id: str) -> AlertView:
        return await self._alerts.resolve(alert_id, ACTOR)

    async def alert_rules(self) -> RuleList:
        return self._alerts.rules()

    async def test_alerts(self) -> AlertTest:
        return await self._alerts.test()


@command(app, "list")
def list_(
    reach: Reach,
    limit: Limit = 50,
    cursor: Cursor = None,
    state: Annotated[AlertState, typer.Option("--state", help="Which.")] = AlertState.OPEN,
    severity: Annotated[
        Severity | None, typer.Option("--severity", help="Only those of this severity.")
    ] = None,
) -> None:
    """Lists alerts, newest first: the open ones, or with --state resolved those that are over."""
    page = _asked(reach, lambda target: target.alert_page(cursor, limit, state, severity))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "rule", "severity", "opened (UTC)", "seen", "message"],
        [
            (
                alert.id,
                alert.rule,
                alert.severity,
                clock_time(alert.opened_at),
                alert.count,
                shortened(alert.message, 80),
            )
            for alert in page.alerts
        ],
        empty=f"No {state} alerts.",
    )
    if page.next is not None:
        note(f"More: --cursor {page.next}")


@command(app, "show")
def show(reach: Reach, alert_id: Id) -> None:
    """Shows one alert whole."""
    _print_alert(reach, _asked(reach, lambda target: target.alert(alert_id)))


@command(app, "resolve")
def resolve(reach: Reach, alert_id: Id) -> None:
    """Resolves an alert by hand; it stays away until its metric was good in between."""
    _print_alert(reach, _asked(reach, lambda target: target.resolve_alert(alert_id)))


@command(app, "rules")
def rules(reach: Reach) -> None:
    """Lists the rules with what the last look of the running server found."""
    found = _asked(reach, lambda target: target.alert_rules())
    if reach.json:
        print_json(found)
        return
    print_table(
        ["rule", "state", "value", "bad when", "for", "good at"],
        [
            (
                rule.name,
                "no data" if rule.state is RuleState.NO_DATA else rule.state,
                "" if rule.value is None else f"{rule.value:g}",
                f"{rule.metric} {rule.comparison} {rule.threshold:g}",
                f"{rule.for_s:g} s",
                f"{rule.clear:g} for {rule.clear_for_s:g} s",
            )
            for rule in found.rules
        ],
        empty="No rules.",
    )


@command(app, "test")
def test(reach: Reach) -> None:
    """Sends a test to every channel and says what came back; the exit code is 1 if one failed."""
    tried = _asked(reach, lambda target: target.test_alerts())
    if reach.json:
        print_json(tried)
    else:
        for one in tried.sinks:
            detail = f": {one.detail}" if one.detail else ""
            print(f"{one.sink}: {one.outcome} in {one.duration_ms} ms{detail}")
    if any(one.outcome != "delivered" for one in tried.sinks):
        raise typer.Exit(1)


if TYPE_CHECKING:
    Target = LocalAlerts | AsyncClient


@contextlib.asynccontextmanager
async def _target(reach: Reach) -> AsyncIterator[Target]:
    async with reached(reach) as target:
        yield LocalAlerts(target.runtime.alerts) if isinstance(target, Local) else target


def _asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    async def work() -> T:
        async with _target(reach) as target:
            return await ask(target)

    return asyncio.run(work())


def _print_alert(reach: Reach, alert: AlertView) -> None:
    if reach.json:
        print_json(alert)
        return
    for name, value in (
        ("id", alert.id),
        ("rule", alert.rule),
        ("labels", " ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()))),
        ("severity", alert.severity),
        ("state", alert.state),
        ("message", alert.message),
        ("worst", alert.worst),
        ("threshold", alert.threshold),
        ("seen", alert.count),
        ("opened", f"{clock_time(alert.opened_at)} UTC"),
        ("last seen", f"{clock_time(alert.last_at)} UTC"),
        ("resolved", _resolution(alert)),
    ):
        print(f"{name:<10} {'' if value is None else value}".rstrip())


def _resolution(alert: AlertView) -> str | None:
    if alert.resolved_at is None:
        return None
    return f"{clock_time(alert.resolved_at)} UTC by {alert.resolved_by}"
