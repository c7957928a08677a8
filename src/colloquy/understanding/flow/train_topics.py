"""Training a topic model from dialogues whose topics are marked (needs scikit-learn).

The opening scores that the last step is trained on come from models that have not seen the dialogue
(5 folds), or it would trust them too much; for the same reason nothing else that is learned may
look at where the topics of a dialogue are. How openings are chosen (`topics.decode`) is tuned on
chances of dialogues that the last step has not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from .topics import (
    BUCKETS,
    Decoding,
    Floats,
    LastStep,
    Lexical,
    TopicModel,
    Trees,
    decode,
    opening_keys,
    rows_of,
    words_of,
)
from .words import stem

Folds = npt.NDArray[np.intp]
"""The fold of each dialogue."""
FOLDS = 5
DIMENSIONS = 64
"""Of the latent space; with fewer stems it has fewer."""
STRENGTH = 3.0
"""Of the opening's words against their penalty (scikit-learn's C); tuned on a part of TIAGE's
training dialogues."""
TREES, DEPTH, RATE = 150, 3, 0.05
_THRESHOLDS = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
_TOGETHER = (0.0, 0.1, 0.2, 0.4)


class Marked(Struct, frozen=True):
    """A dialogue and the turns that open a new topic (never 0); `columns` are further features
    (turns, columns) from models that have not seen where its topics are."""

    texts: list[str]
    boundaries: list[int]
    columns: Floats | None = None


def train(
    dialogues: Sequence[Marked],
    judge: Callable[[list[list[int]], list[list[int]], list[int]], float],
) -> TopicModel:
    """A model trained on these dialogues.

    `judge(wanted, found, lengths)` says how good boundaries are (higher is better); decoding is
    tuned for it. The same dialogues give the same model. Raises InvalidInput with fewer than
    `FOLDS` dialogues, or where all turns or none open a topic.
    """
    if len(dialogues) < FOLDS:
        raise InvalidInput(f"topics are learned from {FOLDS} dialogues or more", field="train")
    _check(dialogues)
    # In an order of their own, so that the one they come in is of no account.
    dialogues = sorted(dialogues, key=_key)
    words = [[words_of(text) for text in dialogue.texts] for dialogue in dialogues]
    folds = np.arange(len(dialogues)) % FOLDS
    space, idf, vectors = _space(words)
    scores: list[Floats] = [np.zeros(0)] * len(dialogues)
    for fold in range(FOLDS):
        weights, bias = _opening(_but(words, folds, fold), _but(dialogues, folds, fold))
        unseen = Lexical(weights, bias, space, idf, vectors)
        for place in np.flatnonzero(folds == fold).tolist():
            scores[place] = unseen.opening_scores(words[place])
    weights, bias = _opening(words, dialogues)
    lexical = Lexical(weights, bias, space, idf, vectors)
    rows = [
        rows_of(lexical, dialogue.texts, score, dialogue.columns)
        for dialogue, score in zip(dialogues, scores, strict=True)
    ]
    chances = _unseen_chances(rows, dialogues, folds)
    first = dialogues[0].columns
    return TopicModel(
        lexical=lexical,
        columns=0 if first is None else first.shape[1],
        last=_last_step(rows, dialogues),
        decoding=_tune(chances, dialogues, judge),
    )


def _check(dialogues: Sequence[Marked]) -> None:
    widths = {None if d.columns is None else d.columns.shape[1] for d in dialogues}
    if len(widths) > 1:
        raise InvalidInput("dialogues with different columns", field="train")
    for dialogue in dialogues:
        if any(not 0 < turn < len(dialogue.texts) for turn in dialogue.boundaries):
            raise InvalidInput("a boundary that is no turn of its dialogue", field="boundaries")
    opened = sum(len(set(dialogue.boundaries)) for dialogue in dialogues)
    turns = sum(max(0, len(dialogue.texts) - 1) for dialogue in dialogues)
    if not 0 < opened < turns:
        raise InvalidInput("some turns must open a topic and some must not", field="boundaries")


def _key(dialogue: Marked) -> tuple[int, str, list[int]]:
    text = "\n".join(dialogue.texts)
    return crc32(text.encode("utf-8", "surrogatepass")), text, dialogue.boundaries


def _but(items: Sequence[Any], folds: Folds, fold: int) -> list[Any]:
    return [item for item, own in zip(items, folds, strict=True) if own != fold]


def _marks(dialogue: Marked) -> Floats:
    """1 for each turn but the first that opens a topic, else 0."""
    marks = np.zeros(len(dialogue.texts))
    marks[dialogue.boundaries] = 1.0
    return marks[1:]


def _opening(words: Sequence[list[list[str]]], dialogues: Sequence[Marked]) -> tuple[Floats, float]:
    """Weights of the opening's words by logistic regression."""
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import LogisticRegression

    keys = [opening_keys(turns, turn) for turns in words for turn in range(1, len(turns))]
    ends = np.cumsum([0, *(len(found) for found in keys)])
    values = np.concatenate([np.full(len(found), 1.0 / len(found) ** 0.5) for found in keys])
    # Only what occurs is fitted: the rest of the addresses has no weight.
    seen, columns = np.unique(np.concatenate(keys), return_inverse=True)
    matrix = csr_matrix((values, columns, ends), shape=(len(keys), len(seen)))
    marks = np.concatenate([_marks(dialogue) for dialogue in dialogues])
    fitted = LogisticRegression(C=STRENGTH, max_iter=300).fit(matrix, marks)
    weights = np.zeros(BUCKETS)
    weights[seen] = fitted.coef_[0]
    return weights, float(fitted.intercept_[0])


def _space(words: Sequence[list[list[str]]]) -> tuple[dict[str, int], Floats, Floats]:
    """Stems, their idf, and a latent space of three turns in a row each (Deerwester, 1990)."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    passages = [
        [found for turn in turns[start : start + 3] for word in turn if (found := stem(word))]
        for turns in words
        for start in range(0, len(turns), 2)
    ]
    counter = TfidfVectorizer(analyzer=list, min_df=2, sublinear_tf=True)
    try:
        matrix = counter.fit_transform(passages)
    except ValueError:
        raise InvalidInput("no word occurs in two places", field="train") from None
    size = min(DIMENSIONS, *(side - 1 for side in matrix.shape))
    if size < 1:
        raise InvalidInput("too few words to learn topics from", field="train")
    space = TruncatedSVD(size, random_state=0).fit(matrix)
    names = {str(name): int(place) for name, place in counter.vocabulary_.items()}
    return names, counter.idf_.astype(np.float64), space.components_.T.astype(np.float64)


def _last_step(rows: Sequence[Floats], dialogues: Sequence[Marked]) -> LastStep:
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    matrix = np.vstack([found[1:] for found in rows])
    marks = np.concatenate([_marks(dialogue) for dialogue in dialogues])
    mean, spread = matrix.mean(0), matrix.std(0)
    spread[spread < 1e-9] = 1.0
    linear = LogisticRegression(C=0.05, max_iter=500).fit((matrix - mean) / spread, marks)
    boosted = GradientBoostingClassifier(
        n_estimators=TREES, max_depth=DEPTH, learning_rate=RATE, min_samples_leaf=20,
        subsample=0.7, max_features=0.2, random_state=0,
    ).fit(matrix, marks)  # fmt: skip
    share = float(marks.mean())
    base = float(np.log(share / (1.0 - share)))
    return LastStep(
        mean, spread, linear.coef_[0], float(linear.intercept_[0]), _trees(boosted, base)
    )


def _trees(boosted: Any, base: float) -> Trees:
    found = [estimator.tree_ for estimator in boosted.estimators_[:, 0]]
    size = max(tree.node_count for tree in found)
    feature = np.zeros((len(found), size), np.intp)
    threshold = np.zeros((len(found), size))
    left = np.tile(np.arange(size), (len(found), 1))
    right = left.copy()
    value = np.zeros((len(found), size))
    for place, tree in enumerate(found):
        inner = np.flatnonzero(tree.children_left >= 0)
        feature[place, inner] = tree.feature[inner]
        threshold[place, inner] = tree.threshold[inner]
        left[place, inner] = tree.children_left[inner]
        right[place, inner] = tree.children_right[inner]
        value[place, : tree.node_count] = RATE * tree.value[:, 0, 0]
    return Trees(base, DEPTH, feature, threshold, left, right, value)


def _unseen_chances(
    rows: Sequence[Floats], dialogues: Sequence[Marked], folds: Folds
) -> list[Floats]:
    chances: list[Floats] = [np.zeros(0)] * len(rows)
    for fold in range(FOLDS):
        last = _last_step(_but(rows, folds, fold), _but(dialogues, folds, fold))
        for place in np.flatnonzero(folds == fold).tolist():
            chances[place] = last.chances(rows[place])
    return chances


def _tune(
    chances: Sequence[Floats],
    dialogues: Sequence[Marked],
    judge: Callable[[list[list[int]], list[list[int]], list[int]], float],
) -> Decoding:
    """The rule that `judge` likes best on chances that no model was trained for."""
    lengths = [len(dialogue.texts) for dialogue in dialogues]
    wanted = [dialogue.boundaries for dialogue in dialogues]
    segments = sum(len(opened) + 1 for opened in wanted)
    reach = min(5, max(2, round(sum(lengths) / segments / 2)))
    best = (-np.inf, Decoding(0.5, 0.0, reach))
    for threshold in _THRESHOLDS:
        for together in _TOGETHER:
            rule = Decoding(threshold, together, reach)
            found = [decode(row, rule) for row in chances]
            worth = judge(wanted, found, lengths)
            if worth > best[0]:
                best = (worth, rule)
    return best[1]
