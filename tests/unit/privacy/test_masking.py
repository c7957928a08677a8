"""What must be hidden is hidden; what a log needs stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.privacy import mask


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to ann.lee+x@mail.example.org now", "write to [e-mail] now"),
        ("<o'neill@example.com>,b@c.de", "<[e-mail]>,[e-mail]"),
        ("jörg@müller.example", "[e-mail]"),
        ("call +44 (0)20 7946 0018!", "call [phone]!"),
        ("call 555-010-7788.", "call [phone]."),
        ("0049.30.1234567", "[phone]"),
        ("1234567", "[phone]"),
        ("card 4111 1111 1111 1111 expires", "card [number] expires"),
        ("x" * 100 + " 9" * 30, "x" * 100 + " [number]"),
    ],
)
def test_hidden(text, expected):
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "123456",
        "2026-11-21T02:10:03.807793Z",
        "2026-11-21 02:10:03",
        "21.11.2026",
        "took 0.123456789 s",
        "127.0.0.1:5432 and 192.168.100.200",
        "id 01890a5dac96774bbcceb302099a8057",
        "message_1234567890a",
        "a @ b.c",
    ],
)
def test_kept(text):
    assert mask(text) == text


@given(st.text(alphabet="0123456789 +-().@ab\u0663", max_size=200))
def test_masking_twice_changes_nothing_more(text):
    assert mask(mask(text)) == mask(text)


@given(st.integers(10**7, 10**14).map(str), st.text(alphabet="xyz ,", max_size=20))
def test_no_long_number_survives(number, around):
    assert number not in mask(f"{around} {number} {around}")


def test_hostile_texts_are_masked_in_linear_time():
    # Quadratic behaviour would take minutes here.
    for text in ("1" * 100_000 + "a", "1 " * 100_000 + "a", "a@" * 100_000, "a" * 200_000 + "@"):
        assert len(mask(text)) <= len(text)
