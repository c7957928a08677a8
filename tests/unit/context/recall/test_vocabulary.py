"""Words, their terms and their vectors; bounded."""

from __future__ import annotations

import numpy as np
import pytest

from colloquy.context.recall import Vocabulary
from colloquy.context.recall.vocabulary import SHORTEST, words_of
from colloquy.understanding.vectors.words import load_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("It's Ann's 'dog'", ["it's", "ann's", "dog"]),
        ("It\u2019s a caf\u00e9", ["it's", "a", "caf\u00e9"]),
        ("Stra\u00dfe/Weg_7", ["stra\u00dfe", "weg", "7"]),
        ("a_b-c.d", ["a", "b", "c", "d"]),
        ("' ' ...", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_two_forms_of_a_word_have_one_term_and_function_words_none() -> None:
    vocabulary = Vocabulary(load_words())
    read = vocabulary.read([words_of("the planned plan"), [], words_of("of a Plan")])
    assert len(set(read.terms.tolist())) == 1
    assert read.texts.tolist() == [0, 0, 2]


def test_sums_are_those_of_the_words_with_long_vectors() -> None:
    words = load_words()
    vocabulary = Vocabulary(words)
    texts = [words_of("the dog and the camping trip with 42 dogs"), [], ["xqzt"], ["dog"]] * 40
    sums = vocabulary.read(texts).sums
    for text, found in zip(texts, sums, strict=True):
        vectors = [words.find("0" if word.isdigit() else word) for word in text]
        telling = [one for one in vectors if one is not None and one @ one >= SHORTEST**2]
        expected = np.sum(telling, axis=0) if telling else np.zeros_like(found)
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_it_keeps_is_bounded_and_comes_back_the_same() -> None:
    bounded, whole = Vocabulary(load_words(), most=8), Vocabulary(load_words())
    texts = [words_of(text) for text in ("dogs bark", "cats meow", "we camp in tents", "dogs bark")]
    for text in texts:
        for _ in range(2):
            found, expected = bounded.read([text]), whole.read([text])
            assert found.terms.tolist() == expected.terms.tolist()
            np.testing.assert_array_equal(found.sums, expected.sums)


def test_more_words_at_once_than_there_is_room_for_lose_vectors_only() -> None:
    bounded, whole = Vocabulary(load_words(), most=4), Vocabulary(load_words())
    text = words_of("dogs cats tents camping puppies bread rent flat")
    found, expected = bounded.read([text]), whole.read([text])
    assert found.terms.tolist() == expected.terms.tolist()
    assert np.linalg.norm(found.sums) > 0
    assert not np.allclose(found.sums, expected.sums)
    np.testing.assert_array_equal(bounded.read([["bread"]]).sums, whole.read([["bread"]]).sums)
