"""How well a pack's intents are told apart: on its own examples, each judged by a model that never
saw it, or on texts that were held out. Examples that such models are sure belong elsewhere are
named as probable errors of the pack."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from ..evaluation.metrics import expected_calibration_error, f1_by_label
from ..evaluation.rows import OUT_OF_SCOPE, IntentRow
from ..intent import Guess, IntentModel, tokens_of
from ..intents.claims import plain
from ..intents.hierarchy import Hierarchy
from ..intents.label_errors import suspects
from ..intents.spelling import Spelling
from ..pack import IntentExamples, Pack
from .building import Place
from .folder import Source

FOLDS = 5
PAIRS = 10
"""Pairs of confused intents that are listed."""
SHOWN = 3
"""Texts that are shown of each."""


class Confusion(Struct, frozen=True):
    """Texts of one intent that were taken for another: how many, and the first of them."""

    meant: str
    taken_for: str
    times: int
    texts: list[str]


class LabelError(Struct, frozen=True):
    """An example that probably belongs elsewhere; `line` is 0 where the file is not known."""

    text: str
    given: str
    suggested: str
    confidence: float
    file: str = ""
    line: int = 0


class Judgement(Struct, frozen=True):
    """What came out.

    `accuracy`: the nearest intent is right, over texts in scope. `claimed`: texts in scope for
    which an intent is claimed, `right` among these. `parents`: texts in scope for which only a
    parent of intents is claimed, `parents_right` among these. `refused`: texts out of scope for
    which nothing is claimed. `confused`: the commonest mistakes. `suspects`: see `label_errors`;
    only by cross-validation.
    """

    texts: int
    intents: int
    accuracy: float
    claimed: float
    right: float
    parents: float
    parents_right: float
    refused: float
    calibration_error: float
    f1: dict[str, float]
    confused: list[Confusion]
    suspects: list[LabelError]
    method: str


class _Judged(Struct):
    """What a model says of rows: guesses, claimed parents, probabilities (rows, its labels)."""

    guesses: list[Guess]
    parents: list[str | None]
    probabilities: npt.NDArray[Any]


def cross_validate(
    pack: Pack,
    folds: int = FOLDS,
    progress: Callable[[str], None] = lambda _: None,
    source: Source | None = None,
) -> Judgement:
    """The n-th example of each intent is judged by a model trained without those of its fold.

    `source`, where the pack was read from, brings the places of suspects. Raises InvalidInput when
    the pack has several intents per text, or too few examples.
    """
    if pack.multi_label:
        raise InvalidInput("packs with several intents per text are judged by `colloquy eval`")
    if not 2 <= folds <= 20:
        raise InvalidInput("2 to 20 folds", field="folds")
    from ..train import train

    labels = ["", *sorted(pack.intents)]
    rows: list[IntentRow] = []
    guesses: list[Guess] = []
    parents: list[str | None] = []
    parts: list[npt.NDArray[Any]] = []
    for fold in range(folds):
        progress(f"fold {fold + 1} of {folds}")
        kept, left = _split(pack, fold, folds)
        if not kept.trainable or not left:
            raise InvalidInput(f"too few examples for {folds} folds", field="intents")
        model = train(kept)
        found = _ask(pack, Spelling(kept), model, left)
        part = np.zeros((len(left), len(labels)))
        part[:, [labels.index(label) for label in model.header.labels]] = found.probabilities
        parts.append(part)
        rows += left
        guesses += found.guesses
        parents += found.parents
    suspected = suspects(np.concatenate(parts), [_wanted(row) for row in rows], labels)
    places = _places(pack, source) if source is not None else {}
    errors = [_error(rows[one.row], one.suggested, one.confidence, places) for one in suspected]
    return _judged(
        pack, rows, guesses, parents, errors, f"{folds} folds over the pack's own examples"
    )


def judge(pack: Pack, model: IntentModel, rows: Sequence[IntentRow]) -> Judgement:
    """On rows that the model never saw.

    Raises InvalidInput for an intent that is not in the pack, or without a row.
    """
    for row in rows:
        if row.intent not in pack.intents and row.intent not in OUT_OF_SCOPE:
            raise InvalidInput(f"{row.intent!r} is no intent of the pack", field="intent")
    if not rows:
        raise InvalidInput("there is no row to judge on", field="rows")
    found = _ask(pack, Spelling(pack), model, rows)
    return _judged(pack, rows, found.guesses, found.parents, [], "texts held out")


def _split(pack: Pack, fold: int, folds: int) -> tuple[Pack, list[IntentRow]]:
    left: list[IntentRow] = []
    intents: dict[str, IntentExamples] = {}

    def part(texts: Sequence[str], name: str) -> list[str]:
        # A fixed shuffle: examples that were written one after the other resemble each other.
        order = np.random.default_rng(len(texts)).permutation(len(texts)).tolist()
        gone = {texts[place] for rank, place in enumerate(order) if rank % folds == fold}
        left.extend(IntentRow(text, intent=name) for text in texts if text in gone)
        return [text for text in texts if text not in gone]

    for name, intent in pack.intents.items():
        intents[name] = IntentExamples(part(intent.examples, name))
    outside = part(pack.out_of_scope, "out_of_scope")
    return Pack(name=pack.name, language=pack.language, intents=intents, out_of_scope=outside), left


def _ask(pack: Pack, spelling: Spelling, model: IntentModel, rows: Sequence[IntentRow]) -> _Judged:
    words = [spelling.mend(tokens_of(plain(row.text))) for row in rows]
    guesses = model.classify(words)
    logs = model.log_probabilities(words)
    above = Hierarchy(model.header.labels).parents(guesses, logs, pack.threshold, pack.margin)
    parents = [
        parent.intent if parent is not None and not _is_sure(pack, guess) else None
        for guess, parent in zip(guesses, above, strict=True)
    ]
    return _Judged(guesses, parents, np.exp(logs))


def _is_sure(pack: Pack, guess: Guess) -> bool:
    return guess.confidence >= pack.threshold and guess.lead >= pack.margin


def _wanted(row: IntentRow) -> str:
    """The intent, "" out of scope."""
    return "" if row.intent in OUT_OF_SCOPE else row.intent or ""


def _places(pack: Pack, source: Source) -> dict[tuple[str, str], Place]:
    """Where each example stands, by intent ("out_of_scope") and text."""
    places = {
        (name, text): source.place(f"intents.{name}.examples[{index}]")
        for name, intent in pack.intents.items()
        for index, text in enumerate(intent.examples)
    }
    return places | {
        ("out_of_scope", text): source.place(f"out_of_scope[{index}]")
        for index, text in enumerate(pack.out_of_scope)
    }


def _error(
    row: IntentRow, suggested: str, confidence: float, places: Mapping[tuple[str, str], Place]
) -> LabelError:
    given = row.intent or "out_of_scope"
    place = places.get((given, row.text), Place("", 0))
    return LabelError(
        row.text, given, suggested or "out_of_scope", confidence, place.file, place.line
    )


def _judged(
    pack: Pack,
    rows: Sequence[IntentRow],
    guesses: Sequence[Guess],
    parents: Sequence[str | None],
    errors: list[LabelError],
    method: str,
) -> Judgement:
    wanted = [_wanted(row) for row in rows]
    taken = [guess.intent or "" for guess in guesses]
    claims = [_is_sure(pack, guess) for guess in guesses]
    hits = [name == guess for name, guess in zip(wanted, taken, strict=True)]
    inside = [place for place, name in enumerate(wanted) if name]
    outside = [place for place, name in enumerate(wanted) if not name]
    claimed = [place for place in inside if claims[place]]
    above = [place for place in inside if parents[place]]
    labels = sorted(pack.intents)
    return Judgement(
        texts=len(rows),
        intents=len(labels),
        accuracy=_share(hits[place] for place in inside),
        claimed=_share(claims[place] for place in inside),
        right=_share(hits[place] for place in claimed),
        parents=_share(parents[place] is not None for place in inside),
        parents_right=_share(wanted[place].startswith(f"{parents[place]}/") for place in above),
        refused=_share(not claims[place] and parents[place] is None for place in outside),
        calibration_error=round(
            expected_calibration_error([guess.confidence for guess in guesses], hits), 4
        ),
        f1={
            label: round(score, 4)
            for label, score in f1_by_label(
                [[wanted[place]] for place in inside], [[taken[place]] for place in inside], labels
            ).items()
        },
        confused=_confused(
            [(wanted[place], taken[place], rows[place].text) for place in inside if not hits[place]]
        ),
        suspects=errors,
        method=method,
    )


def _confused(mistakes: Sequence[tuple[str, str, str]]) -> list[Confusion]:
    """The commonest pairs of (meant, taken for, text)."""
    texts: dict[tuple[str, str], list[str]] = {}
    for meant, taken_for, text in mistakes:
        texts.setdefault((meant, taken_for), []).append(text)
    ordered = sorted(texts.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    return [
        Confusion(meant, taken_for, len(found), sorted(found)[:SHOWN])
        for (meant, taken_for), found in ordered[:PAIRS]
    ]


def _share(truths: Iterable[bool]) -> float:
    every = list(truths)
    return round(sum(every) / len(every), 4) if every else 0.0
