"""Addresses, postal codes, coordinates, IP addresses."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.understanding.entities.address import english, northern, southern
from colloquy.understanding.entities.extract import EntityExtractor, Source
from colloquy.understanding.entities.places import coordinates, ip_addresses, postal_codes
from colloquy.understanding.entities.span import Circumstances

HERE = Circumstances(0)


def addresses(text: str, language: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    (result,) = EntityExtractor().extract_batch([Source(text, 0, language=language)])
    return [(one.text, one.value) for one in result.entities if one.label == "address"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("742 Evergreen Terrace, Springfield, IL 62704", {
            "number": "742", "street": "Evergreen Terrace", "city": "Springfield", "state": "IL",
            "postal_code": "62704"}),
        ("88 Oak Rd Apt 4B", {"number": "88", "street": "Oak Rd", "unit": "Apt 4B"}),
        ("1400 North Dutton Avenue #6", {
            "number": "1400", "street": "North Dutton Avenue", "unit": "#6"}),
        ("10 Downing Street, London SW1A 2AA", {
            "number": "10", "street": "Downing Street", "city": "London",
            "postal_code": "SW1A 2AA"}),
        ("2150 burnside avenue", {"number": "2150", "street": "burnside avenue"}),
        ("12 rue de la Paix, 75002 Paris", {
            "number": "12", "street": "rue de la Paix", "postal_code": "75002", "city": "Paris"}),
        ("Calle Mayor 15, 28013 Madrid", {
            "number": "15", "street": "Calle Mayor", "postal_code": "28013", "city": "Madrid"}),
        ("Via Roma 10, 20121 Milano", {
            "number": "10", "street": "Via Roma", "postal_code": "20121", "city": "Milano"}),
        ("Rua das Flores 30", {"number": "30", "street": "Rua das Flores"}),
        ("Hauptstraße 12a, 10115 Berlin", {
            "number": "12a", "street": "Hauptstraße", "postal_code": "10115", "city": "Berlin"}),
        ("Bahnhofstr. 5", {"number": "5", "street": "Bahnhofstr."}),
        ("Rooseveltlaan 110", {"number": "110", "street": "Rooseveltlaan"}),
        ("Suite 201", {"unit": "Suite 201"}),
    ],
)  # fmt: skip
def test_addresses(text: str, value: dict[str, Any]) -> None:
    assert addresses(f"it is {text}, ok") == [(text, value)]


@pytest.mark.parametrize(
    "text",
    [
        "its 5 minutes down the road", "2 houses on the street", "during 2019", "Spring 2019",
        "sent via email 3 times", "we have 3 beds in place", "12 people on the way",
        "investigate 3 things", "I paid 50 per drive",
    ],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert addresses(text) == []


def test_a_sentence_ends_behind_its_street() -> None:
    ((found, _),) = addresses("It is at 1500 Vista Club Circle. This property is new")
    assert found == "1500 Vista Club Circle"


def test_small_letters_need_a_known_language_in_the_south() -> None:
    assert addresses("vivo en calle mayor 3", "es") == [
        ("calle mayor 3", {"number": "3", "street": "calle mayor"})
    ]
    assert list(southern("via email 3", HERE)) == []
    assert list(northern("Ring 5", HERE)) == []
    assert list(english("no numbers here", HERE)) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("zip code 10001-1234", "10001-1234"), ("I'm in 90210 zip", "90210"),
        ("PLZ 10115", "10115"), ("sw1a 1aa is my postcode SW1A 1AA", "SW1A 1AA"),
        ("K1A 0B1", "K1A 0B1"),
    ],
)  # fmt: skip
def test_postal_codes(text: str, code: str) -> None:
    assert [span.value for span in postal_codes(text, HERE)] == [code]


def test_bare_figures_are_no_postal_code() -> None:
    assert list(postal_codes("I paid 90210 and 10001-1234", HERE)) == []


@pytest.mark.parametrize(
    ("text", "latitude", "longitude"),
    [
        ("40.7128, -74.0060", 40.7128, -74.006),
        ("40.7128° N, 74.0060° W", 40.7128, -74.006),
        ("33.8688 S 151.2093 E", -33.8688, 151.2093),
        ("40°42'46\"N 74°00'22\"W", 40.712778, -74.006111),
        ("48° 51′ 24″ N, 2° 21′ 8″ E", 48.856667, 2.352222),
    ],
)
def test_coordinates(text: str, latitude: float, longitude: float) -> None:
    (span,) = coordinates(text, HERE)
    assert span.value == {"latitude": latitude, "longitude": longitude}


def test_west_and_east_by_language() -> None:
    (west,) = coordinates("52.5200 N 13.4050 O", HERE)
    (east,) = coordinates("52.5200 N 13.4050 O", Circumstances(0, language="de"))
    assert (west.value["longitude"], east.value["longitude"]) == (-13.405, 13.405)


@pytest.mark.parametrize("text", ["95.1234, 10.1234", "12.50, 13.50", "1.2345"])
def test_what_are_no_coordinates(text: str) -> None:
    assert list(coordinates(text, HERE)) == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.168.1.1", "192.168.1.1"),
        ("(10.0.0.1)", "10.0.0.1"),
        ("2001:DB8:0:0:0:FF00:42:8329", "2001:db8::ff00:42:8329"),
        ("::1", "::1"),
    ],
)
def test_ip_addresses(text: str, address: str) -> None:
    assert [span.value for span in ip_addresses(text, HERE)] == [address]


@pytest.mark.parametrize(
    "text", ["256.1.1.1", "1.2.3", "1.2.3.4.5", "version 1.2.3.4", "12:30:45", "a::", "10:20"]
)
def test_what_is_no_ip_address(text: str) -> None:
    assert list(ip_addresses(text, HERE)) == []
