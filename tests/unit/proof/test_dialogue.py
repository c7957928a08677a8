"""Made-up dialogues have the measured lengths; files of both forms are read."""

from __future__ import annotations

import gzip
import random
from itertools import islice
from pathlib import Path

import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.proof.dialogue import (
    LENGTHS,
    PERCENTS,
    Dialogue,
    endless,
    made_up,
    make_text,
    quantile,
    read_dialogues,
)


def test_the_lengths_are_those_of_people() -> None:
    chance = random.Random(1)
    lengths = sorted(len(make_text(chance)) for _ in range(20_000))
    mean = sum(lengths) / len(lengths)
    assert 37 < mean < 45  # 40.5 was measured
    for percent, expected in zip(PERCENTS, LENGTHS, strict=True):
        if 10 <= percent <= 99:
            found = lengths[int(percent / 100 * len(lengths))]
            assert abs(found - expected) <= max(4, 0.12 * expected), (percent, found, expected)


def test_values_and_digits_are_as_frequent_as_measured() -> None:
    chance = random.Random(2)
    texts = [make_text(chance) for _ in range(5_000)]
    digits = sum(any(sign.isdigit() for sign in text) for text in texts) / len(texts)
    assert 0.1 < digits < 0.22  # 0.16 was measured


def test_the_number_of_turns_is_that_of_people() -> None:
    turns = [len(dialogue.texts) for dialogue in islice(made_up(3), 4_000)]
    assert 8.7 < sum(turns) / len(turns) < 9.7  # 9.2 was measured
    assert min(turns) >= 2
    assert max(turns) <= 20


def test_the_same_seed_says_the_same() -> None:
    assert list(islice(made_up(7), 5)) == list(islice(made_up(7), 5))
    assert list(islice(made_up(7), 5)) != list(islice(made_up(8), 5))


def test_no_text_is_empty() -> None:
    chance = random.Random(4)
    assert all(make_text(chance).strip() for _ in range(5_000))


@pytest.mark.parametrize(("share", "expected"), [(0, 1), (0.5, 34), (1, 283), (0.15, 18)])
def test_quantiles_between_the_rows(share: float, expected: float) -> None:
    assert quantile(LENGTHS, share) == pytest.approx(expected)


def test_both_forms_of_files(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wb") as file:
        file.write(
            b'{"id": "x", "turns": [{"speaker": "USER", "text": "hi"},'
            b' {"speaker": "SYSTEM", "text": "hello"}, {"speaker": "user", "text": "bye"}]}\n'
        )
    (tmp_path / "b.jsonl").write_bytes(
        b'{"conversation_id": "y", "text": "one"}\n{"conversation_id": "y", "text": "two"}\n'
        b'{"other": 1}\n{"text": "alone"}\n{"text": " "}\n[]\n'
    )
    assert read_dialogues(tmp_path) == [
        Dialogue("x", ["hi", "bye"]),
        Dialogue("y", ["one", "two"]),
        Dialogue("b.jsonl/4", ["alone"]),
    ]


def test_a_folder_without_dialogues(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_dialogues(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b'{"a": 1}\n')
    with pytest.raises(InvalidInput, match="no text"):
        read_dialogues(tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b"{\n")
    with pytest.raises(InvalidInput, match=r"line 1 of .*a\.jsonl"):
        read_dialogues(tmp_path)


def test_dialogues_come_again_under_another_key() -> None:
    found = list(islice(endless([Dialogue("a", ["x"]), Dialogue("b", ["y"])]), 3))
    assert [one.key for one in found] == ["a#0", "b#0", "a#1"]
