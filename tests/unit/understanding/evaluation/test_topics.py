"""Pk, WindowDiff and F1 of boundaries, and the report over two files."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding.evaluation.rows import TopicRow, TurnRow
from colloquy.understanding.evaluation.topics import (
    baselines,
    pk,
    run,
    scores_of,
    window_diff,
)


def test_scores_by_hand() -> None:
    """Eight turns, boundary at 4: k is 2, windows end at turns 2 to 7."""
    assert pk([4], [4], 8) == window_diff([4], [4], 8) == 0.0
    # Windows that hold turn 4 end at 4 and 5; those that hold 5 at 5 and 6.
    assert pk([4], [5], 8) == window_diff([4], [5], 8) == pytest.approx(2 / 6)
    assert pk([4], [], 8) == pytest.approx(2 / 6)
    # Two found next to one: the window that ends at 5 holds two of them.
    assert pk([4], [4, 5], 8) == pytest.approx(1 / 6)
    assert window_diff([4], [4, 5], 8) == pytest.approx(2 / 6)


def test_a_dialogue_shorter_than_a_window_counts_as_right() -> None:
    assert pk([1], [], 2) == window_diff([1], [], 2) == 0.0


def test_f1_is_over_all_dialogues_and_the_others_are_means() -> None:
    turns = [TurnRow("x")] * 8
    rows = [TopicRow(turns, [4]), TopicRow(turns, [2, 4, 6])]
    found = scores_of(rows, [[4], []])
    assert found.f1 == pytest.approx(2 * 1 / (1 + 4))
    assert found.pk == pytest.approx((0 + pk([2, 4, 6], [], 8)) / 2)


@given(st.integers(1, 12), st.data())
def test_scores_lie_between_none_and_one(turns: int, data: st.DataObject) -> None:
    places = st.lists(st.integers(1, turns - 1), unique=True) if turns > 1 else st.just([])
    wanted, found = data.draw(places), data.draw(places)
    assert 0.0 <= pk(wanted, found, turns) <= window_diff(wanted, found, turns) <= 1.0
    assert pk(wanted, wanted, turns) == window_diff(wanted, wanted, turns) == 0.0


def test_even_boundaries_have_the_mean_length_of_what_was_known() -> None:
    known = [TopicRow([TurnRow("x")] * 6, [3])]
    asked = [TopicRow([TurnRow("x")] * 9, [3, 6])]
    assert baselines(known, asked)["even"].f1 == 1.0
    assert baselines(known, asked)["none"].f1 == 0.0


def written(path: Path, subjects: tuple[str, ...]) -> Path:
    rows = []
    for one, other in itertools.permutations(subjects, 2):
        turns = [
            TurnRow(text)
            for name in (one, other)
            for text in (f"hello about the {name}", f"the {name} is good", f"good {name} indeed")
        ]
        rows.append(TopicRow(turns, [3], f"{one}-{other}"))
    path.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    return path


def test_a_report_of_two_files(tmp_path: Path) -> None:
    train = written(tmp_path / "train.jsonl", ("garden", "train", "museum", "hotel"))
    test = written(tmp_path / "test.jsonl", ("castle", "bridge", "harbour"))
    said: list[str] = []
    report = run(train, test, progress=said.append)
    assert (report.train_rows, report.test_rows) == (12, 6)
    assert report.f1 == report.labels["boundary"] == 1.0
    assert report.pk == report.windowdiff == 0.0
    assert report.ms_per_message > 0
    assert set(report.baseline) == {"cohesion", "none", "even"}
    assert len(said) == 2
