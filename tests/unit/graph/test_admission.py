"""What of a conversation may enter the graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph.admission import (
    SECRET_NAMES,
    Known,
    Limits,
    contact_refusal,
    is_inside,
    origin_refusal,
    quoted_spans,
    tells_secret,
    text_refusal,
)

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Riverside Lofts", None),
        ("Łódź", None),
        ("iPhone 15", None),
        ("the other one", "stop_word"),
        ("nicht", "stop_word"),
        ("das", "stop_word"),
        ("42", "bare_number"),
        ("§ 3/4", "bare_number"),
        ("4111 1111 1111 1111", "secret"),
        ("ann@home.net", "secret"),
        ("call +49 30 1234567", "secret"),
        ("sk-proj-abcdefghijklmnopqrstuv", "secret"),
        ("ghp_abcdefghij0123456789ABCDEFGH", "secret"),
        ("AKIAIOSFODNN7EXAMPLE", "secret"),
        ("Xy7kQ2mPz9LwT4vBn8RcD1sF", "secret"),
    ],
)
def test_a_text_is_refused_for_a_reason(text: str, why: str | None) -> None:
    assert text_refusal(text) == why


def test_limits_are_applied_before_the_text_is_looked_at() -> None:
    limits = Limits(min_confidence=0.5, min_length=3, max_length=10)
    assert limits.refusal("Riverside", 0.49) == "unsure"
    assert limits.refusal("Riverside", 0.5) is None
    assert limits.refusal("Riverside Lofts") == "too_long"
    assert limits.refusal("Ri") == "too_short"
    assert limits.refusal("you") == "stop_word"


@pytest.mark.parametrize(
    "text",
    [
        "my password is hunter2",
        "the PIN: 4711",
        "api key = abc",
        "Mein Kennwort lautet Bella",
        "mot de passe est soleil",
    ],
)
def test_a_message_that_tells_a_secret_is_known_by_its_words(text: str) -> None:
    assert tells_secret(text, text.casefold())


@pytest.mark.parametrize(
    "text", ["I forgot my password", "where is the key?", "we are passing by", "the code was fine"]
)
def test_speaking_of_secrets_tells_none(text: str) -> None:
    assert not tells_secret(text, text.casefold())


def test_slots_for_secrets_are_known_by_their_names() -> None:
    assert all(SECRET_NAMES.search(name) for name in ("password", "card_number", "pin", "api_key"))
    assert not any(SECRET_NAMES.search(name) for name in ("budget", "bedrooms", "pinboard", "area"))


@pytest.mark.parametrize(
    ("medium", "value", "why"),
    [
        ("whatsapp", "+4915112345678", None),
        ("phone", "015112345678", "no_contact"),
        ("email", "ann@home.net", None),
        ("email", "no address", "no_contact"),
        ("email", "x1@mailinator.com", "throw_away"),
        ("email", "x1@eu.yopmail.com", "throw_away"),
        ("email", "no-reply@shop.com", "throw_away"),
        ("email", "ann@host.test", "throw_away"),
        ("telegram", "12345", None),
    ],
)
def test_contact_points_that_reach_nobody_are_refused(
    medium: str, value: str, why: str | None
) -> None:
    assert contact_refusal(medium, value) == why


def test_what_was_recalled_quoted_or_exported_says_so_in_its_origin() -> None:
    assert origin_refusal({"origin": "recalled"}) == "recalled"
    assert origin_refusal({"origin": "export"}) == "recalled"
    assert origin_refusal({"origin": "form"}) is None
    assert origin_refusal({}) is None


def test_quoted_lines_and_what_follows_a_mails_introduction_are_not_new() -> None:
    text = "I take it\n> the loft in Riverside\nthanks\nOn Mon, 2 Nov 2026, Ann wrote:\nOld Town"
    spans = quoted_spans(text)
    for old in ("Riverside", "Old Town"):
        at = text.index(old)
        assert is_inside(spans, at, at + len(old))
    assert not is_inside(spans, text.index("thanks"), text.index("thanks") + 6)
    assert quoted_spans("2 > 1, Ann wrote: no") == []


def test_what_is_known_is_remembered_for_a_while_and_no_longer() -> None:
    known = Known(capacity=10, max_age_us=HOUR)
    slot = ("person:1", "prefers.rooms", None)
    known.note(slot, 2, now=0)
    assert known.value(slot, HOUR) == 2
    assert known.value(slot, HOUR + 1) is None
    known.note(slot, 3, now=0)
    known.clear()
    assert known.value(slot, 0) is None


@given(st.lists(st.integers(0, 20), max_size=60))
def test_the_memory_keeps_what_was_spoken_of_last(numbers: list[int]) -> None:
    known = Known(capacity=5, max_age_us=HOUR)
    for number in numbers:
        known.note((str(number), "type", None), number, now=0)
    latest = list(dict.fromkeys(reversed(numbers)))[:5]
    assert len(known) == len(latest)
    assert all(known.value((str(number), "type", None), 0) == number for number in latest)
