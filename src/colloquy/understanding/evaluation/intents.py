"""How well intents are told apart, and texts outside all of them refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from ..encoder.base import Floats, load_base
from ..intent import IntentModel, tokens_of
from ..intents.accurate import AccurateIntents, train_accurate
from ..intents.several import Several, train_several
from ..train import fit_fast, train_examples
from .metrics import expected_calibration_error, f1_by_label, f1_of
from .rows import OUT_OF_SCOPE, IntentRow, read_rows

BATCH = 64
TIERS = ("fast", "accurate", "cascade")

Progress = Callable[[str], None]


class IntentReport(Struct, frozen=True, omit_defaults=True):
    """What `colloquy eval intents` prints.

    `accuracy`: share of in-scope rows given exactly their intent; a refused row counts as wrong.
    `accuracy_unrejected`: the same if nothing were refused. `oos_recall`, `oos_precision`: of rows
    outside all intents; `false_oos`: share of in-scope rows refused; None when the test has no such
    rows or the training none to learn refusing from. With several intents per row `accuracy` is
    that of the whole set. `tier_share`: share of the rows that each tier decided. `labels`: F1.
    """

    accuracy: float
    accuracy_unrejected: float
    macro_f1: float
    micro_f1: float
    oos_recall: float | None
    oos_precision: float | None
    false_oos: float | None
    ece: float
    ms_per_message: float
    train_s: float
    model_mb: float
    tier_share: dict[str, float]
    threshold: float | None
    baseline: dict[str, float]
    labels: dict[str, float]
    method: str
    train_rows: int
    test_rows: int


class Answers(Struct, frozen=True):
    """One answer per row: the best intent, whether it is claimed, and the confidence in it."""

    best: list[str]
    claimed: npt.NDArray[np.bool_]
    confidence: Floats
    tiers: list[str]


def run(
    train_path: Path,
    test_path: Path,
    *,
    tier: str = "fast",
    progress: Progress = lambda _: None,
) -> IntentReport:
    """Trains on one file and judges on the other.

    Raises InvalidInput, NotFound; Unavailable when the accurate tier cannot run here.
    """
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier!r}: {', '.join(TIERS)}", field="tier")
    known, asked = read_rows(train_path, IntentRow), read_rows(test_path, IntentRow)
    if any(row.intents is not None for row in known):
        return _several(known, asked, tier, progress)
    return _single(known, asked, tier, progress)


# -- one intent per row -----------------------------------------------------------------------


def _single(
    known: Sequence[IntentRow], asked: Sequence[IntentRow], tier: str, progress: Progress
) -> IntentReport:
    names = [_name(row) for row in known]
    rejects = "" in names
    began = perf_counter()
    texts = [row.text for row in known]
    progress(f"training the fast tier on {len(known)} texts")
    fast = train_examples(texts, names)
    accurate = None
    if tier != "fast":
        accurate = train_accurate(load_base(), texts, names, fit_fast, "", progress)
    train_s = perf_counter() - began
    progress(f"judging {len(asked)} texts")
    began = perf_counter()
    answers = _answers(fast, accurate, [row.text for row in asked], tier, rejects)
    spent = perf_counter() - began
    wanted = [_name(row) for row in asked]
    inside = np.array([bool(name) for name in wanted])
    right = np.array([one == other for one, other in zip(answers.best, wanted, strict=True)])
    claimed = answers.claimed
    outside = ~inside
    given = [
        [name] if sure else [] for name, sure in zip(answers.best, claimed.tolist(), strict=True)
    ]
    right_names = [[name] if name else [] for name in wanted]
    scores = f1_by_label(right_names, given, sorted(set(wanted) - {""}))
    hits = int((right & claimed & inside).sum())
    return IntentReport(
        accuracy=_share(right & claimed, inside),
        accuracy_unrejected=_share(right, inside),
        macro_f1=float(np.mean(list(scores.values()))) if scores else 0.0,
        micro_f1=f1_of(hits, int(claimed.sum()), int(inside.sum())),
        oos_recall=_share(~claimed, outside) if rejects and outside.any() else None,
        oos_precision=_share(outside, ~claimed) if rejects and outside.any() else None,
        false_oos=_share(~claimed, inside) if rejects else None,
        ece=expected_calibration_error(answers.confidence, right & inside),
        ms_per_message=1000 * spent / len(asked),
        train_s=train_s,
        model_mb=_megabytes(fast, accurate, tier),
        tier_share=_shares(answers.tiers),
        threshold=_threshold(fast, accurate, tier) if rejects else None,
        baseline=_majority(names, wanted),
        labels=scores,
        method=_method(tier, rejects),
        train_rows=len(known),
        test_rows=len(asked),
    )


def _answers(
    fast: IntentModel,
    accurate: AccurateIntents | None,
    texts: Sequence[str],
    tier: str,
    rejects: bool,
) -> Answers:
    """Every text in batches; without anything to learn refusing from, nothing is refused."""
    best: list[str] = []
    claimed: list[bool] = []
    confidence: list[float] = []
    tiers: list[str] = []
    for start in range(0, len(texts), BATCH):
        batch = list(texts[start : start + BATCH])
        words = [tokens_of(text) for text in batch]
        guesses = fast.classify(words)
        names = [guess.intent or "" for guess in guesses]
        sure = [guess.confidence for guess in guesses]
        claims = [guess.confidence >= fast.header.threshold for guess in guesses]
        used = ["fast"] * len(batch)
        if accurate is not None:
            logs = fast.log_probabilities(words)
            asks = accurate.unsure(logs) if tier == "cascade" else np.ones(len(batch), bool)
            rows = np.flatnonzero(asks).tolist()
            if rows:
                top, trust, _ = accurate.decide([batch[row] for row in rows], logs[rows])
                for row, column, value in zip(rows, top.tolist(), trust.tolist(), strict=True):
                    names[row], sure[row] = accurate.labels[column], value
                    claims[row] = value >= accurate.blend.threshold
                    used[row] = "accurate"
            for row in np.flatnonzero(~asks).tolist():
                claims[row] = True  # the gate lets through only what the fast tier is sure of
        best += names
        claimed += claims if rejects else [True] * len(batch)
        confidence += sure
        tiers += used
    return Answers(best, np.array(claimed), np.array(confidence, np.float32), tiers)


def _threshold(fast: IntentModel, accurate: AccurateIntents | None, tier: str) -> float:
    return fast.header.threshold if accurate is None else accurate.blend.threshold


# -- several intents per row ------------------------------------------------------------------


def _several(
    known: Sequence[IntentRow], asked: Sequence[IntentRow], tier: str, progress: Progress
) -> IntentReport:
    began = perf_counter()
    sets = [_names(row) for row in known]
    progress(f"training on {len(known)} texts")
    base = load_base() if tier != "fast" else None
    model: Several = train_several([row.text for row in known], sets, base, progress)
    train_s = perf_counter() - began
    began = perf_counter()
    found: list[list[str]] = []
    chances: list[npt.NDArray[np.float64]] = []
    for start in range(0, len(asked), BATCH):
        chance = model.probabilities([row.text for row in asked[start : start + BATCH]])
        chances.append(chance)
        found += model.chosen(chance)
    spent = perf_counter() - began
    wanted = [_names(row) for row in asked]
    right = np.array([set(one) == set(other) for one, other in zip(found, wanted, strict=True)])
    names = sorted({name for row in wanted for name in row})
    scores = f1_by_label(wanted, found, names)
    hits = sum(len(set(one) & set(other)) for one, other in zip(found, wanted, strict=True))
    truth = np.array([[label in row for label in model.labels] for row in wanted])
    usual = Counter(tuple(sorted(row)) for row in sets).most_common(1)[0][0]
    accuracy = float(right.mean())
    return IntentReport(
        accuracy=accuracy,
        accuracy_unrejected=accuracy,
        macro_f1=float(np.mean(list(scores.values()))) if scores else 0.0,
        micro_f1=f1_of(hits, sum(map(len, found)), sum(map(len, wanted))),
        oos_recall=None,
        oos_precision=None,
        false_oos=None,
        ece=expected_calibration_error(np.concatenate(chances).ravel(), truth.ravel()),
        ms_per_message=1000 * spent / len(asked),
        train_s=train_s,
        model_mb=model.megabytes,
        tier_share={"fast" if base is None else "accurate": 1.0},
        threshold=None,
        baseline={"majority_accuracy": sum(set(row) == set(usual) for row in wanted) / len(wanted)},
        labels=scores,
        method="one model per intent, thresholds by cross-validation"
        + ("" if base is None else "; a tuned encoder blended in"),
        train_rows=len(known),
        test_rows=len(asked),
    )


# -- shared -----------------------------------------------------------------------------------


def _name(row: IntentRow) -> str:
    """The row's intent; "" is out of scope."""
    if row.intent is None:
        raise InvalidInput(f"row {row.id!r} has no intent", field="intent")
    return "" if row.intent in OUT_OF_SCOPE else row.intent


def _names(row: IntentRow) -> list[str]:
    if row.intents is None:
        raise InvalidInput(f"row {row.id!r} has no intents", field="intents")
    return list(dict.fromkeys(row.intents))


def _share(hits: npt.NDArray[Any], among: npt.NDArray[Any]) -> float:
    return float(hits[among].mean()) if among.any() else 0.0


def _shares(tiers: Sequence[str]) -> dict[str, float]:
    return {tier: count / len(tiers) for tier, count in sorted(Counter(tiers).items())}


def _majority(names: Sequence[str], wanted: Sequence[str]) -> dict[str, float]:
    usual = Counter(name for name in names if name).most_common(1)[0][0]
    inside = [name for name in wanted if name]
    return {"majority_accuracy": inside.count(usual) / max(1, len(inside))}


def _megabytes(fast: IntentModel, accurate: AccurateIntents | None, tier: str) -> float:
    size = fast.size_bytes
    if accurate is not None:
        size += len(accurate.model.to_bytes())
    return size / 1e6


def _method(tier: str, rejects: bool) -> str:
    what = {
        "fast": "linear over words, pairs and letter groups",
        "accurate": "tuned encoder blended with the linear model",
        "cascade": "linear; where it is unsure, a tuned encoder blended with it",
    }[tier]
    return what + (
        "; refuses below a threshold fitted on held-out training texts"
        if rejects
        else "; the training file has nothing out of scope, so nothing is refused"
    )
