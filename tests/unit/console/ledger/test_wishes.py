"""Rollbacks as a form says them."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.console.ledger.fields import href, lifetime_s, moment
from colloquy.console.ledger.wishes import Wish, wish_of
from colloquy.model.errors import InvalidInput

POINT = "0" * 32
clean = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40).map(str.strip)


@given(st.fixed_dictionaries(dict.fromkeys(("moment", "keys", "reason", "pause_s"), clean)))
def test_an_address_says_the_same_again(fields: dict[str, str]) -> None:
    wish = wish_of(fields)
    query = urlsplit(wish.form_href).query
    assert wish_of(dict(parse_qsl(query, strict_parsing=bool(query)))) == wish


@pytest.mark.parametrize(
    ("fields", "target"),
    [
        ({"point": POINT}, ("point", POINT)),
        ({"moment": "120"}, ("position", 120)),
        ({"moment": POINT}, ("point", POINT)),
        ({"moment": "2026-01-31 14:30"}, ("time", datetime(2026, 1, 31, 14, 30, tzinfo=UTC))),
        ({"undo": POINT}, ("undo", POINT)),
    ],
)
def test_where_to(fields: dict[str, str], target: tuple[str, object]) -> None:
    request = wish_of(fields).request()
    assert getattr(request, target[0]) == target[1]
    others = {"point", "position", "time", "undo"} - {target[0]}
    assert all(getattr(request, name) is None for name in others)


def test_entries_are_lines() -> None:
    fields = {"moment": "1", "keys": "a/b\r\n\r\n c/d \n", "since": "2026-01-31T10:00"}
    scope = wish_of(fields).request().scope
    assert scope.keys == ("a/b", "c/d")
    assert scope.since == datetime(2026, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "point"),
        ({"point": POINT, "moment": "1"}, "point"),
        ({"moment": "yesterday"}, "moment"),
        ({"moment": "9" * 18}, "moment"),
        ({"moment": "9" * 5000}, "moment"),
        ({"moment": "1", "strategy": "dry_run"}, "strategy"),
        ({"moment": "1", "on_conflict": "hope"}, "on_conflict"),
        ({"moment": "1", "batch_size": "many"}, "batch_size"),
        ({"moment": "1", "batch_size": "1.5"}, "batch_size"),
        ({"moment": "1", "batch_size": "inf"}, "batch_size"),
        ({"moment": "1", "batch_size": "501"}, "batch_size"),
        ({"moment": "1", "pause_s": "nan"}, "pause_s"),
        ({"moment": "1", "pause_s": "-1"}, "pause_s"),
        ({"moment": "1", "sessions": "nobody"}, "sessions"),
        ({"moment": "1", "since": "soon"}, "since"),
        ({"moment": "1", "reason": "x" * 1001}, "reason"),
    ],
)
def test_what_is_wrong_is_said_by_the_name_of_its_field(fields: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        wish_of(fields).request()
    assert caught.value.field == field


def test_folded_fields_are_known_to_be_filled_in() -> None:
    assert not Wish(keys="a/b", strategy="safe").has_more
    assert Wish(include="a/*").has_more
    assert not Wish(include="a/*").has_pace
    assert Wish(pause_s="1").has_pace


def test_a_time_without_a_zone_is_utc() -> None:
    assert moment("2026-01-31 14:30") == "2026-01-31T14:30Z"
    assert [moment(text) for text in ("12", POINT, "2026-01-31T14:30+02:00")] == [
        "12",
        POINT,
        "2026-01-31T14:30+02:00",
    ]


def test_addresses_leave_out_what_says_nothing() -> None:
    assert href("/x", a="", b=None, c=0, d="ä&") == "/x?c=0&d=%C3%A4%26"
    assert href("/x") == "/x"


def test_lifetimes_are_those_that_are_offered() -> None:
    assert (lifetime_s("7"), lifetime_s("keep")) == (604_800.0, None)
    for text in ("8", "", "-1"):
        with pytest.raises(InvalidInput):
            lifetime_s(text)
