"""Pseudonyms are stable, keyed, and apart by kind."""

import hashlib
import hmac

import pytest

from colloquy.privacy import pseudonym

KEY = bytes(range(32))


def test_it_is_an_hmac_of_kind_and_text():
    data = b"\x00\x00\x00\x06person" + b"+15550100"
    expected = hmac.new(KEY, data, hashlib.sha256).hexdigest()[:32]
    assert pseudonym(KEY, "+15550100") == expected


def test_key_kind_and_text_all_matter():
    names = {
        pseudonym(KEY, "ann"),
        pseudonym(KEY[::-1], "ann"),
        pseudonym(KEY, "ann", kind="account"),
        pseudonym(KEY, "Ann"),
        pseudonym(KEY, "nann", kind="perso"),
        pseudonym(KEY, "\ud800"),
    }
    assert len(names) == 6


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="16 bytes"):
        pseudonym(b"short", "ann")
