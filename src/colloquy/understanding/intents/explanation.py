"""Why the fast tier takes a text for an intent: examples that resemble it, words that spoke for it.

A word's contribution is how far the guess's score falls when the word is left out: its own features
go and those of its pairs, and what remains weighs more. A word that the model does not know, or of
another subject, so has one below 0. Similarity is the mean of two cosines, as the model weighs them
alike: of the texts' feature vectors (0 for no letters in common) and of their directions, by what
their words mean, if they mean anything. The same words in the same order have 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput
from ...model.understanding import Label
from ..evaluation.rows import IntentRow
from ..intent import (
    MAX_WORDS,
    PAIR_WEIGHT,
    IntentModel,
    pair_key,
    tokens_of,
    word_features,
)
from ..pack import Pack
from ..vectors.words import load_words
from .claims import Claim, Claims, plain
from .hierarchy import Hierarchy
from .spelling import Spelling

TOP = 5
OUT_OF_SCOPE = "out_of_scope"


class Near(Struct, frozen=True):
    """An example of the pack and how much it resembles the text, 0 to 1."""

    text: str
    intent: str
    similarity: float


class Word(Struct, frozen=True):
    """A word as the model reads it, and what it adds to the guess's score (below 0: it speaks
    against). Each occurrence in the text is one."""

    word: str
    contribution: float


class Explanation(Struct, frozen=True):
    """`claim` is what the fast tier alone claims; `confidence` and `lead` are the guess's.

    `others` are the labels that come after the guess, with their shares of the confidence (see
    `hierarchy`); `nearest` the examples that resemble the text most; `words` in the text's order.
    `score` is the guess's, before calibration.
    """

    text: str
    claim: Claim
    reason: str
    confidence: float
    lead: float
    threshold: float
    margin: float
    others: list[Label]
    nearest: list[Near]
    words: list[Word]
    score: float
    model: str


def explain(pack: Pack, model: IntentModel, text: str, top: int = TOP) -> Explanation:
    """Explains the fast tier's guess at `text`; `model` was trained from `pack`. Deterministic.

    At most `top` others and examples. Raises InvalidInput for a pack with several intents per text.
    """
    if pack.multi_label:
        raise InvalidInput("texts with several intents are not explained", field="multi_label")
    words = Spelling(pack).mend(tokens_of(plain(text)))[:MAX_WORDS]
    (guess,) = model.classify([words])
    logs = model.log_probabilities([words])
    claims, hierarchy = Claims(pack), Hierarchy(model.header.labels)
    (parent,) = hierarchy.parents([guess], logs, claims.threshold, claims.margin)
    claim = claims.decide(words, guess, parent)
    shared = hierarchy.confidences([guess], logs)[0]
    labels = [label or OUT_OF_SCOPE for label in model.header.labels]
    others = [
        Label(labels[column], round(float(shared[column]), 4))
        for column in np.argsort(-shared, kind="stable").tolist()
        if words and labels[column] != guess.intent
    ]
    column = model.header.labels.index(guess.intent) if guess.intent else 0
    return Explanation(
        text=text,
        claim=claim,
        reason=_reason(claim, claims, guess.lead, others),
        confidence=guess.confidence,
        lead=guess.lead,
        threshold=claims.threshold,
        margin=claims.margin,
        others=others[:top],
        nearest=resembling(model, pack.rows(), words, top),
        words=contributions(model, words, column) if guess.intent else [],
        score=round(float(model.scores([words])[0, column]), 4) if guess.intent else 0.0,
        model=model.version,
    )


def contributions(model: IntentModel, words: Sequence[str], column: int) -> list[Word]:
    """How far the score of the label in `column` falls when each word is left out."""
    if not words:
        return []
    without = [[*words[:place], *words[place + 1 :]] for place in range(len(words))]
    scores = model.scores([list(words), *without])[:, column]
    lost = (scores[0] - scores[1:]).tolist()
    return [Word(word, round(fall, 4)) for word, fall in zip(words, lost, strict=True)]


def resembling(
    model: IntentModel, rows: Sequence[IntentRow], words: Sequence[str], top: int = TOP
) -> list[Near]:
    """The rows whose feature vectors are most like that of the words, most alike first; rows with
    nothing in common are left out."""
    wanted = _vector(model, words)
    known = [tokens_of(row.text)[:MAX_WORDS] for row in rows]
    ways = load_words().of_texts([list(words), *known])
    found = []
    for row, own, way in zip(rows, known, ways[1:], strict=True):
        vector = _vector(model, own)
        shared = sum(weight * wanted[key] for key, weight in vector.items() if key in wanted)
        alike = (shared + float(way @ ways[0])) / 2 if ways[0].any() else shared
        if alike > 0.0:
            found.append(Near(row.text, row.intent or OUT_OF_SCOPE, round(min(1.0, alike), 4)))
    found.sort(key=lambda near: (-near.similarity, near.text, near.intent))
    return found[:top]


def _vector(model: IntentModel, words: Sequence[str]) -> dict[int, float]:
    """Weights by feature, of length 1."""
    if not words:
        return {}
    keys: list[int] = []
    factors: list[float] = []
    for word in words:
        word_keys, word_factors = word_features(word)
        keys += word_keys
        factors += word_factors
    keys += [pair_key(*pair) for pair in pairwise(["^", *words, "$"])]
    factors += [PAIR_WEIGHT] * (len(words) + 1)
    summed: dict[int, float] = {}
    known, at = model._find(np.array(keys, np.uint32))
    idf = np.where(known, model._idf[at].astype(np.float64), model.header.unknown_idf)
    weights = idf * np.array(factors)
    for key, weight in zip(keys, weights.tolist(), strict=True):
        summed[key] = summed.get(key, 0.0) + weight
    length = float(np.sqrt(sum(weight * weight for weight in summed.values())))
    return {key: weight / length for key, weight in summed.items()}


def _reason(claim: Claim, claims: Claims, lead: float, others: Sequence[Label]) -> str:
    """One sentence."""
    sure, threshold, margin = f"{claim.confidence:.2f}", claims.threshold, claims.margin
    if claim.why == "sure":
        return (
            f"{claim.intent} is claimed: its confidence of {sure} reaches the threshold of "
            f"{threshold:g}, its lead of {lead:.2f} the margin of {margin:g}"
        )
    if claim.why == "example":
        return f"{claim.intent} is claimed: the text is one of its examples"
    if claim.why == "parent":
        return (
            f"{claim.intent} is claimed: no intent below it is sure enough, but together they have "
            f"{sure}, and the threshold is {threshold:g}"
        )
    if claim.why == "unsure":
        return (
            f"no intent is claimed: {claim.guess} has a confidence of {sure}, "
            f"and the threshold is {threshold:g}"
        )
    if claim.why == "torn":
        other = f" over {others[0].name}" if others else ""
        return (
            f"no intent is claimed: {claim.guess} has a lead of {lead:.2f}{other}, "
            f"and the margin is {margin:g}"
        )
    return "no intent is claimed: the text has no word to go by"
