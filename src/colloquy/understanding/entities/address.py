"""Postal addresses: a street with its number, then unit, postal code and town where they follow.

Streets are told by their kind ("Street", "rue", "Calle", "via", "-straße"), which stands after the
name in English, German, Dutch and the North, before it in French, Spanish, Italian and Portuguese.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .span import Circumstances, Span

_ENGLISH_KINDS = (
    "street|st|avenue|ave|av|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq"
    "|terrace|terr|way|parkway|pkwy|highway|hwy|circle|cir|trail|trl|crescent|cres|close|mews"
    "|gardens|alley|loop|grove|hill|row|walk|wharf|plaza|turnpike|heights|ridge"
)
_LATIN_KINDS = (
    "rue|avenue|boulevard|bd|place|chemin|impasse|all[ée]e|quai|cours|route|square|passage"
    "|calle|c/|avenida|avda|plaza|paseo|camino|ronda|carrera|traves[íi]a|carretera|calz?ada"
    "|via|viale|piazza|corso|vicolo|largo|piazzale|strada|piazzetta|contrada|lungomare"
    "|rua|travessa|pra[çc]a|estrada|alameda|rodovia"
)
_SUFFIXES = (
    "straße|strasse|str\\.?|weg|platz|allee|gasse|ring|damm|ufer|steig|chaussee|stieg|graben|hof"
    "|straat|laan|gracht|plein|kade|dijk|singel|vej|gade|gata|gatan|gate|vägen|vei|veien|väg|katu"
    "|tie|allé|kuja|polku|kaari|vænget|stræde|plads|torv|torget|plass|gränd|stigen"
)
ENGLISH_GATE = (
    rf"\d[\w/-]{{0,6}},? ([\pL\pN'._-]+ ){{1,5}}({_ENGLISH_KINDS})([^\pL\pN]|$)"
    r"|\b(apt|apartment|suite|ste)\b\.? ?#?\w?\d"
)
SOUTHERN_GATE = (
    rf"\d[a-z ]{{0,5}},? ({_LATIN_KINDS})\.? |(^|[^\pL])({_LATIN_KINDS})\.? ?((de|d|du|des|del"
    r"|della|di|da|do|la|le|los|las|l)[ '])*([\pL\pN'._-]+[ ,]+){1,6}(n\S{1,6} )?\d"
)
NORTHERN_GATE = rf"({_SUFFIXES}) \d|\bul\. \pL"

_WORD = r"(?:[A-ZÀ-ÖØ-Þ0-9][\w'.-]{0,24})"
_LOW_WORD = (
    r"(?:(?!(?:the|of|in|on|at|to|a|an|and|or|for|from|by|down|up|is|are|was|my|your|our|this|that"
    r"|minutes?|mins?|hours?|days?|weeks?|months?|years?|miles?|kms?|blocks?|houses?|people|beds?"
    r"|bedrooms?|rooms?|am|pm|dollars?|euros?|pounds?|times?|more|other|different|percent|next"
    r"|with|near|off|right|left|same|long|all|per|each|no|not|it|we|i|you|have|has|had"
    r"|flats?|units?|apartments?|items?|orders?|stars?|persons?|guests?|kids?|nights?)\b)"
    r"[a-z][a-z'-]{1,20})"
)
_NUMBER = (
    r"\d{1,5}(?:(?:-| (?![NSEW]\.? [A-Z]))?[A-Za-z](?![A-Za-z])|/\d{1,4}|-\d{1,5})?"
    r"(?: ?(?:bis|ter))?"
)
_UNIT = (
    r"(?:(?:,? ?\n? ?|\s)(?P<unit>(?i:apt|apartment|unit|suite|ste|flat|room|rm|floor|wohnung"
    r"|whg|bât|appt?|piso|puerta|int|interno|scala|#)"
    r"(?:[. #]{0,3}[A-Za-z]?\d[\w-]{0,5}|[. #]{1,3}[A-Za-z])(?!\w)))?"
)
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'.-]{1,24}"
_TOWN = rf"(?P<city>{_CAPITAL}(?:[ -](?:{_CAPITAL}|am|an|der|de|del|la|en|sur)){{0,3}})"
_ENGLISH_TAIL = (
    rf"(?:(?:, ?|\s+){_TOWN},? (?:(?P<state>[A-Z]{{2}})(?![a-z])"
    r"(?:,? (?P<code>\d{5}(?:-\d{4})?))?|(?P<british>[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})))?(?!\w)"
)
_CODE_TAIL = (
    r"(?:(?:, ?| ?\n ?| )(?P<code>(?:[A-Z]{1,2}-)?\d{4,5}(?: ?[A-Z]{2}\b)?)"
    rf" {_TOWN})?(?!\w)"
)
_DIRECTION = r"(?:[NSEW]|NE|NW|SE|SW|[Nn]orth|[Ss]outh|[Ee]ast|[Ww]est)"
_MORE = r" (?:(?i:apt|apartment|unit|suite|ste|flat)\b|#|[A-Z][\w ]{1,24}, ?[A-Z]{2}\b)"
"""What says that a dot belongs to "St." and does not end the sentence."""
_KIND = rf"(?i:{_ENGLISH_KINDS})"
_LINK = (
    r"(?:de la|de los|de las|de l'|du|des|del|della|delle|dei|degli|di|da|do|dos|das|de|d'|la|le"
    r"|l')"
)

_ENGLISH = re.compile(
    rf"(?<![\w$€£#.,/:-])(?P<number>{_NUMBER}),? "
    rf"(?P<street>(?:{_DIRECTION}\.? )?(?:{_WORD}(?: {_WORD}){{0,3}}|{_LOW_WORD}(?: {_LOW_WORD})?)"
    rf" {_KIND}\b(?:\.(?=,|{_MORE}))?(?: {_DIRECTION}\b)?){_UNIT}{_ENGLISH_TAIL}"
)
_FRENCH = re.compile(
    rf"(?<![\w$€£#.,/:-])(?P<number>{_NUMBER}),? "
    rf"(?P<street>(?i:{_LATIN_KINDS})\.? (?:{_LINK} ?)?{_WORD}(?:[ -](?:{_LINK} ?)?{_WORD}){{0,4}})"
    rf"{_UNIT}{_CODE_TAIL}"
)
_SOUTHERN = re.compile(
    rf"(?<![\w/])(?P<street>(?i:{_LATIN_KINDS})\.? ?(?:{_LINK} ?)?[A-ZÀ-ÖØ-Þ][\w'.-]{{0,24}}"
    rf"(?:[ -](?:{_LINK} ?)?[A-ZÀ-ÖØ-Þ][\w'.-]{{0,24}}){{0,4}})"
    rf"(?:,| n[.ºo°]{{1,2}}|, n[.ºo°]{{1,2}}| número)? (?P<number>{_NUMBER}){_UNIT}{_CODE_TAIL}"
)
_SOUTHERN_LOW = re.compile(
    rf"(?<![\w/])(?P<street>(?i:calle|c/|via|viale|piazza|corso|rua|plaza|avenida) "
    rf"(?:{_LINK} ?)?[^\W\d_]{{3,20}}(?: [^\W\d_]{{3,20}})?)"
    rf",? (?P<number>{_NUMBER})(?!\w| ?%| ?€){_UNIT}{_CODE_TAIL}"
)
_NORTHERN = re.compile(
    rf"(?<![\w/-])(?P<street>(?:[A-ZÀ-ÖØ-Þ][\w'.-]{{1,24}} ){{0,3}}?"
    rf"(?:[A-ZÀ-ÖØ-Þa-z][\w'.-]{{1,30}}(?:{_SUFFIXES})"
    rf"|[A-ZÀ-ÖØ-Þ][\w'.-]{{1,30}}[ -](?i:{_SUFFIXES}))"
    rf"|ul\. (?:[\w.]+ ){{0,2}}\w+) (?P<number>{_NUMBER})(?!\w|\.\d| ?[%€]){_UNIT}{_CODE_TAIL}"
)
_UNIT_ALONE = re.compile(
    r"(?<!\w)(?P<unit>(?:apt|apartment|suite|ste)\b\.? ?#?(?:[A-Za-z]?\d[\w-]{0,5}))(?!\w)",
    re.IGNORECASE,
)
_SOUTHERN_LANGUAGES = frozenset({"fr", "es", "it", "pt"})
"""Elsewhere "via" says which way, not where, and streets have capitals."""
_NORTHERN_LANGUAGES = frozenset({"de", "nl", "da", "sv", "nb", "no", "fi", "pl"})
_ENGLISH_ENDS = re.compile(
    r"(?:^[a-z].*(?:weg|hof)|ring|gate|tie|all[eé]|platz|plein)$", re.IGNORECASE
)
"""Ends of streets that English words have too: "during 2019", "investigate 3"."""
_LONGEST = 2_000
"""Characters that are searched: nobody's address comes later in a text."""
_KEYS = (
    ("number", "number"), ("street", "street"), ("unit", "unit"), ("postal_code", "code"),
    ("postal_code", "british"), ("city", "city"), ("state", "state"),
)  # fmt: skip


def english(text: str, _: Circumstances) -> Iterator[Span]:
    """Value: those of "number", "street", "unit", "postal_code", "city", "state" that are there, as
    they were written. A unit alone ("Apt. 4") is an address of which the rest is known."""
    yield from _found(_ENGLISH, text, 0.9)
    for match in _UNIT_ALONE.finditer(text, 0, _LONGEST):
        yield Span("address", match.start(), match.end(), {"unit": match["unit"]}, 0.75)


def southern(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """French, Spanish, Italian and Portuguese streets; values as those of `english`."""
    native = circumstances.language in _SOUTHERN_LANGUAGES
    yield from _found(_FRENCH, text, 0.95)
    for span in _found(_SOUTHERN, text, 0.9):
        if native or not text.startswith("via ", span.start):
            yield span
    if native:
        yield from _found(_SOUTHERN_LOW, text, 0.75)


def northern(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """German, Dutch, Nordic and Polish streets; values as those of `english`."""
    native = circumstances.language in _NORTHERN_LANGUAGES
    for span in _found(_NORTHERN, text, 0.9):
        if native or "city" in span.value or not _ENGLISH_ENDS.search(span.value["street"]):
            yield span


def _found(pattern: re.Pattern[str], text: str, confidence: float) -> Iterator[Span]:
    for match in pattern.finditer(text, 0, _LONGEST):
        parts = match.groupdict()
        value = {name: parts[key] for name, key in _KEYS if parts.get(key) is not None}
        yield Span("address", match.start(), match.end(), value, confidence)
