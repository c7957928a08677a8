"""A tuned encoder as it is served: int8 layers in ONNX Runtime, a linear head in numpy.

The file holds a header (JSON), the head's arrays and the ONNX graph, and ends with a BLAKE2b of
all of it. Nothing in it is code.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from ...model.errors import InvalidInput, NotFound
from ..model_bytes import DIGEST, is_whole, seal
from .base import WIDTH, Base, Floats, Pieces

ALGORITHM = 1
"""Moves when a trained file would mean something else."""

_MAGIC = b"COLLOQUY-ENCODER\n"
_LENGTH = struct.Struct("<I")


class Header(Struct, frozen=True, kw_only=True):
    """What the file says about itself. `task` names what the head is for; `extra` is the task's."""

    algorithm: int = ALGORITHM
    task: str
    version: str
    base: str
    """Checksum of the published weights whose embeddings the layers were trained on."""
    labels: list[str]
    tuned: bool
    """False: only the head was trained, the layers are the published ones."""
    graph_bytes: int = 0
    extra: dict[str, Any] = {}


class EncoderModel:
    """Layers and head, ready to run. One thread at a time."""

    def __init__(
        self, base: Base, header: Header, graph: bytes, weights: Floats, bias: Floats
    ) -> None:
        """`weights` (labels, WIDTH), `bias` (labels)."""
        if header.base != base.checksum:
            raise InvalidInput(
                f"the model was trained on the encoder {header.base}; {base.checksum} is installed"
            )
        self.base = base
        self.header = header
        self._graph = graph
        self._weights = weights
        self._bias = bias
        self._session = _session(graph)

    def states(self, sequences: Sequence[Pieces]) -> list[Floats]:
        """The last layer's states of each sequence (its pieces, WIDTH).

        One by one: int8 inputs are scaled over all that runs together, so a text's result would
        depend on its neighbours; and on one core batches are hardly faster.
        """
        return [self._states(one) for one in sequences]

    def _states(self, one: Pieces) -> Floats:
        x, mask = self.base.inputs([one])
        states: Floats = self._session.run(None, {"x": x, "mask": mask})[0][0]
        return states

    def embed(self, sequences: Sequence[Pieces]) -> Floats:
        """One vector per sequence (sequences, WIDTH): the mean of its pooled states."""
        if not sequences:
            return np.empty((0, WIDTH), np.float32)
        states = self.states(sequences)
        return np.stack(
            [found[: one.pooled].mean(axis=0) for found, one in zip(states, sequences, strict=True)]
        )

    def scores(self, sequences: Sequence[Pieces]) -> Floats:
        """The head's scores of each text (sequences, labels), before any softmax."""
        return self.head(self.embed(sequences))

    def word_scores(self, sequences: Sequence[Pieces]) -> list[Floats]:
        """The head's scores of each word (words, labels); words that were cut off have zeros."""
        found = []
        for states, one in zip(self.states(sequences), sequences, strict=True):
            places = np.array(one.words, np.intp)
            scores = self.head(states[places])
            scores[places == 0] = 0.0
            found.append(scores)
        return found

    def head(self, vectors: Floats) -> Floats:
        """Scores (n, labels) of vectors (n, WIDTH).

        Row by row: a product of matrices rounds a row differently with its number of neighbours.
        """
        if not len(vectors):
            return np.empty((0, len(self._bias)), np.float32)
        return np.stack([self._weights @ vector + self._bias for vector in vectors])

    def to_bytes(self) -> bytes:
        """The file's content."""
        header = msgspec.structs.replace(self.header, graph_bytes=len(self._graph))
        described = msgspec.json.encode(header)
        body = b"".join(
            [
                _MAGIC,
                _LENGTH.pack(len(described)),
                described,
                self._weights.astype("<f4").tobytes(),
                self._bias.astype("<f4").tobytes(),
                self._graph,
            ]
        )
        return seal(body)

    def save(self, path: Path) -> None:
        """Writes the file aside and moves it into place: a reader never sees half a model."""
        aside = path.with_name(f".{path.name}.tmp")
        aside.write_bytes(self.to_bytes())
        aside.replace(path)

    @classmethod
    def load(cls, path: Path, base: Base) -> EncoderModel:
        """Raises NotFound, or InvalidInput when the file is damaged or of another version."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no model at {path}") from None
        if not content.startswith(_MAGIC):
            raise InvalidInput(f"{path} is no encoder model")
        if not is_whole(content):
            raise InvalidInput(f"{path} is damaged: its checksum does not match")
        body = content[:-DIGEST]
        at = len(_MAGIC) + _LENGTH.size
        (length,) = _LENGTH.unpack_from(body, len(_MAGIC))
        header = msgspec.json.decode(body[at : at + length], type=Header)
        if header.algorithm != ALGORITHM:
            raise InvalidInput(
                f"{path} is of algorithm {header.algorithm}; this version reads {ALGORITHM}"
            )
        at += length
        size = len(header.labels)
        weights = np.frombuffer(body, "<f4", size * WIDTH, at).reshape(size, WIDTH)
        bias = np.frombuffer(body, "<f4", size, at + weights.nbytes)
        graph = body[at + weights.nbytes + bias.nbytes :]
        return cls(base, header, graph, weights, bias)


def _session(graph: bytes) -> Any:
    """One thread: a compute process has one core, and results must not depend on the machine."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
