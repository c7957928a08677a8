"""The checksum and the aligned arrays of model files."""

from __future__ import annotations

import numpy as np
import pytest

from colloquy.understanding.model_bytes import (
    ALIGN,
    DIGEST,
    aligned_array,
    append_aligned,
    is_whole,
    seal,
)


def test_any_changed_or_missing_byte_is_seen() -> None:
    sealed = seal(b"some model")
    assert is_whole(sealed) and len(sealed) == 10 + DIGEST
    for at in range(len(sealed)):
        assert not is_whole(sealed[:at])
        assert not is_whole(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])


def test_arrays_come_back_from_aligned_places() -> None:
    data = bytearray(b"head")
    first, second = np.arange(5, dtype=np.float16), np.arange(3, dtype=np.uint32)
    append_aligned(data, first)
    append_aligned(data, second)
    one, at = aligned_array(bytes(data), 4, np.float16, 5)
    other, end = aligned_array(bytes(data), at, np.uint32, 3)
    assert (one == first).all() and (other == second).all()
    assert at == ALIGN + first.nbytes and end == len(data) == 2 * ALIGN + second.nbytes
    with pytest.raises(ValueError, match="buffer"):
        aligned_array(bytes(data), at, np.uint32, 4)
