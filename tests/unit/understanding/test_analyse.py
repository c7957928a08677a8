"""The analyser: order, isolation of what fails, bounds, and the bytes it yields."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.times import to_us
from colloquy.model.understanding import Emotion, Entity, Label, Understanding
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.analyse import MAX_ANALYSED, Analyser
from colloquy.understanding.emotion.feeling import FeelingReader
from colloquy.understanding.entities import dates
from colloquy.understanding.extension import Context
from colloquy.understanding.intent import ALGORITHM, Calibration, Guess, Header, IntentModel
from colloquy.understanding.loading import load_analyser
from colloquy.understanding.wire import Item, Understood

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


def test_entities_are_read_in_the_language_of_the_text() -> None:
    text = "Ich habe die Miete von 1.200 Euro schon am 5. Oktober bezahlt"
    (result,) = ANALYSER.analyse([item(text)])
    understanding = read(result)
    assert understanding.language == "de"
    day = understanding.entity("date")
    # Only the German grammar knows that this lies behind.
    assert day is not None and day.value == "2026-10-05"


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
        header = Header(ALGORITHM, "torn", ["greet"], 0, 1.0, Calibration(1.0, 0.0, 0.0))

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
    monkeypatch.setattr(dates, "ENGLISH", dates.ENGLISH._replace(days=explode))
    first, second = analyser.analyse([item("boom tomorrow for $5"), item("tomorrow for $5")])
    assert read(first).model == f"{analyser.version};failed=dates"
    assert [entity.label for entity in read(first).entities] == ["money"]
    assert read(second).model == analyser.version
    assert analyser.counters["failed_dates"] == 1


def test_without_feeling_no_emotion_is_read_and_the_result_says_so() -> None:
    text = "I am so frustrated with this!"
    analyser = load_analyser(PROPERTY_PACK, PROPERTY_MODEL)
    felt, unfelt = analyser.analyse([item(text), msgspec.structs.replace(item(text), feels=False)])
    assert (read(felt).emotion.label, read(felt).off) == ("frustrated", [])
    understanding = read(unfelt)
    assert understanding.emotion == Emotion()
    assert understanding.off == ["enable_emotional_intelligence"]
    assert understanding.polarity == read(felt).polarity < 0
    assert unfelt.cues.emotion == "neutral"
    assert analyser.counters["felt"] == 1


def test_a_feeling_that_cannot_be_read_is_counted_and_named() -> None:
    class Numb(FeelingReader):
        def read(self, texts: Any, tokens: Any, languages: Any) -> list[Emotion]:
            if "numb" in texts[0]:
                raise ValueError("no feeling here")
            return super().read(texts, tokens, languages)

    analyser = Analyser(feelings=Numb())
    first, second = analyser.analyse([item("numb"), item("I am so frustrated")])
    assert read(first).model.endswith(";failed=emotion")
    assert read(second).emotion.label == "frustrated"
    assert (analyser.counters["felt"], analyser.counters["failed_emotion"]) == (1, 1)
    assert analyser.errors == {"emotion": "ValueError: no feeling here"}


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


class Orders:
    """A user's own extractor and classifier in one."""

    name = "orders"
    version = "7"

    def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
        return [
            [Entity("order", 0, 4, text[:4], confidence=0.99)] if text.startswith("ord") else []
            for text in texts
        ]


class Broken:
    name = "broken"
    version = "1"

    def classify(self, texts: list[str], contexts: list[Context]) -> list[list[Label]]:
        return [[Label("fine", 0.9)] if "bad" not in text else 1 / 0 for text in texts]  # type: ignore[misc]


def test_users_own_extensions_take_part_and_harm_nobody() -> None:
    analyser = Analyser(extensions=[Orders(), Broken()])
    items = [Item("ord1 please", 0, None), Item("bad ord", 0, None)]
    first, second = (
        msgspec.json.decode(one.raw, type=Understanding) for one in analyser.analyse(items)
    )
    assert [one.label for one in first.entities] == ["order"]
    assert first.extra == {"broken": [{"name": "fine", "confidence": 0.9}]}
    assert second.extra == {} and second.model.endswith(";failed=broken")
    assert "orders@7" in first.model
