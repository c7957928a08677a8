"""`/v2/alerts` over HTTP: lists, rules, notices, resolving, tests of the channels, scopes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from support.receiver import LOCAL, Receiver
from support.server import Server
from support.waiting import until


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Server]:
    """A server whose ledger is said to have 51 operations that wait."""
    settings = {name.replace("__", "."): value for name, value in LOCAL.items()}
    settings |= {"alerts.channels": "console,slack", "alerts.slack_url": receiver.url}
    with Server(tmp_path_factory.mktemp("watched"), **settings) as running:
        running.runtime.alerts.provide("pending_operations", lambda: 51.0)
        yield running


@pytest.fixture
def operator(watched: Server) -> Iterator[httpx.Client]:
    with watched.client("operate") as client:
        yield client


def test_an_alert_is_listed_told_and_resolved_by_hand(
    watched: Server, operator: httpx.Client
) -> None:
    alerts = watched.runtime.alerts
    watched.run(alerts.look())
    watched.run(until(lambda: alerts.notices().notices))
    (alert,) = operator.get("/v2/alerts?severity=critical").json()["alerts"]
    assert (alert["rule"], alert["state"], alert["value"]) == ("pending_operations", "open", 51)
    assert operator.get("/v2/alerts?severity=warning").json() == {"alerts": [], "next": None}
    assert operator.get(f"/v2/alerts/{alert['id']}").json()["opened_at"] == alert["opened_at"]
    (notice,) = operator.get("/v2/alerts/notices").json()["notices"]
    assert (notice["type"], notice["data"]["alert_id"]) == ("alert.opened", alert["id"])

    resolved = operator.post(f"/v2/alerts/{alert['id']}/resolve").json()
    assert resolved["state"] == "resolved"
    assert resolved["resolved_by"].startswith("key:")
    again = operator.post(f"/v2/alerts/{alert['id']}/resolve")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    watched.run(alerts.look())
    assert operator.get("/v2/alerts").json()["alerts"] == [], (
        "it does not come back with the next look"
    )
    (over,) = operator.get("/v2/alerts?state=resolved").json()["alerts"]
    assert over["id"] == alert["id"]
    found = operator.get("/v2/alerts/rules").json()["rules"]
    rules = {rule["name"]: rule["state"] for rule in found}
    assert rules["pending_operations"] == "muted"
    assert rules["rollback_time"] == "no_data"


def test_a_test_goes_to_every_channel_and_needs_an_admin(
    watched: Server, operator: httpx.Client, receiver: Receiver
) -> None:
    assert operator.post("/v2/alerts/test").status_code == 403
    with watched.client("admin") as admin:
        answer = admin.post("/v2/alerts/test")
    assert answer.status_code == 200
    found = [(one["sink"], one["outcome"]) for one in answer.json()["sinks"]]
    assert found == [("console", "delivered"), ("slack", "delivered")]
    assert "this is a test" in receiver.received[-1].event["text"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/alerts?state=gone", 422),
        ("/v2/alerts?severity=bad", 422),
        ("/v2/alerts?cursor=x", 422),
        ("/v2/alerts/notices?cursor=x", 422),
        ("/v2/alerts/x", 422),
        (f"/v2/alerts/{'0' * 32}", 404),
    ],
)
def test_bad_requests_are_said_to_be_so(operator: httpx.Client, path: str, status: int) -> None:
    assert operator.get(path).status_code == status


def test_reading_needs_the_scope(watched: Server) -> None:
    with watched.client("read") as reader:
        for path in ("", "/rules", "/notices", f"/{'0' * 32}"):
            assert reader.get(f"/v2/alerts{path}").status_code == 403
