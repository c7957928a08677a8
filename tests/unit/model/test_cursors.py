"""Cursors come back as they went out, and anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.cursors import decode_cursor, encode_cursor
from colloquy.model.errors import InvalidInput

Number = st.integers(0, 2**63 - 1)


@given(st.tuples(Number, Number))
def test_a_place_comes_back(place: tuple[int, int]) -> None:
    cursor = encode_cursor(*place)
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert decode_cursor(cursor, 2) == place
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, 1)


@given(st.text())
def test_what_is_no_cursor_is_refused_and_nothing_else(text: str) -> None:
    try:
        place = decode_cursor(text, 2)
    except InvalidInput as error:
        assert error.field == "cursor"
    else:
        assert all(0 <= number < 2**63 for number in place)


@pytest.mark.parametrize("place", ["1", "1.2.3", "-1.2", "9223372036854775808.1", "1e3.2", "¹.2"])
def test_other_texts_in_a_cursor_are_refused(place: str) -> None:
    import base64

    cursor = base64.urlsafe_b64encode(place.encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, 2)
