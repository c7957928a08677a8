"""How well entities are found: exact spans with labels, beside a dictionary of the training spans.

Precision, recall and F1 count a span as right when its start, end and label are. The baseline marks
what was annotated in training wherever it occurs, longest first (spans that were annotated at least
as often as not).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import perf_counter

import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput
from ..encoder.base import Floats, load_base
from ..encoder.model import EncoderModel
from ..entities.encoded import blend, log_probabilities, train_encoded
from ..entities.extract import EntityExtractor, Source, hints_of
from ..entities.merging import THRESHOLD
from ..entities.tagger.decode import constrained, lattice, viterbi
from ..entities.tagger.model import Tagger, Text
from ..entities.tagger.train import Example, Span, train_tagger
from ..entities.tagger.words import Found, Tokens, spans_of, tags_of, tokens_of
from .alignment import Spans, aligned, merged
from .metrics import f1_of
from .rows import EntityRow, read_rows

BATCH = 64
TIERS = ("fast", "accurate", "cascade")
NOW_US = 1_767_225_600_000_000
"""The clock of all rows (1 January 2026): only values depend on it, which are not judged."""
HINTED_BELOW = 3_000
"""Training rows below which the tagger also reads what patterns say of words: they know forms that
few examples cannot teach. With many they did not help on rows held out, and cost time."""
_LONGEST = 8
"""Words of a training span that the baseline looks for."""

Progress = Callable[[str], None]


class LabelScore(Struct, frozen=True):
    """Of one label; `support` is how often it was annotated."""

    precision: float
    recall: float
    f1: float
    support: int


class Baseline(Struct, frozen=True):
    """Exact spans with their labels."""

    precision: float
    recall: float
    f1: float
    message_accuracy: float


class EntityReport(Struct, frozen=True):
    """What `colloquy eval entities` prints. `message_accuracy`: share of the rows with exactly
    their spans; `macro_f1`: mean of the labels' F1. `sure` counts only spans of the confidence from
    which the pipeline takes them. The time is that of the tagger, and of
    the patterns where it reads them."""

    precision: float
    recall: float
    f1: float
    macro_f1: float
    message_accuracy: float
    ms_per_message: float
    train_s: float
    sure: Baseline
    baseline: Baseline
    labels: dict[str, LabelScore]
    method: str
    train_rows: int
    test_rows: int


def run(
    train_path: Path,
    test_path: Path,
    *,
    tier: str = "fast",
    progress: Progress = lambda _: None,
) -> EntityReport:
    """Trains on one file and judges on the other.

    Raises InvalidInput, NotFound; Unavailable when the accurate tier cannot run here.
    """
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier!r}: {', '.join(TIERS)}", field="tier")
    known, asked = read_rows(train_path, EntityRow), read_rows(test_path, EntityRow)
    base = load_base() if tier != "fast" else None
    began = perf_counter()
    patterns = EntityExtractor() if len(known) < HINTED_BELOW else None
    texts, hinted = texts_of(patterns, known)
    labels_of = aligned([_annotated(row) for row in known], hinted)
    tagger = train_tagger(
        [
            Example(row.text, [Span(*one) for one in _annotated(row)], text.asked, text.hints)
            for row, text in zip(known, texts, strict=True)
        ],
        progress=progress,
    )
    encoder = None
    if base is not None:
        tags = [
            tags_of(text.tokens, _annotated(row)) for text, row in zip(texts, known, strict=True)
        ]
        words = [text.tokens.words for text in texts]
        encoder = train_encoded(base, words, [text.asked for text in texts], tags, progress)
    train_s = perf_counter() - began
    progress(f"judging {len(asked)} texts")
    began = perf_counter()
    answers: list[list[Found]] = []
    for start in range(0, len(asked), BATCH):
        answers += serve(patterns, tagger, encoder, labels_of, asked[start : start + BATCH])
    spent = perf_counter() - began
    found = [_plain(row) for row in answers]
    sure = [_plain([one for one in row if one.confidence >= THRESHOLD]) for row in answers]
    wanted = [_annotated(row) for row in asked]
    overall = _counted(wanted, found)
    labels = {
        label: _score(
            [[one for one in row if one[2] == label] for row in wanted],
            [[one for one in row if one[2] == label] for row in found],
        )
        for label in sorted({label for row in wanted for _, _, label in row})
    }
    return EntityReport(
        precision=overall.precision,
        recall=overall.recall,
        f1=overall.f1,
        macro_f1=float(np.mean([score.f1 for score in labels.values()])) if labels else 0.0,
        message_accuracy=overall.message_accuracy,
        ms_per_message=1000 * spent / len(asked),
        train_s=train_s,
        sure=_counted(wanted, sure),
        baseline=_counted(wanted, _dictionary(known, asked)),
        labels=labels,
        method="conditional random field over words, shapes, neighbours and the sentence"
        + ("" if patterns is None else ", and patterns")
        + ("" if encoder is None else ", blended with a tuned encoder"),
        train_rows=len(known),
        test_rows=len(asked),
    )


def texts_of(
    patterns: EntityExtractor | None, rows: Sequence[EntityRow]
) -> tuple[list[Text], list[Spans]]:
    """What the tagger reads of rows (words, slots asked for, what patterns say of the words) and
    the patterns' spans."""
    if patterns is None:
        texts = [Text(tokens_of(row.text), row.requested_slots) for row in rows]
        return texts, [[] for _ in rows]
    found = patterns.extract_batch([Source(row.text, NOW_US) for row in rows])
    texts = []
    for row, one in zip(rows, found, strict=True):
        tokens = tokens_of(row.text)
        hints = hints_of(tokens, one.entities, len(row.text))
        texts.append(Text(tokens, row.requested_slots, hints))
    return texts, [[(span.start, span.end, span.label) for span in one.entities] for one in found]


def serve(
    patterns: EntityExtractor | None,
    tagger: Tagger,
    encoder: EncoderModel | None,
    labels: Mapping[str, tuple[str, float]],
    rows: Sequence[EntityRow],
) -> list[list[Found]]:
    """The spans of a batch: those of patterns whose labels are aligned (see `alignment`), and the
    tagger's beside them."""
    texts, spans = texts_of(patterns, rows)
    tagged = _tagged(tagger, encoder, texts)
    return [merged(one, found, labels) for one, found in zip(tagged, spans, strict=True)]


def _tagged(
    tagger: Tagger, encoder: EncoderModel | None, texts: Sequence[Text]
) -> list[list[Found]]:
    if encoder is None:
        return tagger.tag(texts)
    columns = [encoder.header.labels.index(tag) for tag in tagger.tags]
    words = [text.tokens.words for text in texts]
    deep = log_probabilities(encoder, words, [text.asked for text in texts])
    linear = tagger.log_probabilities(texts)
    return [
        decoded(text.tokens, blend(one, other[:, columns]), tagger.tags)
        for text, one, other in zip(texts, linear, deep, strict=True)
    ]


def decoded(tokens: Tokens, mixed: Floats, tags: Sequence[str]) -> list[Found]:
    """The spans of blended log-probabilities (words, tags); the confidence is the least of their
    words'."""
    if not len(mixed):
        return []
    shifted = mixed - mixed.max(axis=1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    scores, lengths = lattice([mixed])
    moves, starts = constrained(np.zeros((len(tags), len(tags)), np.float32), tags)
    (path,) = viterbi(scores, lengths, moves, starts)
    return [
        Found(
            tokens.starts[first],
            tokens.ends[end - 1],
            label,
            confidence=min(float(chances[at, path[at]]) for at in range(first, end)),
        )
        for first, end, label in spans_of([tags[tag] for tag in path])
    ]


def _plain(found: Sequence[Found]) -> Spans:
    return [(one.start, one.end, one.label) for one in found]


def _annotated(row: EntityRow) -> Spans:
    return [(one.start, one.end, one.label) for one in row.entities]


def _score(wanted: Sequence[Spans], found: Sequence[Spans]) -> LabelScore:
    counted = _counted(wanted, found)
    return LabelScore(counted.precision, counted.recall, counted.f1, sum(map(len, wanted)))


def _counted(wanted: Sequence[Spans], found: Sequence[Spans]) -> Baseline:
    pairs = [(set(one), set(other)) for one, other in zip(wanted, found, strict=True)]
    hits = sum(len(one & other) for one, other in pairs)
    true = sum(len(one) for one, _ in pairs)
    said = sum(len(other) for _, other in pairs)
    return Baseline(
        precision=hits / said if said else 0.0,
        recall=hits / true if true else 0.0,
        f1=f1_of(hits, said, true),
        message_accuracy=sum(one == other for one, other in pairs) / max(1, len(pairs)),
    )


def _dictionary(known: Sequence[EntityRow], asked: Sequence[EntityRow]) -> list[Spans]:
    marked: Counter[tuple[tuple[str, ...], str]] = Counter()
    seen: Counter[tuple[str, ...]] = Counter()
    for row in known:
        for one in row.entities:
            words = tokens_of(row.text[one.start : one.end]).words
            phrase = tuple(word.lower() for word in words)
            if 0 < len(phrase) <= _LONGEST:
                marked[phrase, one.label] += 1
    phrases = {phrase for phrase, _ in marked}
    for row in known:
        for phrase, _, _ in _phrases(tokens_of(row.text)):
            if phrase in phrases:
                seen[phrase] += 1
    usual: dict[tuple[str, ...], str] = {}
    for (phrase, label), count in sorted(marked.items(), key=lambda item: item[1]):
        if 2 * count >= seen[phrase]:
            usual[phrase] = label
    found: list[Spans] = []
    for row in asked:
        taken: set[int] = set()
        spans: Spans = []
        text = tokens_of(row.text)
        for phrase, first, last in sorted(_phrases(text), key=lambda one: one[1] - one[2]):
            places = set(range(first, last))
            if phrase in usual and not places & taken:
                taken |= places
                spans.append((text.starts[first], text.ends[last - 1], usual[phrase]))
        found.append(spans)
    return found


def _phrases(tokens: Tokens) -> list[tuple[tuple[str, ...], int, int]]:
    lows = [word.lower() for word in tokens.words]
    return [
        (tuple(lows[first:last]), first, last)
        for first in range(len(lows))
        for last in range(first + 1, min(len(lows), first + _LONGEST) + 1)
    ]
