"""Calibration and thresholds over made-up scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from colloquy.understanding.emotion.thresholds import (
    Platt,
    best_offsets,
    best_thresholds,
    chosen_labels,
    expected_threshold,
    fit_platt,
    folds_of,
    logit,
    sigmoid,
    softmax,
)


def _drawn(rows: int, slope: float, offset: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and truths that are drawn with probability sigmoid(slope · score + offset)."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=(rows, 1))
    return scores, random.random((rows, 1)) < sigmoid(slope * scores + offset)


def test_platt_finds_the_curve_the_truth_was_drawn_from() -> None:
    scores, truth = _drawn(20_000, 2.5, -1.0)
    fitted = fit_platt(scores, truth)
    assert fitted.slopes == pytest.approx([2.5], abs=0.15)
    assert fitted.offsets == pytest.approx([-1.0], abs=0.1)


def test_calibration_bends_where_high_scores_promise_too_much() -> None:
    random = np.random.default_rng(4)
    scores = random.normal(0, 3, (20_000, 1))
    kept = np.where(scores < 0, scores, 0.3 * scores)
    truth = random.random(scores.shape) < sigmoid(kept)
    fitted = fit_platt(scores, truth)
    straight = Platt(fitted.slopes, fitted.offsets)
    sure = scores[:, 0] > 4
    kept_there = truth[sure, 0].mean()
    assert fitted.apply(scores)[sure, 0].mean() == pytest.approx(kept_there, abs=0.03)
    assert straight.apply(scores)[sure, 0].mean() > kept_there + 0.1


def test_a_higher_score_is_never_less_likely() -> None:
    random = np.random.default_rng(5)
    scores = random.normal(0, 3, (3_000, 1))
    truth = random.random(scores.shape) < sigmoid(np.where(scores < 1, scores, 2 - scores))
    found = fit_platt(scores, truth).apply(np.linspace(-9, 9, 50)[:, None])[:, 0]
    assert (np.diff(found) > 0).all()


def test_platt_bears_few_far_away_positives() -> None:
    random = np.random.default_rng(3)
    truth = np.arange(5_000) < 150
    scores = np.where(truth, random.normal(4.0, 3.0, 5_000), random.normal(-6.0, 0.5, 5_000))
    found = fit_platt(scores[:, None], truth[:, None]).apply(scores[:, None])[:, 0]
    assert found.mean() == pytest.approx(truth.mean(), rel=0.05)
    assert found[scores > 0].mean() > 0.9 > 0.1 > found[scores < -5].mean()


def test_platt_of_separable_or_constant_scores_is_finite_and_never_certain() -> None:
    for scores in (np.array([[0.0], [0.0], [1.0], [1.0]]), np.zeros((4, 1))):
        fitted = fit_platt(scores, np.array([[False], [False], [True], [True]]))
        found = fitted.apply(scores)
        assert np.isfinite(found).all()
        assert ((found > 0.01) & (found < 0.99)).all()


def test_the_best_threshold_reaches_the_best_f1_of_all_cuts() -> None:
    scores, truth = _drawn(4_000, 2.0, -2.0, seed=1)
    found = sigmoid(2.0 * scores - 2.0)
    threshold = best_thresholds(found, truth, faith=0.0)[0]

    def f1(cut: float) -> float:
        taken = found[:, 0] >= cut
        return float(2 * (taken & truth[:, 0]).sum() / (taken.sum() + truth.sum()))

    assert f1(threshold) >= max(f1(cut) for cut in np.linspace(0.01, 0.99, 99)) - 0.01


def test_a_rare_label_follows_its_probabilities_and_not_its_few_rows() -> None:
    found = np.linspace(0.01, 0.5, 500)[:, None]
    truth = np.zeros((500, 1), bool)
    truth[120] = True  # one positive, somewhere low
    expected = expected_threshold(found[:, 0])
    drawn = best_thresholds(found, truth)[0]
    assert abs(drawn - expected) < 0.02
    assert abs(best_thresholds(found, truth, faith=0.0)[0] - expected) > 0.05


def test_a_label_without_rows_gets_the_expected_threshold() -> None:
    found = np.array([[0.1], [0.4], [0.2]])
    none = best_thresholds(found, np.zeros((3, 1), bool))
    assert none[0] == expected_threshold(found[:, 0])


def test_no_row_is_without_label() -> None:
    chosen = chosen_labels(np.array([[0.1, 0.2], [0.9, 0.8], [0.3, 0.05]]), np.array([0.5, 0.3]))
    assert chosen.tolist() == [[False, True], [True, True], [True, False]]


def test_offsets_bring_back_a_label_that_never_wins() -> None:
    random = np.random.default_rng(2)
    targets = (random.random(2_000) < 0.2).astype(np.intp)
    second = np.clip(0.25 + 0.15 * targets + random.normal(0, 0.05, 2_000), 0.01, 0.99)
    found = np.stack([1 - second, second], axis=1)

    def worth(right: np.ndarray, taken: np.ndarray) -> float:
        hits = int(((right == 1) & (taken == 1)).sum())
        return 2 * hits / max(1, int((right == 1).sum() + (taken == 1).sum()))

    before = worth(targets, found.argmax(axis=1))
    offsets = best_offsets(found, targets, worth)
    after = worth(targets, (np.log(found) + offsets).argmax(axis=1))
    assert before < 0.5 < 0.7 < after


def test_a_text_is_always_in_the_same_fold() -> None:
    texts = ["one", "two", "three", "one", "\ud800"]
    folds = folds_of(texts, 3)
    assert folds[0] == folds[3]
    assert folds_of(texts[::-1], 3).tolist() == folds.tolist()[::-1]
    assert set(folds_of([str(number) for number in range(50)], 3).tolist()) == {0, 1, 2}


def test_logit_and_softmax_bear_extremes() -> None:
    assert np.isfinite(logit([0.0, 1.0])).all()
    assert softmax([[1e4, 0.0], [-1e4, -1e4]]).tolist() == [[1.0, 0.0], [0.5, 0.5]]
