"""`/v2/webhooks` over HTTP: scopes, secrets, conditions, deliveries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from colloquy.webhooks import verify
from support.receiver import LOCAL, Reaction, Receiver
from support.server import Server
from support.waiting import until


@pytest.fixture(scope="module")
def hooked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that may send to receivers on this machine."""
    settings = {name.replace("__", "."): value for name, value in LOCAL.items()}
    with Server(tmp_path_factory.mktemp("hooked"), **settings) as running:
        yield running


@pytest.fixture
def admin(hooked: Server) -> Iterator[httpx.Client]:
    with hooked.client("admin") as client:
        yield client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def made(admin: httpx.Client, url: str, **fields: Any) -> dict[str, Any]:
    answer = admin.post("/v2/webhooks", json={"url": url, **fields})
    assert answer.status_code == 201, answer.text
    new: dict[str, Any] = answer.json()
    return new


async def test_an_event_is_delivered_and_listed(
    hooked: Server, admin: httpx.Client, receiver: Receiver
) -> None:
    channel = f"ch{uuid4().hex[:8]}"
    new = made(admin, receiver.url, kinds=["reply"], channels=[channel], description="CRM")
    webhook = new["webhook"]
    assert (webhook["kinds"], webhook["enabled"], webhook["version"]) == (["reply"], True, 1)
    path = f"/v2/webhooks/{webhook['id']}/deliveries"

    async def listed(state: str) -> list[dict[str, Any]]:
        answer = await client.get(path, params={"state": state})
        found: list[dict[str, Any]] = answer.json()["deliveries"]
        return found

    headers = {"authorization": admin.headers["authorization"]}
    async with httpx.AsyncClient(
        base_url=hooked.url, headers=headers, timeout=60.0, trust_env=False
    ) as client:
        sent = {"conversation": "ann", "channel": channel, "text": "hello"}
        assert (await client.post("/v2/messages?wait=20", json=sent)).status_code == 200
        await until(lambda: listed("delivered"))
        (delivery,) = await listed("delivered")
        again = await client.post(f"{path}/{delivery['number']}/redeliver")
        assert (again.status_code, again.json()["state"]) == (200, "pending")
        await until(lambda: len(receiver.received) == 2)
        assert await listed("failed") == []
    got, repeated = receiver.received
    event = verify(new["secret"], got.headers, got.body)
    assert event["data"]["body"]["text"] == "You said: hello"
    assert (delivery["event_id"], delivery["kind"]) == (got.id, "reply")
    assert (repeated.id, repeated.body) == (got.id, got.body)


def test_only_making_and_rotating_show_a_secret(admin: httpx.Client) -> None:
    new = made(admin, "https://crm.example/hooks")
    path = f"/v2/webhooks/{new['webhook']['id']}"
    rotated = admin.post(f"{path}/rotate").json()["secret"]
    assert rotated.startswith("whsec_")
    assert rotated != new["secret"]
    shown = admin.get("/v2/webhooks").text + admin.get(path).text
    changed = admin.patch(path, json={"description": "changed"})
    assert changed.json()["description"] == "changed"
    for secret in (new["secret"], rotated):
        assert secret not in shown + changed.text
    assert "secret" not in shown


def test_reading_needs_operate_and_changing_admin(hooked: Server, admin: httpx.Client) -> None:
    path = f"/v2/webhooks/{made(admin, 'https://crm.example/hooks')['webhook']['id']}"
    with hooked.client("operate") as operator, hooked.client("read", "send") as reader:
        for read in ("/v2/webhooks", path, f"{path}/deliveries"):
            assert operator.get(read).status_code == 200
            assert reader.get(read).status_code == 403
        for method, where in (
            ("POST", "/v2/webhooks"),
            ("PATCH", path),
            ("DELETE", path),
            ("POST", f"{path}/rotate"),
            ("POST", f"{path}/test"),
            ("POST", f"{path}/deliveries/1/redeliver"),
        ):
            body = {"url": "https://crm.example/"} if method == "POST" else {}
            assert operator.request(method, where, json=body).status_code == 403, where
    assert httpx.get(f"{hooked.url}/v2/webhooks").status_code == 401
    assert admin.get(path).json()["version"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "ftp://crm.example/"}, "url"),
        ({"url": "https://user:word@crm.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "https://crm.example:22/"}, "url"),
        ({"url": "https://crm.example/", "kinds": ["gossip"]}, "kinds[0]"),
        ({"url": "https://crm.example/", "channels": [""]}, "channels[0]"),
        ({"url": "https://crm.example/" + "x" * 2000}, "url"),
        ({}, "url"),
    ],
)
def test_what_is_wrong_is_named(admin: httpx.Client, body: dict[str, Any], field: str) -> None:
    answer = admin.post("/v2/webhooks", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json().get("field") in (field, None)
    assert field.partition("[")[0] in answer.text


def test_a_condition_holds_until_somebody_changes_it(admin: httpx.Client) -> None:
    path = f"/v2/webhooks/{made(admin, 'https://crm.example/hooks')['webhook']['id']}"
    tag = admin.get(path).headers["etag"]
    assert admin.get(path).headers["etag"] == tag
    condition = {"if-match": tag}
    first = admin.patch(path, json={"enabled": False}, headers=condition)
    assert (first.status_code, first.json()["enabled"]) == (200, False)
    second = admin.patch(path, json={"enabled": True}, headers=condition)
    assert (second.status_code, second.json()["code"]) == (412, "precondition_failed")


def test_the_tag_does_not_move_with_the_log(admin: httpx.Client) -> None:
    """A disabled webhook falls behind; that is no change that somebody made."""
    new = made(admin, "https://crm.example/hooks", enabled=False)
    path = f"/v2/webhooks/{new['webhook']['id']}"
    tag = admin.get(path).headers["etag"]
    admin.post("/v2/messages?wait=20", json={"conversation": "bob", "text": "hello"})
    behind = admin.get(path)
    assert behind.json()["position_lag"] > 0
    assert behind.headers["etag"] == tag


def test_a_test_says_what_came_back(admin: httpx.Client, receiver: Receiver) -> None:
    path = f"/v2/webhooks/{made(admin, receiver.url)['webhook']['id']}"
    receiver.reactions.append(Reaction(500, body=b"broken"))
    failed = admin.post(f"{path}/test").json()
    assert (failed["state"], failed["status_code"], failed["detail"]) == ("failed", 500, "broken")
    assert admin.post(f"{path}/test").json()["state"] == "delivered"
    assert receiver.kinds() == ["webhook.test"] * 2


def test_one_that_is_gone_is_not_found(admin: httpx.Client) -> None:
    path = f"/v2/webhooks/{made(admin, 'https://crm.example/hooks')['webhook']['id']}"
    assert admin.delete(path).status_code == 204
    for method, where in (
        ("GET", path),
        ("DELETE", path),
        ("PATCH", path),
        ("POST", f"{path}/test"),
        ("POST", f"{path}/rotate"),
        ("GET", f"{path}/deliveries"),
        ("POST", f"{path}/deliveries/1/redeliver"),
    ):
        body = {"json": {}} if method == "PATCH" else {}
        assert admin.request(method, where, **body).status_code == 404, where


def test_a_repeated_request_makes_one_webhook(admin: httpx.Client) -> None:
    headers = {"idempotency-key": uuid4().hex}
    body = {"url": "https://crm.example/hooks"}
    first = admin.post("/v2/webhooks", json=body, headers=headers).json()
    assert admin.post("/v2/webhooks", json=body, headers=headers).json() == first


def test_metrics_tell_of_deliveries(admin: httpx.Client, receiver: Receiver) -> None:
    new = made(admin, receiver.url)
    admin.post(f"/v2/webhooks/{new['webhook']['id']}/test")
    text = admin.get("/metrics").text
    assert "colloquy_webhook_seconds_count" in text
    assert "colloquy_webhook_lag_seconds" in text
    signals = admin.get("/v2/health").json()["signals"]
    assert any(signal["name"] == "webhooks" for signal in signals)


def test_the_log_has_no_secrets(
    tmp_path: Path, receiver: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = {name.replace("__", "."): value for name, value in LOCAL.items()}
    with Server(tmp_path, log_level="debug", **settings) as server, server.client() as client:
        new = made(client, receiver.url, kinds=["reply"])
        receiver.reactions.append(Reaction(500))
        client.post("/v2/messages?wait=20", json={"conversation": "ann", "text": "hello"})
        secret = client.post(f"/v2/webhooks/{new['webhook']['id']}/rotate").json()["secret"]
    out, err = capfd.readouterr()
    assert "webhook" in out + err
    assert new["secret"] not in out + err
    assert secret not in out + err
    database = (tmp_path / "test.db").read_bytes()
    for shown in (new["secret"], secret):
        assert shown.encode() not in database
