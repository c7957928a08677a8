"""Amounts of money: symbol or word before or after a number, with k, thousand, million."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal

from .numbers import DIGITS, FACTORS, WORDS, value_of_digits, value_of_words
from .span import Circumstances, Span

GATE = (
    r"[$€£¥₹₽₺₩₪]|(\b|\d)(dollars?|euros?|pounds?|quid|bucks?|rupees?|cents?|francs?|yen|dirhams?|pesos?"
    r"|rs)\b|\d ?(k|grand)\b"
    r"|(\b|[\dkmndoeh])(usd|eur|gbp|inr|aud|cad|chf|jpy|aed|nzd|sgd|hkd|mxn|brl|zar|sek|nok|dkk|pln|rs)\b"
)

_CENT = Decimal("0.01")
_SYMBOLS = {
    "US$": "USD", "A$": "AUD", "AU$": "AUD", "C$": "CAD", "CA$": "CAD", "NZ$": "NZD", "HK$": "HKD",
    "S$": "SGD", "R$": "BRL", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR",
    "₽": "RUB", "₺": "TRY", "₩": "KRW", "₪": "ILS", "RS.": "INR", "RS": "INR",
}  # fmt: skip
_WORDS = {
    "dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "quid": "GBP", "rupee": "INR",
    "franc": "CHF", "yen": "JPY", "dirham": "AED", "peso": "MXN",
}  # fmt: skip
_CODES = [
    "USD",
    "EUR",
    "GBP",
    "INR",
    "AUD",
    "CAD",
    "CHF",
    "JPY",
    "AED",
    "NZD",
    "SGD",
    "HKD",
    "MXN",
    "BRL",
    "ZAR",
    "SEK",
    "NOK",
    "DKK",
    "PLN",
]
_DOLLARS = {
    "AU": "AUD", "CA": "CAD", "NZ": "NZD", "SG": "SGD", "HK": "HKD", "MX": "MXN",
}  # fmt: skip
"""What a plain dollar is, by region; US dollars elsewhere."""
_HOME = {
    "GB": "GBP", "IN": "INR", "CH": "CHF", "JP": "JPY", "AE": "AED", "BR": "BRL", "ZA": "ZAR",
    "SE": "SEK", "NO": "NOK", "DK": "DKK", "PL": "PLN",
} | dict.fromkeys(
    ("DE", "FR", "ES", "IT", "NL", "IE", "AT", "BE", "FI", "PT", "GR", "LU"), "EUR"
)  # fmt: skip
"""What "2.5k" is where no currency is named, by region; dollars elsewhere."""

_SYMBOL = "|".join(re.escape(symbol) for symbol in sorted(_SYMBOLS, key=len, reverse=True))
_CODE = "|".join(_CODES)
_FACTOR = "|".join(sorted(FACTORS, key=len, reverse=True))
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_NUMBER = rf"(?:{DIGITS})"
_BEFORE = re.compile(
    rf"(?<![\w$])(?P<unit>{_SYMBOL}|(?:{_CODE})\b) ?(?P<number>{_NUMBER})"
    rf"(?: ?(?P<factor>{_FACTOR})\b)?(?![\d])(?: ?(?P<code>{_CODE})\b)?",
    re.IGNORECASE,
)
_AFTER = re.compile(
    rf"(?<![\w$€£.,])(?:(?P<number>{_NUMBER})"
    rf"(?: ?(?P<factor>{_FACTOR})(?= ?[\W_]|{_CODE}| ?{_WORD}))?"
    rf"|(?P<words>\b{WORDS}|\b(?:half )?an?(?: (?:hundred|thousand|million)\b)"
    rf"|\ban?(?= (?:dollar|euro|pound|buck)\b))(?![^\W\d_]))"
    rf" ?(?P<unit>[€£$₹₽₺]|(?:{_CODE})\b|(?:us |canadian |australian )?(?:{_WORD})s?\b|rs\b)"
    rf"(?: and (?P<cents>\d{{1,2}}) cents)?",
    re.IGNORECASE,
)
_BARE = re.compile(
    rf"(?<![\w$€£.,#/:+-])(?P<number>{_NUMBER}) ?(?P<factor>k|grand)(?![\w-])", re.IGNORECASE
)
_PRICE_BEFORE = re.compile(
    r"\b(?:rents?|prices?|priced|budget|deposit|pay|pays|paid|paying|costs?|charged?|earn|earns"
    r"|earned|earning|makes?|making|made|salary|wages?|income|offer|offered|asking|fees?|bills?"
    r"|spend|spent|owe|owed|refund|quoted?|save|saved|worth|loan|mortgage|total)\b[^.?!;]*$",
    re.IGNORECASE,
)
_PRICE_AFTER = re.compile(
    r" ?(?:/ ?|per |an? |each |every )(?:mo|month|week|wk|year|yr|night|day|person|head)\b"
    r"|[.,?!]* (?:is |was )?(?:way |far |a bit |much )?(?:too (?:much|expensive|high)|expensive)\b",
    re.IGNORECASE,
)
_PRICE_REACH = 40
_CENTS = re.compile(r"(?<![\w$€£.,])(?P<number>\d{1,4}) cents?\b", re.IGNORECASE)


def amounts(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: {"amount": "2000.00", "currency": "USD"}; two decimals, ISO 4217."""
    region = circumstances.region
    for match in _BEFORE.finditer(text):
        amount = value_of_digits(match["number"]) * FACTORS.get((match["factor"] or "").lower(), 1)
        unit = match["code"] or match["unit"]
        yield _span(match, amount, _currency(unit, region))
    for match in _AFTER.finditer(text):
        if match["number"] is not None:
            amount = value_of_digits(match["number"])
            amount *= FACTORS.get((match["factor"] or "").lower(), 1)
        else:
            words = match["words"].lower()
            plain = re.sub(r"^(?:half )?an? ", "", words)
            found = 1 if words in ("a", "an") else value_of_words(plain)
            if found is None:
                continue
            amount = Decimal(found) / (2 if words.startswith("half ") else 1)
        if match["cents"]:
            amount += Decimal(match["cents"]) / 100
        yield _span(match, amount, _currency(match["unit"], region))
    for match in _BARE.finditer(text):
        if _PRICE_AFTER.match(text, match.end()) or _PRICE_BEFORE.search(
            text, max(0, match.start() - _PRICE_REACH), match.start()
        ):  # fmt: skip
            amount = value_of_digits(match["number"]) * FACTORS[match["factor"].lower()]
            yield _span(match, amount, _HOME.get(region or "", _currency("$", region)), 0.8)
    for match in _CENTS.finditer(text):
        currency = "EUR" if _HOME.get(region or "") == "EUR" else _currency("$", region)
        yield _span(match, Decimal(match["number"]) / 100, currency, 0.8)


def _span(match: re.Match[str], amount: Decimal, currency: str, confidence: float = 1.0) -> Span:
    value = {"amount": str(amount.quantize(_CENT, ROUND_HALF_EVEN)), "currency": currency}
    return Span("money", match.start(), match.end(), value, confidence)


def _currency(unit: str, region: str | None) -> str:
    upper = unit.upper()
    if upper in _CODES:
        return upper
    if upper == "$":
        return _DOLLARS.get(region or "", "USD")
    if upper in _SYMBOLS:
        return _SYMBOLS[upper]
    word = unit.lower()
    country, _, plain = word.rpartition(" ")
    if country in ("canadian", "australian"):
        return {"canadian": "CAD", "australian": "AUD"}[country]
    name = plain if plain in _WORDS else plain.removesuffix("s")
    if name in ("dollar", "buck") and country != "us":
        return _DOLLARS.get(region or "", "USD")
    return _WORDS[name]
