from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.graph.edges import merged, normalised
from colloquy.graph.evidence import MAX_ENTRIES
from colloquy.graph.ids import relationship_id, site_id
from colloquy.graph.relationships import CODE, DEFAULT_KINDS, read_relationship
from colloquy.model.errors import InvalidInput


def edge(type_: str = "CALLS", **more: Any) -> dict[str, Any]:
    return {"fromEntityId": "F", "toEntityId": "T", "type": type_, **more}


PLACES = st.fixed_dictionaries(
    {}, optional={"path": st.sampled_from(["a.ts", " ", "b.ts"]),
                  "line": st.sampled_from([0, 3, "4", None, True, -1]),
                  "column": st.sampled_from([0, 2.5, "x"])},
)  # fmt: skip
PROOFS = st.fixed_dictionaries(
    {}, optional={"source": st.sampled_from(["ts", "ast", "guess", None]),
                  "confidence": st.sampled_from([0.5, "0.7", 5, None]), "location": PLACES,
                  "note": st.sampled_from(["n", ""])},
)  # fmt: skip
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "confidence": st.sampled_from([0.5, 5, "0.7", None, "x"]),
    "strength": st.sampled_from([0.2, 9]),
    "source": st.sampled_from(["ts", "parser", "odd"]),
    "kind": st.sampled_from(["call", "decorator"]),
    "location": PLACES,
    "locations": st.lists(PLACES, max_size=3),
    "evidence": st.lists(PROOFS | st.just("nonsense"), max_size=3),
    "toRef": st.sampled_from(
        [{"kind": "external", "name": "x"}, {"kind": "fileSymbol", "file": "a", "symbol": "s"}, {}]
    ),
    "occurrencesTotal": st.sampled_from([3.7, -1, "2", "x"]),
    "active": st.booleans(),
    "sites": st.lists(st.sampled_from("xyz"), max_size=3),
}
EDGES = st.builds(
    lambda type_, to, top, metadata: {
        "fromEntityId": "F", "toEntityId": to, "type": type_, **top, **metadata,
    },
    st.sampled_from(["CALLS", "USES", "EXTENDS"]),
    st.sampled_from(["T", "sym:a.ts#f@h", "file:a.ts:f", "external:x", "enum:E"]),
    st.fixed_dictionaries({}, optional=PARTS),
    st.fixed_dictionaries(
        {}, optional={"metadata": st.fixed_dictionaries({}, optional={**PARTS, "line": PARTS[
            "confidence"], "path": st.just("m.ts")})}
    ),
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(EDGES)
def test_a_normal_form_is_its_own_and_is_valid(raw: dict[str, Any]) -> None:
    once = normalised(raw)
    assert normalised(once) == once
    assert read_relationship(once).type in CODE
    assert relationship_id(once) == relationship_id(raw)
    assert once["evidence"]


@settings(deadline=None, max_examples=50)
@given(st.lists(EDGES, min_size=1, max_size=3))
def test_merging_does_not_depend_on_the_order(raw: list[dict[str, Any]]) -> None:
    edges = [normalised(one) for one in raw]
    whole = merged(edges)
    assert all(merged(order) == whole for order in permutations(edges))
    assert merged([*edges, *edges]) == whole


def test_other_edges_stay_as_they_are_and_no_input_is_changed() -> None:
    tests = edge("TESTS", metadata={"kind": "call"})
    assert normalised(tests) == tests
    raw = edge(metadata={"kind": "decorator", "evidence": [{"source": "ts"}]})
    before = repr(raw)
    normalised(raw)
    assert repr(raw) == before


def test_what_the_edge_lacks_comes_from_its_metadata() -> None:
    raw = edge(
        source="ts",
        metadata={"kind": "decorator", "source": "lsp", "param": "p", "path": "a.ts", "line": 3,
                  "note": "n", "extractorVersion": "2", "mine": 1},
    )  # fmt: skip
    found = normalised(raw)
    assert (found["kind"], found["source"], found["paramName"]) == (
        "decorator", "type-checker", "p",
    )  # fmt: skip
    assert (found["location"], found["context"]) == ({"path": "a.ts", "line": 3}, "a.ts:3")
    assert found["siteId"] == site_id("a.ts", 3) and found["sites"] == [found["siteId"]]
    assert found["evidence"] == [
        {"source": "type-checker", "location": {"path": "a.ts", "line": 3}, "note": "n",
         "extractorVersion": "2"}
    ]  # fmt: skip
    assert found["locations"] == [{"path": "a.ts", "line": 3}]
    assert found["metadata"]["mine"] == 1


@pytest.mark.parametrize("type_", CODE)
def test_the_kind_follows_from_the_type(type_: str) -> None:
    found = normalised(edge(type_))
    assert (found["kind"], found["active"]) == (DEFAULT_KINDS[type_], True)
    assert normalised(edge(type_, kind="decorator"))["kind"] == "decorator"


@pytest.mark.parametrize(
    ("given_", "confidence"),
    [
        ({"confidence": 5}, 1.0), ({"confidence": "0.7"}, 0.7), ({"strength": 0.3}, 0.3),
        ({"strength": 0.3, "confidence": 0.9}, 0.9), ({"confidence": "x"}, None), ({}, None),
    ],
)  # fmt: skip
def test_confidence_is_a_share(given_: dict[str, Any], confidence: float | None) -> None:
    found = normalised(edge(**given_))
    assert found.get("confidence") == confidence and "strength" not in found


def test_counters() -> None:
    found = normalised(edge(occurrencesScan=-3, occurrencesTotal="4.9", occurrencesRecent="0.5"))
    assert [found[f"occurrences{name}"] for name in ("Scan", "Total", "Recent")] == [0, 4, 0.5]
    assert "occurrencesScan" not in normalised(edge(occurrencesScan="many"))


def test_aliases_of_sources_are_resolved_before_evidence_is_merged() -> None:
    at = {"path": "a.ts", "line": 3}
    proofs = [{"source": "ast", "location": at}, {"source": "ts", "location": at},
              {"source": "type-checker", "location": at, "confidence": 0.9}]  # fmt: skip
    sources = [entry["source"] for entry in normalised(edge(evidence=proofs))["evidence"]]
    assert sources == ["type-checker", "ast"]


def test_columns_follow_the_target_and_none_stays_from_before() -> None:
    stale = edge(toEntityId="external:lodash", to_ref_file="a.ts", to_ref_symbol="f")
    found = normalised(stale)
    assert (found["to_ref_kind"], found["to_ref_name"]) == ("external", "lodash")
    assert "to_ref_file" not in found and "to_ref_symbol" not in found
    found = normalised(edge(toEntityId="sym:src/a.ts#f@h"))
    assert [found[f"to_ref_{name}"] for name in ("kind", "file", "symbol", "name")] == [
        "fileSymbol", "src/a.ts", "f", "f",
    ]  # fmt: skip
    assert not [name for name in normalised(edge()) if name.startswith("to_ref")]


def test_merging_keeps_the_surest_and_the_evidence_of_all() -> None:
    sure = normalised(edge(confidence=0.9, callee="f", location={"path": "a.ts", "line": 1}))
    weak = normalised(
        edge(
            confidence=0.4, callee="g", arity=2, active=False, location={"path": "b.ts", "line": 2}
        )
    )
    found = merged([weak, sure])
    assert (found["confidence"], found["callee"], found["arity"], found["active"]) == (
        0.9, "f", 2, True,
    )  # fmt: skip
    assert [place["path"] for place in found["locations"]] == ["a.ts", "b.ts"]
    assert len(found["evidence"]) == len(found["sites"]) == 2
    many = [normalised(edge(location={"path": "a.ts", "line": n})) for n in range(30)]
    assert len(merged(many)["evidence"]) == MAX_ENTRIES
    with pytest.raises(InvalidInput):
        merged([])


@pytest.mark.parametrize(
    ("raw", "field"), [(edge("NOTHING"), "type"), ({"type": "CALLS"}, "fromEntityId")]
)
def test_an_edge_needs_a_type_and_ends(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        normalised(raw)
    assert caught.value.field == field


def test_older_sites_are_named_as_they_were() -> None:
    raw = {"type": "CALLS", "fromEntityId": "A", "toEntityId": "B"}
    found = normalised(raw, 1)
    assert (found["siteHash"], found["kind"]) == ("sh_4c16febf6165a2b4", "call")
    placed = normalised({**raw, "location": {"path": "p.ts", "line": 3}}, 1)
    assert placed["siteId"] == "site_245a85b9c964" and placed["sites"] == [placed["siteId"]]
    assert normalised({**raw, "siteHash": "mine"}, 1)["siteHash"] == "mine"
    assert normalised(found) == found
