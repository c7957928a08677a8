"""The words and small patterns that English days are told with; `days` makes forms of them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .numbers import ONES, ORDINALS, TENS

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janvier enero januar gennaio janeiro januari",
            "february feb février fevrier febrero februar febbraio fevereiro februari",
            "march mar mars marzo märz maerz março marco maart",
            "april apr avril abril aprile",
            "may mai mayo maggio maio mei",
            "june jun juin junio juni giugno junho",
            "july jul juillet julio juli luglio julho",
            "august aug août aout agosto augustus",
            "september sept sep septembre septiembre settembre setembro",
            "october oct octobre octubre oktober ottobre outubro",
            "november nov novembre noviembre novembro",
            "december dec décembre decembre diciembre dezember dicembre dezembro",
        ),
        1,
    )
    for name in names.split()
}
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon", "tuesday tues tue", "wednesday wed weds", "thursday thurs thur thu",
            "friday fri", "saturday sat", "sunday sun",
        )
    )
    for name in names.split()
}  # fmt: skip
FEASTS = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
    "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31),
    "new year's day": (1, 1), "new years day": (1, 1), "valentine's day": (2, 14),
    "valentines day": (2, 14), "halloween": (10, 31),
}  # fmt: skip
TOMORROW = ("tomorrow", "tomorow", "tommorow", "tommorrow", "tmrw", "tmr", "tmw", "2moro")
SMALL_WORDS = (*list(ONES)[1:], *TENS)


def any_of(names: Iterable[str]) -> str:
    """A pattern of these names, the longest first; a hyphen may be a blank."""
    found = "|".join(sorted(map(re.escape, names), key=len, reverse=True))
    return f"(?:{found})".replace("\\-", "[ -]")


MONTH = any_of(MONTHS)
WEEKDAY = any_of(WEEKDAYS)
LONG_WEEKDAY = any_of(WEEKDAYS.keys() - {"sat", "sun"})
ORDINAL = any_of(ORDINALS)
NUMBER = r"(?:3[01]|[12]\d|0?[1-9])"
NTH = rf"(?:(?P<day>{NUMBER})(?:st|nd|rd|th)|(?P<ordinal>{ORDINAL}))"
SMALL = rf"(?:\d{{1,4}}|(?:a )?couple of|a few|half an|an?|{any_of(SMALL_WORDS)})"
UNIT = r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?)"
YEAR = r"(?:(?:,? | of )(?P<year>(?:19|20)\d\d)(?![\d:]))?"
PART = r"(?:,? (?:in the )?(?P<part>morning|afternoon|evening|night)\b)?"
AFTER_NTH = (
    r"(?=$|[,.!?;)]|-| (?:at|of (?:this|next|the) month|in the|from|to|until|till|around|works?|is"
    r"|would|please|pls|if|and|or|for|this|next|i|we|my|on|with|should|will|can|does|are|was|by"
    r"|before|after|only|instead|then|but|because|so)\b)"
)
"""What may stand after a day without a month: "the 3rd at 5", but not "the 3rd floor"."""

PAST = re.compile(
    r"\b(?:paid|sent|bought|ordered|called|arrived|received|signed|cancell?ed|returned|came|happened"
    r"|broke|stopped|submitted|applied|emailed|wrote|transferred|delivered|died|started|since"
    r"|charged|debited|billed|deducted|refunded|withdrew|phoned|texted|spoke|complained|reported"
    r"|visited|viewed|crashed|failed|shipped|posted|mailed|installed|repaired|fixed|replaced"
    r"|(?:was|were) (?:meant|supposed|due|scheduled|expected))\b"
    r"(?:(?!\b(?:for|by|until|till|if|to be|will|would|can|could|starting|next|due)\b)"
    r"(?:[^?.!;]|\.(?=\d)))*$",
    re.IGNORECASE,
)
"""Verbs that tell what has happened: "I paid on the 5th" means the last 5th."""
PAST_REACH = 60

_WORD_DAYS = [*WEEKDAYS, *TOMORROW, "today", "tonight", "yesterday"]
GATE = (
    rf"(\b|\d|\d(st|nd|rd|th))({'|'.join(MONTHS)})(\b|\d)"
    rf"|\b({'|'.join(_WORD_DAYS)}|(mon|tues|wednes|thurs|fri|satur|sun)days?"
    r"|(this|last|next|coming) (morning|afternoon|evening|night|week|weekend|month|year)"
    r"|the weekend|(end|beginning|start) of (the|this|next) (week|month|year)"
    rf"|(in|within) {SMALL} ?{UNIT}"
    r"|christmas|xmas|boxing day|new year.?s|valentine.?s|halloween|\d{1,2}(st|nd|rd|th)"
    rf"|(the|from|to|until|till|on|by|and|between) {ORDINAL})\b"
    rf"|{UNIT} (from (now|today|tomorrow)|later|ago)\b|\d[/.-]\d|\d{{4}}-\d\d"
    r"|\b(in|during|since|from|until|till|before|after|of|by) (19|20)\d\d\b"
)
"""What a text has that names a day, for RE2."""
