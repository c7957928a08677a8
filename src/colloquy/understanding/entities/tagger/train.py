"""Trains the tagger: a CRF by L-BFGS (CRFsuite), with the features of `keys`.

Lafferty et al. (2001), "Conditional random fields". The weights are read out of the library's
model; serving needs no library.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Struct

from ....model.errors import InvalidInput
from ...evaluation.metrics import f1_of
from . import keys as fx
from .model import Header, Tagger, Text
from .words import OUTSIDE, name_of, tags_of, tokens_of

L1, L2 = 0.05, 0.02
"""Penalties of the weights; see docs/understanding.md."""
ITERATIONS = 100
FREQUENT_SHARE, FREQUENT_LEAST, FREQUENT_MOST = 0.001, 3, 400
"""A word that stands anywhere before or after counts when it is in this share of the texts, in
this many at least; the most frequent ones."""
MEASURED = (200, 6_000)
"""Texts between which a part of them is held out to choose `Header.outside`: fewer say too little,
of more the training is not worth repeating and the gain is small."""
OUTSIDES = (0.0, -0.5, -1.0, -1.5, -2.0)
LEAST_GAIN = 0.005
"""Of F1: less is chance."""


class Span(Struct, frozen=True):
    """An annotated entity: `text[start:end]` is a `label`, perhaps with a role and a group."""

    start: int
    end: int
    label: str
    role: str | None = None
    group: str | None = None


class Example(Struct, frozen=True):
    """An annotated text. `asked`: the slots that had just been asked for; `hints`: see `Text`."""

    text: str
    spans: Sequence[Span]
    asked: Sequence[str] = ()
    hints: Sequence[str] = ()


def silent(_: str) -> None:
    """Says nothing."""


def train_tagger(
    examples: Sequence[Example],
    *,
    l1: float = L1,
    l2: float = L2,
    iterations: int = ITERATIONS,
    progress: Callable[[str], None] = silent,
) -> Tagger:
    """A tagger of these examples. Raises InvalidInput when none holds a span."""
    texts = [text_of(example) for example in examples]
    names = [
        [(span.start, span.end, name_of(span.label, span.role, span.group)) for span in one.spans]
        for one in examples
    ]
    tags = [tags_of(text.tokens, spans) for text, spans in zip(texts, names, strict=True)]
    if not any(tag != OUTSIDE for row in tags for tag in row):
        raise InvalidInput("no example holds an entity", field="examples")
    whole = _fit(texts, tags, l1, l2, iterations, progress)
    if not MEASURED[0] <= len(texts) <= MEASURED[1]:
        return whole
    aside = [crc32(one.text.encode("utf-8", "surrogatepass")) % 5 == 0 for one in examples]
    seen = [row for row, out in enumerate(aside) if not out]
    held = [row for row, out in enumerate(aside) if out]
    if not any(tag != OUTSIDE for row in seen for tag in tags[row]):
        return whole
    progress("tagger: a second one without a fifth of the texts, to measure on them")
    part = _fit(
        [texts[row] for row in seen], [tags[row] for row in seen], l1, l2, iterations, silent
    )
    outside = _best_outside(part, [texts[row] for row in held], [names[row] for row in held])
    return whole.adjusted(outside=outside)


def _best_outside(
    tagger: Tagger, texts: Sequence[Text], wanted: Sequence[Sequence[tuple[int, int, str]]]
) -> float:
    """What to add to the scores of "O" for the best F1 on these texts; 0 unless it gains."""
    best, chosen = -1.0, 0.0
    for outside in OUTSIDES:
        found = tagger.adjusted(outside=outside).tag(texts)
        hits = said = 0
        for spans, right in zip(found, wanted, strict=True):
            names = {(one.start, one.end, name_of(one.label, one.role, one.group)) for one in spans}
            hits += len(names & set(right))
            said += len(names)
        f1 = f1_of(hits, said, sum(map(len, wanted)))
        if f1 > best + LEAST_GAIN:
            best, chosen = f1, outside
    return chosen


def text_of(example: Example) -> Text:
    """What the tagger reads of an example."""
    return Text(tokens_of(example.text), example.asked, example.hints)


def _fit(
    texts: Sequence[Text],
    tags: Sequence[Sequence[str]],
    l1: float,
    l2: float,
    iterations: int,
    progress: Callable[[str], None],
) -> Tagger:
    import pycrfsuite

    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params(
        {"c1": l1, "c2": l2, "max_iterations": iterations, "feature.possible_transitions": False}
    )
    frequent = frequent_words(texts)
    reader = _Reader(frequent)
    for text, row in zip(texts, tags, strict=True):
        if row:
            trainer.append(reader.attributes(text), list(row))
    progress(f"tagger: {len(reader.seen)} features")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "crf")
        trainer.train(path)
        library = pycrfsuite.Tagger()
        library.open(path)
        info = library.info()
        library.close()
    columns = {tag: column for column, tag in enumerate(sorted(info.labels))}
    by_key: dict[int, list[tuple[int, float]]] = {}
    for (attribute, tag), weight in info.state_features.items():
        if weight:
            by_key.setdefault(int(attribute), []).append((columns[tag], weight))
    transitions = np.zeros((len(columns), len(columns)), np.float32)
    for (before, after), weight in info.transitions.items():
        transitions[columns[before], columns[after]] = weight
    keys = sorted(by_key)
    entries = [entry for key in keys for entry in by_key[key]]
    starts = np.cumsum([0, *(len(by_key[key]) for key in keys)])
    return Tagger(
        Header(
            algorithm=fx.ALGORITHM,
            version=_version(texts, tags, l1, l2, iterations),
            tags=list(columns),
            features=len(keys),
            entries=len(entries),
            hints=any(text.hints for text in texts),
        ),
        np.array(keys, np.uint32),
        starts.astype(np.uint32),
        np.array([column for column, _ in entries], np.uint16),
        np.array([weight for _, weight in entries], np.float32),
        transitions,
    )


def frequent_words(texts: Sequence[Text]) -> frozenset[str]:
    """Words, folded, whose place anywhere before or after a word counts."""
    counts = Counter(
        word for text in texts for word in {fx.folded(word) for word in text.tokens.words}
    )
    least = max(FREQUENT_LEAST, FREQUENT_SHARE * len(texts))
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return frozenset(word for word in ranked[:FREQUENT_MOST] if counts[word] >= least)


class _Reader:
    """The features of each word of a text as the library wants them: keys as strings."""

    def __init__(self, frequent: frozenset[str]) -> None:
        self._frequent = frequent
        self._blocks: dict[tuple[str, ...], list[list[str]]] = {}
        self.seen: set[str] = set()

    def attributes(self, text: Text) -> list[list[str]]:
        own = text.tokens.words
        margin = fx.REACH
        padded = [fx.START] * margin + own + [fx.END] * margin
        words = [self._block(word) for word in padded]
        asked = tuple(text.asked)
        after: list[list[str]] = [[] for _ in own]
        for at in range(len(own) - 2, -1, -1):
            after[at] = after[at + 1] + self._anywhere(
                own[at + 1], words[at + 1 + margin], fx.AFTER
            )
        rows: list[list[str]] = []
        before: list[str] = []
        for at, word in enumerate(own):
            center = at + margin
            row = [key for step in range(2 * margin + 1) for key in words[at + step][step]]
            for place, step in enumerate(fx.PAIR_STARTS):
                first, second = center + step, center + step + 1
                # Pairs wholly outside the text say nothing.
                if second >= margin and first < margin + len(own):
                    row += self._block(padded[first], padded[second])[place]
            row += before
            row += after[at]
            if asked:
                row += [str(key) for key in fx.asked_keys(asked, word)]
            for step in range(fx.HINT_ROWS):
                source = at - 1 + step
                if 0 <= source < len(text.hints) and text.hints[source]:
                    row += [str(key) for key in fx.hint_keys(text.hints[source])[step]]
            before = before + self._anywhere(word, words[center], fx.BEFORE)
            rows.append(row)
        return rows

    def _block(self, *part: str) -> list[list[str]]:
        block = self._blocks.get(part)
        if block is None:
            keys = fx.word_keys(part[0]) if len(part) == 1 else fx.pair_keys(part[0], part[1])
            block = self._blocks[part] = [[str(key) for key in row] for row in keys]
            self.seen.update(key for row in block for key in row)
        return block

    def _anywhere(self, word: str, block: list[list[str]], row: int) -> list[str]:
        return block[row] if fx.folded(word) in self._frequent else []


def _version(
    texts: Sequence[Text], tags: Sequence[Sequence[str]], l1: float, l2: float, iterations: int
) -> str:
    rows = [
        (text.tokens.words, list(text.asked), list(text.hints), list(row))
        for text, row in zip(texts, tags, strict=True)
    ]
    told = msgspec.json.encode([fx.ALGORITHM, l1, l2, iterations, rows])
    return blake2b(told, digest_size=6).hexdigest()
