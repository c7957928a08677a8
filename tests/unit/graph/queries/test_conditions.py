"""Conditions on attributes, and the filter of the wire format."""

from __future__ import annotations

import pytest

from colloquy.graph.queries.conditions import Condition, check_condition, passes, read_conditions
from colloquy.graph.queries.sql import Parameters
from colloquy.model.errors import InvalidInput

EDGE = {"kind": ["call"], "arity": [2], "tags": ["a", "b"], "lastSeenAt": ["2026-05-01T10:00:00Z"]}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Condition(name="kind", any_of=("call", "read")), True),
        (Condition(name="kind", any_of=("read",)), False),
        (Condition(name="tags", any_of=("b",)), True),
        (Condition(name="arity", any_of=(2.0,)), True),
        (Condition(name="arity", any_of=("2",)), False),
        (Condition(name="arity", least=2, most=2), True),
        (Condition(name="arity", least=3), False),
        (Condition(name="kind", least=1), False),
        (Condition(name="kind", prefixes=("ca",)), True),
        (Condition(name="arity", prefixes=("2",)), False),
        (Condition(name="lastSeenAt", least="2026-05-01T12:00:00+02:00"), True),
        (Condition(name="lastSeenAt", most="2026-05-01T09:59:59Z"), False),
        (Condition(name="missing", any_of=(1,)), False),
    ],
)
def test_a_condition_is_met_or_not(condition: Condition, expected: bool) -> None:
    check_condition(condition)
    assert passes(EDGE, [condition]) is expected


def test_every_condition_must_be_met() -> None:
    assert passes(EDGE, [])
    kind, arity = Condition(name="kind", any_of=("call",)), Condition(name="arity", most=1)
    assert not passes(EDGE, [kind, arity])


def test_the_wire_names_its_conditions() -> None:
    wire = {"sessionIds": ["s1", "s2"], "domainPrefix": "shop/", "arityMin": 2, "active": None}
    assert read_conditions(wire) == (
        Condition(name="sessionId", any_of=("s1", "s2")),
        Condition(name="domainPath", prefixes=("shop/",)),
        Condition(name="arity", least=2),
    )


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"arityMin": "many"}, "arity"),
        ({"firstSeenSince": "2026-05-01"}, "firstSeenAt"),
        ({"domainPrefix": [1]}, "domainPath"),
        ({"kind": ["x"] * 501}, "kind"),
    ],
)
def test_a_bad_condition_is_named(wire: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_conditions(wire)
    assert raised.value.field == field


@pytest.mark.parametrize(
    ("name", "stored", "asked", "expected"),
    [
        ("metricId", "Latency P95", "latency-p95", True),
        ("metricId", "latency-p95", " LATENCY p95.", True),
        ("metricId", "latency-p95", "latency-p99", False),
        ("environment", "Production EU", "prod-eu", True),
        ("environment", "prod", "live", True),
        ("environment", "staging", "prod", False),
        ("environment", "unknown", "Unknown", True),
        ("domainPath", "A > B", "a/b", True),
        ("docIntent", "Governance", "governance", True),
        ("sessionId", "S1", "s1", False),
    ],
)
def test_text_is_compared_in_its_normal_form(
    name: str, stored: str, asked: str, expected: bool
) -> None:
    assert passes({name: [stored]}, read_conditions({name: asked})) is expected


@pytest.mark.parametrize(
    ("name", "value"),
    [("metricId", "!!"), ("metricId", 5), ("environment", "--"), ("environment", ["prod", 1])],
)
def test_what_has_no_normal_form_is_refused(name: str, value: object) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_conditions({name: value})
    assert raised.value.field == name


def test_an_older_id_finds_what_was_stored_under_the_still_older_one() -> None:
    (condition,) = read_conditions({"olderId": "rel_1"})
    assert passes({"olderId": ["time-rel_1"]}, [condition])
    assert passes({"olderId": ["rel_1"]}, [condition])
    assert not passes({"olderId": ["rel_2"]}, [condition])


def test_lists_have_few_lengths() -> None:
    put = Parameters()
    assert put("x") == "$1"
    assert put.any_of([5, 6]) == "($2, $3, $4, $5, $6, $7, $8, $9)"
    assert put.values == ["x", 5, 6, 6, 6, 6, 6, 6, 6]
    assert Parameters().any_of([5]) == "($1)"
    assert Parameters().any_of(list(range(600))).count("$") == 600
