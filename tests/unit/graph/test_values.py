from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph.values import MAX_DEPTH, canonical, plain
from colloquy.model.errors import InvalidInput, InvalidUnicode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(JSON)
def test_json_stays_as_it_is(value: object) -> None:
    assert plain(value) == value


def test_times_become_utc_text() -> None:
    eastern = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert plain({"at": (eastern,)}) == {"at": ["2026-01-01T00:00:00.000000Z"]}
    assert plain(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"a": [1, float("nan")]}, "a[1]"),
        ({"a": {"b": 2**63}}, "a.b"),
        ({"a": {3: 1}}, "a"),
        ({"a": datetime(2026, 1, 1)}, "a"),
        ({"a": b"x"}, "a"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_path(value: object, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        plain(value)
    assert caught.value.field == field


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidUnicode) as caught:
        plain({"a": "\ud800"})
    assert caught.value.field == "a"


def test_depth_is_bounded() -> None:
    deep: object = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert plain(deep) == deep
    with pytest.raises(InvalidInput, match="nested deeper"):
        plain([deep])


def test_equal_values_have_equal_bytes() -> None:
    assert canonical({"b": 1.0, "a": [2]}) == canonical({"a": [2.0], "b": 1})
    assert canonical(True) != canonical(1)
    assert canonical("1") != canonical(1)
