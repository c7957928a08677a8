"""One text for each value, whatever the order of its keys, and a checksum of it.

The text is JSON (`values.to_wire`) with the keys of each object in the order of their code points
and no white space. Unlike RFC 8785 it tells 1 from 1.0, since the ledger does.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from .values import Value, to_wire

_ENCODER = msgspec.json.Encoder(order="deterministic")

CHECKSUM_BYTES = 32


def canonical(value: Value, depth: int = 0) -> bytes:
    """The value's one text, UTF-8. Two texts are equal exactly when the values are the same.

    `depth` is how deep the value lies already. Raises InvalidInput for what is no value.
    """
    return _ENCODER.encode(to_wire(value, depth))


def checksum(value: Value) -> str:
    """BLAKE2b (RFC 7693, 256 bits) of the canonical text, 64 hexadecimal digits.

    Raises InvalidInput for what is no value.
    """
    return blake2b(canonical(value), digest_size=CHECKSUM_BYTES).hexdigest()
