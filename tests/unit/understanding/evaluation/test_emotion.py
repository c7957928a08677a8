"""`colloquy eval emotion`: the forms of rows, groupings, scores, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.emotion.labels import FINE, grouped
from colloquy.understanding.evaluation.emotion import (
    examples_of,
    run,
    scores_of,
    weighted_f1,
)
from colloquy.understanding.evaluation.rows import EmotionRow

WORDS = {"joy": ("great", "lovely", "happy"), "anger": ("furious", "hate", "angry")}


def _file(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return path


def _rows(form: str, count: int = 10) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for number in range(count):
        for label, words in WORDS.items():
            for word in words:
                row: dict[str, Any] = {"text": f"i am {word} about number w{number}"}
                row |= {"labels": [label]} if form == "labels" else {"emotion": label}
                rows.append(row)
        rows.append(
            {"text": f"the bus w{number}"}
            | ({"labels": ["neutral"]} if form == "labels" else {"emotion": "neutral"})
        )
    return rows


@pytest.mark.parametrize("form", ["labels", "emotion"])
def test_what_is_easy_is_learned(tmp_path: Path, form: str) -> None:
    path = _file(tmp_path / "rows.jsonl", _rows(form))
    report = run(path, path)
    assert report.macro_f1 > 0.9
    assert report.macro_f1 == pytest.approx(np.mean(list(report.labels.values())))
    assert set(report.labels) == {"joy", "anger", "neutral"}
    assert report.baseline.micro_f1 == pytest.approx(3 / 7)
    assert report.train_rows == report.test_rows == 70
    assert report.ms_per_message > 0
    assert 0 <= report.ece <= 1


@pytest.mark.parametrize(
    ("grouping", "labels"),
    [("ekman", {"joy", "anger", "neutral"}), ("polarity", {"positive", "negative", "neutral"})],
)
def test_groupings(tmp_path: Path, grouping: str, labels: set[str]) -> None:
    path = _file(tmp_path / "rows.jsonl", _rows("labels"))
    assert set(run(path, path, labels=grouping).labels) == labels


def test_polarity_counts_the_sentiment_of_rows_that_have_one() -> None:
    row = EmotionRow("a", emotion="weird", sentiment="negative")
    assert examples_of([row], "polarity")[0][0].labels == ["negative"]
    with pytest.raises(InvalidInput, match="weird"):
        examples_of([EmotionRow("a", emotion="weird")], "polarity")


def test_what_was_said_before_comes_nearest_first_and_ends_with_the_dialogue() -> None:
    rows = [
        EmotionRow("one", emotion="joy", dialogue_id="d", speaker="A"),
        EmotionRow("two", emotion="joy", dialogue_id="d", speaker="B"),
        EmotionRow("three", emotion="joy", dialogue_id="d", speaker="A"),
        EmotionRow("four", emotion="joy", dialogue_id="e", speaker="A"),
        EmotionRow("five", emotion="joy"),
        EmotionRow("six", emotion="joy"),
    ]
    examples, kind = examples_of(rows, "28")
    assert kind == "single"
    assert [one.before for one in examples] == [
        [],
        [("one", False)],
        [("two", False), ("one", True)],
        [],
        [],
        [],
    ]


def test_wrong_input_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path / "rows.jsonl", _rows("labels"))
    other = _file(tmp_path / "other.jsonl", _rows("emotion"))
    with pytest.raises(NotFound):
        run(tmp_path / "none.jsonl", path)
    with pytest.raises(InvalidInput, match="one label per row"):
        run(path, other)
    with pytest.raises(InvalidInput, match="grouped"):
        run(path, path, labels="29")
    with pytest.raises(InvalidInput, match="no emotion"):
        examples_of([EmotionRow("a")], "28")
    with pytest.raises(InvalidInput, match="either"):
        examples_of([EmotionRow("a", emotion="x"), EmotionRow("b", labels=["x"])], "28")


def test_scores_by_hand() -> None:
    scores, by_label = scores_of(
        [["a"], ["a", "b"], ["neutral"]], [["a"], ["a"], ["b"]], ["a", "b", "neutral"]
    )
    assert by_label == {"a": 1.0, "b": 0.0, "neutral": 0.0}
    assert scores.macro_f1 == pytest.approx(1 / 3)
    assert scores.micro_f1 == pytest.approx(4 / 7)
    assert scores.micro_f1_not_neutral == pytest.approx(4 / 6)
    assert scores.weighted_f1 == pytest.approx(0.5)
    assert weighted_f1(np.array([0, 0, 1]), np.array([0, 1, 1])) == pytest.approx(2 / 3)


def test_the_28_are_grouped() -> None:
    assert len(FINE) == 28
    assert grouped(["annoyance", "anger", "joy"], "ekman") == ["anger", "joy"]
    assert grouped(FINE, "ekman") == [
        "anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise",
    ]  # fmt: skip
    assert grouped(FINE, "polarity") == ["ambiguous", "negative", "neutral", "positive"]
