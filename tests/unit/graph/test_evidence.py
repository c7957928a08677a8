from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph.evidence import (
    MAX_ENTRIES,
    MAX_NOTE,
    SOURCES,
    Evidence,
    Location,
    merge_evidence,
    merge_locations,
    read_evidence,
    read_location,
    source_named,
)
from colloquy.model.errors import InvalidInput

NUMBERS = st.none() | st.integers(0, 3)
LOCATIONS = st.builds(Location, st.sampled_from([None, "", "a", "b"]), NUMBERS, NUMBERS)
EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(sorted(SOURCES)[:3]),
    st.sampled_from([None, 0.0, 0.5, 1.0]),
    st.none() | LOCATIONS,
    NUMBERS,
    st.sampled_from([None, "", "x"]),
    st.sampled_from([None, "1", "2"]),
)
LIMIT = st.integers(0, 5)


@given(st.lists(EVIDENCE), st.lists(EVIDENCE), st.lists(EVIDENCE), LIMIT)
def test_merging_evidence_has_one_result(
    a: list[Evidence], b: list[Evidence], c: list[Evidence], limit: int
) -> None:
    def merge(*lists: list[Evidence]) -> list[Evidence]:
        return merge_evidence(*lists, limit=limit)

    whole = merge(a, b, c)
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == whole
    assert merge(c, b, a) == merge(a[::-1], c, b) == whole
    assert merge(whole, whole) == whole == merge(a, whole, a)
    assert len(whole) <= limit


@given(st.lists(LOCATIONS), st.lists(LOCATIONS), st.lists(LOCATIONS), LIMIT)
def test_merging_locations_has_one_result(
    a: list[Location], b: list[Location], c: list[Location], limit: int
) -> None:
    def merge(*lists: list[Location]) -> list[Location]:
        return merge_locations(*lists, limit=limit)

    whole = merge(a, b, c)
    assert merge(merge(a, b), c) == merge(a, merge(b, c)) == merge(c, b, a) == whole
    assert merge(whole, whole) == whole


def test_the_best_entry_of_a_place_stays() -> None:
    at = Location("a.ts", 3)
    weak = Evidence("ast", 0.4, at, note="weak")
    sure = Evidence("ast", 0.9, at, note="sure")
    unknown = Evidence("ast", None, at)
    assert merge_evidence([weak], [sure, unknown]) == [sure]


def test_the_order_is_source_confidence_line() -> None:
    entries = [
        Evidence("type-checker", 0.1, Location("a", 9)),
        Evidence("ast", 0.9, Location("a", 9)),
        Evidence("ast", 0.5, Location("a", 1)),
        Evidence("ast", 0.5, Location("a", 2)),
        Evidence("ast", 0.5, Location("a")),
        Evidence("ast", None, Location("a", 0)),
        Evidence("heuristic", 1.0, Location("a", 0)),
    ]
    assert merge_evidence(entries[::-1]) == entries


def test_line_0_is_not_a_missing_line() -> None:
    places = [Location("a", 0), Location("a", 0, 0), Location("a")]
    assert merge_locations(places[::-1]) == [Location("a", 0, 0), Location("a", 0), Location("a")]


def test_limits() -> None:
    many = [Evidence("ast", 0.5, Location("a", line)) for line in range(50)]
    assert merge_evidence(many) == many[:MAX_ENTRIES]
    assert merge_evidence(many, limit=0) == []
    with pytest.raises(InvalidInput) as caught:
        merge_locations([], limit=-1)
    assert caught.value.field == "limit"


@pytest.mark.parametrize(
    ("given_", "source"),
    [
        ("TS", "type-checker"), ("parser", "ast"), (" inferred ", "heuristic"),
        ("instrumentation", "runtime"), ("language-server", "lsp"), ("indexer", "index"),
        ("crystal ball", "heuristic"), (None, "ast"), (" ", "ast"), (3, "ast"),
        ("message", "message"),
    ],
)  # fmt: skip
def test_names_of_sources(given_: Any, source: str) -> None:
    assert source_named(given_, "ast") == source


def test_foreign_evidence_is_cut_and_brought_into_bounds() -> None:
    raw = {
        "source": "ts", "confidence": "1.7", "note": " " + "n" * 5000, "extractorVersion": 3,
        "location": {"path": " a.ts ", "line": "3", "column": 2.5}, "event": -4,
    }  # fmt: skip
    assert read_evidence(raw) == Evidence(
        "type-checker", 1.0, Location("a.ts", 3, 3), event=0, note="n" * MAX_NOTE
    )
    bad = {"confidence": True, "location": {"line": "x", "column": float("nan")}, "note": "  "}
    assert read_evidence(bad, "ast") == Evidence("ast")
    assert read_evidence("nonsense") is None
    assert read_location({"line": None, "path": ""}) is None
    assert read_location({"line": 0}) == Location(None, 0)


def test_what_is_read_already_stays() -> None:
    entry = Evidence("message", 0.5, Location("a.ts"))
    assert read_evidence(entry) is entry and read_location(entry.location) is entry.location


def test_what_was_taken_from_one_place_is_one_origin() -> None:
    one = Evidence("message", 0.5, event=4, note="a")
    assert one.origin == Evidence("message", 0.9, event=4).origin
    assert one.origin != Evidence("message", 0.5, event=0).origin
    assert Evidence("message", event=0).origin != Evidence("message").origin
