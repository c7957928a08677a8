"""The demo's assistant, without a server: it is also the example that people read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from colloquy.demo.assistant import app, spoken
from colloquy.testing import TestClient


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with app.test_client() as client:
        yield client


def said(client: TestClient, key: str, text: str) -> str:
    return " | ".join(reply.text or "" for reply in client.send(text, conversation=key))


def test_a_viewing_is_booked_slot_by_slot_and_cancelled(client: TestClient) -> None:
    assert "Which day and time" in said(client, "ana", "I want to book a viewing")
    assert "name" in said(client, "ana", "Friday at 3pm")
    done = client.send("Ana Ruiz", conversation="ana")[0]
    assert done.text is not None
    assert done.text.startswith("Done, Ana Ruiz: viewing V-")
    assert ", 15:00." in done.text
    assert done.quick_replies == ["Thanks!", "Cancel my viewing"]
    assert "is cancelled" in said(client, "ana", "i need to cancel my viewing")
    assert "nothing to cancel" in said(client, "ana", "i need to cancel my viewing")


def test_what_was_said_at_once_is_not_asked_again(client: TestClient) -> None:
    assert "name" in said(client, "ben", "Can I see the flat tomorrow at 5pm?")
    assert said(client, "ben", "Ben Okafor").startswith("Done, Ben Okafor")


def test_prices_repairs_and_invoices(client: TestClient) -> None:
    assert "$1,150" in said(client, "c", "how much is the rent for the studio?")
    assert "$1,900" in said(client, "c", "what's the rent for the 2-bedroom on Oak Street?")
    assert "from $1,150" in said(client, "c", "how much is the rent")
    assert "within the hour" in said(
        client, "c", "Water is leaking through the ceiling, it's urgent!!"
    )
    assert "paid on the 3rd" in said(client, "c", "I was charged twice for invoice #4692")


def test_the_bug_left_on_purpose_ends_in_the_dead_letters(client: TestClient) -> None:
    assert "went wrong" in said(client, "hugo", "I was charged twice for invoice #4711")
    assert client.conversation("hugo").owner == "human"


def test_a_complaint_is_passed_on_and_then_nothing_is_answered(client: TestClient) -> None:
    angry = "This is unacceptable. The heating is broken for weeks and nobody answers!"
    assert "Maya" in said(client, "frank", angry)
    assert said(client, "frank", "hello?") == ""


def test_times_as_they_are_spoken() -> None:
    assert spoken("2026-11-27T15:00:00-05:00") == "Friday 27 November, 15:00"
    assert spoken("some day") == "some day"
