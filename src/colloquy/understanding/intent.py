"""The intent classifier as it is served: a linear model over words, word pairs and letter groups.

A text's features are its words, pairs of neighbouring words, and the letter groups (2 to 4
characters) inside each word, which make the model forgive typing errors. Each has a weight: a
factor of its kind times its inverse document frequency, log((1 + n) / (1 + df)) + 1. The text's
vector is divided by the root of the sum of the squared weights of all its features, *known or
not*: unknown words make every score smaller, which is what tells foreign subjects apart.

Beside these, a text has a direction: the sum of its words' vectors (`vectors.words`), of length 1.
It lets words count that no example has, because they mean what others mean: on CLINC150 accuracy
rises from 93.4 to 94.7 %, on the shipped packs of few examples from 80 to 86 and from 67 to 76 %.

Letter groups never cross a word, so the scores of a word and of a pair are sums that do not depend
on the rest of the text; nor does what a word adds to the direction. They are computed once and
kept: classifying a text is a few dictionary
look-ups and one sum of rows. Features are addressed by CRC-32, so that the file needs no
vocabulary; with 100,000 features about one pair of them collides.

Confidence is calibrated: sigmoid(a·best + b·lead + c·outside + d), where `best` is the highest
score of an intent, `lead` its distance to the next, `outside` the score of being out of scope, and
a to d are fitted in training on texts the model did not see (Platt, 1999), among them texts of
intents it did not know. See `train`.
"""

from __future__ import annotations

import mmap
import re
import struct
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ..model.errors import InvalidInput, NotFound
from .model_bytes import aligned_array, append_aligned, is_whole, seal
from .vectors.words import WIDTH, lengths, load_words

ALGORITHM = 2
"""Moves when a trained model would mean something else: part of every model's version."""
WORD_WEIGHT = 1.0
PAIR_WEIGHT = 0.6
LETTERS_WEIGHT = 0.4
LETTER_GROUPS = (2, 3, 4)
"""Weights and sizes chosen on CLINC150 (30 intents, 10 to 100 examples each): against words and
pairs of weight 1 they raise accuracy from 91 to 94 % at 10 examples."""
MAX_LETTERS = 40
"""Letters of a word that are cut into groups; the rest of a longer word is not looked at."""

MAX_WORDS = 256
"""Words of a text that are classified: what someone wants is said early."""

_MAGIC = b"COLLOQUY-INTENT\n"
_LENGTH = struct.Struct("<I")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[?\u2600-\u27bf\U0001f300-\U0001faff]")
_NEVER = np.float32(-3.0)
"""Stands for the score of an intent that is not there; real ones lie around -1 and 1."""
_MAX_CACHED_PAIRS = 131_072
_MAX_CACHE_BYTES = 16 * 1024 * 1024

Floats = npt.NDArray[np.float32]


class Guess(Struct, frozen=True):
    """The nearest intent, its calibrated confidence, and its lead in confidence over the next, be
    that another intent or what is out of scope."""

    intent: str | None = None
    confidence: float = 0.0
    lead: float = 0.0


class Evidence(NamedTuple):
    """What confidence is computed from, each (texts): the best score of an intent, its distance to
    the next intent's (of a single one, to the last), and the score of the column for what is out of
    scope (-1 without one)."""

    best: Floats
    lead: Floats
    outside: Floats


class Calibration(Struct, frozen=True):
    """confidence = sigmoid(best · score + lead · distance + offset + outside · score outside)."""

    best: float
    lead: float
    offset: float
    outside: float = 0.0

    def confidence(self, evidence: Evidence) -> npt.NDArray[Any]:
        logit = self.best * evidence.best + self.lead * evidence.lead + self.offset
        logit += self.outside * evidence.outside
        return 1.0 / (1.0 + np.exp(-np.clip(logit, -40.0, 40.0)))


class Header(Struct, frozen=True):
    """What the file says about itself. `labels` are the columns; "" is out-of-scope."""

    algorithm: int
    version: str
    labels: list[str]
    features: int
    unknown_idf: float
    calibration: Calibration
    scale: float = 5.0
    """Scores times this, through a softmax, are the likeliest probabilities of held-out texts."""
    threshold: float = 0.75
    """The confidence below which a share of held-out texts lies that a refusal may cost."""
    words: str = ""
    """Version of the word vectors that `meanings` are weights of."""


def tokens_of(text: str) -> list[str]:
    """Words in lower case, question marks and pictographs; a number is "0" whatever its value."""
    text = text.lower()
    if not text.isascii():
        text = text.replace("\u2019", "'")
    return ["0" if word.isdigit() else word for word in _WORD.findall(text)]


def word_features(word: str) -> tuple[list[int], list[float]]:
    """Keys and factors of a word and of the letter groups in it."""
    keys = [crc32(b"w" + _bytes(word))]
    factors = [WORD_WEIGHT]
    framed = f"<{word[:MAX_LETTERS]}>"
    for size in LETTER_GROUPS:
        groups = [framed[at : at + size] for at in range(len(framed) - size + 1)]
        keys += [crc32(b"c" + _bytes(group)) for group in groups]
        factors += [LETTERS_WEIGHT] * len(groups)
    return keys, factors


def pair_key(first: str, second: str) -> int:
    """The key of two neighbouring words; "^" and "$" stand for the ends of the text."""
    return crc32(b"b" + _bytes(first) + b" " + _bytes(second))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


class IntentModel:
    """A trained model, ready to classify batches. Not safe for two threads at once (it caches)."""

    def __init__(
        self,
        header: Header,
        keys: npt.NDArray[np.uint32],
        idf: npt.NDArray[np.float16],
        weights: npt.NDArray[np.float16],
        meanings: npt.NDArray[np.float16],
        bias: Floats,
    ) -> None:
        """`keys` ascending, `idf` (features), `weights` (features, labels), `meanings` (WIDTH,
        labels), `bias` (labels). Raises InvalidInput when it wants other word vectors than these.
        """
        self._vectors = load_words()
        if header.words != self._vectors.version:
            raise InvalidInput(
                f"the model was trained with word vectors {header.words or 'of no version'}; "
                f"{self._vectors.version} are installed: train it again"
            )
        self.header = header
        self._keys = keys
        self._idf = idf
        self._weights = weights
        self._meanings = meanings.astype(np.float32)
        self._bias = np.asarray(bias, np.float32)
        self._labels = len(header.labels)
        self._width = 2 * self._labels + 1 + WIDTH
        self._unknown_squared = np.float32((PAIR_WEIGHT * header.unknown_idf) ** 2)
        self._scope = np.array([bool(label) for label in header.labels])
        self._capacity = max(256, min(32_768, _MAX_CACHE_BYTES // (4 * self._width)))
        self._rows: dict[str | tuple[str, str], int] = {}
        self._forget()

    @property
    def version(self) -> str:
        """12 hex digits over training data and algorithm."""
        return self.header.version

    @property
    def labels(self) -> list[str]:
        return [label for label in self.header.labels if label]

    def classify(self, texts: list[list[str]]) -> list[Guess]:
        """One guess for each text, given as its `tokens_of`. No words: no guess."""
        if not texts:
            return []
        scores = self.scores(texts)
        top, found = self.evidence(scores)
        confidence = self.header.calibration.confidence(found)
        # The same formula for the runner-up, which trails by what the best leads. Being out of
        # scope is one: where it scores higher there is no lead to speak of.
        next_best = found.best - found.lead
        if not self._scope.all():
            next_best = np.maximum(next_best, found.outside)
        second = Evidence(next_best, next_best - found.best, found.outside)
        trailing = self.header.calibration.confidence(second)
        labels = self.header.labels
        return [
            Guess(labels[index], round(sure, 4), round(sure - other, 4)) if words else Guess()
            for words, index, sure, other in zip(
                texts, top.tolist(), confidence.tolist(), trailing.tolist(), strict=True
            )
        ]

    def log_probabilities(self, texts: list[list[str]]) -> Floats:
        """The logarithms of each label's probability (texts, labels), for blending with others."""
        scores = self.header.scale * self.scores(texts)
        scores -= scores.max(axis=1, keepdims=True)
        logs: Floats = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        return logs

    @property
    def size_bytes(self) -> int:
        """Bytes of the arrays, which are nearly all of the file."""
        arrays = (self._keys, self._idf, self._weights, self._meanings, self._bias)
        return sum(array.nbytes for array in arrays)

    def evidence(self, scores: Floats) -> tuple[npt.NDArray[np.intp], Evidence]:
        """The best intent's column for each row of `scores`, and what speaks for it."""
        every = np.arange(len(scores))
        inside = np.where(self._scope, scores, _NEVER)
        top = inside.argmax(axis=1)
        best = scores[every, top]
        inside[every, top] = _NEVER
        second = inside.max(axis=1)
        outside = np.full_like(best, -1.0)
        if not self._scope.all():
            outside = scores[:, int(np.argmin(self._scope))]
        if self._scope.sum() == 1:
            second = outside  # there is nothing else to lead over
        return top, Evidence(best, best - second, outside)

    def scores(self, texts: list[list[str]]) -> Floats:
        """Raw scores (texts, labels)."""
        flat: list[int] = []
        starts: list[int] = []
        meant: list[int] = []
        turns: list[int] = []
        rows = self._rows
        if len(rows) > _MAX_CACHED_PAIRS or self._used > self._capacity:
            self._forget()
        for words in texts:
            if len(words) > MAX_WORDS:
                words = words[:MAX_WORDS]
            starts.append(len(flat))
            flat.append(0)  # the row of zeros: no segment is empty
            turns.append(len(meant))
            meant.append(0)
            before = "^"
            for word in words:
                row = rows.get(word)
                if row is None:
                    row = self._add_word(word)
                flat.append(row)
                meant.append(row)
                pair = (before, word)
                row = rows.get(pair)
                flat.append(self._add_pair(pair) if row is None else row)
                before = word
            if words:
                pair = (before, "$")
                row = rows.get(pair)
                flat.append(self._add_pair(pair) if row is None else row)
        sums: Floats = np.add.reduceat(self._matrix[flat], starts, axis=0)
        norms = np.sqrt(np.maximum(sums[:, -1:], 1e-12))
        ways: Floats = np.add.reduceat(self._ways[meant], turns, axis=0)
        scores: Floats = np.asarray(sums[:, :-1] / norms, np.float32)
        scores += ways[:, : self._labels] / lengths(ways[:, self._labels :])
        scores += self._bias
        return scores

    # -- the cache of rows: row 0 is zeros, row 1 the unknown pair, the rest words and pairs

    def _forget(self) -> None:
        self._rows.clear()
        self._used = 2
        self._matrix: Floats = np.zeros((256, self._labels + 1), np.float32)
        self._matrix[1, -1] = self._unknown_squared
        # What a word adds to the scores by its meaning, then its vector; nothing for pairs.
        self._ways: Floats = np.zeros((256, self._labels + WIDTH), np.float32)

    def _add_word(self, word: str) -> int:
        keys, factors = word_features(word)
        found, at = self._find(np.array(keys, np.uint32))
        weight = np.array(factors, np.float32)
        weight *= np.where(found, self._idf[at], self.header.unknown_idf).astype(np.float32)
        row = self._next_row()
        if found.any():
            used = at[found]
            self._matrix[row, :-1] = weight[found] @ self._weights[used].astype(np.float32)
        else:
            self._matrix[row, :-1] = 0.0
        self._matrix[row, -1] = weight @ weight
        vector = self._vectors.find(word)
        if vector is not None:
            self._ways[row, : self._labels] = vector @ self._meanings
            self._ways[row, self._labels :] = vector
        self._rows[word] = row
        return row

    def _add_pair(self, pair: tuple[str, str]) -> int:
        found, at = self._find(np.array([pair_key(*pair)], np.uint32))
        row = 1
        if found[0]:
            row = self._next_row()
            weight = np.float32(PAIR_WEIGHT) * np.float32(self._idf[at[0]])
            self._matrix[row, :-1] = weight * self._weights[at[0]].astype(np.float32)
            self._matrix[row, -1] = weight * weight
        self._rows[pair] = row
        return row

    def _find(self, keys: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        at = np.minimum(np.searchsorted(self._keys, keys), max(0, len(self._keys) - 1))
        return self._keys[at] == keys, at

    def _next_row(self) -> int:
        if self._used == len(self._matrix):
            self._matrix = np.concatenate([self._matrix, np.zeros_like(self._matrix)])
            self._ways = np.concatenate([self._ways, np.zeros_like(self._ways)])
        self._used += 1
        return self._used - 1

    # -- file

    def save(self, path: Path) -> None:
        """One file: magic, header (JSON), the arrays, each aligned to 64 bytes, and a checksum."""
        head = msgspec.json.encode(self.header)
        data = bytearray(_MAGIC + _LENGTH.pack(len(head)) + head)
        meanings = self._meanings.astype(np.float16)
        for array in (self._keys, self._idf, self._weights, meanings, self._bias):
            append_aligned(data, array)
        path.write_bytes(seal(data))

    @classmethod
    def load(cls, path: Path) -> IntentModel:
        """Maps the file into memory. Raises NotFound, or InvalidInput if it is not such a file."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise NotFound(f"there is no intent model at {path}") from None
        except ValueError:
            raise InvalidInput(f"{path} is empty") from None
        if data[: len(_MAGIC)] != _MAGIC:
            raise InvalidInput(f"{path} is not an intent model")
        try:
            header, at = read_header(data)
            if header.algorithm != ALGORITHM:
                raise InvalidInput(
                    f"{path} was trained for algorithm {header.algorithm}, this is {ALGORITHM}: "
                    "train it again"
                )
            if not is_whole(data):
                raise ValueError("its checksum is wrong")
            features, labels = header.features, len(header.labels)
            keys, at = aligned_array(data, at, np.uint32, features)
            idf, at = aligned_array(data, at, np.float16, features)
            weights, at = aligned_array(data, at, np.float16, features * labels)
            meanings, at = aligned_array(data, at, np.float16, WIDTH * labels)
            bias, at = aligned_array(data, at, np.float32, labels)
        except (ValueError, struct.error, msgspec.MsgspecError) as error:
            raise InvalidInput(f"the intent model {path} is damaged: {error}") from None
        weights, meanings = weights.reshape(features, labels), meanings.reshape(WIDTH, labels)
        return cls(header, keys, idf, weights, meanings, bias)


def read_header(data: bytes | mmap.mmap) -> tuple[Header, int]:
    """The header of a model file and the offset where it ends."""
    start = len(_MAGIC) + _LENGTH.size
    (length,) = _LENGTH.unpack(data[len(_MAGIC) : start])
    return msgspec.json.decode(data[start : start + length], type=Header), start + length
