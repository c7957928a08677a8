"""What the files of models have in common: arrays on aligned places, and a checksum at the end."""

from __future__ import annotations

import mmap
from hashlib import blake2b
from typing import TypeVar

import numpy as np
import numpy.typing as npt

ALIGN = 64
"""Bytes; arrays that are mapped into memory begin at multiples of it."""
DIGEST = 16
"""Bytes of the checksum, BLAKE2b over everything before it."""

_Number = TypeVar("_Number", bound=np.generic)


def seal(data: bytes | bytearray) -> bytes:
    """The content of a file with its checksum behind it."""
    return bytes(data) + blake2b(data, digest_size=DIGEST).digest()


def is_whole(data: bytes | mmap.mmap) -> bool:
    """Does what `seal` made have the checksum it was made with?"""
    end = len(data) - DIGEST
    if end < 0:
        return False
    return blake2b(memoryview(data)[:end], digest_size=DIGEST).digest() == data[end:]


def aligned_array(
    data: bytes | mmap.mmap, at: int, kind: type[_Number], count: int
) -> tuple[npt.NDArray[_Number], int]:
    """The array of `count` numbers at the first aligned place from `at` on, and where it ends.

    Raises ValueError where the data end before.
    """
    at += -at % ALIGN
    array: npt.NDArray[_Number] = np.frombuffer(data, kind, count, at)
    return array, at + array.nbytes


def append_aligned(data: bytearray, array: npt.NDArray[np.generic]) -> None:
    """Adds an array at the next aligned place."""
    data += b"\0" * (-len(data) % ALIGN)
    data += np.ascontiguousarray(array).tobytes()
