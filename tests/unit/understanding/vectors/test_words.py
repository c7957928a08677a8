"""The vectors of words: what is near, what is the same whatever lies beside it, the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.intent import tokens_of
from colloquy.understanding.vectors.words import (
    SHIPPED,
    WIDTH,
    WordVectors,
    load_words,
    pack_vectors,
)


def cosine(first: str, second: str) -> float:
    one, other = load_words().of_texts([tokens_of(first), tokens_of(second)])
    return float(one @ other)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        ("i want my money back", "please reimburse me", "the flight was cancelled"),
        ("i need a doctor", "where is the hospital", "book a table for two"),
        ("my parcel is late", "where is my package", "i love this song"),
    ],
)
def test_texts_of_one_meaning_are_nearer_than_others(text: str, near: str, far: str) -> None:
    assert cosine(text, near) > cosine(text, far) + 0.1


def test_a_text_has_length_one_or_none_and_depends_on_no_other() -> None:
    texts = [["hello", "there"], [], ["zzqxj"], ["refund"] * 300]
    whole = load_words().of_texts(texts)
    assert np.allclose(np.linalg.norm(whole, axis=1), [1, 0, 0, 1], atol=1e-5)
    for row, text in zip(whole, texts, strict=True):
        assert (load_words().of_texts([text])[0] == row).all()


def test_what_is_not_in_the_table() -> None:
    assert load_words().find("zzqxj") is None
    assert load_words().find("\ud800") is None
    assert load_words().find("") is None
    found = load_words().find("hello")
    assert found is not None and found.shape == (WIDTH,)


def test_a_table_comes_back_from_its_file(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).normal(size=(3, WIDTH)).astype(np.float32)
    table = pack_vectors(["b", "a", "ü"], vectors)
    table.save(tmp_path / "words.model")
    again = WordVectors.load(tmp_path / "words.model")
    assert again.version == table.version and len(again) == 3
    for word, vector in zip(["b", "a", "ü"], vectors, strict=True):
        found = again.find(word)
        assert found is not None and np.abs(found - vector).max() < np.abs(vector).max() / 200


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no word vectors at"):
        WordVectors.load(tmp_path / "none.model")
    for content, why in [
        (b"", "is empty"),
        (b"something else", "has no word vectors"),
        (SHIPPED.read_bytes()[:-40], "checksum"),
        (SHIPPED.read_bytes()[:5000] + b"x" + SHIPPED.read_bytes()[5001:], "checksum"),
    ]:
        (tmp_path / "bad.model").write_bytes(content)
        with pytest.raises(InvalidInput, match=why):
            WordVectors.load(tmp_path / "bad.model")


def test_the_card_is_of_the_file_that_is_shipped() -> None:
    assert f"# Word vectors {load_words().version}\n" in SHIPPED.with_suffix(".md").read_text()


def test_vectors_of_words_are_those_of_each() -> None:
    table = pack_vectors(["a", "b"], np.eye(2, WIDTH, dtype=np.float32))
    found = table.of_words(["b", "unknown", "a", "b"])
    assert found.shape == (4, WIDTH)
    np.testing.assert_array_equal(found[0], table.find("b"))
    np.testing.assert_array_equal(found[2], table.find("a"))
    np.testing.assert_array_equal(found[3], found[0])
    assert not found[1].any()
    assert table.of_words([]).shape == (0, WIDTH)
