"""`colloquy alerts`, through a server and on a database that nobody serves."""

from __future__ import annotations

import asyncio
from pathlib import Path

from colloquy.ops.alerts import Alerts, default_rules
from colloquy.settings import Settings
from colloquy.storage.sqlite import SqliteStore
from colloquy.telemetry import Metrics
from support.command_line import Serving, Shell


async def leave_an_alert(database: Path) -> None:
    """What a server leaves that stopped with 51 operations waiting."""
    store = SqliteStore(database)
    await store.open()
    settings = Settings()
    alerts = Alerts(settings.alerts, default_rules(settings), [], store, Metrics())
    alerts.provide("pending_operations", lambda: 51.0)
    await alerts.load()
    await alerts.look()
    await alerts.stop(1)
    await store.close()


def test_on_a_database_that_nobody_serves(alone: Shell) -> None:
    asyncio.run(leave_an_alert(alone.folder / "test.db"))
    (alert,) = alone("alerts", "list", "--json").json["alerts"]
    assert (alert["rule"], alert["severity"]) == ("pending_operations", "critical")
    assert "51 operations wait" in alone("alerts", "list").out
    assert alone("alerts", "show", alert["id"], "--json").json == alert
    resolved = alone("alerts", "resolve", alert["id"], "--json").json
    assert (resolved["state"], resolved["resolved_by"]) == ("resolved", "cli")
    assert alone("alerts", "list").out == "No open alerts.\n"
    assert "by cli" in alone("alerts", "show", alert["id"]).out
    assert alert["id"] in alone("alerts", "list", "--state", "resolved").out
    assert "error: conflict" in alone("alerts", "resolve", alert["id"], code=1).err
    assert "error: not_found" in alone("alerts", "show", "0" * 32, code=1).err


def test_through_a_server(shell: Shell, server: Serving) -> None:
    assert shell("alerts", "list", "--json").json == {"alerts": [], "next": None}
    rules = shell("alerts", "rules", "--json").json["rules"]
    assert {rule["name"] for rule in rules} >= {"queue_age", "disk", "pending_operations"}
    assert "no data" in shell("alerts", "rules").out
    tried = shell("alerts", "test", "--json").json["sinks"]
    assert [one["outcome"] for one in tried] == ["delivered", "delivered"]
    assert "log: delivered" in shell("alerts", "test").out


def test_a_channel_that_fails_makes_the_test_fail(alone: Shell) -> None:
    asyncio.run(leave_an_alert(alone.folder / "test.db"))
    chosen = ["alerts.channels=slack", "alerts.slack_url=http://127.0.0.1:1025/t0ken",
              "webhooks.allow_http=true", "webhooks.allow_networks=127.0.0.0/8"]  # fmt: skip
    options = [word for one in chosen for word in ("--set", one)]
    failed = alone("alerts", "test", *options, code=1)
    assert failed.out.startswith("slack: failed")
    assert "t0ken" not in failed.out + failed.err
