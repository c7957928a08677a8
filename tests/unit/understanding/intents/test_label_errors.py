"""Suspected label errors, on probabilities made up for the purpose."""

from __future__ import annotations

import numpy as np

from colloquy.understanding.intents.label_errors import CLEAR, Suspect, suspects

LABELS = ["a", "b", "c"]


def test_only_what_looks_like_another_label_as_much_as_its_own_examples_do() -> None:
    found = suspects(
        np.array(
            [
                [0.90, 0.05, 0.05],
                [0.90, 0.05, 0.05],
                [0.02, 0.96, 0.02],  # looks like b more than b's own do: suspect
                [0.10, 0.85, 0.05],
                [0.20, 0.70, 0.10],
                [0.48, 0.02, 0.50],  # a is likelier, but less than a usually is: hard, no error
            ]
        ),
        ["a", "a", "a", "b", "b", "b"],
        LABELS,
    )
    assert found == [Suspect(2, "b", round(0.96 / 0.98, 4))]


def test_the_surest_come_first_and_ties_stay_in_order() -> None:
    sure, clear = [0.99, 0.01, 0.0], [0.90, 0.10, 0.0]
    found = suspects(
        np.array([[0.8, 0.1, 0.1], clear, sure, sure, [0.0, 0.1, 0.9]]),
        ["a", "b", "b", "b", "c"],
        LABELS,
    )
    assert [one.row for one in found] == [2, 3, 1]
    assert all(one.suggested == "a" and one.confidence >= CLEAR for one in found)


def test_a_label_without_examples_is_never_suggested() -> None:
    found = suspects(np.array([[0.002, 0.048, 0.95]] * 3), ["a", "b", "b"], LABELS)
    assert found == [Suspect(0, "b", 0.96)]


def test_no_rows() -> None:
    assert suspects(np.zeros((0, 3)), [], LABELS) == []
