"""The accurate tier of the tagger: the encoder, tuned to label words.

It is blended with the linear tagger word by word: the encoder does not see capitals and digits'
shapes, which the linear one does; it knows words that were never annotated, which the linear one
does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..encoder.base import Base, Floats, Pieces
from ..encoder.model import EncoderModel, Header
from ..encoder.tune import Recipe, can_tune, silent, tune

TASK = "entities"
LIMIT = 128
ENCODER_SHARE = 0.8
"""Weight of the encoder's log-probabilities against the linear tagger's, by the dev part of WNUT17:
F1 is 25.2 with 0, 49.6 with 0.5, 57.1 with 0.8, 57.7 with 1. Not 1, because the linear tagger is
the better one at shapes that the encoder does not see."""


def pieces_of(
    base: Base, words: Sequence[Sequence[str]], asked: Sequence[Sequence[str]]
) -> list[Pieces]:
    """What the encoder reads: the names of the slots that had just been asked for, then the words.

    `words` in the result are the places of the text's own words.
    """
    before = [
        [*(part for slot in slots for part in slot.replace("-", "_").split("_") if part), "|"]
        if slots
        else []
        for slots in asked
    ]
    joined = [[*first, *rest] for first, rest in zip(before, words, strict=True)]
    return [
        Pieces(found.ids, found.pooled, found.words[len(first) :])
        for found, first in zip(base.tokens(joined, LIMIT), before, strict=True)
    ]


def train_encoded(
    base: Base,
    words: Sequence[Sequence[str]],
    asked: Sequence[Sequence[str]],
    tags: Sequence[Sequence[str]],
    progress: Callable[[str], None] = silent,
    epochs: int | None = None,
) -> EncoderModel:
    """An encoder that labels words with the tags of the training texts."""
    labels = sorted({tag for row in tags for tag in row})
    columns = {label: column for column, label in enumerate(labels)}
    header = Header(task=TASK, version="", base=base.checksum, labels=labels, tuned=can_tune())
    epochs = epochs or max(4, min(10, round(50_000 / max(1, len(words)))))
    return tune(
        base,
        pieces_of(base, words, asked),
        [[columns[tag] for tag in row] for row in tags],
        header,
        "words",
        Recipe(epochs=epochs),
        progress,
    )


def log_probabilities(
    model: EncoderModel, words: Sequence[Sequence[str]], asked: Sequence[Sequence[str]]
) -> list[Floats]:
    """For each text a matrix (words, labels) of the model's labels."""
    found = []
    for scores in model.word_scores(pieces_of(model.base, words, asked)):
        shifted = scores - scores.max(axis=1, keepdims=True) if len(scores) else scores
        found.append(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
    return found


def blend(linear: Floats, encoder: Floats) -> Floats:
    """Log-probabilities of both tiers (words, labels) as one, not normalised."""
    mixed: Floats = (1 - ENCODER_SHARE) * linear + ENCODER_SHARE * encoder
    return mixed
