"""Equal checksums mean the same value, and the form in JSON gives back what it was made of."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings

from colloquy.ledger.canonical import canonical, checksum
from colloquy.ledger.values import DEEPEST, from_wire, same, to_wire
from colloquy.model.errors import InvalidInput, InvalidUnicode
from support.values import PAIRS, VALUES


@settings(max_examples=400, deadline=None)
@given(PAIRS)
def test_equal_checksums_mean_the_same_value(pair):
    one, other = pair
    assert (checksum(one) == checksum(other)) is same(one, other)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_the_form_in_json_gives_back_the_value(value):
    assert same(from_wire(msgspec.json.decode(msgspec.json.encode(to_wire(value)))), value)


def test_values_that_python_calls_equal_are_told_apart():
    numbers = [1, 1.0, True, Decimal(1), Decimal("1.0"), "1", b"1", 0, 0.0, -0.0, False, None]
    assert len({checksum(number) for number in numbers}) == len(numbers)
    for container in (lambda value: [[value]], lambda value: {"a": {"b": value}}):
        assert len({checksum(container(number)) for number in numbers}) == len(numbers)
        for place, one in enumerate(numbers):
            for other in numbers[place + 1 :]:
                assert not same(container(one), container(other))


def test_an_instant_has_one_checksum_in_every_zone():
    here = datetime(2026, 1, 31, 10, tzinfo=timezone(timedelta(hours=2)))
    there = datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert same({"at": here}, {"at": there})
    assert canonical(here) == b'{"$datetime":"2026-01-31T08:00:00.000000Z"}'


def test_the_repeated_hour_is_two_instants():
    first = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    second = first.replace(fold=1)
    assert first == second
    assert not same(first, second)
    assert not same([first], [second])


def test_keys_are_in_order():
    assert canonical({"é": 1, "b": 2, "": 3}) == '{"":3,"b":2,"é":1}'.encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "nan is no number that JSON has"),
        ([float("-inf")], "-inf is no number that JSON has"),
        ({1: 2}, "keys are strings, not int like 1"),
        ({"a": (1,)}, "a value of type tuple cannot be in a ledger"),
        (datetime(2026, 1, 31), "2026-01-31T00:00:00 has no time zone"),
        (Decimal("NaN"), "NaN is no finite decimal"),
        (
            datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
            "0001-01-01T00:00:00+05:00 is outside the years 1 to 9999 in UTC",
        ),
    ],
)
def test_what_is_no_value_is_refused(value, reason):
    with pytest.raises(InvalidInput) as caught:
        checksum(value)
    assert caught.value.detail == reason


def test_a_lone_surrogate_is_refused():
    with pytest.raises(InvalidUnicode, match="lone surrogate at 1"):
        checksum({"a\ud800": 1})


def nested(levels):
    value = []
    for _ in range(levels - 1):
        value = [value]
    return value


def test_depth_has_a_bound():
    assert same(from_wire(to_wire(nested(DEEPEST))), nested(DEEPEST))
    with pytest.raises(InvalidInput, match="nested deeper than 200 levels"):
        checksum(nested(DEEPEST + 1))


@pytest.mark.parametrize("form", [{"$other": 1}, {"$int": "zz"}, {"$bytes": 1}, {"$datetime": ""}])
def test_forms_of_nothing_are_refused(form):
    with pytest.raises(InvalidInput, match="stands for no value"):
        from_wire(form)
