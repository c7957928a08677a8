"""The vectors of words as they are served: a table of whole numbers, found by the word's CRC-32.

The sum of the vectors of a text's words points to where a sentence encoder would place the text
(mean cosine in the model's card): common words have short vectors, telling ones long ones. Made by
`distil`, shipped with the package, mapped into memory once per machine.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput, NotFound
from ..model_bytes import is_whole, seal

ALGORITHM = 1
"""Moves when a trained file would mean something else."""
WIDTH = 128
FOLDER = Path(__file__).parent / "data"
SHIPPED = FOLDER / "words.model"

_MAGIC = b"COLLOQUY-WORDS\n"
_LENGTH = struct.Struct("<I")

Floats = npt.NDArray[np.float32]


class Header(Struct, frozen=True, kw_only=True):
    """What the file says about itself. `version`: 12 hex digits over its arrays."""

    algorithm: int = ALGORITHM
    version: str
    words: int


class WordVectors:
    """The table. Read-only; safe for any number of threads."""

    def __init__(
        self,
        header: Header,
        keys: npt.NDArray[np.uint32],
        scales: npt.NDArray[np.float32],
        vectors: npt.NDArray[np.int8],
    ) -> None:
        """`keys` ascending, `scales` (words), `vectors` (words, WIDTH)."""
        self.header = header
        self._keys, self._scales, self._vectors = keys, scales, vectors

    @property
    def version(self) -> str:
        return self.header.version

    def __len__(self) -> int:
        return self.header.words

    def find(self, word: str) -> Floats | None:
        """The vector (WIDTH) of a word in lower case; None for a word that is not in the table."""
        key = np.uint32(word_key(word))
        at = int(np.searchsorted(self._keys, key))
        if at == len(self._keys) or self._keys[at] != key:
            return None
        vector: Floats = self._scales[at] * self._vectors[at].astype(np.float32)
        return vector

    def of_words(self, words: Sequence[str]) -> Floats:
        """The vectors (words, WIDTH) of words in lower case; zeros for those not in the table."""
        keys = np.fromiter(map(word_key, words), np.uint32, len(words))
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        scales = self._scales[at] * (self._keys[at] == keys)
        found: Floats = scales[:, None] * self._vectors[at].astype(np.float32)
        return found

    def of_texts(self, texts: list[list[str]]) -> Floats:
        """The direction (texts, WIDTH) of each text, given as its words: of length 1, or zero."""
        known: dict[str, Floats | None] = {}
        found = np.zeros((len(texts), WIDTH), np.float32)
        for row, words in zip(found, texts, strict=True):
            for word in words:
                if word not in known:
                    known[word] = self.find(word)
                vector = known[word]
                if vector is not None:
                    row += vector
        return found / lengths(found)

    def save(self, path: Path) -> None:
        """One file: magic, header (JSON), arrays, and a BLAKE2b of all that."""
        head = msgspec.json.encode(self.header)
        data = bytearray(_MAGIC + _LENGTH.pack(len(head)) + head)
        for array in (self._keys, self._scales, self._vectors):
            data += np.ascontiguousarray(array).tobytes()
        path.write_bytes(seal(data))

    @classmethod
    def load(cls, path: Path) -> WordVectors:
        """Maps the file into memory. Raises NotFound, or InvalidInput if it is not such a file, is
        damaged or was made for another algorithm."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise NotFound(f"there are no word vectors at {path}") from None
        except ValueError:
            raise InvalidInput(f"{path} is empty") from None
        if data[: len(_MAGIC)] != _MAGIC:
            raise InvalidInput(f"{path} has no word vectors")
        if not is_whole(data):
            raise InvalidInput(f"the word vectors {path} are damaged: their checksum is wrong")
        try:
            start = len(_MAGIC) + _LENGTH.size
            (length,) = _LENGTH.unpack(data[len(_MAGIC) : start])
            at = start + length
            header = msgspec.json.decode(data[start:at], type=Header)
            if header.algorithm != ALGORITHM:
                raise InvalidInput(
                    f"{path} was made for algorithm {header.algorithm}, this is {ALGORITHM}"
                )
            count = header.words
            keys = np.frombuffer(data, np.uint32, count, at)
            scales = np.frombuffer(data, np.float32, count, at + keys.nbytes)
            at += keys.nbytes + scales.nbytes
            vectors = np.frombuffer(data, np.int8, count * WIDTH, at)
        except (ValueError, struct.error, msgspec.MsgspecError) as error:
            raise InvalidInput(f"the word vectors {path} are damaged: {error}") from None
        return cls(header, keys, scales, vectors.reshape(count, WIDTH))


def word_key(word: str) -> int:
    """The key of a word: CRC-32 of its UTF-8."""
    return crc32(word.encode("utf-8", "surrogatepass"))


def lengths(vectors: Floats) -> Floats:
    """The lengths (rows, 1) of vectors, never zero; each row's the same whatever lies beside it."""
    squares: Floats = np.sqrt(np.maximum(np.einsum("ij,ij->i", vectors, vectors), 1e-12))
    return squares[:, None]


def pack_vectors(words: list[str], vectors: Floats) -> WordVectors:
    """A table of `vectors` (words, WIDTH), as whole numbers from -127 to 127 times a scale."""
    by_key = {word_key(word): row for row, word in enumerate(words)}
    order = sorted(by_key)
    chosen = vectors[[by_key[key] for key in order]]
    scales = np.maximum(np.abs(chosen).max(axis=1), 1e-9).astype(np.float32) / np.float32(127)
    keys = np.array(order, np.uint32)
    whole = np.round(chosen / scales[:, None]).astype(np.int8)
    digest = blake2b(keys.tobytes() + scales.tobytes() + whole.tobytes(), digest_size=6)
    return WordVectors(Header(version=digest.hexdigest(), words=len(keys)), keys, scales, whole)


@lru_cache(maxsize=1)
def load_words() -> WordVectors:
    """The vectors that came with the package, mapped once in a process. Raises NotFound if a build
    left them out."""
    return WordVectors.load(SHIPPED)
