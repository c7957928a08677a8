"""Odd characters made plain, so that patterns need to know ASCII only."""

from __future__ import annotations

import unicodedata

_ODD_DIGITS = {
    code: str(unicodedata.digit(chr(code)))
    for block in (0x660, 0x6F0, 0x966, 0x9E6, 0xFF10)
    for code in range(block, block + 10)
}
"""Arabic, Persian, Devanagari, Bengali and full-width digits."""
_PLAIN = str.maketrans(
    _ODD_DIGITS
    | {0xA0: " ", 0x202F: " ", 0x2009: " ", 0x2019: "'", 0x2018: "'"}
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    | {0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2014: "-", 0x2212: "-"}
)


def plain(text: str) -> str:
    """The text with odd digits, spaces, dashes and apostrophes in ASCII, one for one; lone
    surrogates, which have no UTF-8, are U+FFFD."""
    return text if text.isascii() else text.translate(_PLAIN)
