"""Numbers with a checksum: bank accounts, payment cards, national identity and tax numbers.

A checksum that does not hold means the number is something else: nothing is reported then. US
social security numbers have none; they need their dashes or a word that names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .span import Circumstances, Span

IBAN_GATE = r"\b[a-z]{2}\d\d ?[a-z0-9]{4}"
CARD_GATE = r"(\d[ -]?){11}\d"
NATIONAL_GATE = (
    r"\b\d{3}-\d\d-\d{4}\b|\bssn|social security|\b\d{8} ?-?[a-z]\b|\b[xyz]-?\d{7}-?[a-z]\b"
    r"|\b[a-z]{6}\d\d[a-z]\d\d[a-z]\d{3}[a-z]\b|steuer|\btax id\b|\bidnr|\d{3}\.\d{3}\.\d{3}-\d\d"
    r"|\b[12] ?\d\d ?(0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d\b"
)

_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 "
    "IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MR27 MT31 MU30 "
    "NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31 SD18 SE24 SI19 SK24 SM27 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20"
)
_IBAN_LENGTHS = {one[:2]: int(one[2:]) for one in _LENGTHS.split()}
"""Characters of an account number by country, as the IBAN registry (ISO 13616) has them."""
_IBAN = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d\d(?:[ -]?[A-Za-z0-9]){10,40}")

_CARD = re.compile(r"(?<![\w.,$€£#+-])\d(?:[ -]?\d){11,18}(?![\w-]|[.,]\d)")
_CARD_BRANDS = (
    ("visa", (13, 16, 19), (("4", "4"),)),
    ("mastercard", (16,), (("51", "55"), ("2221", "2720"))),
    ("amex", (15,), (("34", "34"), ("37", "37"))),
    ("discover", (16, 17, 18, 19), (
        ("6011", "6011"), ("644", "649"), ("65", "65"), ("622126", "622925"))),
    ("diners", (14, 15, 16, 17, 18, 19), (
        ("300", "305"), ("3095", "3095"), ("36", "36"), ("38", "39"))),
    ("jcb", (16, 17, 18, 19), (("3528", "3589"),)),
    ("jcb", (15,), (("2131", "2131"), ("1800", "1800"))),
    ("unionpay", (16, 17, 18, 19), (("62", "62"),)),
    ("maestro", (12, 13, 14, 15, 16, 17, 18, 19), (("50", "50"), ("56", "69"))),
)  # fmt: skip
"""Brand, numbers of digits, first and last prefix (ISO/IEC 7812 ranges as the brands publish)."""

_CARD_NAMED = re.compile(r"\b(?:card|cc|visa|amex|karte|carte|tarjeta|carta)\b", re.IGNORECASE)
_CUE_REACH = 30
_LONGEST_GROUP = 6
"""Digits of a card number that stand together where it is written in groups."""

_SSN = re.compile(r"(?<![\w-])(\d{3})-(\d\d)-(\d{4})(?![\w-])")
_SSN_NAMED = re.compile(
    r"\b(?:ssn|social security)(?: (?:number|no\.?|is))*[ :#]*"
    r"(\d{3})[ .]?(\d\d)[ .]?(\d{4})(?![\w-])",
    re.IGNORECASE,
)
_SPANISH = re.compile(r"(?<![\w-])([XYZ]-?\d{7}|\d{8})[ -]?([A-Z])(?![\w-])", re.IGNORECASE)
_SPANISH_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_ITALIAN = re.compile(r"(?<!\w)[A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z](?!\w)", re.IGNORECASE)
_ITALIAN_ODD = dict(
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3,
         6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)  # fmt: skip
_GERMAN = re.compile(
    r"\b(?:steuer\W?(?:id|nummer|identifikationsnummer|nr\.?)\w*|tax id|idnr\.?)"
    r"(?: (?:nummer|number|nr\.?|ist|is|lautet))*[ :#]*(\d(?: ?\d){10})(?![\w-])",
    re.IGNORECASE,
)
_FRENCH = re.compile(
    r"(?<![\w-])([12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3}) ?(\d\d)(?![\w-])"
)
_BRAZILIAN = re.compile(r"(?<![\w.])(\d{3})\.(\d{3})\.(\d{3})-(\d\d)(?![\w-])")


def ibans(text: str, _: Circumstances) -> Iterator[Span]:
    """Value: the account number in capitals without blanks."""
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTHS.get(match[0][:2].upper())
        if length is None:
            continue
        code, end = "", match.start()
        while end < match.end() and len(code) < length:
            if text[end] not in " -":
                code += text[end].upper()
            end += 1
        if len(code) == length and not text[end : end + 1].isalnum() and _mod_97(code) == 1:
            yield Span("iban", match.start(), end, code)


def cards(text: str, _: Circumstances) -> Iterator[Span]:
    """Value: {"number": "4111111111111111", "brand": "visa"}.

    The brand is None for a number of no known range, which is taken after a word such as "card".
    """
    for match in _CARD.finditer(text):
        digits = match[0].replace(" ", "").replace("-", "")
        if not _luhn(digits) or (
            len(digits) < len(match[0])
            and max(map(len, re.split("[ -]", match[0]))) > _LONGEST_GROUP
        ):
            continue
        brand, start = _brand(digits), match.start()
        if brand or _CARD_NAMED.search(text, max(0, start - _CUE_REACH), start):
            confidence = 0.95 if len(digits) > 14 and brand not in (None, "maestro") else 0.8
            yield Span(
                "card", match.start(), match.end(), {"number": digits, "brand": brand}, confidence
            )


def national_ids(text: str, _: Circumstances) -> Iterator[Span]:
    """Spans `us_ssn` ("219-09-9999") and `national_id` with {"country", "kind", "number"}."""
    for pattern in (_SSN, _SSN_NAMED):
        for match in pattern.finditer(text):
            area, group, serial = match.groups()
            if area not in ("000", "666") and group != "00" and serial != "0000":
                yield Span("us_ssn", match.start(1), match.end(3), f"{area}-{group}-{serial}", 0.95)
    for match in _SPANISH.finditer(text):
        number = match[1].replace("-", "").upper()
        foreign = number[0] in "XYZ"
        digits = int(str("XYZ".index(number[0])) + number[1:] if foreign else number)
        if _SPANISH_LETTERS[digits % 23] == match[2].upper():
            kind = "NIE" if foreign else "DNI"
            yield _national(match, 0, "ES", kind, number + match[2].upper())
    for match in _ITALIAN.finditer(text):
        code = match[0].upper()
        odd = sum(_ITALIAN_ODD[char] for char in code[:15:2])
        even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1:15:2])
        if chr(65 + (odd + even) % 26) == code[15]:
            yield _national(match, 0, "IT", "codice_fiscale", code)
    for match in _GERMAN.finditer(text):
        digits_of = match[1].replace(" ", "")
        if _german_holds(digits_of):
            yield _national(match, 1, "DE", "steuer_id", digits_of)
    for match in _FRENCH.finditer(text):
        body = match[1].replace(" ", "")
        if 97 - int(body) % 97 == int(match[2]):
            yield _national(match, 0, "FR", "NIR", body + match[2])
    for match in _BRAZILIAN.finditer(text):
        body = match[1] + match[2] + match[3]
        if _brazilian_holds(body + match[4]):
            yield _national(match, 0, "BR", "CPF", body + match[4])


def _national(match: re.Match[str], group: int, country: str, kind: str, number: str) -> Span:
    value = {"country": country, "kind": kind, "number": number}
    return Span("national_id", match.start(group), match.end(group), value, 0.98)


def _mod_97(code: str) -> int:
    """ISO 7064 MOD 97-10, the country and its check digits moved to the end; letters count from 10.
    1 when it holds."""
    return int("".join(str(int(char, 36)) for char in code[4:] + code[:4])) % 97


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * 2 for digit in digits[-2::-2]]
    total = sum(map(int, digits[-1::-2])) + sum(one - 9 if one > 9 else one for one in doubled)
    return total % 10 == 0


def _brand(digits: str) -> str | None:
    for brand, lengths, prefixes in _CARD_BRANDS:
        if len(digits) in lengths and any(
            first <= digits[: len(first)] <= last for first, last in prefixes
        ):
            return brand
    return None


def _german_holds(digits: str) -> bool:
    """ISO 7064 MOD 11,10 over eleven digits, the first not 0."""
    if digits[0] == "0":
        return False
    product = 10
    for digit in digits[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[10])


def _brazilian_holds(digits: str) -> bool:
    """Two check digits, each the weighted sum of those before it modulo 11; not all the same."""
    if len(set(digits)) == 1:
        return False
    for at in (9, 10):
        total = sum(int(digit) * (at + 1 - place) for place, digit in enumerate(digits[:at]))
        if total * 10 % 11 % 10 != int(digits[at]):
            return False
    return True
