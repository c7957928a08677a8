"""How word vectors are learned: least squares with a pull, texts out of files."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.vectors.distil import PULL, _moved, _sums, main, texts_of


def test_the_vectors_are_the_least_squares_solution() -> None:
    chance = np.random.default_rng(1)
    texts = ["a b", "b c", "a c c", "d", "a b c d", "nothing known"]
    words, weights = ["a", "b", "c", "d"], np.array([1.0, 0.5, 0.25, 1.0])
    sums = _sums(words, weights, texts)
    assert sums.shape == (6, 4)
    assert np.allclose(sums.toarray()[2], [1 / 1.5, 0, 2 / 1.5, 0])
    assert sums.toarray()[5].sum() == 0
    wanted, start = chance.normal(size=(6, 3)), chance.normal(size=(4, 3))
    plain = sums.toarray()
    exact = np.linalg.solve(plain.T @ plain + PULL * np.eye(4), plain.T @ wanted + PULL * start)
    assert np.allclose(_moved(sums, wanted, start), exact, atol=1e-5)


def test_texts_are_found_however_deep(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    rows = b'{"text": "one", "turns": [{"text": "two", "id": "x"}]}\n\n[{"text": 3}]\n'
    path.write_bytes(gzip.compress(rows))
    assert texts_of(path) == ["one", "two"]


def test_bad_files_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "one"}\n{"text"\n')
    with pytest.raises(InvalidInput, match=r"rows\.jsonl:2"):
        texts_of(path)
    with pytest.raises(NotFound):
        texts_of(tmp_path / "none.jsonl")
    assert main([str(path)]) == 1
    assert "rows.jsonl:2" in capsys.readouterr().err
