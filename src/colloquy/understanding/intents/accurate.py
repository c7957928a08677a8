"""The accurate tier of intents: the encoder, tuned on the examples, blended with the fast tier.

Two encoders are trained. The first leaves out a share of the examples and some whole intents; on
those the blend, the confidence and the gate are fitted, as in `train`. The second is trained on
everything and is the one that is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from ..encoder.base import Base, Floats
from ..encoder.model import EncoderModel, Header
from ..encoder.tune import Recipe, can_tune, default_epochs, silent, tune

TASK = "intents"
ALGORITHM = 1
HELD_OUT = 0.15
LEFT_OUT_INTENTS = 0.08
"""Shares of the examples and of the intents that the first encoder does not see."""
MAX_REJECTED = 0.01
"""Share of held-out texts of known intents that may be taken for out of scope. On the dev part of
CLINC150, which is harder, that is 1.4 %, with 82 % of what is out of scope refused."""
GATE_ERROR = 0.005
"""Share of held-out texts that the fast tier may get wrong where it is trusted alone."""
UNKNOWN_SHARE = 0.15
"""Weight of held-out texts of unknown intents among all, when the confidence is fitted."""
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)

FastFit = Callable[[list[str], list[str]], Callable[[list[str]], Floats]]
"""Trains a fast tier on texts and their labels; the result gives the logarithms of probabilities
(texts, labels in sorted order)."""


class Blend(Struct, frozen=True, kw_only=True):
    """How both tiers become one answer.

    The log-probability of a label is `fast` times the fast tier's plus `accurate` times the
    encoder's, normalised again. Confidence is sigmoid(coefficients · evidence + offset). The
    encoder is asked where the fast tier's own best probability is below `gate`.
    """

    fast: float = 1.0
    accurate: float = 1.0
    coefficients: list[float] = []
    offset: float = 0.0
    threshold: float = 0.0
    gate: float = 1.0


class AccurateIntents:
    """The encoder with its blend. Labels are sorted; "" is out of scope."""

    def __init__(self, model: EncoderModel) -> None:
        self.model = model
        self.labels = model.header.labels
        self.blend = msgspec.convert(model.header.extra["blend"], Blend)
        self._scope = np.array([bool(label) for label in self.labels])

    @property
    def version(self) -> str:
        """12 hex digits over the training data and the algorithm."""
        return self.model.header.version

    def unsure(self, fast: Floats) -> npt.NDArray[np.bool_]:
        """Which texts the fast tier's log-probabilities (n, labels) leave to this one."""
        best = np.exp(np.where(self._scope, fast, -np.inf).max(axis=1))
        unsure: npt.NDArray[np.bool_] = best < self.blend.gate
        return unsure

    def decide(
        self, texts: Sequence[str], fast: Floats
    ) -> tuple[npt.NDArray[np.intp], Floats, Floats]:
        """Best column in scope, its confidence, and the blended log-probabilities (n, labels)."""
        scores = self.model.scores(self.model.base.texts(texts))
        blended, evidence = _blended(fast, scores, self._scope, self.blend)
        logit = evidence @ np.array(self.blend.coefficients) + self.blend.offset
        confidence = 1.0 / (1.0 + np.exp(-np.clip(logit, -40.0, 40.0)))
        top = np.where(self._scope, blended, -np.inf).argmax(axis=1)
        return top, confidence.astype(np.float32), blended


def train_accurate(
    base: Base,
    texts: Sequence[str],
    names: Sequence[str],
    fit_fast: FastFit,
    version: str,
    progress: Callable[[str], None] = silent,
    epochs: int | None = None,
) -> AccurateIntents:
    """Trains the tier on `texts` with the intents `names` ("" is out of scope).

    Raises InvalidInput with fewer than two labels.
    """
    labels = sorted(set(names))
    if len(labels) < 2:
        raise InvalidInput("the accurate tier needs two intents to tell apart", field="intents")
    recipe = Recipe(epochs=epochs or default_epochs(len(texts)))
    columns = {label: column for column, label in enumerate(labels)}
    targets = np.array([columns[name] for name in names])
    inside, held = _hold_out(targets, labels)

    def encoder(rows: list[int], what: str) -> EncoderModel:
        header = Header(
            task=TASK, version=version, base=base.checksum, labels=labels, tuned=can_tune()
        )
        return tune(
            base,
            base.texts([texts[row] for row in rows]),
            [int(targets[row]) for row in rows],
            header,
            "single",
            recipe,
            lambda line: progress(f"{what}: {line}"),
        )

    trained, tested_rows = np.flatnonzero(inside).tolist(), np.flatnonzero(held).tolist()
    rehearsal = encoder(trained, "rehearsal")
    taught = [names[row] for row in trained]
    fast = fit_fast([texts[row] for row in trained], taught)
    tested = [texts[row] for row in tested_rows]
    # The fast tier of the rehearsal does not know the intents that were left out.
    seen = sorted(set(taught))
    log_fast = np.full((len(tested), len(labels)), -20.0, np.float32)
    log_fast[:, [columns[name] for name in seen]] = fast(tested)
    scores = rehearsal.scores(base.texts(tested))
    known = np.isin(targets, [columns[name] for name in seen])[held]
    blend = fit_blend(log_fast, scores, targets[held], known, labels)
    final = encoder(list(range(len(texts))), "final")
    header = msgspec.structs.replace(
        final.header, extra={"blend": msgspec.to_builtins(blend), "algorithm": ALGORITHM}
    )
    final.header = header
    return AccurateIntents(final)


def fit_blend(
    fast: Floats,
    scores: Floats,
    targets: npt.NDArray[Any],
    known: npt.NDArray[np.bool_],
    labels: Sequence[str],
) -> Blend:
    """Weights, confidence, threshold and gate from held-out texts.

    `fast` (n, labels) log-probabilities, `scores` (n, labels) of the encoder; `known`: the text's
    intent was trained on.
    """
    from sklearn.linear_model import LogisticRegression

    scope = np.array([bool(label) for label in labels])
    every = np.arange(len(targets))
    weights = min(
        ((f, a) for f in _GRID for a in _GRID if f + a > 0),
        key=lambda pair: -float(_mix(fast, scores, *pair)[every[known], targets[known]].mean()),
    )
    blend = Blend(fast=weights[0], accurate=weights[1])
    blended, evidence = _blended(fast, scores, scope, blend)
    top = np.where(scope, blended, -np.inf).argmax(axis=1)
    inside = known & scope[targets]
    right = inside & (top == targets)
    if right.all() or not right.any():
        return msgspec.structs.replace(blend, coefficients=[1.0] + [0.0] * (evidence.shape[1] - 1))
    weight = np.where(inside, 1.0, 0.0)
    if not inside.all():
        share = UNKNOWN_SHARE / (1 - UNKNOWN_SHARE) * inside.sum() / (~inside).sum()
        weight[~inside] = share
    fitted = LogisticRegression(C=1.0, max_iter=2_000).fit(evidence, right, sample_weight=weight)
    confidence = fitted.predict_proba(evidence)[:, 1]
    return msgspec.structs.replace(
        blend,
        coefficients=[round(float(one), 5) for one in fitted.coef_[0]],
        offset=round(float(fitted.intercept_[0]), 5),
        threshold=round(float(np.quantile(confidence[inside], MAX_REJECTED)), 5),
        gate=_gate(fast, scope, targets, inside),
    )


def _gate(
    fast: Floats, scope: npt.NDArray[np.bool_], targets: npt.NDArray[Any], inside: Any
) -> float:
    """The least probability from which the fast tier errs in at most GATE_ERROR of the texts."""
    limited = np.where(scope, fast, -np.inf)
    best = np.exp(limited.max(axis=1))
    wrong = ~(inside & (limited.argmax(axis=1) == targets))
    order = np.argsort(-best)
    errors = np.cumsum(wrong[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(errors <= GATE_ERROR)
    return round(float(best[order[good[-1]]]), 5) if len(good) else 1.0


def _mix(fast: Floats, scores: Floats, a: float, b: float) -> Floats:
    return _log_softmax(a * fast + b * _log_softmax(scores))


def _blended(
    fast: Floats, scores: Floats, scope: npt.NDArray[np.bool_], blend: Blend
) -> tuple[Floats, Floats]:
    """The blended log-probabilities, and what confidence is computed from (n, 6)."""
    blended = _mix(fast, scores, blend.fast, blend.accurate)
    limited = np.where(scope, blended, -np.inf)
    ordered = np.sort(limited, axis=1)
    best = ordered[:, -1]
    second = ordered[:, -2] if scope.sum() > 1 else np.full_like(best, -20.0)
    every = np.arange(len(best))
    top = limited.argmax(axis=1)
    raw = np.where(scope, scores, -np.inf)
    evidence = np.stack(
        [
            best - np.log1p(-np.minimum(np.exp(best), 1 - 1e-6)),
            np.minimum(best - second, 20.0),
            raw.max(axis=1),
            raw.max(axis=1) - scores.mean(axis=1),
            np.maximum(fast[every, top], -20.0),
            np.maximum(_log_softmax(scores)[every, top], -20.0),
        ],
        axis=1,
    )
    return blended, evidence.astype(np.float32)


def _log_softmax(scores: Floats) -> Floats:
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return logs


def _hold_out(
    targets: npt.NDArray[Any], labels: Sequence[str]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which examples the rehearsal trains on, and which it is tested on."""
    chance = np.random.default_rng(0)
    held = np.zeros(len(targets), bool)
    for column in range(len(labels)):
        members = np.flatnonzero(targets == column)
        count = round(HELD_OUT * len(members))
        held[chance.permutation(members)[:count]] = True
    scope = [column for column, label in enumerate(labels) if label]
    left_out = chance.permutation(scope)[: int(LEFT_OUT_INTENTS * len(scope))]
    # Of an intent that is left out, as many texts are tested as of the others.
    unknown = np.isin(targets, left_out)
    return ~held & ~unknown, held
