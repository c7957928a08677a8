"""Stretches of an index as they are kept: so many lines each, made once, and never changed.

What a stretch holds follows from its lines alone, so whoever makes it makes the same. Vectors have
8 bits a number (an index rounds them so before it uses them), which leaves some 190 bytes a line.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.errors import InvalidInput
from ...understanding.vectors.words import WIDTH, Floats
from .codes import KINDS, Of

LINES = 128
"""Of a stretch. Another number is another format."""
_LEVELS = np.float32(127)
_I8, _U8, _U16, _I64 = np.dtype("i1"), np.dtype("u1"), np.dtype("<u2"), np.dtype("<i8")
_U32, _F32 = np.dtype("<u4"), np.dtype("<f4")


class Stretch(Struct, frozen=True, array_like=True):
    """Columns of `LINES` lines, little-endian. `codes`: of each kind the place of its name in
    `names`; `sizes`: how many different terms a line has, of which `terms` and `counts` tell one
    after the other."""

    seqs: bytes
    at: bytes
    places: bytes
    lengths: bytes
    asks: bytes
    levels: bytes
    scales: bytes
    codes: dict[Of, bytes]
    names: dict[Of, list[str]]
    sizes: bytes
    terms: bytes
    counts: bytes


class Columns(Struct):
    """The same as arrays, of all stretches one after the other. `codes` are those of an index."""

    seqs: npt.NDArray[np.int64]
    at: npt.NDArray[np.int64]
    places: npt.NDArray[np.uint32]
    lengths: Floats
    asks: npt.NDArray[np.bool_]
    levels: npt.NDArray[np.int8]
    """(lines, WIDTH)"""
    scales: Floats
    codes: dict[Of, npt.NDArray[np.integer]]
    sizes: npt.NDArray[np.uint32]
    terms: npt.NDArray[np.uint32]
    counts: npt.NDArray[np.uint8]


def rounded(sums: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """Vectors in whole numbers, and of each what they are multiples of."""
    largest = np.maximum(sums.max(axis=1, initial=0), -sums.min(axis=1, initial=0))
    scales: Floats = np.where(largest > 0, largest / _LEVELS, np.float32(1)).astype(np.float32)
    return np.rint(sums / scales[:, None]).astype(np.int8), scales


def encode_stretch(columns: Columns, names: dict[Of, Sequence[str]]) -> bytes:
    """`names`: of each kind, in the order of their codes."""
    codes, own = {}, {}
    for kind in KINDS:
        used, places = np.unique(columns.codes[kind], return_inverse=True)
        codes[kind] = places.astype(_U8).tobytes()
        own[kind] = [names[kind][code] for code in used.tolist()]
    return msgspec.msgpack.encode(
        Stretch(
            columns.seqs.astype(_I64).tobytes(),
            columns.at.astype(_I64).tobytes(),
            columns.places.astype(_U32).tobytes(),
            columns.lengths.astype(_F32).tobytes(),
            columns.asks.astype(_U8).tobytes(),
            columns.levels.astype(_I8).tobytes(),
            columns.scales.astype(_F32).tobytes(),
            codes,
            own,
            columns.sizes.astype(_U32).tobytes(),
            columns.terms.astype(_U32).tobytes(),
            columns.counts.astype(_U8).tobytes(),
        )
    )


_decoder = msgspec.msgpack.Decoder(Stretch)


def decode_stretch(data: bytes) -> Stretch:
    """Raises InvalidInput where it is damaged."""
    try:
        found = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"a damaged stretch of an index: {error}") from None
    sizes = np.frombuffer(found.sizes, _U32)
    terms = int(sizes.sum()) if len(found.sizes) == LINES * 4 else -1
    wanted = (
        (found.seqs, 8 * LINES), (found.at, 8 * LINES), (found.places, 4 * LINES),
        (found.lengths, 4 * LINES), (found.asks, LINES), (found.levels, WIDTH * LINES),
        (found.scales, 4 * LINES), (found.terms, 4 * terms), (found.counts, terms),
        *((found.codes.get(kind, b""), LINES) for kind in KINDS),
    )  # fmt: skip
    if any(len(column) != size for column, size in wanted) or any(
        max(found.codes[kind]) >= len(found.names.get(kind, ())) for kind in KINDS
    ):
        raise InvalidInput("a damaged stretch of an index: its columns do not fit together")
    return found


def columns_of(stretches: Sequence[Stretch], code: dict[Of, dict[str, int]]) -> Columns:
    """`code`: of each kind the number that the reading index has for a name of these stretches."""

    def joined(name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        return np.frombuffer(b"".join(getattr(one, name) for one in stretches), dtype)

    def coded(kind: Of) -> npt.NDArray[np.integer]:
        parts = [
            np.array([code[kind][name] for name in one.names[kind]], np.int32)[
                np.frombuffer(one.codes[kind], _U8)
            ]
            for one in stretches
        ]
        return np.concatenate(parts)

    return Columns(
        joined("seqs", _I64), joined("at", _I64), joined("places", _U32), joined("lengths", _F32),
        joined("asks", _U8).astype(np.bool_), joined("levels", _I8).reshape(-1, WIDTH),
        joined("scales", _F32), {kind: coded(kind) for kind in KINDS}, joined("sizes", _U32),
        joined("terms", _U32), joined("counts", _U8),
    )  # fmt: skip
