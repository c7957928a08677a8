"""Runs the extractors that a text can concern and merges what they find.

One pass of an RE2 set (about 1 µs) says which extractors have a chance; most texts need none.
Overlapping spans: the longest wins, then the label earlier in `PRIORITY`, then the leftmost.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable

import re2

from ...model.understanding import Entity
from ..pack import Pack
from . import contact, dates, money, quantity, reference
from .dictionary import Dictionary
from .span import Circumstances, Span

VERSION = "1"
MAX_ENTITIES = 100
"""Entities of one text; the first ones are kept."""

PRIORITY = (
    "email", "url", "money", "reference", "phone", "datetime", "date", "time", "quantity",
)  # fmt: skip
"""Decides between spans of the same length; dictionary labels come after these."""
Find = Callable[[str, Circumstances], Iterable[Span]]
_PARTS: dict[str, tuple[str, Find]] = {
    "email": (contact.EMAIL_GATE, contact.emails),
    "url": (contact.URL_GATE, contact.urls),
    "phone": (contact.PHONE_GATE, contact.phones),
    "money": (money.GATE, money.amounts),
    "dates": (dates.GATE, dates.moments),
    "quantity": (quantity.GATE, quantity.quantities),
    "reference": (reference.GATE, reference.references),
}
"""Each part's gate, an RE2 pattern without which it finds nothing, and its function."""
_RANK = {label: rank for rank, label in enumerate(PRIORITY)}

_ODD_DIGITS = {
    code: str(unicodedata.digit(chr(code)))
    for block in (0x660, 0x6F0, 0x966, 0x9E6, 0xFF10)
    for code in range(block, block + 10)
}
"""Arabic, Persian, Devanagari, Bengali and full-width digits."""
_PLAIN = str.maketrans(
    _ODD_DIGITS
    | {0xA0: " ", 0x202F: " ", 0x2009: " ", 0x2019: "'", 0x2018: "'"}
    | {0x2010: "-", 0x2011: "-", 0x2012: "-", 0x2013: "-", 0x2014: "-", 0x2212: "-"}
)


def plain(text: str) -> str:
    """The text with odd digits, spaces, dashes and apostrophes in ASCII, one for one."""
    return text if text.isascii() else text.translate(_PLAIN)


class EntityExtractor:
    """All extractors, with the dictionary and the region of a pack. Stateless between calls."""

    def __init__(self, pack: Pack | None = None) -> None:
        options = re2.Options()
        options.case_sensitive = False
        options.log_errors = False
        self._gate = re2.Set.SearchSet(options)
        self._parts = list(_PARTS.items())
        for _, (pattern, _) in self._parts:
            self._gate.Add(pattern)
        self._gate.Compile()
        self._region = pack.region if pack is not None else None
        self._dictionary = Dictionary(pack.entities) if pack is not None and pack.entities else None
        self.version = VERSION

    def extract(
        self,
        text: str,
        at_us: int,
        time_zone: str | None = None,
        region: str | None = None,
        failed: list[str] | None = None,
    ) -> list[Entity]:
        """The entities in the order of the text; `text[start:end] == entity.text` for each.

        A part that raises is left out and named in `failed`.
        """
        source = plain(text)
        circumstances = Circumstances(at_us, time_zone, region or self._region)
        spans: list[Span] = []
        try:
            chances = self._gate.Match(source) or ()
        except UnicodeEncodeError:  # a lone surrogate: RE2 wants UTF-8, so every part has a look
            chances = range(len(self._parts))
        for index in chances:
            name, (_, find) = self._parts[index]
            _collect(name, find, source, circumstances, spans, failed)
        if self._dictionary is not None:
            _collect("dictionary", self._dictionary.find, source, circumstances, spans, failed)
        if not spans:
            return []
        return [
            Entity(
                label=span.label,
                start=span.start,
                end=span.end,
                text=text[span.start : span.end],
                value=span.value,
                confidence=span.confidence,
                extractor="pattern" if span.label in _RANK else "dictionary",
            )
            for span in resolve(spans, len(text))[:MAX_ENTITIES]
        ]


def _collect(
    name: str,
    find: Find,
    text: str,
    circumstances: Circumstances,
    spans: list[Span],
    failed: list[str] | None,
) -> None:
    """Adds what a part finds; if it raises, what it found before stays out too."""
    try:
        found = list(find(text, circumstances))
    except Exception:
        if failed is None:
            raise
        failed.append(name)
        return
    spans += found


def resolve(spans: list[Span], length: int) -> list[Span]:
    """Spans without overlaps, in order; the longest win, then by `PRIORITY`, then the leftmost."""
    if len(spans) == 1:
        return spans
    last = len(_RANK)
    ordered = sorted(
        spans,
        key=lambda span: (
            span.start - span.end, _RANK.get(span.label, last), span.start, span.label,
        ),
    )  # fmt: skip
    taken = bytearray(length)
    kept = []
    for span in ordered:
        if taken.find(1, span.start, span.end) < 0:
            taken[span.start : span.end] = b"\1" * (span.end - span.start)
            kept.append(span)
    kept.sort(key=lambda span: span.start)
    return kept
