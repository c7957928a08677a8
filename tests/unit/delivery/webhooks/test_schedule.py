"""What follows from an answer: delivered, again later, or failed."""

from __future__ import annotations

import random

import pytest

from colloquy.delivery.webhooks.posting import Answer, retry_after
from colloquy.delivery.webhooks.schedule import after_attempt
from colloquy.settings import WebhookSettings
from colloquy.storage.webhooks import DeliveryRow

NOW = 1_800_000_000_000_000
SETTINGS = WebhookSettings()


def delivery(attempts: int = 0) -> DeliveryRow:
    return DeliveryRow(1, "a" * 32, 7, 1, 2, "reply", NOW, "pending", attempts, NOW, None, "", None)


def after(answer: Answer, attempts: int = 0, seed: int = 1) -> DeliveryRow:
    return after_attempt(delivery(attempts), answer, SETTINGS, NOW, random.Random(seed))


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_success_is_every_2xx(status: int) -> None:
    found = after(Answer(status, "thanks", 12), attempts=3)
    assert (found.state, found.attempts, found.due_at) == ("delivered", 4, None)
    assert (found.status_code, found.detail, found.duration_ms) == (status, "thanks", 12)


@pytest.mark.parametrize("status", [None, 100, 199, 301, 304, 307, 400, 404, 500, 503])
def test_all_else_is_tried_again(status: int | None) -> None:
    found = after(Answer(status, "", 1))
    assert (found.state, found.attempts) == ("retry", 1)
    assert found.due_at is not None
    assert 5.0 <= (found.due_at - NOW) / 1e6 <= 5.5


def test_the_schedule_is_the_standards_and_then_it_has_failed() -> None:
    delays = [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
    seen = []
    for attempts in range(len(delays)):
        found = after(Answer(500, "", 1), attempts, seed=attempts)
        assert found.due_at is not None
        seen.append((found.due_at - NOW) / 1e6)
    for delay, real in zip(delays, seen, strict=True):
        assert delay <= real <= delay * 1.1
    assert len({real / delay for delay, real in zip(delays, seen, strict=True)}) == len(delays)
    last = after(Answer(500, "", 1), len(delays))
    assert (last.state, last.attempts, last.due_at) == ("failed", 8, None)


def test_gone_is_never_tried_again() -> None:
    assert after(Answer(410, "", 1)).state == "failed"


@pytest.mark.parametrize(
    ("asked_s", "wait_s"), [(1.0, 5.0), (60.0, 60.0), (1e9, 86_400.0), (float("inf"), 86_400.0)]
)
def test_a_receiver_may_ask_for_more_time_within_bounds(asked_s: float, wait_s: float) -> None:
    found = after(Answer(503, "", 1, asked_s))
    assert found.due_at is not None
    assert wait_s <= (found.due_at - NOW) / 1e6 <= wait_s * 1.1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Fri, 15 Jan 2027 08:01:00 GMT", 60.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Fri, 99 Jan 2027 08:01:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds
