"""Training an intent model from a pack; the only module that needs scikit-learn (extra `train`).

The model is one linear support vector machine per intent against all others (scikit-learn's
LinearSVC); `out_of_scope` texts are one more column. Confidence is calibrated on texts the model
did not see:

1. k-fold cross-validation gives, for each example, the scores of a model trained without it;
2. a second round leaves whole intents out, so that their examples are texts of a subject the model
   does not know: a stand-in for everything a pack's author did not think of;
3. a logistic regression over (best score, lead over the next, score outside) learns whether the
   best intent is right; a text of an unknown intent is never right. Unknown texts weigh
   `UNKNOWN_SHARE` of all.

The same pack gives the same version, and on the same machine the same bytes. The server calls
`ensure_model`, which trains in a subprocess: scikit-learn never enters a serving process.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model.errors import InvalidInput, Unavailable
from ..packs import PROPERTY_MODEL, SUPPORT_MODEL
from .intent import (
    ALGORITHM,
    MAX_WORDS,
    PAIR_WEIGHT,
    Calibration,
    Evidence,
    Header,
    IntentModel,
    pair_key,
    tokens_of,
    word_features,
)
from .model_files import accurate_name, companions, intent_name, model_version
from .pack import DEFAULT_THRESHOLD, Pack
from .vectors.words import WIDTH, load_words

UNKNOWN_SHARE = 0.07
"""Share of texts outside every intent that the calibration expects."""
FOLDS = 4
COST = 2.0
"""Of a text on the wrong side; 1 to 4 chosen on held-out rows of ATIS and Banking77, where it
matters most (96.4 to 97.4 %)."""
MAX_REFUSED = 0.01
"""Share of held-out texts of known intents that the tuned threshold refuses."""
_SCALES = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 16.0, 20.0)
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
    return _trained(texts, names, model_version(pack))


def train_examples(
    texts: Sequence[str], names: Sequence[str], *, calibrate: bool = True
) -> IntentModel:
    """A model of texts with their intents; "" is out of scope. Without calibration it can only be
    asked for scores and probabilities. Raises InvalidInput with fewer than two labels."""
    if len(set(names)) < 2:
        raise InvalidInput("two intents are needed to tell them apart", field="intents")
    return _trained([tokens_of(text) for text in texts], list(names), "", calibrate=calibrate)


def fit_fast(texts: list[str], names: list[str]) -> Callable[[list[str]], Floats]:
    """The fast tier as `intents.accurate` wants it: texts to log-probabilities of the labels."""
    model = train_examples(texts, names, calibrate=False)
    return lambda asked: model.log_probabilities([tokens_of(text) for text in asked])


def _trained(
    texts: list[list[str]], names: list[str], version: str, *, calibrate: bool = True
) -> IntentModel:
    labels = sorted(set(names))
    targets = np.array([labels.index(name) for name in names])
    fitted = _calibrate(texts, targets, labels) if calibrate else _NEUTRAL
    return _fit(texts, targets, labels, fitted, version)


class Fitted(NamedTuple):
    """What cross-validation finds; see `intent.Header`."""

    calibration: Calibration
    scale: float = 5.0
    threshold: float = DEFAULT_THRESHOLD


_NEUTRAL = Fitted(Calibration(1.0, 1.0, 0.0))
_PLAIN = Fitted(Calibration(3.0, 1.0, 0.0))
"""With too few examples to fit: a plain slope."""


def _fit(
    texts: list[list[str]],
    targets: npt.NDArray[Any],
    labels: list[str],
    fitted: Fitted,
    version: str,
) -> IntentModel:
    """One model; `targets` are columns of `labels`, of which at least two occur."""
    from scipy.sparse import csr_matrix, hstack
    from sklearn.svm import LinearSVC

    vectors = load_words()

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
    ways = vectors.of_texts([words[:MAX_WORDS] for words in texts])
    matrix = hstack([matrix, csr_matrix(ways)]).tocsr()
    present = np.unique(targets)
    machine = LinearSVC(C=COST, random_state=0, max_iter=5_000)
    machine.fit(matrix, targets)
    weights = np.zeros((len(keys) + WIDTH, len(labels)), np.float32)
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
        calibration=fitted.calibration,
        scale=fitted.scale,
        threshold=fitted.threshold,
        words=vectors.version,
    )
    linear, meanings = np.split(weights.astype(np.float16), [len(keys)])
    return IntentModel(header, keys, idf, linear, meanings, bias)


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


def _calibrate(texts: list[list[str]], targets: npt.NDArray[Any], labels: list[str]) -> Fitted:
    """Fits the confidence on held-out texts; see the module's docstring."""
    from sklearn.linear_model import LogisticRegression

    found: list[Floats] = []
    right: list[npt.NDArray[Any]] = []
    known: list[npt.NDArray[Any]] = []
    scores: list[Floats] = []
    wanted: list[npt.NDArray[Any]] = []

    def measure(train_on: npt.NDArray[Any], test_on: npt.NDArray[Any], unknown: bool) -> None:
        if len(np.unique(targets[train_on])) < 2 or not len(test_on):
            return
        model = _fit([texts[i] for i in train_on], targets[train_on], labels, _NEUTRAL, "")
        tokens = [texts[i] for i in test_on]
        made = model.scores(tokens)
        top, evidence = model.evidence(made)
        if not unknown:
            scores.append(made)
            wanted.append(targets[test_on])
        found.append(np.stack(evidence, axis=1))
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
        return _PLAIN
    truth = np.concatenate(right)
    inside = np.concatenate(known)
    weight = np.where(inside, 1.0, 0.0)
    if not inside.all():
        share = UNKNOWN_SHARE / (1 - UNKNOWN_SHARE) * inside.sum() / (~inside).sum()
        weight[~inside] = share
    evidence = np.concatenate(found)
    fitted = LogisticRegression(C=10.0, max_iter=1_000).fit(evidence, truth, sample_weight=weight)
    slopes = [round(float(slope), 4) for slope in fitted.coef_[0]]
    calibration = Calibration(
        slopes[0], slopes[1], round(float(fitted.intercept_[0]), 4), slopes[2]
    )
    confidence = calibration.confidence(Evidence(*evidence[inside].T))
    return Fitted(
        calibration,
        _likeliest_scale(np.concatenate(scores), np.concatenate(wanted)),
        round(float(np.quantile(confidence, MAX_REFUSED)), 4),
    )


def _likeliest_scale(scores: Floats, targets: npt.NDArray[Any]) -> float:
    """The factor that gives the targets the highest probability in a softmax of the scores."""
    every = np.arange(len(targets))

    def loss(scale: float) -> float:
        logits = scale * scores
        logits -= logits.max(axis=1, keepdims=True)
        return -float((logits[every, targets] - np.log(np.exp(logits).sum(axis=1))).mean())

    return min(_SCALES, key=loss)


# -- training beside a server -----------------------------------------------------------------


async def ensure_model(pack: Pack, cache_dir: Path, *, timeout_s: float = TRAIN_TIMEOUT_S) -> Path:
    """The intent model of this version of the pack, with its tagger beside it: the shipped ones if
    they are of that version, else those in `cache_dir`, which are trained in a subprocess if they
    are missing. An accurate tier that was trained into `cache_dir` is found there too.

    Raises InvalidInput when the pack cannot be trained, Unavailable when scikit-learn is missing
    or training fails or takes longer than `timeout_s`.
    """
    path = cache_dir / intent_name(pack)
    if not (cache_dir / accurate_name(pack)).exists():
        shipped = shipped_model(pack)
        if shipped is not None:
            return shipped
    if path.exists() and all((cache_dir / name).exists() for name in companions(pack)):
        return path
    if not pack.trainable:
        raise InvalidInput("no intent of the pack has examples", field="intents")
    for module in ("sklearn", *(("pycrfsuite",) if pack.annotations else ())):
        if find_spec(module) is None:
            raise Unavailable(f"training a pack needs {module}: pip install 'colloquy[train]'")
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix="training-") as folder:
        source = Path(folder) / "pack.json"
        pack.save(source)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "colloquy.understanding.packs.training",
            "--pack", str(source), "--folder", str(cache_dir),
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


def shipped_model(pack: Pack) -> Path | None:
    """The intent model that came with the package for this very pack, its tagger beside it."""
    version = model_version(pack)
    for path in (PROPERTY_MODEL, SUPPORT_MODEL):
        if path.exists() and IntentModel.load(path).version == version:
            whole = all(path.with_name(name).exists() for name in companions(pack))
            return path if whole else None
    return None
