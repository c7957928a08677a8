"""The assistants in `examples/`: they say what they are there to show."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import pytest

from support.markdown import ROOT

EXAMPLES = ROOT / "examples"


def example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_hello_knows_its_hours_and_has_a_fallback() -> None:
    with example("hello").app.test_client() as client:
        (hours,) = client.send("Are you open on Sunday?")
        (other,) = client.send("what is the capital of portugal")
    assert hours.text == "Monday to Friday, 9 to 18."
    assert other.text == "I only know our opening hours."
    assert other.quick_replies == ["When do you open?"]


def test_support_waits_for_the_shop_and_opens_one_ticket() -> None:
    support = example("support")
    with support.app.test_client() as client:
        (where,) = client.send("where is order #4711?", conversation="ann")
        (ticket,) = client.send("order #4712 is broken", conversation="bob")
        silence = client.send("#4712 is still broken", conversation="bob")
        owner = client.conversation("bob").owner
    assert where.text == "Order 4711 is on its way, due tomorrow."
    assert support.calls["4711"] == 2
    assert ticket.text == "I am sorry. T-4712 is open for you."
    assert support.calls["tickets"] == 1
    assert (silence, owner) == ([], "human")


def test_viewing_asks_books_reminds_and_cancels(monkeypatch: pytest.MonkeyPatch) -> None:
    viewing = example("viewing")
    monkeypatch.setattr(viewing, "REMIND_AFTER_S", 0.0)
    with viewing.app.test_client() as client:
        said = [
            client.send(text)[0].text
            for text in ("can i see the flat?", "2027-03-01 15:00", "Ann Lee", "cancel my viewing")
        ]
        replies = [event["body"] for event in client.events() if event["kind"] == "reply"]
    assert said[:2] == ["Gladly. Which day and time suit you?", "And your name?"]
    assert said[2].startswith("Done, Ann Lee: 2027-03-01T15:00")
    assert said[3].startswith("Your viewing on 2027-03-01T15:00")
    assert any(body["text"].startswith("Ann Lee, a reminder") for body in replies)
