"""E-mail addresses, web addresses and phone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from .span import Circumstances, Span

EMAIL_GATE = "@"
URL_GATE = r"://|\.[a-z]{2}"
PHONE_GATE = r"(\d\D{0,4}){7}"

_EMAIL = re.compile(
    r"(?<![\w.+-])([A-Za-z0-9][\w.+%'-]{0,63})@((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w-])"
)
_URL = re.compile(
    r"(?<![\w@.-])(?:(https?)://[^\s<>\"'\x00]{2,2000}"
    r"|(?:www\.[\w-]{1,63}|[\w-]{1,63}(?:\.[\w-]{1,63}){0,3})"
    r"\.(?:com|org|net|io|co|info|biz|app|dev|edu|gov|mil|int|me|ai|tv|shop|store|online|site|cloud|tech|uk|ie|de|at"
    r"|ch|li|fr|be|lu|es|pt|it|nl|eu|us|ca|au|nz|in|br|mx|ar|cl|uy|za|se|no|dk|fi|is|pl|cz|sk|si|hr"
    r"|hu|ro|gr|tr|cy|ru|ua|jp|cn|kr|hk|sg|il|ae)"
    r"(?::\d{1,5})?(?:/[^\s<>\"'\x00]{0,2000})?(?![\w@-]))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[a-z\d]\.[A-Z][a-z]+$|^\d+(?:\.\d+)*\.[a-z]+$")
_WORD_ENDS = re.compile(r"\.(?:is|at|in|me|no|be|it|us|so)$", re.IGNORECASE)
"""Ends of "perfect.Is it" and "way.it takes", where a blank is missing after a sentence."""
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_PHONE = re.compile(
    r"(?<![\w.$€£+])(?<!\d,)(?:\+|00|\()?[ (]?\d(?:[ \t().\-/]{0,3}\d){6,16}"
    r"(?: ?(?:x|ext\.?) ?\d{1,5})?(?!\w)",
    re.IGNORECASE,
)
_PHONE_CUE = re.compile(
    r"\b(?:call|phone|tel|telephone|mobile|cell|whats ?app|number|reach|text|ring|fax|sms"
    r"|contact|answer(?:s|ed|ing)?|messages? (?:to|on))\b",
    re.IGNORECASE,
)
_PHONE_AFTER = re.compile(
    r"(?: ?- ?| ?\()(?:office|fax|mobile|cell|home|work|whats ?app|phone|tel|landline)\b",
    re.IGNORECASE,
)
"""A word that names it after the number: "020 7946 0018 (mobile)"."""
_OTHER_NUMBER = re.compile(
    r"\b(?:licen[cs]e|passport|order|account|acct|reference|booking|tracking|invoice|ticket|serial"
    r"|model|card|customer|client|member|membership|policy|case|claim|confirmation|flight|routing"
    r"|bank|tax|vin|meter|contract|reservation|insurance|employee|student|registration|batch|part)"
    r"(?:'s)? (?:numbers?|no\.?|nr\.?|id)(?: (?:is|was|it's|=))?[ :#]*$",
    re.IGNORECASE,
)
"""What names the number after it: a number, but nobody's phone."""
_AMERICAN = re.compile(r"(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-.]\d{4}(?: ?(?:x|ext\.?) ?\d{1,5})?")
_NO_DIGIT = re.compile(r"\D")
_CUE_REACH = 40
_MOST_CANDIDATES = 50
"""Parsing a candidate costs about 50 µs: a text of nothing but digits must not cost more."""


def emails(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: the address with its domain in lower case."""
    for match in _EMAIL.finditer(text):
        local = match[1].rstrip(".'")
        if local != match[1]:
            continue
        yield Span("email", match.start(), match.end(), f"{local}@{match[2].lower()}")


def urls(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Spans `url` (the address with a scheme, its host in lower case) and, for a bare host,
    `domain`."""
    for match in _URL.finditer(text):
        end = match.end()
        # Punctuation at the end belongs to the sentence, a bracket only if it was opened inside.
        while end > match.start() + 4:
            last = text[end - 1]
            opener = _CLOSERS.get(last)
            found = text[match.start() : end]
            if last in ".,;:!?*…" or (opener and found.count(last) > found.count(opener)):
                end -= 1
            else:
                break
        found = text[match.start() : end]
        scheme, _, rest = found.partition("://") if match[1] else ("http", "", found)
        cut = next((at for at, char in enumerate(rest) if char in "/?#"), len(rest))
        if not rest[:cut]:
            continue
        if not match[1] and cut == len(rest) and ":" not in rest and rest[:4].lower() != "www.":
            if _SENTENCE.search(rest) or (
                _WORD_ENDS.search(rest) and text[end : end + 2].strip()[:1].isalpha()
            ):
                continue
            yield Span("domain", match.start(), end, rest.lower())
            continue
        yield Span(
            "url", match.start(), end, f"{scheme.lower()}://{rest[:cut].lower()}{rest[cut:]}"
        )


def phones(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: E.164. Without a region: numbers with a country code, those of North American shape,
    and after a word such as "call" any, whose value is then its digits.

    A number that has the right length but belongs to no assigned range is taken with confidence
    0.7 after such a word, else with 0.6 when it has a country code.
    """
    import phonenumbers  # 70 ms to import and rarely needed: the gate comes first

    region = circumstances.region
    for match in islice(_PHONE.finditer(text), _MOST_CANDIDATES):
        start = match.start() + (match[0][0] == " ")
        found = text[start : match.end()]
        if found.startswith("(") and ")" not in found:
            start += 1
            found = found[1:]
        international = found.startswith(("+", "(+", "00"))
        if not international and _OTHER_NUMBER.search(text, max(0, start - _CUE_REACH), start):
            continue
        named = (
            _PHONE_CUE.search(text, max(0, start - _CUE_REACH), start) is not None
            or _PHONE_AFTER.match(text, match.end()) is not None
        )
        # The shape of North America's numbers needs no region to be told.
        home = region or ("US" if _AMERICAN.fullmatch(found) else None)
        if home is None and not international:
            if named:
                yield Span("phone", start, match.end(), _NO_DIGIT.sub("", found), 0.7)
            continue
        source = "+" + found[2:] if found.startswith("00") else found
        try:
            number = phonenumbers.parse(source, None if international else home)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            confidence = 0.98 if international or len(found) > 9 else 0.9
        elif named and phonenumbers.is_possible_number(number):
            confidence = 0.7
        elif international and phonenumbers.is_possible_number(number):
            confidence = 0.6
        else:
            continue
        confidence = min(confidence, 0.98 if region or international else 0.8)
        reason = phonenumbers.is_possible_number_with_reason(number)
        if reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            value = _NO_DIGIT.sub("", found)  # without its area it has no E.164
        else:
            value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        yield Span("phone", start, match.end(), value, confidence)
