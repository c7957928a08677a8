"""The emotion model as it is served: a linear model, looked up in a table and summed.

A text's vector holds a weight for each feature (`features`): a factor of its kind times its inverse
document frequency, all divided by the vector's length, known features or not. Scores of words and
pairs do not depend on the rest of the text, so they are computed once and kept: a text costs a few
dictionary look-ups and one sum of rows. What was said before, in dialogues, is a second vector.

Weights are whole numbers from -127 to 127 times a scale per feature. Scores are log-odds where
several labels may apply, else log-probabilities; both calibrated on texts the model did not see.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput, NotFound
from ..model_bytes import DIGEST, is_whole, seal
from .features import (
    CONTEXT_WEIGHT,
    PAIR_WEIGHT,
    REACH,
    context_key,
    pair_key,
    pairs_of,
    token_features,
    tokens_of_feeling,
)
from .thresholds import Flags, Floats, Platt, chosen_labels, logit, softmax

ALGORITHM = 2
"""Moves when a trained file would mean something else."""

Kind = Literal["multiple", "single"]
Heard = tuple[str, bool]
"""An utterance before a text, and whether the same speaker said it."""

_MAGIC = b"COLLOQUY-EMOTION\n"
_LENGTH = struct.Struct("<I")
_MAX_ROWS = 131_072
_MAX_BYTES = 16 * 1024 * 1024
_Number = TypeVar("_Number", bound=np.generic)
_Row = str | tuple[str, str] | tuple[int, bool, str]


class Header(Struct, frozen=True, kw_only=True):
    """What the file says about itself.

    `kind`: may several `labels` apply, or exactly one? `cuts` are thresholds of probabilities, or
    what is added to log-probabilities before the highest is taken. `platt` and `slope` calibrate
    the one or the other. `context`: were dialogues learned from?
    """

    algorithm: int = ALGORITHM
    version: str
    kind: Kind
    labels: list[str]
    features: int
    unknown_idf: float
    context: bool
    platt: Platt | None = None
    slope: float = 1.0
    cuts: list[float] = []


class EmotionModel:
    """A trained model, ready to score batches. Not safe for two threads at once (it caches)."""

    def __init__(
        self,
        header: Header,
        keys: npt.NDArray[np.uint32],
        idf: npt.NDArray[np.float16],
        scales: npt.NDArray[np.float32],
        weights: npt.NDArray[np.int8],
        bias: npt.NDArray[np.float32],
    ) -> None:
        """`keys` ascending, `idf` and `scales` (features), `weights` (features, labels)."""
        self.header = header
        self._keys, self._idf = keys, idf
        self._places = {key: place for place, key in enumerate(keys.tolist())}
        self._scales, self._weights, self._bias = scales, weights, bias
        self._width = len(header.labels) + 1
        self._capacity = max(256, min(32_768, _MAX_BYTES // (4 * self._width)))
        self._rows: dict[_Row, int] = {}
        self._forget()

    @property
    def version(self) -> str:
        """12 hex digits over the training data and the algorithm."""
        return self.header.version

    @property
    def labels(self) -> list[str]:
        return self.header.labels

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays, which are nearly all of the file."""
        arrays = (self._keys, self._idf, self._scales, self._weights, self._bias)
        return sum(array.nbytes for array in arrays)

    def scores(
        self, texts: Sequence[str], before: Sequence[Sequence[Heard]] | None = None
    ) -> Floats:
        """Calibrated log-odds, or log-probabilities (rows, labels). `before` are the utterances
        before each text, nearest first; a model that did not learn from dialogues ignores them."""
        raw = self.raw_scores(texts, before)
        if self.header.platt is not None:
            return logit(self.header.platt.apply(raw))
        return np.asarray(np.log(softmax(self.header.slope * raw)))

    def probabilities(
        self, texts: Sequence[str], before: Sequence[Sequence[Heard]] | None = None
    ) -> Floats:
        """Calibrated probabilities (rows, labels)."""
        raw = self.raw_scores(texts, before)
        if self.header.platt is not None:
            return self.header.platt.apply(raw)
        return softmax(self.header.slope * raw)

    def chosen(self, probabilities: Floats) -> Flags:
        """Which labels each row has (rows, labels)."""
        return decide(self.header.kind, probabilities, np.array(self.header.cuts))

    def raw_scores(
        self, texts: Sequence[str], before: Sequence[Sequence[Heard]] | None = None
    ) -> Floats:
        """Scores before calibration (rows, labels)."""
        if not len(texts):
            return np.empty((0, self._width - 1))
        if len(self._rows) > _MAX_ROWS or self._used > self._capacity:
            self._forget()
        flat: list[int] = []
        starts: list[int] = []
        for text in texts:
            starts.append(len(flat))
            flat.append(0)  # the row of zeros: no segment is empty
            self._look_up(tokens_of_feeling(text), flat)
        total = self._sums(flat, starts) + self._bias
        if before is not None and self.header.context:
            flat, starts = [], []
            for heard in before:
                starts.append(len(flat))
                flat.append(0)
                self._look_up_heard(heard, flat)
            total += CONTEXT_WEIGHT * self._sums(flat, starts)
        return np.asarray(total, np.float64)

    def _sums(self, flat: list[int], starts: list[int]) -> npt.NDArray[np.float32]:
        sums = np.add.reduceat(self._matrix[flat], starts, axis=0)
        lengths = np.sqrt(np.maximum(sums[:, -1:], 1e-12))
        return np.asarray(sums[:, :-1] / lengths, np.float32)

    def _look_up(self, tokens: list[str], flat: list[int]) -> None:
        rows = self._rows
        for token in tokens:
            row = rows.get(token)
            flat.append(self._add_token(token) if row is None else row)
        for pair in pairs_of(tokens):
            row = rows.get(pair)
            if row is None:
                row = self._add_one(pair, pair_key(*pair), PAIR_WEIGHT, 1)
            flat.append(row)

    def _look_up_heard(self, heard: Sequence[Heard], flat: list[int]) -> None:
        rows = self._rows
        for distance, (text, same) in enumerate(heard[:REACH], 1):
            for token in tokens_of_feeling(text):
                name = (distance, same, token)
                row = rows.get(name)
                if row is None:
                    row = self._add_one(name, context_key(token, distance, same), 1.0, 2)
                flat.append(row)

    # -- the cache of rows: 0 is zeros, 1 the unknown pair, 2 the unknown word said before

    def _forget(self) -> None:
        self._rows.clear()
        self._used = 3
        self._matrix = np.zeros((256, self._width), np.float32)
        self._matrix[1, -1] = (PAIR_WEIGHT * self.header.unknown_idf) ** 2
        self._matrix[2, -1] = self.header.unknown_idf**2

    def _add_token(self, token: str) -> int:
        keys, factors = token_features(token)
        found = [self._places.get(key, -1) for key in keys]
        at = np.array(found, np.intp)
        known = at >= 0
        weight = np.where(known, self._idf[at], self.header.unknown_idf).astype(np.float32)
        weight *= np.array(factors, np.float32)
        used = at[known]
        weights = self._weights[used].astype(np.float32)
        row = self._next_row()
        self._matrix[row, :-1] = (weight[known] * self._scales[used]) @ weights
        self._matrix[row, -1] = weight @ weight
        self._rows[token] = row
        return row

    def _add_one(self, name: _Row, key: int, factor: float, unknown: int) -> int:
        """The row of a single feature; `unknown` is the row of one that was never seen."""
        at = self._places.get(key)
        row = unknown
        if at is not None:
            row = self._next_row()
            weight = np.float32(factor) * np.float32(self._idf[at])
            self._matrix[row, :-1] = weight * self._scales[at] * self._weights[at]
            self._matrix[row, -1] = weight * weight
        self._rows[name] = row
        return row

    def _next_row(self) -> int:
        if self._used == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
        self._used += 1
        return self._used - 1

    # -- file

    def save(self, path: Path) -> None:
        """One file: magic, header (JSON), arrays, and a BLAKE2b of all that."""
        head = msgspec.json.encode(self.header)
        data = bytearray(_MAGIC + _LENGTH.pack(len(head)) + head)
        for array in (self._keys, self._idf, self._scales, self._weights, self._bias):
            data += np.ascontiguousarray(array).tobytes()
        path.write_bytes(seal(data))

    @classmethod
    def load(cls, path: Path) -> EmotionModel:
        """Reads such a file. Raises NotFound, or InvalidInput if it is not one, is damaged or was
        trained for another algorithm."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no emotion model at {path}") from None
        if not data.startswith(_MAGIC):
            raise InvalidInput(f"{path} is not an emotion model")
        if not is_whole(data):
            raise InvalidInput(f"the emotion model {path} is damaged: its checksum is wrong")
        body = data[:-DIGEST]
        try:
            start = len(_MAGIC) + _LENGTH.size
            (length,) = _LENGTH.unpack(body[len(_MAGIC) : start])
            header = msgspec.json.decode(body[start : start + length], type=Header)
            if header.algorithm != ALGORITHM:
                raise InvalidInput(
                    f"{path} was trained for algorithm {header.algorithm}, this is {ALGORITHM}: "
                    "train it again"
                )
            features, labels = header.features, len(header.labels)
            keys, at = _array(body, start + length, np.uint32, features)
            idf, at = _array(body, at, np.float16, features)
            scales, at = _array(body, at, np.float32, features)
            weights, at = _array(body, at, np.int8, features * labels)
            bias, at = _array(body, at, np.float32, labels)
        except (ValueError, struct.error, msgspec.MsgspecError) as error:
            raise InvalidInput(f"the emotion model {path} is damaged: {error}") from None
        return cls(header, keys, idf, scales, weights.reshape(features, labels), bias)


def decide(kind: Kind, probabilities: Floats, cuts: Floats) -> Flags:
    """Which labels each row has: those above their thresholds, or the one that is highest with its
    offset. All matrices are (rows, labels)."""
    if kind == "multiple":
        return chosen_labels(probabilities, cuts)
    best = (np.log(np.maximum(probabilities, 1e-9)) + cuts).argmax(axis=1)
    flags = np.zeros(probabilities.shape, bool)
    flags[np.arange(len(best)), best] = True
    return flags


def _array(
    data: bytes, at: int, kind: type[_Number], count: int
) -> tuple[npt.NDArray[_Number], int]:
    """A copy of `count` numbers at `at`, and where they end."""
    size = count * np.dtype(kind).itemsize
    return np.frombuffer(data[at : at + size], kind, count), at + size
