"""Days, times, durations, repeats and counts in German, French, Spanish, Italian and Portuguese.

One grammar for all of them: `languages` has their words. A language is read in texts that are known
to be in it, and where its own words stand in texts whose language nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from .clock import ClockTime
from .dates import Grammar, moments_in
from .days import Day
from .durations import durations_in
from .languages import FOREIGN, LEXICONS, fold, named, numbered, pattern_of
from .moments import LAST_YEAR, add_months, day_of_month, in_year, weekday_of
from .numbers import DIGITS, decimal_mark, plain_number, value_of_digits
from .recurrence import repeats_in
from .span import Circumstances, Span
from .words import words_of

_ALSO_ENGLISH = frozenset(
    words_of(
        "min person auto bad mai mars minute minutes second mal grad h km m2 m² kg kilo meter jan "
        "jun jul aug sept sep set mar oct nov dez dec okt april august september november feb mag "
        "gen ago may ott out fév dic ene abr apr giu lug janv juil annual biennial son pers "
        "animals in a e de bath animaux sek std hs hrs metre as la le en item people tag tage an "
        "ans mensual anual domingo august noche auto autos personal uhr segunda sexta tarde mal "
        "pm am kind chat chats stuck zi"
    )
)
"""Words that say nothing about the language of a text."""
_NUMERIC_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_DAY_ARTICLES = {"de": "am", "fr": "le", "es": "el|el d[íi]a", "it": "il|il giorno", "pt": "dia"}
"""What stands before a day of the month that is all there is: "le 5, j'ai payé"."""
_SENTENCE_END = re.compile(r"[?!;]|\.(?!\d)")
_RANGE_REACH = 12
_PAST_REACH = 60
"""Characters in which a verb tells when something was."""
_NOT_BEFORE = r"(?<![\w/$€£#.@-])"


def gate_of(code: str, *, known: bool = False) -> str:
    """What a text in that language has that this module may find, for RE2; `known`: the text is
    known to be in it, so that words count which others have too."""
    lexicon = LEXICONS[code]
    groups = [
        *lexicon.weekdays, *lexicon.months, *lexicon.units.values(), *lexicon.adverbs,
        *lexicon.adverbs.values(), *lexicon.phrases, lexicon.today, lexicon.tomorrow,
        lexicon.yesterday, lexicon.after_tomorrow, lexicon.before_yesterday, lexicon.noon,
        lexicon.midnight, lexicon.weekend, *lexicon.measures.values(), *lexicon.parts.values(),
        lexicon.oclock,
    ]  # fmt: skip
    said = {word for group in groups for word in group.split("|") if word and "=" not in word}
    if not known:
        said = {word for word in said if fold(word) not in _ALSO_ENGLISH}
    hours = lexicon.at.split("|")
    if not known:
        # "a 3 star hotel" and "as 2 of us" are English; "à 3" is not.
        hours = [word for word in hours if word not in _ALSO_ENGLISH]
    hour = pattern_of(hours) if known else f"(?:{'|'.join(hours)})"
    lone = rf"|(?:{_DAY_ARTICLES[code]}) \d" if known else ""
    words = rf"(?:^|[^\pL])(?:{pattern_of(said)}(?:[^\pL]|$)|{hour} \d{lone})"
    return rf"{words}|\d ?(?:h|uhr)(?:\d|[^\pL]|$)" + (r"|\d\.[01]?\d\." if code == "de" else "")


class _Words:
    """The patterns of one language."""

    def __init__(self, code: str) -> None:
        lexicon = LEXICONS[code]
        self.lexicon = lexicon
        self.weekdays = numbered(lexicon.weekdays)
        self.months = {word: number + 1 for word, number in numbered(lexicon.months).items()}
        self.numbers = {fold(word): value for word, value in lexicon.numbers.items()}
        self.units = named(lexicon.units)
        self.parts = named(lexicon.parts)
        self.measures = named(lexicon.measures)
        self.before = {fold(words): shift for words, shift in lexicon.minutes_before.items()}
        self.after = {fold(words): shift for words, shift in lexicon.minutes_after.items()}
        self.days = re.compile(self._days(), re.IGNORECASE)
        self.past = re.compile(rf"(?<!\w)(?:{lexicon.past})(?!\w)", re.IGNORECASE)
        self.times = re.compile(self._times(), re.IGNORECASE)
        self.counts = re.compile(
            rf"(?<![\w.,$€£@#/:-])(?:(?P<digits>{DIGITS})|(?P<words>{pattern_of(lexicon.numbers)}))"
            rf"[ -]?(?P<measure>{pattern_of(lexicon.measures.values())})(?!\w)",
            re.IGNORECASE,
        )
        self.grammar = Grammar(
            self.days_in,
            self.times_in,
            re.compile(rf"^,? ?(?:{lexicon.between})? ?$", re.IGNORECASE),
            re.compile(rf"^,? ?(?:{lexicon.between})? ?(?:le|el|il|den|dem|o)? ?$", re.IGNORECASE),
            re.compile(rf"(?<!\w)(?:{lexicon.since}) (?:le |las |el |il |den |as )?$", re.I),
            re.compile(
                rf"^ ?(?:-|{_without(lexicon.until, 'und et y e')}) ?(?:le |las |el |il )?$", re.I
            ),
            re.compile(
                rf"^ ?(?:-|{lexicon.until}) ?(?:le |las |el |il |den |as )?$", re.IGNORECASE
            ),
        )

    def _days(self) -> str:
        lexicon = self.lexicon
        weekday, month = pattern_of(lexicon.weekdays), pattern_of(lexicon.months)
        small = rf"(?:\d{{1,3}}|{pattern_of(lexicon.numbers)})"
        unit = pattern_of(
            "|".join(lexicon.units[name] for name in ("day", "week", "month", "year"))
        )
        short = pattern_of("|".join(lexicon.units[name] for name in ("minute", "hour")))
        span = pattern_of("|".join(lexicon.units[name] for name in ("week", "month", "year")))
        parts = pattern_of(lexicon.parts.values())

        def part(at: int) -> str:
            return rf"(?:,? (?P<part{at}>{parts})(?!\w))?"

        def length(at: int) -> str:
            units = rf"(?:(?P<unit{at}>{unit})|(?P<short{at}>{short}))"
            return rf"(?P<count{at}>{small}) ?{units}(?!\w)"

        hour = pattern_of(lexicon.at)
        near = _both(lexicon.next_before, lexicon.last_before)
        which = _both(lexicon.next_before, lexicon.last_before, lexicon.this_before)
        forms = [
            rf"(?:{weekday},? (?:den |der |le |el |il |dia )?)?"
            rf"(?:(?P<day>{_NUMERIC_DAY})(?:\.|er|º|°|ª|o)?|(?P<first>{pattern_of(lexicon.first)}))"
            rf" ?(?:de |di |del |d')?(?P<month>{month})(?!\w)\.?"
            rf"(?: (?:de |del |di )?(?P<year>(?:19|20)\d\d)(?![\d:]))?" + part(1),
            rf"(?P<relative>{self._relative()})(?!\w)" + part(2),
            rf"(?P<span_before>{near}) (?P<span1>{span})(?!\w)",
            rf"(?P<weekday_which>{which})"
            rf" (?P<weekday1>{weekday})(?!\w)" + part(3),
            rf"(?P<weekend>{pattern_of(lexicon.weekend)})(?!\w)",
        ]
        if lexicon.next_after:
            after = _both(lexicon.next_after, lexicon.last_after)
            forms.append(rf"(?P<span2>{span}) (?P<span_after>{after})(?!\w)")
            forms.append(rf"(?P<weekday2>{weekday}) (?P<weekday_after>{after})(?!\w)" + part(4))
        forms.append(rf"(?P<weekday3>{weekday})(?!\w)" + part(5))
        forms.append(rf"{pattern_of(lexicon.within)} " + length(1))
        if lexicon.ago_before:
            forms.append(rf"(?P<ago>{pattern_of(lexicon.ago_before)}) " + length(2))
        if lexicon.ago_after:
            forms.append(length(3) + rf" (?P<past>{pattern_of(lexicon.ago_after)})(?!\w)")
        forms.append(
            rf"(?:{_DAY_ARTICLES[lexicon.code]}) (?P<lone>{_NUMERIC_DAY})"
            rf"{'[.]' if lexicon.code == 'de' else ''}(?=$|[,;!?)]|\.(?:\s|$)| {hour} ?\d)"
        )
        if lexicon.code == "de":
            forms.append(rf"(?P<d>{_NUMERIC_DAY})\.(?P<m>1[0-2]|0?[1-9])\.(?!\d)")
        return _NOT_BEFORE + "(?:" + "|".join(forms) + ")"

    def _relative(self) -> str:
        lexicon = self.lexicon
        guard = "".join(f"(?<!{word})" for word in lexicon.not_tomorrow)
        others = "|".join(
            (lexicon.today, lexicon.yesterday, lexicon.after_tomorrow, lexicon.before_yesterday)
        )
        return f"{pattern_of(others)}|{guard}{pattern_of(lexicon.tomorrow)}"

    def _times(self) -> str:
        lexicon = self.lexicon
        words = {word: value for word, value in lexicon.numbers.items() if value <= 12}
        hour = rf"(?:[01]?\d|2[0-4]|{pattern_of(words)})"
        parts = pattern_of(lexicon.parts.values())
        oclock = pattern_of(lexicon.oclock)

        def part(at: int) -> str:
            return rf"(?: (?P<part{at}>{parts})(?!\w))?"

        def announced(at: int) -> str:
            return rf"(?P<at{at}>(?<!\w)(?:{lexicon.at}) ?)?"

        forms = []
        if self.before:
            forms.append(
                announced(1)
                + rf"(?P<before>{pattern_of(lexicon.minutes_before)}) (?P<hour1>{hour})"
                rf"(?!\w)(?: ?{oclock}(?!\w))?" + part(1)
            )
        forms.append(
            announced(2)
            + rf"(?P<hour2>{hour})(?:(?:[:.]|h| ?{oclock} ?)(?P<minute>[0-5]\d)(?!\d))?"
            rf"(?P<oclock> ?{oclock}(?!\w))?(?![\w:/]|[.,]\d)"
            + (rf"(?: (?P<after>{pattern_of(lexicon.minutes_after)})(?!\w))?" if self.after else "")
            + part(2)
        )
        forms.append(rf"(?P<noon>{pattern_of(lexicon.noon)})(?!\w)")
        forms.append(rf"(?P<midnight>{pattern_of(lexicon.midnight)})(?!\w)")
        return r"(?<![\w.,:/$€£#+-])(?:" + "|".join(forms) + ")"

    def days_in(self, text: str, now: datetime, _: bool) -> Iterator[Day]:
        """All days, in order. `now` has the sender's zone."""
        for match in self.days.finditer(text):
            parts = {name: value for name, value in match.groupdict().items() if value is not None}
            try:
                found = self._day(parts, now, self._is_past(text, match.start(), match.end()))
            except (ValueError, OverflowError):
                continue  # 31 April
            if found is None:
                continue
            when, confidence = found
            if not 1 < when.year < LAST_YEAR:
                continue
            if isinstance(when, datetime):
                yield Day(match.start(), match.end(), None, None, confidence, when)
                continue
            said = next((value for name, value in parts.items() if name.startswith("part")), None)
            part = self.parts[fold(said)] if said is not None else None
            start = match.start("lone") if "lone" in parts else match.start()
            yield Day(start, match.end(), when, part, confidence)

    def _is_past(self, text: str, start: int, end: int) -> bool:
        """Does the sentence around `text[start:end]` tell what has happened?"""
        if self.lexicon.past_follows:
            rest = _SENTENCE_END.split(text[end : end + _PAST_REACH], 1)[0]
            return self.past.search(rest) is not None
        before = _SENTENCE_END.split(text[max(0, start - _PAST_REACH) : start])[-1]
        return self.past.search(before) is not None

    def _day(
        self, parts: dict[str, str], now: datetime, past: bool
    ) -> tuple[date | datetime, float] | None:
        today, lexicon = now.date(), self.lexicon
        if "month" in parts:
            day = int(parts.get("day", "1"))
            month = self.months[fold(parts["month"])]
            return in_year(month, day, parts.get("year"), today, past), 1.0
        if "d" in parts:
            return in_year(int(parts["m"]), int(parts["d"]), None, today, past), 0.9
        if "lone" in parts:
            return day_of_month(int(parts["lone"]), None, today, past), 0.8
        if "relative" in parts:
            return today + timedelta(days=self._offset(fold(parts["relative"]))), 1.0
        if "weekend" in parts:
            return today - timedelta(days=today.weekday()) + timedelta(days=5), 0.7
        for count in ("1", "2", "3"):
            if f"count{count}" in parts:
                ago = "ago" in parts or "past" in parts
                return self._shifted(parts, count, -1 if ago else 1, now)
        for place, which in (("1", "span_before"), ("2", "span_after")):
            if which in parts:
                last = self._is(parts[which], lexicon.last_before, lexicon.last_after)
                return self._span(self.units[fold(parts[f"span{place}"])], -1 if last else 1, today)
        for place, which in (("1", "weekday_which"), ("2", "weekday_after"), ("3", "")):
            if f"weekday{place}" in parts:
                weekday = self.weekdays[fold(parts[f"weekday{place}"])]
                if not which:
                    return weekday_of(today, weekday, "last" if past else ""), 0.95
                said = parts[which]
                if self._is(said, lexicon.last_before, lexicon.last_after):
                    return weekday_of(today, weekday, "last"), 1.0
                if self._is(said, lexicon.this_before):
                    return weekday_of(today, weekday, "this"), 1.0
                return weekday_of(today, weekday, "next"), 1.0
        return None

    def _is(self, said: str, *groups: str) -> bool:
        return fold(said) in {fold(word) for group in groups for word in group.split("|") if word}

    def _offset(self, said: str) -> int:
        lexicon = self.lexicon
        for words, offset in (
            (lexicon.today, 0), (lexicon.tomorrow, 1), (lexicon.yesterday, -1),
            (lexicon.after_tomorrow, 2),
        ):  # fmt: skip
            if self._is(said, words):
                return offset
        return -2

    def _span(self, unit: str, step: int, today: date) -> tuple[date, float]:
        if unit == "week":
            return today - timedelta(days=today.weekday()) + timedelta(days=7 * step), 0.7
        if unit == "month":
            return add_months(today.replace(day=1), step), 0.7
        return date(today.year + step, 1, 1), 0.7

    def _shifted(
        self, parts: dict[str, str], at: str, sign: int, now: datetime
    ) -> tuple[date | datetime, float]:
        said = fold(parts[f"count{at}"])
        count = sign * (int(said) if said.isdigit() else self.numbers[said])
        if f"short{at}" in parts:
            minutes = 60 if self.units[fold(parts[f"short{at}"])] == "hour" else 1
            return now + timedelta(minutes=count * minutes), 1.0
        unit = self.units[fold(parts[f"unit{at}"])]
        if unit in ("day", "week"):
            return now.date() + timedelta(days=count * (7 if unit == "week" else 1)), 1.0
        return add_months(now.date(), count * (1 if unit == "month" else 12)), 1.0

    def times_in(self, text: str) -> Iterator[ClockTime]:
        """All times of day, in order."""
        first: ClockTime | None = None
        for match in self.times.finditer(text):
            parts = {name: value for name, value in match.groupdict().items() if value is not None}
            if "noon" in parts or "midnight" in parts:
                first = ClockTime(match.start(), match.end(), 12 if "noon" in parts else 0)
                yield first
                continue
            part = parts.get("part1") or parts.get("part2")
            announced = (
                "at1" in parts
                or ("at2" in parts and self.lexicon.bare_hour)
                or (first is not None and self._ends_range(text, first, match.start()))
            )
            if "before" not in parts and not (
                announced or "minute" in parts or "oclock" in parts or part
            ):
                continue
            if not announced and _LENGTH.fullmatch(match[0]):
                continue
            bare = not ({"minute", "oclock", "after", "before"} & parts.keys() or part)
            if bare and not _AFTER_HOUR.match(text, match.end()):
                continue
            first = self._time(match, parts, self.parts[fold(part)] if part else None)
            yield first

    def _ends_range(self, text: str, first: ClockTime, start: int) -> bool:
        """Is the hour at `start` the end of a range that `first` opens ("entre midi et deux")?"""
        return bool(
            start - first.end <= _RANGE_REACH
            and self.grammar.closing.match(text[first.end : start])
            and self.grammar.opening.search(text[max(0, first.start - 20) : first.start])
        )

    def _time(self, match: re.Match[str], parts: dict[str, str], part: str | None) -> ClockTime:
        said = fold(parts.get("hour1") or parts["hour2"])
        hour = (int(said) if said.isdigit() else self.numbers[said]) % 24
        minute = int(parts.get("minute", "0"))
        if "before" in parts:
            minute += self.before[fold(parts["before"])]
        if "after" in parts:
            minute += self.after[fold(parts["after"])]
        # "10h" is written by people who count the hours to 24.
        of_24 = said.startswith("0") or (part is None and _WITH_H.search(match[0]) is not None)
        ambiguous = 1 <= hour <= 12 and not of_24
        if ambiguous and part is not None:
            hour, ambiguous = _in_part(hour, part), False
        hour, minute = (hour + minute // 60) % (12 if ambiguous else 24), minute % 60
        if ambiguous and hour == 0:
            hour = 12
        start = match.start() + len(parts.get("at1") or parts.get("at2") or "")
        return ClockTime(start, match.end(), hour, minute, 0, ambiguous, 0.85 if ambiguous else 1.0)

    def counts_in(self, text: str, circumstances: Circumstances) -> Iterator[Span]:
        """Spans `quantity`, as those of `quantity.quantities`."""
        mark = decimal_mark(circumstances)
        for match in self.counts.finditer(text):
            if match["digits"] is not None:
                value = value_of_digits(match["digits"], mark)
            else:
                value = Decimal(self.numbers[fold(match["words"])])
            measure = self.measures[fold(match["measure"])]
            count = {"value": plain_number(value), "unit": measure}
            yield Span("quantity", match.start(), match.end(), count)


_AFTER_HOUR = re.compile(r"(?=$|[,.!?;)](?:\s|$)|\s{1,9}(?!\d|[€$%])(?:[^\W\d_]{1,4}\b|[^\w\s]))")
"""What may stand after a bare hour: the end, or a short word; "alle 18 persone" counts."""


_WITH_H = re.compile(r"\dh", re.IGNORECASE)
_DOTTED = re.compile(r"\d+\.\d+\.")
_LENGTH = re.compile(r"[0-6] ?h", re.IGNORECASE)
""" "2 h" is how long, not when."""


def _in_part(hour: int, part: str) -> int:
    if part == "night":
        return hour % 12
    return hour % 12 + (0 if part == "morning" else 12)


def _both(*groups: str) -> str:
    return pattern_of("|".join(group for group in groups if group))


def _without(alternatives: str, words: str) -> str:
    return "|".join(one for one in alternatives.split("|") if one not in words.split())


@lru_cache(maxsize=8)
def _words(code: str) -> _Words:
    return _Words(code)


def find_in(code: str, text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Everything this module knows of one language; nothing if the text is known to be in another
    of those that are read."""
    language = circumstances.language
    if language != code and (language == "en" or language in FOREIGN):
        return
    words = _words(code)
    for span in moments_in(text, circumstances, words.grammar):
        # "15.03." is a day to Germans, "2.10." ends a sentence elsewhere.
        if language == code or not _DOTTED.fullmatch(text, span.start, span.end):
            yield span
    yield from durations_in(text, code)
    yield from repeats_in(text, circumstances, code, words.times_in)
    yield from words.counts_in(text, circumstances)
