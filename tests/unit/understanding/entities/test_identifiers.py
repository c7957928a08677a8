"""Checksums: what holds is found, its near-duplicates are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding.entities.identifiers import cards, ibans, national_ids
from colloquy.understanding.entities.span import Circumstances

HERE = Circumstances(0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("to DE89 3704 0044 0532 0130 00 please", "DE89370400440532013000"),
        ("GB82WEST12345698765432.", "GB82WEST12345698765432"),
        ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("FR14 2004 1010 0505 0001 3M02 606", "FR1420041010050500013M02606"),
        ("NO93 8601 1117 947", "NO9386011117947"),
    ],
)
def test_accounts(text: str, code: str) -> None:
    (span,) = ibans(text, HERE)
    assert (span.label, span.value) == ("iban", code)
    assert text[span.start : span.end].replace(" ", "").upper() == code


@pytest.mark.parametrize(
    "text",
    [
        "DE88 3704 0044 0532 0130 00",  # a wrong check digit
        "DE89 3704 0044 0532 0130 0",  # one too short
        "DE89 3704 0044 0532 0130 001",  # one too long
        "XX89 3704 0044 0532 0130 00",  # no such country
        "ref AB12CD34EF56GH78",
    ],
)
def test_what_is_no_account(text: str) -> None:
    assert list(ibans(text, HERE)) == []


@given(st.integers(0, 10**18 - 1), st.integers(1, 9), st.integers(2, 21))
def test_a_changed_digit_breaks_an_account(number: int, change: int, place: int) -> None:
    body = f"{number:018d}"
    code = f"DE{98 - int(f'{body}131400') % 97:02d}{body}"
    assert [span.value for span in ibans(code, HERE)] == [code]
    wrong = code[:place] + str((int(code[place]) + change) % 10) + code[place + 1 :]
    assert list(ibans(wrong, HERE)) == []


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("4111 1111 1111 1111", "visa"),
        ("5555-5555-5555-4444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("3782 822463 10005", "amex"),
        ("6011111111111117", "discover"),
        ("30569309025904", "diners"),
        ("3530111333300000", "jcb"),
        ("6759649826438453", "maestro"),
        ("my card is 9000000000000001", None),
    ],
)
def test_cards(text: str, brand: str | None) -> None:
    (span,) = cards(text, HERE)
    digits = "".join(char for char in text if char.isdigit())
    assert span.value == {"number": digits, "brand": brand}


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "9000000000000001",  # holds, but no range of a brand and nothing that says card
        "order 4111111111111111-7",
        "39532 5126286289",  # a postal code and a phone number
        "$4111111111111111",
    ],
)
def test_what_is_no_card(text: str) -> None:
    assert list(cards(text, HERE)) == []


@pytest.mark.parametrize(
    ("text", "label", "number"),
    [
        ("219-09-9999", "us_ssn", "219-09-9999"),
        ("my SSN is 219099999", "us_ssn", "219-09-9999"),
        ("DNI 12345678Z", "national_id", "12345678Z"),
        ("NIE x1234567l", "national_id", "X1234567L"),
        ("RSSMRA85M01H501Q", "national_id", "RSSMRA85M01H501Q"),
        ("Steuer-ID: 86 095 742 719", "national_id", "86095742719"),
        ("sécu 2 55 08 14 168 025 38", "national_id", "255081416802538"),
        ("CPF 111.444.777-35", "national_id", "11144477735"),
    ],
)
def test_national_numbers(text: str, label: str, number: str) -> None:
    (span,) = national_ids(text, HERE)
    value = span.value if label == "us_ssn" else span.value["number"]
    assert (span.label, value) == (label, number)


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456", "666-12-3456", "219-00-9999", "219-09-0000", "1219-09-9999", "219099999",
        "12345678A", "RSSMRA85M01H501Z", "Steuer-ID 86095742718", "86095742719",
        "2 55 08 14 168 025 39", "111.444.777-36", "111.111.111-11",
    ],
)  # fmt: skip
def test_what_is_no_national_number(text: str) -> None:
    assert list(national_ids(text, HERE)) == []
