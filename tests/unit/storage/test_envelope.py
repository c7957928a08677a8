"""Signals on their way: who is believed, how long they may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.storage.signals.envelope import (
    PAYLOAD_BYTES,
    Envelope,
    Heard,
    Identity,
    encode,
    lists_of,
)

HERE = Identity.of(b"s" * 32, "16384 colloquy", "public", "7")


def test_a_signal_is_opened_by_the_processes_of_its_database_alone() -> None:
    one, other = Envelope(HERE), Envelope(HERE)
    sealed = one.seal(encode("inbox", "1,2"))
    assert one.open(sealed) == Heard("inbox", "1,2", is_own=True)
    assert other.open(sealed) == Heard("inbox", "1,2", is_own=False)
    stranger = Identity.of(b"t" * 32, "16384 colloquy", "public", "7")
    assert Envelope(stranger).open(sealed) is None


@given(st.integers(min_value=0), st.integers(1, 255))
def test_a_signal_with_any_other_byte_is_refused(place: int, change: int) -> None:
    sealed = bytearray(Envelope(HERE).seal(encode("flags", "x")))
    sealed[place % len(sealed)] ^= change
    assert Envelope(HERE).open(bytes(sealed)) is None


@given(st.binary())
def test_what_is_not_ours_is_refused_whatever_it_is(payload: bytes) -> None:
    assert Envelope(HERE).open(payload) is None


def test_what_another_version_seals_is_refused() -> None:
    envelope = Envelope(HERE)
    assert envelope.open(envelope.seal(b'{"subject":"x"}')) is None
    assert envelope.open(envelope.seal(b"x" * PAYLOAD_BYTES)) is None


def test_a_restored_copy_has_another_name() -> None:
    places = [
        ("16384 colloquy", "public", "7"),
        ("16385 colloquy", "public", "7"),
        ("16384 staging", "public", "7"),
        ("16384 colloquy", "other", "7"),
        ("16384 colloquy", "public", "8"),
    ]
    names = {Identity.of(b"s" * 32, *place).name for place in places}
    assert len(names) == len(places)
    assert names == {Identity.of(b"s" * 32, *place).name for place in places}
    assert all(len(name) == 20 and name.isalnum() for name in names)


@given(st.text(max_size=3000))
def test_what_fits_is_said_as_it_was(text: str) -> None:
    envelope = Envelope(HERE)
    try:
        body = encode("t", text)
    except ValueError:
        return
    sealed = envelope.seal(body)
    assert len(sealed) <= PAYLOAD_BYTES
    heard = envelope.open(sealed)
    assert heard is not None and heard.text == text


def test_a_signal_over_the_limit_is_refused() -> None:
    assert encode("t", "x") == b'{"topic":"t","text":"x"}'
    with pytest.raises(ValueError, match="bytes"):
        encode("t", "é" * 4000)


def test_lists_of_numbers_fit_their_size() -> None:
    lists = lists_of(range(1000), 50)
    assert max(map(len, lists)) <= 50
    assert [int(part) for text in lists for part in text.split(",")] == list(range(1000))
    assert lists_of([]) == []
