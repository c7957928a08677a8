"""Several intents per message: one decision for each, with a threshold of its own.

The linear model is the one that reads emotions, for which the same holds: one logistic regression
per label over words, pairs and letter groups, calibrated, with thresholds by cross-validation. The
tuned encoder, where it is used, is blended in. A message may have no intent at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ...model.errors import InvalidInput
from ...model.understanding import Label
from ..emotion.accurate import AccurateEmotion, train_accurate
from ..emotion.model import EmotionModel
from ..emotion.thresholds import Flags, Floats, logit
from ..emotion.train import Example, train
from ..encoder.base import Base
from ..encoder.tune import default_epochs, silent

NONE = "no intent"
"""Stands for an empty set in training, where every text has a label."""
LIMIT = 64


class Several:
    """The linear model, and the accurate tier if there is one. `labels` are the intents."""

    def __init__(self, linear: EmotionModel, accurate: AccurateEmotion | None) -> None:
        self._linear = linear
        self._accurate = accurate
        self.labels = [label for label in linear.labels if label != NONE]
        self._columns = [linear.labels.index(label) for label in self.labels]
        cuts = linear.header.cuts if accurate is None else accurate.decision.cuts.tolist()
        self._cuts = np.array(cuts)[self._columns]

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """The calibrated probability of each intent (texts, labels)."""
        found = self._linear.probabilities(texts)
        if self._accurate is not None:
            base = self._accurate.model.base
            _, found = self._accurate.decide(base.texts(texts, LIMIT), logit(found))
        return found[:, self._columns]

    @property
    def version(self) -> str:
        """12 hex digits over the training rows and the algorithm of the linear model."""
        return self._linear.version

    def read(self, texts: Sequence[str]) -> list[tuple[list[Label], list[Label]]]:
        """For each text every intent with its probability, and those that reach their thresholds;
        both the likeliest first."""
        found: list[tuple[list[Label], list[Label]]] = []
        for row in self.probabilities(texts):
            likeliest = np.argsort(-row, kind="stable").tolist()
            labels = [
                Label(self.labels[column], round(float(row[column]), 4)) for column in likeliest
            ]
            reached = [
                label
                for label, column in zip(labels, likeliest, strict=True)
                if row[column] >= self._cuts[column]
            ]
            found.append((labels, reached))
        return found

    def save(self, path: Path) -> None:
        """Writes the linear model; the accurate tier is not part of the file."""
        self._linear.save(path)

    @classmethod
    def load(cls, path: Path) -> Several:
        """Reads what `save` wrote. Raises NotFound or InvalidInput."""
        return cls(EmotionModel.load(path), None)

    def chosen(self, probabilities: Floats) -> list[list[str]]:
        """The intents that reach their thresholds, none if none does."""
        return [
            [self.labels[column] for column in np.flatnonzero(row).tolist()]
            for row in probabilities >= self._cuts
        ]

    @property
    def megabytes(self) -> float:
        """The size of the models' files, in millions of bytes."""
        size = self._linear.size_bytes
        if self._accurate is not None:
            size += len(self._accurate.model.to_bytes())
        return size / 1e6


def train_several(
    texts: Sequence[str],
    sets: Sequence[Sequence[str]],
    base: Base | None,
    progress: Callable[[str], None] = silent,
) -> Several:
    """A model of texts with their sets of intents. `base` brings the accurate tier.

    Raises InvalidInput with fewer than two intents.
    """
    if len({name for names in sets for name in names}) < 2:
        raise InvalidInput("two intents are needed to tell them apart", field="intents")
    examples = [
        Example(text, list(names) or [NONE]) for text, names in zip(texts, sets, strict=True)
    ]
    learned = train(examples, "multiple", progress=progress)
    linear = learned.model
    if base is None:
        return Several(linear, None)
    targets: Flags = np.array(
        [[label in one.labels for label in linear.labels] for one in examples]
    )
    accurate = train_accurate(
        base,
        base.texts(texts, LIMIT),
        targets,
        linear.labels,
        learned.unseen,
        None,
        progress,
        min(12, default_epochs(len(texts))),
    )
    return Several(linear, accurate)
