"""What a grammar of times and counts has to know of a language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from msgspec import Struct

UNITS = ("second", "minute", "hour", "day", "week", "month", "year")
PARTS = ("morning", "afternoon", "evening", "night")


class Lexicon(Struct, frozen=True, kw_only=True):
    """The words of one language, alternatives parted by "|", in lower case with their accents.

    Accents may be missing in a text. `units`, `parts`, `measures` are by their English name;
    `numbers` are words and what they count; `phrases` are durations (ISO 8601) that are said in no
    regular way; `ages` are patterns around "{n}", a number. `next_after` and the like stand behind
    what they are about ("lundi prochain"). `not_tomorrow`: what stands before the word for
    "tomorrow" where it means the morning. `bare_hour`: "at 5" is a time without a further word.
    `minutes_before` and `minutes_after` are said before or after the hour ("halb zehn" is -30).
    """

    code: str
    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    numbers: Mapping[str, int]
    units: Mapping[str, str]
    phrases: Mapping[str, str]
    ages: tuple[str, ...]
    joint: str
    """"and" between two parts of a duration or two weekdays."""
    every: str
    every_other: str
    adverbs: Mapping[str, str]
    """RRULE of "daily" and the like, by its words."""
    plural_days: str = ""
    """What stands before weekdays in the plural, or "" where the plural says enough."""
    today: str = ""
    tomorrow: str = ""
    yesterday: str = ""
    after_tomorrow: str = ""
    before_yesterday: str = ""
    not_tomorrow: tuple[str, ...] = ()
    parts: Mapping[str, str] = {}
    next_before: str = ""
    next_after: str = ""
    last_before: str = ""
    last_after: str = ""
    this_before: str = ""
    within: str = ""
    ago_before: str = ""
    ago_after: str = ""
    first: str = ""
    of_month: str = ""
    weekend: str = ""
    at: str = ""
    oclock: str = ""
    bare_hour: bool = True
    minutes_before: Mapping[str, int] = {}
    minutes_after: Mapping[str, int] = {}
    noon: str = ""
    midnight: str = ""
    between: str = ""
    """What may stand between a day and a time, or before either."""
    since: str = ""
    """What opens a range ("von", "de")."""
    until: str = ""
    """What stands inside a range ("bis", "à")."""
    measures: Mapping[str, str] = {}
    past: str = ""
    """Verbs that tell what has happened: a day without a year is then the last such day."""
    past_follows: bool = False
    """Such verbs stand at the sentence's end, after the day, and not before it."""


def fold(word: str) -> str:
    """Lower case without accents, ß as ss, for looking a word up."""
    plain = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def pattern_of(alternatives: str | Iterable[str]) -> str:
    """A pattern of these words, the longest first, that also matches them without their accents.

    Each alternative may hold several, parted by "|"; empty ones are left out.
    """
    groups = [alternatives] if isinstance(alternatives, str) else alternatives
    words = {word for group in groups for word in group.split("|") if word}
    loose = []
    for word in sorted(words, key=lambda one: (-len(one), one)):
        chars = []
        for char in word:
            plain = fold(char)
            chars.append(
                re.escape(char)
                if plain == char
                else f"[{char}{plain}]"
                if len(plain) == 1
                else f"(?:{char}|{plain})"
            )
        loose.append("".join(chars))
    return f"(?:{'|'.join(loose)})"


def numbered(groups: Iterable[str]) -> dict[str, int]:
    """Each word's place among the groups, folded."""
    return {
        fold(word): place for place, words in enumerate(groups) for word in words.split("|") if word
    }


def named(groups: Mapping[str, str]) -> dict[str, str]:
    """The name of the group that each word is in, folded."""
    return {fold(word): name for name, words in groups.items() for word in words.split("|")}
