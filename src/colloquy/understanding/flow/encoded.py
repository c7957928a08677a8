"""The accurate tier of topics: the encoder reads a turn with what comes before and after it.

It is tuned to say whether the turn opens a topic, and what it says becomes a feature of the trained
scorer of `topics` (beside the cosine of the texts on either side in the same encoder's space).
Training dialogues get the word of encoders that have not seen them: three are trained, one on each
half and one on all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from ..encoder.base import Base, Pieces
from ..encoder.model import EncoderModel, Header
from ..encoder.tune import Recipe, can_tune, silent, tune
from .topics import Floats

TASK = "topics"
BEFORE = 3
"""Turns before the one in question that are read with it, nearest first."""
LIMIT = 80
"""Pieces read of a turn and its neighbourhood together."""
MAX_PAIRS = 5_000
"""Turns that one encoder is tuned on; of larger sets every n-th dialogue is taken."""
EPOCHS = 3
COLUMNS = 2


class Dialogue(Struct, frozen=True):
    """The texts of a dialogue's turns and which of them open a topic."""

    texts: list[str]
    openings: list[int]


class EncodedColumns:
    """Further columns for `topics.TopicModel`; the training dialogues' are those of strangers."""

    def __init__(
        self,
        base: Base,
        dialogues: Sequence[Dialogue],
        progress: Callable[[str], None] = silent,
        epochs: int = EPOCHS,
    ) -> None:
        self._base = base
        self._known: dict[tuple[str, ...], Floats] = {}
        recipe = Recipe(epochs=epochs, rate=1e-4, smoothing=0.05)
        for half in (0, 1):
            model = self._train(dialogues[1 - half :: 2], recipe, progress, f"half {half + 1}")
            for dialogue in dialogues[half::2]:
                self._known[tuple(dialogue.texts)] = self._columns(model, dialogue.texts)
        self._model = self._train(dialogues, recipe, progress, "all")

    def __call__(self, dialogues: list[list[str]]) -> list[Floats]:
        """For each dialogue a matrix (turns, COLUMNS)."""
        found = []
        for texts in dialogues:
            known = self._known.get(tuple(texts))
            found.append(self._columns(self._model, texts) if known is None else known)
        return found

    def _train(
        self,
        dialogues: Sequence[Dialogue],
        recipe: Recipe,
        progress: Callable[[str], None],
        what: str,
    ) -> EncoderModel:
        turns = sum(len(dialogue.texts) for dialogue in dialogues)
        dialogues = dialogues[:: max(1, -(-turns // MAX_PAIRS))]
        sequences: list[Pieces] = []
        targets: list[int] = []
        for dialogue in dialogues:
            sequences += self._sequences(dialogue.texts)[1:]
            opens = set(dialogue.openings)
            targets += [int(turn in opens) for turn in range(1, len(dialogue.texts))]
        header = Header(
            task=TASK,
            version="",
            base=self._base.checksum,
            labels=["goes on", "opens"],
            tuned=can_tune(),
        )
        return tune(
            self._base,
            sequences,
            targets,
            header,
            "single",
            recipe,
            lambda line: progress(f"{what}: {line}"),
        )

    def _sequences(self, texts: Sequence[str]) -> list[Pieces]:
        own = [f"{text} | {after}" for text, after in zip(texts, [*texts[1:], ""], strict=True)]
        before = [list(reversed(texts[max(0, turn - BEFORE) : turn])) for turn in range(len(texts))]
        return self._base.pairs(own, before, LIMIT)

    def _columns(self, model: EncoderModel, texts: Sequence[str]) -> Floats:
        if not texts:
            return np.zeros((0, COLUMNS))
        scores = model.scores(self._sequences(texts)).astype(np.float64)
        odds = scores[:, 1] - scores[:, 0]
        vectors = model.embed(self._base.texts(texts, LIMIT)).astype(np.float64)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        near = np.ones(len(texts))
        for turn in range(1, len(texts)):
            left = vectors[max(0, turn - 2) : turn].sum(0)
            right = vectors[turn : turn + 2].sum(0)
            near[turn] = left @ right / max(1e-9, np.linalg.norm(left) * np.linalg.norm(right))
        odds[0] = odds[1:].mean() if len(texts) > 1 else 0.0
        return np.stack([odds, near], axis=1)
