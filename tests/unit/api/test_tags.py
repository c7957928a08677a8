"""Entity tags and the conditions that name them."""

from __future__ import annotations

import pytest

from colloquy.api.tags import matches, tag_of, weakly_matches

TAG = tag_of(b'{"a":1}')


def test_a_tag_is_quoted_and_follows_the_body() -> None:
    assert TAG[:1] == TAG[-1:] == b'"'
    assert TAG == tag_of(b'{"a":1}') != tag_of(b'{"a":2}')


@pytest.mark.parametrize(
    ("condition", "strong", "weak"),
    [
        (TAG, True, True),
        (b'"other", ' + TAG, True, True),
        (b"*", True, True),
        (b"W/" + TAG, False, True),
        (b'"other"', False, False),
        (TAG.strip(b'"'), False, False),
        (b"", False, False),
    ],
)
def test_conditions(condition: bytes, strong: bool, weak: bool) -> None:
    assert matches(condition, TAG) is strong
    assert weakly_matches(condition, TAG) is weak
