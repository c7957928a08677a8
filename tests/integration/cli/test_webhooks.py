"""`colloquy webhooks`, through a server and on a database that nobody serves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from colloquy.webhooks import verify
from support.command_line import Shell
from support.receiver import LOCAL, Reaction, Receiver

ALLOWED = [
    word
    for name, value in LOCAL.items()
    for word in ("--set", f"{name.replace('__', '.')}={value}")
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def go_round(shell: Shell) -> None:
    """Makes one, looks at it, changes it, removes it."""
    made = shell(
        "webhooks", "add", "https://crm.example/hooks", "--kind", "reply", "--kind", "message",
        "--channel", "web", "--description", "CRM", "--json",
    ).json  # fmt: skip
    webhook = made["webhook"]["id"]
    assert made["secret"].startswith("whsec_")
    shown = shell("webhooks", "show", webhook, "--json").json
    assert shown == made["webhook"]
    assert (shown["kinds"], shown["channels"]) == (["message", "reply"], ["web"])
    assert [one["id"] for one in shell("webhooks", "list", "--json").json["webhooks"]] == [webhook]
    assert "https://crm.example/hooks" in shell("webhooks", "list").out
    assert shell("webhooks", "disable", webhook, "--json").json["enabled"] is False
    assert "state        disabled" in shell("webhooks", "show", webhook).out
    assert shell("webhooks", "enable", webhook, "--skip-missed", "--json").json["enabled"] is True
    rotated = shell("webhooks", "rotate", webhook)
    assert rotated.out.startswith("whsec_")
    assert rotated.out.strip() != made["secret"]
    failed = shell("webhooks", "test", webhook, code=1)
    assert failed.out.startswith("failed: no answer")
    (tried,) = shell("webhooks", "deliveries", webhook, "--json").json["deliveries"]
    assert (tried["kind"], tried["state"]) == ("webhook.test", "failed")
    assert "webhook.test" in shell("webhooks", "deliveries", webhook, "--state", "failed").out
    assert shell("webhooks", "deliveries", webhook, "--state", "retry").out == "No deliveries.\n"
    assert "sent again as msg_" in shell("webhooks", "redeliver", webhook, str(tried["number"])).out
    assert shell("webhooks", "remove", webhook).code == 0
    assert "error: not_found" in shell("webhooks", "show", webhook, code=1).err
    refused = shell("webhooks", "add", "http://crm.example/", code=1)
    assert "must begin with https://" in refused.err


def test_on_a_database_that_nobody_serves(alone: Shell) -> None:
    go_round(alone)


def test_through_a_server(shell: Shell) -> None:
    go_round(shell)


def test_a_test_reaches_the_receiver(alone: Shell, receiver: Receiver) -> None:
    made = alone("webhooks", "add", receiver.url, "--json", *ALLOWED).json
    receiver.reactions.append(Reaction(503, body=b"closed"))
    webhook = made["webhook"]["id"]
    failed = alone("webhooks", "test", webhook, *ALLOWED, code=1)
    assert failed.out.startswith("failed: HTTP 503 in ")
    assert failed.out.endswith("closed\n")
    passed = alone("webhooks", "test", webhook, "--json", *ALLOWED)
    assert (passed.code, passed.json["state"]) == (0, "delivered")
    for one in receiver.received:
        assert verify(made["secret"], one.headers, one.body)["type"] == "webhook.test"
