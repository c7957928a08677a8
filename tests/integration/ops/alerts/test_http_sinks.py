"""Webhook and Slack, to a real receiver on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from colloquy.model.alerts import Severity
from colloquy.ops.alerts.notices import RESOLVED, Notice
from colloquy.ops.alerts.sinks import Door, SlackSink, WebhookSink
from colloquy.settings import WebhookSettings
from colloquy.webhooks import InvalidSignature, encode_secret, verify
from support.receiver import Reaction, Receiver

KEY = b"k" * 32
HERE = WebhookSettings(allow_http=True, allow_networks=("127.0.0.0/8",))
NOTICE = Notice(
    "0a" * 16, "alert.opened", "disk", Severity.CRITICAL, "4 % is free", 0, {}, {"v": 4}
)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


async def test_a_webhook_is_signed_and_says_what_happened(receiver: Receiver) -> None:
    sink = WebhookSink(receiver.url, KEY, Door(HERE, 2.0))
    assert (await sink.send(NOTICE)).is_success
    await sink.close()
    (got,) = receiver.received
    event = verify(encode_secret(KEY), got.headers, got.body)
    assert got.id == "msg_" + "0a" * 16
    assert (event["type"], event["timestamp"]) == ("alert.opened", "1970-01-01T00:00:00.000000Z")
    assert event["data"]["message"] == "4 % is free"
    assert event["data"]["data"] == {"v": 4}
    with pytest.raises(InvalidSignature):
        verify(encode_secret(b"x" * 32), got.headers, got.body)


async def test_slack_gets_a_text(receiver: Receiver) -> None:
    sink = SlackSink(receiver.url, Door(HERE, 2.0))
    assert (await sink.send(NOTICE)).is_success
    assert (await sink.send(msgspec.structs.replace(NOTICE, type=RESOLVED))).is_success
    await sink.close()
    assert [one.event["text"] for one in receiver.received] == [
        ":rotating_light: critical: disk: 4 % is free",
        ":white_check_mark: resolved: disk: 4 % is free",
    ]
    assert "webhook-signature" not in receiver.received[0].headers


@pytest.mark.parametrize(
    ("status", "again"),
    [(500, True), (503, True), (429, True), (408, True), (404, False), (410, False), (302, False)],
)
async def test_only_a_busy_or_broken_receiver_is_tried_again(
    receiver: Receiver, status: int, again: bool
) -> None:
    headers = (("retry-after", "7"), ("location", receiver.url))
    receiver.reactions.append(Reaction(status, headers))
    sink = SlackSink(receiver.url, Door(HERE, 2.0))
    attempt = await sink.send(NOTICE)
    await sink.close()
    assert (attempt.is_success, attempt.again) == (False, again)
    assert attempt.retry_after_s == (7.0 if status in (429, 503) else None)
    assert len(receiver.received) == 1, "no redirect is followed"


async def test_addresses_that_are_not_public_are_refused(receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "localhost")
    sink = WebhookSink(url, KEY, Door(WebhookSettings(allow_http=True), 2.0))
    attempt = await sink.send(NOTICE)
    await sink.close()
    assert not attempt.is_success
    assert "not public" in attempt.detail
    assert receiver.received == []


async def test_a_receiver_that_hangs_is_left(receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(hang="before"))
    sink = WebhookSink(receiver.url, KEY, Door(HERE, 0.2))
    attempt = await sink.send(NOTICE)
    await sink.close()
    assert (attempt.is_success, attempt.again) == (False, True)
