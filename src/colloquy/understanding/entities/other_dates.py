"""Days with the name of a month in languages that have no grammar here, read by dateparser.

Only where the text's language is known and none of ours, a number stands before or after a word,
and the package is installed (extra `dates`). A span costs about 0.4 ms, so few are tried, and what
was read is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from importlib.util import find_spec
from itertools import islice

from .languages import LEXICONS
from .moments import now_of
from .span import Circumstances, Span

GATE = r"\d{1,2}\.? (de |of )?[^\d\s[:punct:]]{3}"

_CANDIDATE = re.compile(
    r"(?<![\w.,:/$€£#+-])(?P<day>3[01]|[12]\d|0?[1-9])\.? (?:de )?[^\W\d_]{3,14}\.?"
    r"(?: (?:de )?(?P<year>(?:19|20)\d\d)(?!\w))?(?!\w)"
)
_MOST = 4
"""Spans of one text that are tried."""


def other_dates(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Spans `date`, as those of `dates.moments`; the day must be the one that the text names."""
    language = circumstances.language
    if language is None or language in LEXICONS or not _installed():
        return
    today = now_of(circumstances).date()
    for match in islice(_CANDIDATE.finditer(text), _MOST):
        found = _read(match[0], language, today)
        if found is not None and found.day == int(match["day"]):
            yield Span("date", match.start(), match.end(), found.isoformat(), 0.8)


@lru_cache(maxsize=1)
def _installed() -> bool:
    return find_spec("dateparser") is not None


@lru_cache(maxsize=2_048)
def _read(written: str, language: str, today: date) -> date | None:
    """The next such day from today on; None if it is none, or the language is unknown there."""
    from dateparser import parse  # 0.3 s to import, and rarely needed
    from dateparser.data import languages_info

    if language not in languages_info.language_order:
        return None
    found = parse(
        written,
        languages=[language],
        settings={
            "RELATIVE_BASE": datetime(today.year, today.month, today.day),
            "PREFER_DATES_FROM": "future",
            "REQUIRE_PARTS": ["day", "month"],
            "RETURN_AS_TIMEZONE_AWARE": False,
        },
    )
    return found.date() if found is not None else None
