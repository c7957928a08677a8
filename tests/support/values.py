"""Arbitrary values of a ledger, and pairs of them that are nearly alike, for hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

ZONES = st.sampled_from([UTC, timezone(timedelta(hours=-7)), ZoneInfo("Europe/Berlin")])
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)
KEYS = st.sampled_from(["a", "b", "id", "", "a.b", "a/b", "~0[#]", "$int", "ключ"]) | st.text(
    max_size=3
)
# Few values, so that equal ones of other types meet.
SCALARS = (
    st.sampled_from([None, True, False, 0, 1, 0.0, -0.0, 1.0, "1", b"1", "", "x" * 70])
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | MOMENTS
)
IDENTITIES = st.sampled_from(["a", "#1", "1", 1, 2, -3, "[~]"])


def _containers(inner):
    items = st.builds(lambda who, rest: {**rest, "id": who}, IDENTITIES, _objects(inner))
    return (
        st.lists(inner, max_size=5)
        | _objects(inner)
        | st.lists(items, max_size=5, unique_by=lambda item: (type(item["id"]), item["id"]))
    )


def _objects(inner):
    return st.dictionaries(KEYS, inner, max_size=5)


VALUES = st.recursive(SCALARS, _containers, max_leaves=20)


@st.composite
def edited(draw, value):
    """The value with a few edits somewhere in it."""
    for _ in range(draw(st.integers(0, 3))):
        value = _edit(draw, value)
    return value


def _edit(draw, value):
    if type(value) is dict and value:
        key = draw(st.sampled_from(sorted(value)))
        match draw(st.integers(0, 3)):
            case 0:
                return {name: item for name, item in value.items() if name != key}
            case 1:
                return {draw(KEYS) if name == key else name: item for name, item in value.items()}
            case 2:
                return {**value, draw(KEYS): draw(VALUES)}
        return {**value, key: _edit(draw, value[key])}
    if type(value) is list and value:
        place = draw(st.integers(0, len(value) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                return value[:place] + value[place + 1 :]
            case 1:
                return draw(st.permutations(value))
            case 2:
                return [*value[:place], draw(VALUES), *value[place:]]
        return [*value[:place], _edit(draw, value[place]), *value[place + 1 :]]
    return draw(VALUES)


PAIRS = VALUES.flatmap(lambda value: st.tuples(st.just(value), edited(value) | VALUES))
TRIPLES = PAIRS.flatmap(lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), edited(pair[1])))
