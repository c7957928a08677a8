"""Masks what identifies people in texts that go to logs and audit: e-mails, phones, long numbers.

It errs on the side of hiding: a long order number is hidden too. Dates, IPv4 addresses, decimal
fractions and hexadecimal ids stay, since a log without them is of no use. Time is linear in the
length of the text, whatever the text.
"""

from __future__ import annotations

import re

EMAIL = "[e-mail]"
PHONE = "[phone]"
NUMBER = "[number]"

LEAST_DIGITS = 7
"""Shorter numbers identify nobody by themselves."""
MOST_PHONE_DIGITS = 15
"""The longest international number (ITU-T E.164)."""

_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
# One digit at a time with at most two separators between: there is one way only to match a text.
_DIGITS = re.compile(r"(?<![\w.])\+?\(?\d(?:[ .()/\u00a0-]{0,2}\d){6,}(?!\w)")
_DATE = re.compile(r"(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[-/.]\d\d?[-/.]\d{4})(?:[ ]\d\d?)?\Z")
_FRACTION = re.compile(r"\d+\.\d+\Z")
_IPV4 = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}\Z")


def mask(text: str) -> str:
    """The text with every e-mail, phone and long number replaced by what it was."""
    if "@" in text:
        text = _EMAIL.sub(EMAIL, text)
    return _DIGITS.sub(_number, text)


def _number(found: re.Match[str]) -> str:
    text = found.group()
    if _DATE.match(text) or _FRACTION.match(text) or _IPV4.match(text):
        return text
    digits = sum(character.isdigit() for character in text)
    return PHONE if digits <= MOST_PHONE_DIGITS else NUMBER
