"""Training an intent model from a pack; the only module that needs scikit-learn (extra `train`).

The model is one linear support vector machine per intent against all others (scikit-learn's
LinearSVC); `out_of_scope` texts are one more column. Confidence is calibrated on texts the model
did not see:

1. k-fold cross-validation gives, for each example, the scores of a model trained without it;
2. a second round leaves whole intents out, so that their examples are texts of a subject the model
   does not know: a stand-in for everything a pack's author did not think of;
3. a logistic regression over (best score, lead over the next) learns whether the best intent is
   right; a text of an unknown intent is never right. Unknown texts weigh `UNKNOWN_SHARE` of all.

The same pack gives the same version, and on the same machine the same bytes. The server calls
`ensure_model`, which trains in a subprocess: scikit-learn never enters a serving process.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ..model.errors import ColloquyError, InvalidInput, Unavailable
from ..packs import PROPERTY_MODEL
from .intent import (
    ALGORITHM,
    MAX_WORDS,
    PAIR_WEIGHT,
    Calibration,
    Header,
    IntentModel,
    pair_key,
    tokens_of,
    word_features,
)
from .pack import Pack, load_pack

UNKNOWN_SHARE = 0.07
"""Share of texts outside every intent that the calibration expects."""
FOLDS = 4
TRAIN_TIMEOUT_S = 600.0

_OUT_OF_SCOPE = ""
_BACKGROUND = (
    "what is the capital of australia", "play some jazz", "how tall is that mountain",
    "who won the match last night", "tell me a joke", "how long do i boil an egg",
    "will it rain on sunday", "turn the lights off", "my brother lives in canada",
    "translate good night into spanish", "what time is it in tokyo", "i like the colour blue",
    "the train was full again", "how do i change a tyre", "what does this word mean",
    "she is reading a book", "set a timer for ten minutes", "that film was too long",
    "how many grams are in an ounce", "we went hiking yesterday",
)  # fmt: skip
"""Stands in for `out_of_scope` when a pack has a single intent and nothing to tell it from."""

Floats = npt.NDArray[np.float32]


def model_version(pack: Pack) -> str:
    """The version of the model that training this pack yields: 12 hex digits."""
    data = msgspec.json.encode([ALGORITHM, pack.training_data()], order="sorted")
    return blake2b(data, digest_size=6).hexdigest()


def train(pack: Pack) -> IntentModel:
    """A model of the pack's intents. Raises InvalidInput when no intent has examples."""
    texts: list[list[str]] = []
    names: list[str] = []
    for name, intent in sorted(pack.intents.items()):
        for example in sorted(intent.examples):
            texts.append(tokens_of(example))
            names.append(name)
    if not names:
        raise InvalidInput("no intent of the pack has examples", field="intents")
    outside: Sequence[str] = sorted(pack.out_of_scope)
    if not outside and len(set(names)) == 1:
        outside = _BACKGROUND
    for text in outside:
        texts.append(tokens_of(text))
        names.append(_OUT_OF_SCOPE)
    labels = sorted(set(names))
    targets = np.array([labels.index(name) for name in names])
    calibration = _calibrate(texts, targets, labels)
    return _fit(texts, targets, labels, calibration, model_version(pack))


def _fit(
    texts: list[list[str]],
    targets: npt.NDArray[Any],
    labels: list[str],
    calibration: Calibration,
    version: str,
) -> IntentModel:
    """One model; `targets` are columns of `labels`, of which at least two occur."""
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    expanded = [_features(words) for words in texts]
    counts = Counter(key for keys, _ in expanded for key in set(keys))
    keys = np.array(sorted(counts), np.uint32)
    documents = np.array([counts[int(key)] for key in keys], np.float64)
    total = len(texts)
    idf = (np.log((1 + total) / (1 + documents)) + 1).astype(np.float16)
    data, columns, starts = [], [], [0]
    for text_keys, factors in expanded:
        column = np.searchsorted(keys, np.array(text_keys, np.uint32))
        weight = np.array(factors) * idf[column].astype(np.float64)
        data.append(weight / max(float(np.sqrt(weight @ weight)), 1e-12))
        columns.append(column)
        starts.append(starts[-1] + len(column))
    matrix = csr_matrix(
        (np.concatenate(data), np.concatenate(columns), starts), shape=(total, len(keys))
    )
    present = np.unique(targets)
    machine = LinearSVC(C=1.0, random_state=0, max_iter=5_000)
    machine.fit(matrix, targets)
    weights = np.zeros((len(keys), len(labels)), np.float32)
    bias = np.full(len(labels), -1.0, np.float32)
    coefficients, intercepts = machine.coef_, machine.intercept_
    if len(present) == 2:  # scikit-learn gives one row, for the second class
        coefficients = np.vstack([-coefficients[0], coefficients[0]])
        intercepts = np.array([-intercepts[0], intercepts[0]])
    weights[:, present] = coefficients.T
    bias[present] = intercepts
    header = Header(
        algorithm=ALGORITHM,
        version=version,
        labels=labels,
        features=len(keys),
        unknown_idf=float(np.log(1 + total) + 1),
        calibration=calibration,
    )
    return IntentModel(header, keys, idf, weights.astype(np.float16), bias)


def _features(words: list[str]) -> tuple[list[int], list[float]]:
    """All features of a text, one entry for each occurrence."""
    keys: list[int] = []
    factors: list[float] = []
    words = words[:MAX_WORDS]
    for word in words:
        word_keys, word_factors = word_features(word)
        keys += word_keys
        factors += word_factors
    if words:
        pairs = [pair_key(*pair) for pair in zip(["^", *words], [*words, "$"], strict=True)]
        keys += pairs
        factors += [PAIR_WEIGHT] * len(pairs)
    return keys, factors


def _calibrate(texts: list[list[str]], targets: npt.NDArray[Any], labels: list[str]) -> Calibration:
    """Fits the confidence on held-out texts; see the module's docstring."""
    from sklearn.linear_model import LogisticRegression

    neutral = Calibration(1.0, 1.0, 0.0)
    best: list[Floats] = []
    lead: list[Floats] = []
    right: list[npt.NDArray[Any]] = []
    known: list[npt.NDArray[Any]] = []

    def measure(train_on: npt.NDArray[Any], test_on: npt.NDArray[Any], unknown: bool) -> None:
        if len(np.unique(targets[train_on])) < 2 or not len(test_on):
            return
        model = _fit([texts[i] for i in train_on], targets[train_on], labels, neutral, "")
        top, score, distance = model.evidence([texts[i] for i in test_on])
        best.append(score)
        lead.append(distance)
        outside = np.array([labels[i] == _OUT_OF_SCOPE for i in targets[test_on]])
        right.append((top == targets[test_on]) & ~outside & (not unknown))
        known.append(~outside & (not unknown))

    every = np.arange(len(texts))
    # The n-th example of each intent goes to fold n mod FOLDS: every fold has every intent.
    order = np.zeros(len(texts), int)
    for label in range(len(labels)):
        members = np.flatnonzero(targets == label)
        order[members] = np.random.default_rng(label).permutation(len(members))
    for fold in range(FOLDS):
        measure(every[order % FOLDS != fold], every[order % FOLDS == fold], unknown=False)
    scope = [index for index, label in enumerate(labels) if label != _OUT_OF_SCOPE]
    groups = min(FOLDS, len(scope))
    for group in range(groups):
        left_out = np.isin(targets, scope[group::groups])
        measure(every[~left_out], every[left_out], unknown=True)
    if not right or len(np.unique(np.concatenate(right))) < 2:
        return Calibration(3.0, 1.0, 0.0)  # too few examples to fit: a plain slope
    truth = np.concatenate(right)
    inside = np.concatenate(known)
    weight = np.where(inside, 1.0, 0.0)
    if not inside.all():
        share = UNKNOWN_SHARE / (1 - UNKNOWN_SHARE) * inside.sum() / (~inside).sum()
        weight[~inside] = share
    evidence = np.stack([np.concatenate(best), np.concatenate(lead)], axis=1)
    fitted = LogisticRegression(C=10.0, max_iter=1_000).fit(evidence, truth, sample_weight=weight)
    slope, offset = fitted.coef_[0], fitted.intercept_[0]
    return Calibration(
        round(float(slope[0]), 4), round(float(slope[1]), 4), round(float(offset), 4)
    )


# -- training beside a server -----------------------------------------------------------------


async def ensure_model(pack: Pack, cache_dir: Path, *, timeout_s: float = TRAIN_TIMEOUT_S) -> Path:
    """The model file of this version of the pack: the shipped one if it is that version, else the
    one in `cache_dir`, which is trained in a subprocess if it is missing.

    Raises InvalidInput when the pack cannot be trained, Unavailable when scikit-learn is missing
    or training fails or takes longer than `timeout_s`.
    """
    version = model_version(pack)
    if shipped_version(PROPERTY_MODEL) == version:
        return PROPERTY_MODEL
    path = cache_dir / f"intent-{version}.model"
    if path.exists():
        return path
    if not pack.trainable:
        raise InvalidInput("no intent of the pack has examples", field="intents")
    if find_spec("sklearn") is None:
        raise Unavailable(
            "training an intent pack needs scikit-learn: pip install 'colloquy[train]'"
        )
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix="training-") as folder:
        source = Path(folder) / "pack.json"
        pack.save(source)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "colloquy.understanding.train",
            "--pack", str(source), "--out", str(path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            _, errors = await asyncio.wait_for(process.communicate(), timeout_s)
        except TimeoutError:
            raise Unavailable(f"training took longer than {timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode != 0:
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        raise Unavailable(f"training failed: {lines[-1] if lines else process.returncode}")
    return path


def shipped_version(path: Path) -> str:
    """The version of a model that came with the package; "" if it was left out of a build."""
    return IntentModel.load(path).version if path.exists() else ""


def main(arguments: list[str] | None = None) -> int:
    """`python -m colloquy.understanding.train --pack F --out F`."""
    parser = argparse.ArgumentParser(description="Trains the intent model of a pack.")
    parser.add_argument("--pack", type=Path, required=True, help="a .toml or .json pack")
    parser.add_argument("--out", type=Path, required=True, help="the model file to write")
    options = parser.parse_args(arguments)
    try:
        model = train(load_pack(options.pack))
    except ColloquyError as error:
        where = f"{error.field}: " if error.field else ""
        print(f"{where}{error.detail}", file=sys.stderr)
        return 1
    # Written aside and moved into place, so that a reader never sees half a model.
    aside = options.out.with_name(f".{options.out.name}.{os.getpid()}")
    model.save(aside)
    aside.replace(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
