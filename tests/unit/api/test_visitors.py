from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.api.visitors import MAX_AGE_S, PREFIX, Visitors
from colloquy.model.errors import Unauthenticated

KEY = bytes(range(32))


def test_a_token_says_who_it_is_for() -> None:
    visitors = Visitors(KEY, random=lambda count: b"v" * count)
    assert visitors.visitor(visitors.new()) == (b"v" * 16).hex()


def test_a_renewed_token_is_the_same_visitor_at_a_later_time() -> None:
    now = 10**15
    visitors = Visitors(KEY, clock=lambda: now)
    token = visitors.new()
    now += 5_000_000
    renewed = visitors.renewed(token)
    assert renewed != token
    assert visitors.visitor(renewed) == visitors.visitor(token)


def test_tokens_grow_old() -> None:
    now = 10**15
    visitors = Visitors(KEY, clock=lambda: now)
    token = visitors.new()
    now += int(MAX_AGE_S * 1e6)
    assert visitors.visitor(token)
    now += 2_000_000
    with pytest.raises(Unauthenticated, match="too old"):
        visitors.visitor(token)


def test_another_database_knows_nobody() -> None:
    token = Visitors(KEY).new()
    with pytest.raises(Unauthenticated):
        Visitors(os.urandom(32)).visitor(token)


@given(st.data())
def test_no_changed_token_is_taken(data: st.DataObject) -> None:
    visitors = Visitors(KEY)
    token = visitors.new()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda c: c != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    with pytest.raises(Unauthenticated):
        visitors.visitor(changed)


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        Visitors(KEY).visitor(PREFIX + text)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Visitors(b"short")
