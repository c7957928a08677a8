"""Which part of a roll-out somebody is in: a stable hash, the same in every process and for ever.

A flag's name is hashed before the key, so that the parts of two flags are independent of each
other. The hash is BLAKE2b, which keeps them so whatever the keys look like; a plain CRC would not:
it is linear, and two salts would cut the same people in the same way.
"""

from __future__ import annotations

from hashlib import blake2b

BUCKETS = 10_000
"""A roll-out moves in steps of 0.01 %."""
_number = int.from_bytes


class Buckets:
    """The buckets of one roll-out."""

    __slots__ = ("_begin",)

    def __init__(self, name: str) -> None:
        raw = name.encode("utf-8", "surrogatepass")
        # Its length first: "ab" with the key "c" is not "a" with the key "bc".
        # A copy of what is begun takes half the time of hashing the name again.
        self._begin = blake2b(b"%d:%s" % (len(raw), raw), digest_size=8).copy

    def of(self, key: str) -> int:
        """0 to `BUCKETS` − 1. Who is below a percentage stays below every larger one."""
        hashed = self._begin()
        try:
            hashed.update(key.encode())
        except UnicodeEncodeError:  # half a character: rare, and slower to allow for
            hashed.update(key.encode("utf-8", "surrogatepass"))
        return _number(hashed.digest(), "little") % BUCKETS


def threshold(percentage: float) -> int:
    """The first bucket that is not in a percentage (0 to 100)."""
    return round(percentage * BUCKETS / 100)
