"""The shipped word vectors: how they are made (`scripts/train-words FILE…`).

A sentence encoder teaches them. Each word starts where the encoder places it alone, shortened by
how common it is: a / (a + p), p its share of all words (Arora and others, 2017). Then all vectors
are moved until the weighted mean of a text's words lies as near as it can to where the encoder
places the whole text, by least squares with a pull towards the start, so that rare words stay.
Principal components of the texts' places bring both down to WIDTH numbers.

Needs the encoder (extra `accurate`) and SciPy. Unlike the encoder, the result costs one look-up a
word.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from ...model.errors import ColloquyError, InvalidInput
from ..encoder.base import Base, load_base
from ..encoder.graph import build_graph
from ..encoder.model import EncoderModel
from ..encoder.model import Header as EncoderHeader
from ..evaluation.rows import open_lines
from ..intent import tokens_of
from .words import SHIPPED, WIDTH, Floats, WordVectors, lengths, pack_vectors

COMMON = 1e-3
"""`a` above: a word of this share of all words counts half."""
PULL = 1.0
"""Weight of the pull towards the start, against an error of 1 in one text."""
STEPS = 40
"""Of conjugate gradients; the error no longer moves."""
LEAST_COUNT = 5
"""Occurrences from which a word of the texts is learned; words of the encoder always are."""
SHORTEST, LONGEST = 2, 30
"""Words of the texts that are learned from."""
MAX_WORD = 30
_SHARE_UNSEEN = 20
"""One text of so many is kept aside to measure the result on."""

Progress = Callable[[str], None]


class Distilled:
    """What came out: the table and how near it comes to the encoder on texts kept aside."""

    def __init__(self, vectors: WordVectors, cosine: float, cosine_before: float, texts: int):
        self.vectors, self.texts = vectors, texts
        self.cosine, self.cosine_before = cosine, cosine_before


def distil(base: Base, texts: Sequence[str], progress: Progress) -> Distilled:
    """Vectors of words from an encoder and texts. Raises InvalidInput with too few texts."""
    counts = Counter(word for text in texts for word in tokens_of(text))
    learned = sorted({text for text in texts if SHORTEST <= len(tokens_of(text)) <= LONGEST})
    if len(learned) < 2 * WIDTH:
        raise InvalidInput(f"{len(learned)} different texts are too few to learn words from")
    words = sorted(
        {word for word in base.whole_words() if tokens_of(word) == [word]}
        | {word for word, count in counts.items() if count >= LEAST_COUNT}
    )
    words = [word for word in words if len(word) <= MAX_WORD]
    progress(f"the encoder reads {len(words)} words and {len(learned)} texts")
    teacher = _published(base)
    places = _directions(teacher, learned, progress)
    centre = places.mean(axis=0)
    _, _, axes = np.linalg.svd(places[:: max(1, len(places) // 20_000)] - centre, False)
    axes = axes[:WIDTH].T
    wanted = (places - centre) @ axes
    total = sum(counts.values())
    weights = np.array([COMMON / (COMMON + (counts[word] + 1) / total) for word in words])
    start = (_directions(teacher, words, progress) - centre) @ axes * weights[:, None]
    unseen = np.arange(len(learned)) % _SHARE_UNSEEN == 0
    sums = _sums(words, weights, learned)
    progress(f"moving {len(words)} vectors")
    moved = _moved(sums[~unseen], wanted[~unseen], start)
    return Distilled(
        pack_vectors(words, moved.astype(np.float32)),
        _cosine(sums[unseen] @ moved, wanted[unseen]),
        _cosine(sums[unseen] @ start, wanted[unseen]),
        len(learned),
    )


def _published(base: Base) -> EncoderModel:
    """The encoder as published; its head is not used."""
    header = EncoderHeader(task="", version="", base=base.checksum, labels=[""], tuned=False)
    nothing = np.zeros((1, base.words.shape[1]), np.float32)
    return EncoderModel(base, header, build_graph(base.tensors()), nothing, nothing[0, :1])


def _directions(teacher: EncoderModel, texts: Sequence[str], progress: Progress) -> Floats:
    found = np.zeros((len(texts), teacher.base.words.shape[1]), np.float32)
    step = 2_000
    for at in range(0, len(texts), step):
        part = texts[at : at + step]
        found[at : at + len(part)] = teacher.embed(teacher.base.texts(part, 2 * LONGEST))
        progress(f"read {at + len(part)} of {len(texts)}")
    return found / lengths(found)


def _sums(words: Sequence[str], weights: Any, texts: Sequence[str]) -> Any:
    """(texts, words): how often each word is in a text, over the sum of its words' weights."""
    from scipy.sparse import csr_matrix

    columns = {word: column for column, word in enumerate(words)}
    rows, places, values = [], [], []
    for row, text in enumerate(texts):
        known = [columns[word] for word in tokens_of(text) if word in columns]
        whole = sum(weights[column] for column in known)
        rows += [row] * len(known)
        places += known
        values += [1.0 / whole for _ in known]
    return csr_matrix((values, (rows, places)), shape=(len(texts), len(words)))


def _moved(sums: Any, wanted: Any, start: Any) -> Any:
    """argmin over W of |sums·W - wanted|² + PULL·|W - start|², by conjugate gradients."""
    change = np.zeros_like(start)
    rest = sums.T @ (wanted - sums @ start)
    direction = rest.copy()
    size = float((rest * rest).sum())
    for _ in range(STEPS):
        if size < 1e-9:
            break
        bent = sums.T @ (sums @ direction) + PULL * direction
        step = size / float((direction * bent).sum())
        change += step * direction
        rest -= step * bent
        before, size = size, float((rest * rest).sum())
        direction = rest + size / before * direction
    return start + change


def _cosine(found: Any, wanted: Any) -> float:
    products = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    return float(((found * wanted).sum(axis=1) / np.maximum(products, 1e-9)).mean())


def texts_of(path: Path) -> list[str]:
    """Every string under a name "text" in a file of JSON Lines, however deep.

    Raises InvalidInput, NotFound.
    """
    found: list[str] = []

    def look(value: object) -> None:
        if isinstance(value, dict):
            for name, part in value.items():
                if name == "text" and isinstance(part, str):
                    found.append(part)
                else:
                    look(part)
        elif isinstance(value, list):
            for part in value:
                look(part)

    for number, line in open_lines(path):
        try:
            look(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(f"{path}:{number}: {error}") from None
    return found


def main(arguments: list[str] | None = None) -> int:
    """`python -m colloquy.understanding.vectors.distil FILE…`: writes the vectors and the card."""
    parser = argparse.ArgumentParser(description="Trains the word vectors that are shipped.")
    parser.add_argument("files", nargs="+", type=Path, help="JSON Lines with texts, or .gz of it")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="the file to write")
    options = parser.parse_args(arguments)
    try:
        texts = [text for path in options.files for text in texts_of(path)]
        made = distil(load_base(), texts, lambda line: print(line, file=sys.stderr))
    except ColloquyError as error:
        print(error.detail, file=sys.stderr)
        return 1
    made.vectors.save(options.out)
    card = _CARD.format(
        version=made.vectors.version,
        size=options.out.stat().st_size / 1e6,
        words=len(made.vectors),
        texts=made.texts,
        cosine=made.cosine,
        before=made.cosine_before,
        width=WIDTH,
    )
    options.out.with_suffix(".md").write_text(card)
    print(card)
    return 0


_CARD = """# Word vectors {version}

What they do: give an English word {width} numbers, so that the sum over a text's words points to
where the text lies among others in meaning. The intent model reads them beside words and letters.

- Made by `scripts/train-words FILE…`. Size {size:.1f} MB, {words:,} words.
- Method: distilled from the sentence encoder all-MiniLM-L6-v2 (Reimers and others, 2021,
  Apache-2.0); see `vectors/distil.py`. None of the encoder's weights are in the file.
- Data: {texts:,} different texts of MultiDoGO (Peskov and others, 2019; CDLA Permissive 1.0) and
  GoEmotions (Demszky and others, 2020; CC BY 4.0), the training parts, without their labels.
- Licence of the file: as this package.

## Scores

Cosine between a text's sum and the encoder's own place of it, on one text in twenty that was kept
aside, mean: {cosine:.3f} (with words as the encoder places them alone: {before:.3f}).

## Limits

- English; of other languages only loan words and names.
- The order of words does not count: "not bad, good" and "not good, bad" are one.
- What the encoder learned of the world from the web, prejudice included, is in its places of words.
"""


if __name__ == "__main__":
    sys.exit(main())
