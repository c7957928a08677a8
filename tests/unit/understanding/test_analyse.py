"""The analyser: order, isolation of what fails, bounds, and the bytes it yields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.times import to_us
from colloquy.model.understanding import Understanding
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.analyse import MAX_ANALYSED, Analyser, Item, Understood
from colloquy.understanding.compute import load_analyser
from colloquy.understanding.entities import dates
from colloquy.understanding.intent import Guess, IntentModel

NOW = to_us(datetime(2026, 11, 21, 15, 0, tzinfo=UTC))
ANALYSER = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)


def item(text: str) -> Item:
    return Item(text, NOW, "America/New_York", "US")


def read(result: Understood) -> Understanding:
    return msgspec.json.decode(result.raw, type=Understanding)


def test_one_message() -> None:
    (result,) = ANALYSER.analyse([item("URGENT: can I see the studio tomorrow at 5pm? Love it!")])
    understanding = read(result)
    assert (result.intent, result.urgent) == ("book_viewing", True)
    assert understanding.intent == result.intent
    assert understanding.confidence == result.confidence >= 0.75
    assert understanding.polarity > 0.3
    assert understanding.model == ANALYSER.version
    moment = understanding.entity("datetime")
    assert moment is not None and moment.value == "2026-11-22T17:00:00-05:00"
    kind = understanding.entity("property_type")
    assert kind is not None and kind.value == "studio"


def test_results_come_in_the_order_of_the_items() -> None:
    texts = ["hi", "", "bye", "my sink is leaking", "qwertz", "$5"] * 20
    results = ANALYSER.analyse([item(text) for text in texts])
    alone = {text: ANALYSER.analyse([item(text)])[0] for text in set(texts)}
    assert [result.raw for result in results] == [alone[text].raw for text in texts]
    assert ANALYSER.analyse([]) == []


def test_out_of_scope_has_a_guess_but_no_intent() -> None:
    (result,) = ANALYSER.analyse([item("who painted the mona lisa")])
    assert result.intent is None
    assert read(result).guess is not None


def test_a_small_lead_is_ambiguous() -> None:
    class Torn(IntentModel):
        def __init__(self) -> None:
            pass

        version = "torn"

        def classify(self, texts: list[list[str]]) -> list[Guess]:
            return [Guess("greet", 0.9, 0.05) for _ in texts]

    (result,) = Analyser(None, Torn()).analyse([item("hi")])
    assert result.intent is None
    assert read(result).guess == "greet"


def test_without_pack_and_model() -> None:
    (result,) = Analyser().analyse([item("tomorrow")])
    assert result.intent is None
    assert [entity.label for entity in read(result).entities] == ["date"]


def test_a_part_that_raises_is_left_out_for_that_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(text: str, *rest: Any) -> Any:
        if "boom" in text:
            raise RuntimeError("boom")
        return iter(())

    analyser = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)
    monkeypatch.setattr(dates, "days_in", explode)
    first, second = analyser.analyse([item("boom tomorrow for $5"), item("tomorrow for $5")])
    assert read(first).model == f"{analyser.version};failed=dates"
    assert [entity.label for entity in read(first).entities] == ["money"]
    assert read(second).model == analyser.version
    assert analyser.counters["failed_dates"] == 1


def test_a_classifier_that_raises_fails_that_text_only(monkeypatch: pytest.MonkeyPatch) -> None:
    analyser = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)
    real = IntentModel.classify

    def classify(self: IntentModel, texts: list[list[str]]) -> list[Guess]:
        if any("boom" in words for words in texts):
            raise RuntimeError("boom")
        return real(self, texts)

    monkeypatch.setattr(IntentModel, "classify", classify)
    first, second = analyser.analyse([item("boom"), item("hello")])
    assert read(first).model.endswith(";failed=intent")
    assert second.intent == "greet"
    assert analyser.counters["failed_intent"] == 1


def test_only_the_first_characters_are_analysed() -> None:
    long = "a " * (MAX_ANALYSED // 2) + "tomorrow"
    (result,) = ANALYSER.analyse([item(long)])
    assert read(result).entities == []


HOSTILE = [
    "1" * 100_000,
    "1 " * 50_000,
    "a@" * 50_000,
    "http://" * 15_000,
    "$" * 100_000,
    "one hundred " * 9_000,
    "next friday at " * 7_000,
    "half past " * 10_000,
    "(" * 100_000,
    "1-" * 50_000,
    "😀" * 100_000,
    "\u0000" * 100_000,
    "call +" + "1 (" * 30_000,
    "a." * 50_000 + "com",
    "the " * 25_000,
    "not " * 25_000,
    "URGENT!!" * 12_000,
    "no no not urgent " * 6_000,
    "order " * 16_000,
    "1,000," * 16_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=[text[:12] for text in HOSTILE])
def test_hostile_texts_cost_a_bounded_number_of_steps(text: str) -> None:
    """No quadratic pattern: ten times the text costs at most about ten times as much."""
    half, full = text[: MAX_ANALYSED // 10], text[:MAX_ANALYSED]
    best = {}
    for name, part in (("half", half), ("full", full)):
        best[name] = min(ANALYSER.analyse([item(part)])[0].micros for _ in range(3))
    assert best["full"] < 60 * max(best["half"], 100)


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_text_gets_a_result(texts: list[str]) -> None:
    results = ANALYSER.analyse([item(text) for text in texts])
    assert len(results) == len(texts)
    for result in results:
        assert "failed" not in read(result).model


def test_lone_surrogates_are_repaired() -> None:
    (result,) = ANALYSER.analyse([item("see http://x.org/\ud800 \udfff tomorrow")])
    assert [entity.text for entity in read(result).entities] == ["http://x.org/\ufffd", "tomorrow"]
