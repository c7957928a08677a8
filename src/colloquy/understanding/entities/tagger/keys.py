"""What the tagger sees of a word: keys of its features, the same in training and serving.

Features of one word are grouped by where that word stands from the word to be tagged, so that
serving can keep their summed weights: a word's rows are one block, a pair's another. A key is the
CRC-32 of the feature's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

ALGORITHM = 1
"""Rises with every change to tokens or features: a model belongs to one algorithm."""

REACH = 3
"""Words looked at on either side."""
WORD_ROWS = 2 * REACH + 3
"""Rows of a word's block: at distances -3 … 3, then anywhere before, then anywhere after."""
BEFORE, AFTER = WORD_ROWS - 2, WORD_ROWS - 1
PAIR_STARTS = (-2, -1, 0, 1)
"""Where the first word of a pair may stand from the tagged one."""
PAIR_ROWS = len(PAIR_STARTS)
HINT_ROWS = 3
"""Rows of a hint's block: one word before, at the word, one after."""
START, END = "\x02", "\x03"
"""Stand for the words before the first and after the last."""
_AFFIX = 4
_LONGEST = 24
"""Letters of a word that count."""


def word_keys(word: str) -> list[list[int]]:
    """Keys of a word for each row of its block."""
    lower = _folded(word)
    if word in (START, END):
        return [[_key(f"w{row}", word)] for row in range(2 * REACH + 1)] + [[], []]
    shape = shape_of(word)
    short = _collapsed(shape)
    rows: list[list[int]] = []
    for distance in range(-REACH, REACH + 1):
        at = str(distance)
        keys = [_key("w" + at, lower)]
        if abs(distance) <= 2:
            keys.append(_key("s" + at, short))
        if abs(distance) == 1:
            keys += [_key("z" + at, lower[-3:]), _key("y" + at, lower[:3])]
        if distance == 0:
            keys += [_key("c", word), _key("S", shape), _key("bias", "")]
            for size in range(1, min(_AFFIX, len(lower)) + 1):
                keys += [_key("p", lower[:size]), _key("e", lower[-size:])]
            if any(char.isdigit() for char in word):
                keys.append(_key("digits", str(min(8, len(word)))))
        rows.append(keys)
    return [*rows, [_key("<", lower)], [_key(">", lower)]]


def pair_keys(first: str, second: str) -> list[list[int]]:
    """Keys of two neighbouring words for each of `PAIR_STARTS`."""
    words = f"{_folded(first)} {_folded(second)}"
    shapes = f"{_collapsed(shape_of(first))} {_collapsed(shape_of(second))}"
    return [
        [_key(f"b{start}", words), *([_key(f"t{start}", shapes)] if start in (-1, 0) else ())]
        for start in PAIR_STARTS
    ]


def asked_keys(slots: Sequence[str], word: str) -> list[int]:
    """Keys of a word under the slots that had just been asked for."""
    lower, shape = _folded(word), _collapsed(shape_of(word))
    return [
        key
        for slot in slots
        for key in (_key("r", slot), _key("rw", f"{slot} {lower}"), _key("rs", f"{slot} {shape}"))
    ]


def hint_keys(hint: str) -> list[list[int]]:
    """Keys of what another layer says of a word ("B-date" of the patterns)."""
    return [[_key(f"h{distance}", hint)] for distance in (-1, 0, 1)]


def folded(word: str) -> str:
    """Lower case; a number is as many zeros as it has digits, but small ones keep their value."""
    return _folded(word)


def shape_of(word: str) -> str:
    """ "Xx" for "Ab", "00" for "12", other signs as they are."""
    return "".join(
        "X" if char.isupper() else "x" if char.isalpha() else "0" if char.isdigit() else char
        for char in word[:_LONGEST]
    )


def _collapsed(shape: str) -> str:
    """Runs as one sign: "Xxx" is "Xx"."""
    return "".join(char for at, char in enumerate(shape) if not at or shape[at - 1] != char)


def _folded(word: str) -> str:
    if word.isdigit() and len(word) > 2:
        return "0" * min(len(word), 12)
    return word[:_LONGEST].lower().replace("\u2019", "'")


def _key(kind: str, value: str) -> int:
    return crc32(f"{kind}|{value}".encode("utf-8", "surrogatepass"))
