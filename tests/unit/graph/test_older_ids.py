"""The ids of the older format, as its own implementation gave them."""

from typing import Any

import pytest

from colloquy.graph import ids, older_ids


def edge(type_: str, **more: Any) -> dict[str, Any]:
    return {"fromEntityId": "F", "toEntityId": "T", "type": type_, **more}


GOLDEN = [
    (edge("TESTS"), "rel_b5980be995345da6cbb87662368a7fff9c0205c0"),
    (edge("CALLS"), "rel_e5cecd2595c8d0a9a43585b2ac4e2c7b10dfd96a"),
    (
        edge("CALLS", toEntityId="external:lodash"),
        "rel_b2a44fc7c795d2da568fd139be2b1531d5b1a97d",
    ),
    (
        edge("IMPORTS", toEntityId="file:src/b.ts"),
        "time-rel_320cd10e9895dcd079d9c7fd4097b5088ed8cfa5",
    ),
    (
        edge("SESSION_IMPACTED", sessionId="S1", sequenceNumber=2),
        "rel_session_f20f5fd92da3cc23dd630d1fa24f71eb2529470d",
    ),
    (
        edge(
            "PERFORMANCE_IMPACT", metricId="Latency P95", environment="Production",
            scenario=" Load ",
        ),
        "rel_perf_d1984129a9d5d2ee1431658b07714eb436d1ebf2",
    ),
    (edge("PERFORMANCE_IMPACT"), "rel_perf_978d0e184c1a21138d050039f6234ce46902eedf"),
    (
        edge("DOCUMENTED_BY", source="Parser", sectionAnchor="## Hello World!", docVersion="1.0"),
        "rel_14045e23d093aa245ff24bb90092d20ed8ee9576",
    ),
    (edge("GOVERNED_BY", policyType="adr"), "rel_05629c2202f892ce343ae3172e3c50d9e60fdc45"),
    (
        edge("BELONGS_TO_DOMAIN", domainPath="A > B"),
        "rel_f74043ea906d89551253831a6b837aab17b14ea7",
    ),
    (
        edge("CLUSTER_MEMBER", clusterVersion="c1", embeddingVersion="e1"),
        "rel_f61ca0ec2eaf6bb2d2c6b2635e625c2d74a0944b",
    ),
    (
        edge("DESCRIBES_DOMAIN", domainPath="a/b", taxonomyVersion="v1"),
        "rel_bed139b393af38e09f56f60c98b5dfd68b373be3",
    ),
    (
        edge("DOMAIN_RELATED", relationshipType="overlaps"),
        "rel_26ca57a811a277ce4096e376f461f2d9bd0cb966",
    ),
    (
        edge("DOCUMENTS_SECTION", sectionAnchor="Intro"),
        "rel_c7f416f672c22545650a667f108c90dbdfba882f",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "id_"), GOLDEN)
def test_golden(wire: dict[str, Any], id_: str) -> None:
    assert ids.relationship_id(wire, scheme=1) == id_


def test_metadata_says_what_the_edge_does_not() -> None:
    said = {"metricId": "Latency P95", "environment": "Production", "scenario": " Load "}
    assert ids.relationship_id(edge("PERFORMANCE_IMPACT", metadata=said), scheme=1) == GOLDEN[5][1]
    anchor = {"anchor": "Intro"}
    assert (
        ids.relationship_id(edge("DOCUMENTS_SECTION", metadata=anchor), scheme=1) == (GOLDEN[13][1])
    )


def test_a_session_without_its_id_is_named_by_where_the_edge_begins() -> None:
    named = edge("BROKE_IN", sessionId="F", sequenceNumber=0)
    assert ids.relationship_id(edge("BROKE_IN", sequenceNumber=-1.5), scheme=1) == (
        ids.relationship_id(named, scheme=1)
    )
    assert ids.relationship_id(edge("BROKE_IN", sequenceNumber="x"), scheme=1) == (
        ids.relationship_id(named, scheme=1)
    )


def test_sites() -> None:
    assert older_ids.site_hash("A", {"type": "CALLS"}) == "sh_4c16febf6165a2b4"
    assert older_ids.site_id("p.ts", 3) == "site_245a85b9c964"


@pytest.mark.parametrize(
    ("given", "metric"),
    [
        ("API//Latency p95.", "api/latency-p95-"), ("/a/b/", "a/b"), ("a.b.c", "a-b-c"),
        ("/-/", "-"), ("", "unknown"), (None, "unknown"),
    ],
)  # fmt: skip
def test_metrics(given: str | None, metric: str) -> None:
    assert older_ids.metric(given) == metric


@pytest.mark.parametrize(
    ("to_id", "key"),
    [
        ("sym:src/a.ts#f@h", "ENT:sym:src/a.ts#f@h"), ("file:src/a.ts:f", "FS:src/a.ts:f"),
        ("class:Foo", "KIND:class:Foo"), ("import:./x:y", "IMP:./x:y"), ("enum:E", "RAW:enum:E"),
        ("method:m", "RAW:method:m"), ("file:C:\\x.ts:f", "FS:C:\\x.ts:f"), ("T", "RAW:T"),
    ],
)  # fmt: skip
def test_target_keys(to_id: str, key: str) -> None:
    assert older_ids.target_key({"toEntityId": to_id}) == key


def test_a_reference_comes_before_the_id() -> None:
    reference = {"kind": "fileSymbol", "file": "a.ts", "name": "f"}
    assert older_ids.target_key(edge("CALLS", toRef=reference)) == "FS:a.ts:f"
    assert older_ids.target_key(edge("CALLS", toRef={"kind": "external", "name": "x"})) == "EXT:x"
    assert older_ids.target_key(edge("CALLS", toRef={"kind": "entity", "id": "e"})) == "ENT:e"
    assert older_ids.target_key(edge("CALLS", toRef={"kind": "fileSymbol"})) == "RAW:T"


@pytest.mark.parametrize(
    ("given", "environment"),
    [
        ("PROD EU", "prod-eu"), ("stage", "staging"), ("STG", "stg"), ("preprod", "preprod"),
        ("local-1", "local-1"), ("devel", "dev"), ("production-eu", "production-eu"),
        ("perfect", "perf-lab"), (3, "unknown"),
    ],
)  # fmt: skip
def test_environments(given: object, environment: str) -> None:
    assert older_ids.environment(given) == environment


def test_its_defects_are_kept() -> None:
    assert older_ids.domain_path("A > B > C") == "a/b///c"
    assert older_ids.anchor("Über") == "ber" and older_ids.anchor("导言") == "_root"
    one, other = (
        edge("SESSION_MODIFIED", sessionId="s", sequenceNumber=1, toEntityId=to) for to in "AB"
    )
    assert older_ids.relationship_id("F", one) == older_ids.relationship_id("F", other)
    assert older_ids.relationship_id("F", edge("USES")) != older_ids.relationship_id(
        "F", edge("TYPE_USES")
    )


def test_structural_edges_had_a_still_older_id() -> None:
    assert older_ids.spellings("rel_x") == ("rel_x", "time-rel_x")
    assert older_ids.spellings("time-rel_x") == ("time-rel_x",)
    assert older_ids.spellings(5) == (5,)
