"""Openings of texts that were written before anybody felt anything."""

import pytest

from colloquy.model.reply import TONES
from colloquy.replies.wording import OPENINGS, opened

TEXT = "The flat is free from May."


def test_a_feeling_is_answered_first_and_not_always_alike() -> None:
    found = {opened(TEXT, "empathetic", "en", turn) for turn in range(4)}
    assert found == {f"{opening} {TEXT}" for opening in OPENINGS["en"]["empathetic"]}


@pytest.mark.parametrize("tone", ["neutral", "positive", "formal"])
def test_other_tones_add_nothing(tone: str) -> None:
    assert opened(TEXT, tone, "en", 0) == TEXT


@pytest.mark.parametrize(
    "text",
    ["Sorry, the flat is gone.", "I'm so sorry, it is gone.", "¡Gracias! Ya está.", "Leider nein."],
)
def test_a_text_that_opens_by_itself_is_left_alone(text: str) -> None:
    assert opened(text, "apologetic", "es" if text.startswith("¡") else "en", 0) == text


def test_languages() -> None:
    assert opened(TEXT, "apologetic", "de", 0).startswith("Das tut mir leid.")
    assert opened(TEXT, "apologetic", None, 0).startswith("I am sorry")
    assert opened(TEXT, "apologetic", "fi", 0) == TEXT
    assert opened("", "apologetic", "en", 0) == ""
    tones = {tone for by_tone in OPENINGS.values() for tone in by_tone}
    assert tones < set(TONES)
    assert len({frozenset(by_tone) for by_tone in OPENINGS.values()}) == 1
