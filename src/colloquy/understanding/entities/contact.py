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
    r"\.(?:com|org|net|io|co|info|biz|app|dev|edu|gov|me|ai|uk|de|fr|es|it|nl|eu|us|ca|au|in|br|mx)"
    r"(?::\d{1,5})?(?:/[^\s<>\"'\x00]{0,2000})?(?![\w@-]))",
    re.IGNORECASE,
)
_CLOSERS = {")": "(", "]": "[", "}": "{"}
_PHONE = re.compile(
    r"(?<![\w.,$€£+])(?:\+|00|\()?[ (]?\d(?:[ \t().\-/]{0,3}\d){6,16}"
    r"(?: ?(?:x|ext\.?) ?\d{1,5})?(?!\w)",
    re.IGNORECASE,
)
_PHONE_CUE = re.compile(
    r"\b(?:call|phone|tel|telephone|mobile|cell|whats ?app|number|reach|text|ring|fax|sms"
    r"|contact)\b",
    re.IGNORECASE,
)
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
    """Value: the address with a scheme, its host in lower case."""
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
        yield Span(
            "url", match.start(), end, f"{scheme.lower()}://{rest[:cut].lower()}{rest[cut:]}"
        )


def phones(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: E.164. Without a region only numbers with a country code are recognised.

    A number that has the right length but belongs to no assigned range is taken, with confidence
    0.6, when it has a country code or a word such as "call" stands before it.
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
        if region is None and not international:
            continue
        source = "+" + found[2:] if found.startswith("00") else found
        try:
            number = phonenumbers.parse(source, None if international else region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            confidence = 0.98 if international or len(found) > 9 else 0.9
        elif phonenumbers.is_possible_number(number) and (
            international or _PHONE_CUE.search(text, max(0, start - _CUE_REACH), start)
        ):
            confidence = 0.6
        else:
            continue
        value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        yield Span("phone", start, match.end(), value, confidence)
