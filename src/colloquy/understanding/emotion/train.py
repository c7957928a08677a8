"""Training an emotion model on labelled texts; the only module here that needs SciPy.

One logistic regression per label where several may apply, else one over all labels together, with
a quadratic penalty, by L-BFGS. Rare labels' rows weigh more: by a power of the odds against them.
Calibration and thresholds are fitted on scores of models that did not see the rows: the rows are
cut into folds, by dialogue where there are dialogues, else by text.

The same rows give the same model, on the same machine the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from .features import CONTEXT_WEIGHT, REACH, context_key, text_features, tokens_of_feeling
from .model import ALGORITHM, EmotionModel, Header, Heard, Kind
from .thresholds import (
    Columns,
    Flags,
    Floats,
    best_offsets,
    best_thresholds,
    fit_platt,
    folds_of,
    logit,
    softmax,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS = 4
LEAST = 3
"""Rows that a feature must occur in."""
_ITERATIONS = 60
_SLOPES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 1.8)

Worth = Callable[[Columns, Columns], float]


class Example(Struct, frozen=True):
    """A text with its labels, what was said before it (nearest first), and its dialogue."""

    text: str
    labels: list[str]
    before: list[Heard] = []
    dialogue: str = ""


class Settings(Struct, frozen=True, kw_only=True):
    """How to learn. `strength`: of the data against the penalty. `favour`: the power of the odds
    against a label that its rows weigh by (0: all rows alike). Chosen on GoEmotions' dev rows."""

    strength: float = 1.0
    favour: float = 0.75
    iterations: int = _ITERATIONS


MULTIPLE = Settings()
SINGLE = Settings(strength=2.0, favour=0.0)
"""Chosen by cross-validation on the training rows of MELD; weights for rare labels do not help."""


class Learned(Struct, frozen=True):
    """A model, and calibrated scores of its training rows by models that had not seen them."""

    model: EmotionModel
    unseen: Floats


class _Vectors(Struct, frozen=True):
    matrix: csr_matrix
    keys: npt.NDArray[np.uint32]
    idf: npt.NDArray[np.float16]
    unknown_idf: float


class _Expanded(Struct, frozen=True):
    """Keys and factors of a text, and the keys of what was said before."""

    keys: list[int]
    factors: list[float]
    heard: list[int]


def train(
    examples: Sequence[Example],
    kind: Kind,
    *,
    worth: Worth | None = None,
    settings: Settings | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Learned:
    """Learns from the examples. With one label per row, `worth(right, taken)` is what the offsets
    are chosen for; without it there are none.

    Raises InvalidInput when there are fewer than two labels, or a row has none (or, where one is
    due, several).
    """
    labels = sorted({label for one in examples for label in one.labels})
    if len(labels) < 2:
        raise InvalidInput("emotion needs at least two labels to tell apart", field="labels")
    for number, one in enumerate(examples, 1):
        if not one.labels or (kind == "single" and len(one.labels) > 1):
            raise InvalidInput(f"row {number} has {len(one.labels)} labels", field="labels")
    chosen = settings or (MULTIPLE if kind == "multiple" else SINGLE)
    targets = _targets(examples, labels)
    expanded = [_expand(one) for one in examples]
    context = any(one.heard for one in expanded)
    folds = folds_of([one.dialogue or one.text for one in examples], FOLDS)
    raw = np.zeros(targets.shape)
    for fold in range(FOLDS):
        outside, inside = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        if not len(inside) or not len(outside):
            continue
        progress(f"fold {fold + 1} of {FOLDS}")
        vectors = _vectors([expanded[row] for row in outside])
        weights, bias = _fit(vectors.matrix, targets[outside], kind, chosen)
        raw[inside] = _matrix([expanded[row] for row in inside], vectors) @ weights + bias
    progress("the model itself")
    vectors = _vectors(expanded)
    weights, bias = _fit(vectors.matrix, targets, kind, chosen)
    header = Header(
        version=version_of(examples, kind, chosen),
        kind=kind,
        labels=labels,
        features=len(vectors.keys),
        unknown_idf=vectors.unknown_idf,
        context=context,
    )
    header, unseen = _decided(header, raw, targets, worth)
    scales = np.maximum(np.abs(weights).max(axis=1), 1e-12).astype(np.float32) / 127
    whole = np.round(weights / scales[:, None]).astype(np.int8)
    return Learned(
        EmotionModel(header, vectors.keys, vectors.idf, scales, whole, bias.astype(np.float32)),
        unseen,
    )


def version_of(examples: Sequence[Example], kind: Kind, settings: Settings) -> str:
    """12 hex digits over rows, settings and algorithm."""
    data = msgspec.json.encode([ALGORITHM, kind, settings, list(examples)])
    return blake2b(data, digest_size=6).hexdigest()


def _decided(
    header: Header, raw: Floats, targets: Flags, worth: Worth | None
) -> tuple[Header, Floats]:
    """The header with calibration and cuts, and the calibrated scores."""
    if header.kind == "multiple":
        platt = fit_platt(raw, targets)
        found = platt.apply(raw)
        cuts = best_thresholds(found, targets)
        done = msgspec.structs.replace(header, platt=platt, cuts=_rounded(cuts))
        return done, logit(found)
    right = targets.argmax(axis=1)
    every = np.arange(len(right))

    def surprise(slope: float) -> float:
        return -float(np.log(softmax(slope * raw)[every, right] + 1e-9).mean())

    slope = min(_SLOPES, key=surprise)
    found = softmax(slope * raw)
    offsets = np.zeros(len(header.labels))
    if worth is not None:
        offsets = best_offsets(found, right, worth)
    return msgspec.structs.replace(header, slope=slope, cuts=_rounded(offsets)), np.asarray(
        np.log(np.maximum(found, 1e-9))
    )


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 6) for value in values]


def _targets(examples: Sequence[Example], labels: Sequence[str]) -> Flags:
    places = {label: column for column, label in enumerate(labels)}
    targets = np.zeros((len(examples), len(labels)), bool)
    for row, one in enumerate(examples):
        targets[row, [places[label] for label in one.labels]] = True
    return targets


def _expand(example: Example) -> _Expanded:
    keys, factors = text_features(tokens_of_feeling(example.text))
    heard = [
        context_key(token, distance, same)
        for distance, (text, same) in enumerate(example.before[:REACH], 1)
        for token in tokens_of_feeling(text)
    ]
    return _Expanded(keys, factors, heard)


def _vectors(expanded: Sequence[_Expanded]) -> _Vectors:
    """The features that occur often enough, and the rows in them."""
    counts = Counter(key for one in expanded for key in {*one.keys, *one.heard})
    keys = np.array(sorted(key for key, rows in counts.items() if rows >= LEAST), np.uint32)
    rows = np.array([counts[int(key)] for key in keys], np.float64)
    idf = (np.log((1 + len(expanded)) / (1 + rows)) + 1).astype(np.float16)
    # Unknown words are as rare as the rarest known ones.
    unknown = round(float(np.log((1 + len(expanded)) / (1 + LEAST)) + 1), 6)
    empty = _Vectors(_matrix_of([], [], [0], 0, 0), keys, idf, unknown)
    return msgspec.structs.replace(empty, matrix=_matrix(expanded, empty))


def _matrix(expanded: Sequence[_Expanded], vectors: _Vectors) -> csr_matrix:
    """Rows in the features of `vectors`."""
    data: list[npt.NDArray[np.float32]] = []
    columns: list[npt.NDArray[np.intp]] = []
    starts = [0]
    for one in expanded:
        kept = 0
        for keys, factors, length in (
            (one.keys, one.factors, 1.0),
            (one.heard, [1.0] * len(one.heard), CONTEXT_WEIGHT),
        ):
            if not keys or not len(vectors.keys):
                continue
            wanted = np.array(keys, np.uint32)
            at = np.minimum(np.searchsorted(vectors.keys, wanted), len(vectors.keys) - 1)
            known = vectors.keys[at] == wanted
            weight = np.where(known, vectors.idf[at].astype(np.float32), vectors.unknown_idf)
            weight = weight * np.array(factors, np.float32)
            weight *= length / max(1e-6, float(np.sqrt(weight @ weight)))
            data.append(weight[known].astype(np.float32))
            columns.append(at[known])
            kept += int(known.sum())
        starts.append(starts[-1] + kept)
    return _matrix_of(data, columns, starts, len(expanded), len(vectors.keys))


def _matrix_of(
    data: list[npt.NDArray[np.float32]],
    columns: list[npt.NDArray[np.intp]],
    starts: list[int],
    rows: int,
    features: int,
) -> csr_matrix:
    from scipy.sparse import csr_matrix

    values = np.concatenate(data) if data else np.empty(0, np.float32)
    places = np.concatenate(columns) if columns else np.empty(0, np.intp)
    return csr_matrix((values, places, starts), shape=(rows, features), dtype=np.float32)


def _fit(
    matrix: csr_matrix, targets: Flags, kind: Kind, settings: Settings
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weights (features, labels) and bias."""
    from scipy.optimize import minimize

    rows, features = matrix.shape
    labels = targets.shape[1]
    across: Any = matrix.T.tocsr()
    truth = targets.astype(np.float32)
    share = (truth.sum(axis=0) + 1.0) / (rows + 2.0)
    odds = ((1.0 - share) / share) ** settings.favour
    if kind == "multiple":
        weight = np.where(targets, odds, 1.0).astype(np.float32)
    else:
        weight = (truth @ (odds / odds.mean())).astype(np.float32)[:, None]
    weight = weight * np.float32(settings.strength)
    cut = features * labels

    def cost(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        weights = point[:cut].reshape(features, labels)
        scores = matrix @ weights.astype(np.float32) + point[cut:].astype(np.float32)
        if kind == "multiple":
            found = 1.0 / (1.0 + np.exp(-np.clip(scores, -40.0, 40.0)))
            loss = weight * (np.logaddexp(0.0, scores) - truth * scores)
        else:
            found = softmax(scores).astype(np.float32)
            loss = -weight * truth * np.log(np.maximum(found, 1e-12))
        error = weight * (found - truth)
        total = float(loss.sum(dtype=np.float64)) + 0.5 * float(np.vdot(weights, weights))
        down = (across @ error).astype(np.float64) + weights
        return total, np.concatenate([down.ravel(), error.sum(axis=0, dtype=np.float64)])

    start = np.concatenate([np.zeros(cut), np.log(share / (1.0 - share))])
    options = {"maxiter": settings.iterations, "maxcor": 6}
    found = minimize(cost, start, jac=True, method="L-BFGS-B", options=options)
    point = np.asarray(found.x, np.float64)
    bias = point[cut:]
    if kind == "single":
        bias = bias - np.log(odds)  # back to how often the labels are
    return point[:cut].reshape(features, labels).astype(np.float32), bias.astype(np.float32)
