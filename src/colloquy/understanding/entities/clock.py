"""Times of day in a text: "5pm", "17:30", "half past 11", "quarter to five", "noon", "at 8".

Each form is a small pattern and a function that reads it; as in `days`, a form is tried only where
a digit or one of its trigger words stands, and the longest match wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from .forms import Forms
from .numbers import ONES, value_of_words
from .words import DIGIT, preceded

_HOURS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
          "twelve")  # fmt: skip
_TENS_OF_MINUTES = ("twenty", "thirty", "forty", "fifty")
_HOUR_WORD = f"(?:{'|'.join(_HOURS)})"
_MINUTE_WORDS = f"(?:(?:{'|'.join(_TENS_OF_MINUTES)})(?:[ -]five)?|fifteen|five|ten)"
_HOUR = r"(?:1[0-2]|0?[1-9])"
_HOUR_OF_24 = r"(?:[01]?\d|2[0-3])"
_MINUTE = r"(?P<minute>[0-5]\d)"
_HALF = r"(?P<half>[ap])(?:m\b|\. ?m\b\.?)"
_PART = r"(?:in the (?:early )?(?P<part>morning|afternoon|evening)|at (?P<night>night))\b"
_BARE_PART = r"(?P<part>morning|afternoon|evening|night)\b"
_FOLLOWED = (
    r"(?=$|[,.!?;)](?:\s|$)|\s+(?:on|today|tomorrow|tonight|this|next|and|or|to|till|until|for"
    r"|please|pls|plz|then|if|is|works?|would|ok|okay|thanks?|thx|instead|with|sharp|ish|in the"
    r"|at night|(?:mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?)\b|ish\b"
    r"|\s*[\r\n\u2013-])"
)
"""What may stand after a bare hour: "at 5 please", but not "at 12 Main Street"."""

_NO_COUNT = (
    r"(?! ?(?:[-\u2013]|to|or|and) ?\d+ (?!on|today|tomorrow|tonight|this|next|in|at|please|pls|if"
    r"|is|works?|would|or|and|for|then|[ap]\.?m|o'?clock|sharp|ish)[a-z])"
)
"""What may not follow it: "from 2 to 3 bedrooms" counts."""
_OPENING = re.compile(r"\b(?:from|between) $", re.IGNORECASE)
_RANGE_BEFORE = re.compile(
    r"\b(?:from|between) \d{1,2}(?:[:.]\d\d)? (?:to|and|until|till) $", re.IGNORECASE
)

_SAID = rf"(\d|\b({'|'.join([*_HOURS, *_TENS_OF_MINUTES, 'fifteen'])}))"
GATE = (
    rf"\d ?[:.]\d\d|\dh(\b|\d)|\d ?[ap]\.? ?m\b|o'?\s?clock|\b(noon|midday|midnight)\b|@ ?{_SAID}"
    rf"|{_SAID} ?[ap]\.? ?m\b|{_SAID} (in the (early )?|at )?(morning|afternoon|evening|night)\b"
    rf"|({_SAID}( min(ute)?s?)?|\bhalf|\bquarter) (past|to|till|after|before) {_SAID}"
    rf"|\bhalf {_SAID}"
    rf"|\b(at|by|from|around|before|after|until|till|about|between|than|to) {_SAID}"
)
"""What a text has that tells a time of day, for RE2."""


class ClockTime(NamedTuple):
    """A time of day in a text. `ambiguous`: the hour is 1 to 12 and nothing says which half."""

    start: int
    end: int
    hour: int
    minute: int = 0
    second: int = 0
    ambiguous: bool = False
    confidence: float = 1.0


Read = Callable[[re.Match[str]], ClockTime | None]
_FORMS: Forms[Read] = Forms(r"(?<![\w.:/$€£#+-])")
_form = _FORMS.form


def clock_times(text: str) -> Iterator[ClockTime]:
    """All times of day, in order and without overlaps."""
    return _FORMS.found(text, lambda match, read: read(match))


def in_part(hour: int, part: str) -> int:
    """The hour (1 to 12) in a part of the day: 8 in the "evening" is 20, 12 at "night" is 0."""
    if part == "morning":
        return hour % 12
    if part in ("afternoon", "evening"):
        return hour % 12 + 12
    if hour == 12:
        return 0
    return hour if hour < 5 else hour + 12


def likely_hour(hour: int) -> int:
    """The half of the day meant by a bare hour in daytime business: 8 to 12, then 13 to 19."""
    return hour + 12 if 1 <= hour <= 7 else hour


# -- forms ------------------------------------------------------------------------------------


@_form(
    rf"(?:(?P<before>morning|afternoon|evening|night) )?(?P<hour>{_HOUR_OF_24}):{_MINUTE}"
    rf"(?::(?P<second>[0-5]\d))?(?![\d:])(?: ?{_HALF}| {_PART})?",
    [DIGIT, "morning", "afternoon", "evening", "night"],
)
@_form(rf"(?P<hour>{_HOUR_OF_24}):{_MINUTE} (?P<before>morning|afternoon|evening|night)\b", [DIGIT])
def _with_colon(match: re.Match[str]) -> ClockTime:
    groups = match.groupdict()
    second = int(groups.get("second") or 0)
    part = groups.get("part") or groups.get("night") or groups["before"]
    written = match["hour"]
    return _time(match, int(written), int(match["minute"]), second, part=part,
                 sure=written.startswith("0"))  # fmt: skip


@_form(rf"(?P<hour>{_HOUR}|0)(?:[. ]{_MINUTE})? ?{_HALF}", [DIGIT])
@_form(rf"(?P<hour>{_HOUR})(?:[. ]{_MINUTE})? ?(?:o'? ?clock)? {_PART}", [DIGIT])
@_form(rf"(?P<hour>{_HOUR_OF_24}) {_MINUTE} {_BARE_PART}", [DIGIT])
@_form(rf"(?P<hour>{_HOUR_OF_24}) {_MINUTE} {_PART}", [DIGIT])
@_form(rf"(?P<hour>{_HOUR}|{_HOUR_WORD}) ?o'? ?clock\b(?: ?{_HALF})?(?: {_PART})?", [DIGIT], _HOURS)
@_form(rf"(?P<hour>{_HOUR_WORD})(?: (?P<minute>{_MINUTE_WORDS}))? ?{_HALF}", _HOURS)
@_form(rf"(?P<hour>{_HOUR_WORD})(?: (?P<minute>{_MINUTE_WORDS}))? {_PART}", _HOURS)
def _said_in_full(match: re.Match[str]) -> ClockTime:
    return _time(match, _number(match["hour"]), _number(match.groupdict().get("minute") or "0"))


@_form(rf"(?P<hour>{_HOUR_OF_24})h(?P<minute>[0-5]\d)?(?!\w)", [DIGIT])
def _with_h(match: re.Match[str]) -> ClockTime | None:
    """ "17h30" and "17h"; "2h" is how long, not when."""
    hour = int(match["hour"])
    if hour < 7 and match["minute"] is None:
        return None
    return _time(match, hour, int(match["minute"] or 0), sure=True)


@_form(
    rf"(?P<shift>half|(?:a )?quarter|\d{{1,2}}|{_MINUTE_WORDS})(?P<unit> min(?:ute)?s?)? "
    rf"(?P<side>past|to|till|after|before) (?P<hour>{_HOUR_OF_24}|{_HOUR_WORD})(?![\d:/])\b"
    rf"(?: ?{_HALF}| {_PART}| (?P<bare>morning|afternoon|evening|night)\b)?",
    [DIGIT, "half", "a", "quarter", "fifteen", "five", "ten"],
    _TENS_OF_MINUTES,
)
def _past_or_to(match: re.Match[str]) -> ClockTime | None:
    """Minutes past or to an hour; "7 to 9" and "2 after 5" are ranges and counts."""
    said, side = match["shift"].lower(), match["side"].lower()
    shift = 30 if said == "half" else 15 if said.endswith("quarter") else _number(said)
    plain = said.isdigit() and not (match["unit"] or match["half"] or match["part"]
                                    or match["night"] or match["bare"])  # fmt: skip
    if not 0 < shift < 60 or (plain and side != "past" and (shift % 5 or shift <= 12)):
        return None
    counted = said.isdigit() and not match["unit"] and side in ("to", "till")
    if counted and (
        shift % 5 or _OPENING.search(match.string, max(0, match.start() - 9), match.start())
    ):
        return None  # "from 3 to 5 pm"
    hour = _number(match["hour"])
    if side in ("to", "till", "before"):
        hour, shift = (hour - 1) or 12, 60 - shift
        if hour < 0:
            hour = 23
    return _time(match, hour, shift, part=match["bare"])


@_form(rf"half (?P<hour>{_HOUR_WORD}|{_HOUR})\b ?{_HALF}", ["half"])
@_form(preceded("at") + rf"half (?P<hour>{_HOUR_WORD}|{_HOUR})\b", ["half"])
def _half(match: re.Match[str]) -> ClockTime:
    """ "half five" is 5:30, in Britain at least."""
    return _time(match, _number(match["hour"]), 30, confidence=0.8)


@_form(r"(?:noon|midday|midnight)\b", ["noon", "midday", "midnight"])
def _named(match: re.Match[str]) -> ClockTime:
    return ClockTime(match.start(), match.end(), 0 if match[0].lower() == "midnight" else 12)


@_form(
    rf"(?P<hour>{_HOUR})(?::{_MINUTE})?(?= ?(?:[-\u2013]|to|and|or|until|till) ?{_HOUR}"
    r"(?:[:.][0-5]\d)? ?(?P<half>[ap])(?:m|\.m)\b)",
    [DIGIT],
)
def _start_of_range(match: re.Match[str]) -> ClockTime:
    """The first hour of "2 to 4pm" is in the same half of the day."""
    return _time(match, int(match["hour"]), int(match["minute"] or 0), confidence=0.9)


@_form(preceded("at") + rf"(?P<hour>{_HOUR_OF_24})[. ]{_MINUTE}(?!\d|[.,]\d){_FOLLOWED}", [DIGIT])
@_form(
    r"(?:"
    + preceded(
        "at", "by", "from", "around", "before", "after", "until", "till", "about", "between", "than"
    )
    + rf"|(?<=@ )|(?<=@))(?:(?P<hour>{_HOUR_OF_24}|{_HOUR_WORD})(?: (?P<minute>{_MINUTE_WORDS}))?)"
    rf"{_FOLLOWED}{_NO_COUNT}",
    [DIGIT],
    _HOURS,
)  # fmt: skip
def _announced(match: re.Match[str]) -> ClockTime | None:
    """A bare hour, after a word that announces it; "by 20" and "than 15" count."""
    before = match.string[max(0, match.start() - 6) : match.start()].lower()
    if _number(match["hour"]) > 12 and before.endswith(("by ", "about ", "than ")):
        return None
    return _time(match, _number(match["hour"]), _number(match["minute"] or "0"), confidence=0.8)


@_form(preceded("to", "and", "until", "till") + rf"(?P<hour>{_HOUR}){_FOLLOWED}", [DIGIT])
def _end_of_range(match: re.Match[str]) -> ClockTime | None:
    """The second hour of "from 9 to 5"."""
    if not _RANGE_BEFORE.search(match.string, max(0, match.start() - 24), match.start()):
        return None
    return _time(match, int(match["hour"]), confidence=0.8)


def _time(
    match: re.Match[str],
    hour: int,
    minute: int = 0,
    second: int = 0,
    *,
    part: str | None = None,
    sure: bool = False,
    confidence: float = 1.0,
) -> ClockTime:
    """Applies the half of the day that the text names; `sure`: the hour is of 24."""
    groups = match.groupdict()
    half = groups.get("half")
    part = part or groups.get("part") or groups.get("night")
    ambiguous = False
    if 1 <= hour <= 12 and not sure:
        if half:
            hour = hour % 12 + (12 if half in "pP" else 0)
        elif part:
            hour = in_part(hour, part.lower())
        else:
            ambiguous, confidence = True, min(confidence, 0.85)
    elif half and hour <= 12:
        hour = hour % 12 + (12 if half in "pP" else 0)
    return ClockTime(match.start(), match.end(), hour, minute, second, ambiguous, confidence)


def _number(written: str) -> int:
    if written.isdigit():
        return int(written)
    words = written.lower()
    return ONES[words] if words in ONES else value_of_words(words) or 0
