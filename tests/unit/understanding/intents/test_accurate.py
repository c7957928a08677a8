"""The accurate tier of intents: blended, calibrated, gated; several intents per message."""

from __future__ import annotations

import numpy as np
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.understanding.encoder.base import load_base
from colloquy.understanding.intents.accurate import (
    AccurateIntents,
    Blend,
    fit_blend,
    train_accurate,
)
from colloquy.understanding.intents.hierarchy import nearest
from colloquy.understanding.intents.several import train_several
from colloquy.understanding.train import fit_fast, train_examples

FLATS = [f"is the {place} flat number {n} free" for n in range(5) for place in ("big", "cheap")]
MONEY = [f"i want my {what} refund {n} back" for n in range(5) for what in ("first", "second")]
OTHER = [f"what is the {what} of country {n}" for n in range(5) for what in ("capital", "flag")]
TEXTS = [*FLATS, *MONEY, *OTHER]
NAMES = ["flat"] * 10 + ["money"] * 10 + [""] * 10


@pytest.fixture(scope="module")
def tier() -> AccurateIntents:
    return train_accurate(load_base(), TEXTS, NAMES, fit_fast, "v1", epochs=6)


def test_it_decides_with_confidence(tier: AccurateIntents) -> None:
    fast = train_examples(TEXTS, NAMES)
    asked = ["is this flat still free", "give me the refund"]
    logs = fast.log_probabilities([text.split() for text in asked])
    guesses = nearest(tier.labels, *tier.decide(asked, logs))
    assert [one.intent for one in guesses] == ["flat", "money"]
    assert all(0.0 < one.confidence <= 1.0 and one.lead > 0.0 for one in guesses)
    assert tier.version == "v1" and tier.labels == ["", "flat", "money"]
    # One text at a time gives the same: neighbours do not matter.
    alone = nearest(tier.labels, *tier.decide(asked[1:], logs[1:]))
    assert alone == guesses[1:]


def test_one_intent_cannot_be_told_apart() -> None:
    with pytest.raises(InvalidInput, match="two intents"):
        train_accurate(load_base(), FLATS, ["flat"] * 10, fit_fast, "v1")


def made_up(rows: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two tiers that are both mostly right, about two intents and what is outside."""
    chance = np.random.default_rng(0)
    targets = chance.integers(0, 3, rows)
    wanted = np.eye(3)[targets]
    fast = np.log(np.clip(wanted * 0.6 + chance.random((rows, 3)) * 0.3, 0.01, None))
    fast -= np.log(np.exp(fast).sum(axis=1, keepdims=True))
    scores = 4 * wanted + chance.normal(size=(rows, 3))
    return fast.astype(np.float32), scores.astype(np.float32), targets


def test_the_blend_is_fitted_on_what_nobody_saw() -> None:
    fast, scores, targets = made_up(600)
    known = np.ones(600, bool)
    blend = fit_blend(fast, scores, targets, known, ["", "a", "b"])
    assert blend.accurate > 0.0
    assert 0.0 < blend.threshold < 1.0
    assert 0.0 < blend.gate <= 1.0
    assert len(blend.coefficients) == 6


def test_without_a_mistake_there_is_nothing_to_fit() -> None:
    fast = np.log(np.array([[0.02, 0.96, 0.02], [0.02, 0.02, 0.96]], np.float32))
    scores = np.array([[0, 9, 0], [0, 0, 9]], np.float32)
    blend = fit_blend(fast, scores, np.array([1, 2]), np.ones(2, bool), ["", "a", "b"])
    assert blend.coefficients == [1.0, 0, 0, 0, 0, 0] and blend.gate == Blend().gate


@pytest.mark.parametrize("deep", [False, True])
def test_several_intents_or_none(deep: bool) -> None:
    texts = [*FLATS, *MONEY, *OTHER, *[f"{a} and {b}" for a, b in zip(FLATS, MONEY, strict=True)]]
    sets = [["flat"]] * 10 + [["money"]] * 10 + [[]] * 10 + [["flat", "money"]] * 10
    model = train_several(texts, sets, load_base() if deep else None)
    assert model.labels == ["flat", "money"]
    chances = model.probabilities([FLATS[0], MONEY[0], f"{FLATS[0]} and {MONEY[0]}"])
    assert chances.shape == (3, 2)
    assert model.chosen(chances)[0] == ["flat"]
    assert model.megabytes > 0
    with pytest.raises(InvalidInput, match="two intents"):
        train_several(FLATS, [["flat"]] * 10, None)
