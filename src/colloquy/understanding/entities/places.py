"""Coordinates, postal codes and network addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address

from .span import Circumstances, Span

COORDINATES_GATE = r"\d\.\d{3,}°? ?[nsew]?[,; ]+-?\d{1,3}\.\d{3}|\d ?°"
POSTAL_GATE = (
    r"\b(zip|post ?code|postal|postcode|plz|postleitzahl|c\.?p\.?|cap|c[oó]digo)\b"
    r"|[a-z]\d[a-z\d]? ?\d[a-z]{2}\b|\b[a-z]\d[a-z] ?\d[a-z]\d\b"
)
IP_GATE = r"\d\.\d{1,3}\.\d{1,3}\.\d|[\da-f]*:[\da-f]*:[\da-f:]"

_DECIMAL = re.compile(
    r"(?<![\w.])(?P<lat>[+-]?\d{1,2}\.\d{3,10})°? ?(?P<ns>[NS])?(?:, ?|; ?| )"
    r"(?P<lon>[+-]?\d{1,3}\.\d{3,10})°? ?(?P<ew>[EWO]\b)?(?![\w.]*\d)",
    re.IGNORECASE,
)
_SEXAGESIMAL = re.compile(
    r"(?<![\w.])(?P<lat_d>\d{1,2}) ?° ?(?:(?P<lat_m>[0-5]?\d) ?['′] ?)?"
    r"(?:(?P<lat_s>[0-5]?\d(?:\.\d{1,6})?) ?(?:\"|″|''|”) ?)?(?P<ns>[NS])[,; ]*"
    r"(?P<lon_d>\d{1,3}) ?° ?(?:(?P<lon_m>[0-5]?\d) ?['′] ?)?"
    r"(?:(?P<lon_s>[0-5]?\d(?:\.\d{1,6})?) ?(?:\"|″|''|”) ?)?(?P<ew>[EWO])(?!\w)",
    re.IGNORECASE,
)
_POSTAL_NAMED = re.compile(
    r"\b(?:zip(?: ?code)?|post ?code|postal code|postcode|plz|postleitzahl|code postal"
    r"|c[oó]digo postal|c\.?p\.?|cap)\b\.?(?: (?:number|is|of|ist|lautet|est|es|è|é))*[ :#]*"
    r"(?P<code>[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|(?:[A-Z]{1,2}-)?\d{3} \d{2}"
    r"|\d{5}-\d{3,4}|\d{4}-\d{3}|\d{4} ?[A-Z]{2}|\d{3,6})(?![\w-])",
    re.IGNORECASE,
)
_POSTAL_BEFORE = re.compile(r"(?<![\w.-])(?P<code>\d{5}(?:-\d{4})?)(?= zip\b)", re.IGNORECASE)
_BRITISH = re.compile(
    r"(?<![\w-])(?P<code>(?:[A-PR-UWYZ]\d{1,2}|[A-PR-UWYZ][A-HK-Y]\d{1,2}|[A-PR-UWYZ]\d[A-HJKPSTUW]"
    r"|[A-PR-UWYZ][A-HK-Y]\d[ABEHMNPRVWXY]) ?\d[ABD-HJLNP-UW-Z]{2})(?![\w-])"
)
_CANADIAN = re.compile(r"(?<![\w-])(?P<code>[ABCEGHJ-NPRSTVXY]\d[A-Z] ?\d[A-Z]\d)(?![\w-])")
_IPV4 = re.compile(r"(?<![\w.:-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w.:])[\dA-Fa-f]{0,4}(?::[\dA-Fa-f]{0,4}){2,7}(?![\w:])")
_VERSION = re.compile(r"\b(?:v|ver|version|release|firmware)\.? ?$", re.IGNORECASE)


def coordinates(text: str, circumstances: Circumstances) -> Iterator[Span]:
    """Value: {"latitude": 40.7128, "longitude": -74.006} in degrees (WGS 84), six decimals.

    "O" is west, as in French, Spanish, Italian, and east to Germans.
    """
    german = circumstances.language == "de" or circumstances.region in ("DE", "AT")
    west_letters = "W" if german else "WO"
    for match in _DECIMAL.finditer(text):
        yield from _place(match, float(match["lat"]), float(match["lon"]), west_letters)
    for match in _SEXAGESIMAL.finditer(text):
        latitude, longitude = (
            int(match[f"{axis}_d"])
            + int(match[f"{axis}_m"] or 0) / 60
            + float(match[f"{axis}_s"] or 0) / 3600
            for axis in ("lat", "lon")
        )
        yield from _place(match, latitude, longitude, west_letters)


def _place(
    match: re.Match[str], latitude: float, longitude: float, west_letters: str
) -> Iterator[Span]:
    south = (match["ns"] or "").upper() == "S"
    west = (match["ew"] or "-").upper() in west_letters
    latitude, longitude = -latitude if south else latitude, -longitude if west else longitude
    if -90 <= latitude <= 90 and -180 <= longitude <= 180:
        value = {"latitude": round(latitude, 6), "longitude": round(longitude, 6)}
        yield Span("coordinates", match.start(), match.end(), value, 0.95)


def postal_codes(text: str, _: Circumstances) -> Iterator[Span]:
    """Value: the code in capitals. Only British and Canadian ones are told by their shape; figures
    need a word that names them, or an address around them (`address`)."""
    seen = set()
    for pattern, confidence in (
        (_POSTAL_NAMED, 0.95), (_POSTAL_BEFORE, 0.95), (_BRITISH, 0.9), (_CANADIAN, 0.85),
    ):  # fmt: skip
        for match in pattern.finditer(text):
            if match.start("code") not in seen:
                seen.add(match.start("code"))
                start, end = match.span("code")
                yield Span("postal_code", start, end, match["code"].upper(), confidence)


def ip_addresses(text: str, _: Circumstances) -> Iterator[Span]:
    """Value: the address as RFC 5952 writes it. "version 1.2.3.4" is none."""
    for pattern in (_IPV4, _IPV6):
        for match in pattern.finditer(text):
            if pattern is _IPV4 and _VERSION.search(
                text, max(0, match.start() - 12), match.start()
            ):
                continue
            try:
                address = ip_address(match[0])
            except ValueError:
                continue
            if any(char.isdigit() for char in match[0]):
                yield Span("ip_address", match.start(), match.end(), str(address))
