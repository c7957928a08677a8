"""Which language a text is in; what does not say so is left alone."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding import language
from colloquy.understanding.language import Detected, LanguageDetector

DETECTOR = LanguageDetector()

SENTENCES = {
    "en": "Could you tell me whether the flat is still available?",
    "de": "Ich möchte die Wohnung gerne am Wochenende besichtigen.",
    "fr": "Est-ce que l'appartement est encore disponible cette semaine ?",
    "es": "Quisiera saber cuánto cuesta el alquiler de este piso.",
    "it": "Vorrei sapere se l'appartamento è ancora disponibile.",
    "nl": "Ik zou graag willen weten wanneer ik kan komen kijken.",
    "pl": "Chciałbym się dowiedzieć, ile kosztuje to mieszkanie.",
    "ru": "Скажите, пожалуйста, квартира ещё свободна?",
    "ar": "هل ما زالت الشقة متاحة للإيجار هذا الشهر؟",
    "zh": "这套公寓下周还可以看吗？我的预算是8000元。",
    "ja": "このアパートはまだ空いていますか？",
    "ko": "이 아파트는 아직 비어 있습니까?",
    "el": "Είναι ακόμα διαθέσιμο το διαμέρισμα;",
    "th": "อพาร์ตเมนต์นี้ยังว่างอยู่ไหม",
}


@pytest.mark.parametrize(("expected", "text"), SENTENCES.items())
def test_sentences(expected: str, text: str) -> None:
    (found,) = DETECTOR.detect([text])
    assert found.language == expected
    assert 0.5 <= found.confidence <= 1.0


@pytest.mark.parametrize(
    "text",
    ["", " ", "?!", "12345", "😀", "ok", "Si", "no", "super", "OK thanks", "a@b.example", "Jo Li"],
)
def test_what_does_not_say_its_language(text: str) -> None:
    assert DETECTOR.detect([text]) == [Detected(None, 0.0)]


def test_addresses_and_numbers_are_no_words() -> None:
    text = "Schreiben Sie mir bitte an the.you.and@what.example oder rufen Sie 555 01 02 an"
    assert DETECTOR.detect([text])[0].language == "de"


def test_capitals_are_read_as_letters() -> None:
    assert DETECTOR.detect([SENTENCES["de"].upper()])[0].language == "de"


def test_borrowed_english_leaves_a_sentence_its_language() -> None:
    text = "Bitte schicken Sie mir das how-to, damit ich das time sheet ausfüllen kann, thank you"
    assert DETECTOR.detect([text])[0].language == "de"


def test_a_quoted_word_in_another_script_is_not_the_language() -> None:
    text = "What does the sign with the word 出口 above the door mean in our language?"
    assert DETECTOR.detect([text])[0].language == "en"


def test_without_the_library_scripts_and_english_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "find_spec", lambda name: None)
    detector = LanguageDetector()
    texts = [SENTENCES[name] for name in ("en", "zh", "de", "ru")]
    assert [found.language for found in detector.detect(texts)] == ["en", "zh", None, None]
    assert detector.version != DETECTOR.version


def test_results_do_not_depend_on_batch_or_order() -> None:
    texts = [*SENTENCES.values(), "ok", "", "hello there"] * 2
    together = LanguageDetector().detect(texts)
    mixed = list(range(len(texts)))
    random.Random(5).shuffle(mixed)
    again = LanguageDetector().detect([texts[index] for index in mixed])
    assert [together[index] for index in mixed] == again
    assert together == [LanguageDetector().detect([text])[0] for text in texts]


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "MAX_CACHED", 10)
    detector = LanguageDetector()
    for number in range(50):
        detector.detect([f"the house of number {'x' * number}"])
    assert len(detector._cache) <= 11


@given(st.text(max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    (found,) = DETECTOR.detect([text])
    assert (found.language is None) == (found.confidence == 0.0)
    assert 0.0 <= found.confidence <= 1.0
