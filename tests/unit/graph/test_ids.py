from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph.ids import identity, relationship_id, site_hash, site_id
from colloquy.model.errors import InvalidInput


def edge(type_: str, **more: Any) -> dict[str, Any]:
    return {"fromEntityId": "F", "toEntityId": "T", "type": type_, **more}


@pytest.mark.parametrize(
    ("wire", "id_"),
    [
        (edge("TESTS"), "edge_185dc46928117abdd46bf2dc9b1992a3"),
        (edge("CALLS", toEntityId="external:lodash"), "edge_aa9fc10b9255345d91392a9c7ae23c00"),
        (edge("IMPORTS", toEntityId="file:src/b.ts"), "edge_19eb12f7fe5357ab88466a3e6baca45f"),
        (edge("CALLS", toEntityId="sym:src/a.ts#f@h1"), "edge_c8e12d35526d466cb080a9dd9ad0f30a"),
        (
            edge("SESSION_IMPACTED", sessionId="S1", sequenceNumber=2),
            "edge_92239a47747c59bf90da9f48e8d1feb3",
        ),
        (
            edge("PERFORMANCE_IMPACT", metricId="Latency P95", environment="Production",
                 scenario=" Load "),
            "edge_8c52fd5296d3f66c5f159046335e9b77",
        ),
        (
            edge("DOCUMENTED_BY", source="Parser", sectionAnchor="## Hello World!",
                 docVersion="1.0"),
            "edge_8990fd8baf48a8bc35af1443e444204b",
        ),
        (
            edge("DESCRIBES_DOMAIN", domainPath="A > B > C", taxonomyVersion="v1"),
            "edge_fe94924f22ac6f7c1685da86a77e4459",
        ),
        (edge("PRICED_AT"), "edge_cab2aea7719d51199ca9239c41830c34"),
    ],
)  # fmt: skip
def test_golden(wire: dict[str, Any], id_: str) -> None:
    """These are stored: a change here needs a scheme 3."""
    assert relationship_id(wire) == id_


def test_what_is_hashed() -> None:
    data = b"5:CALLS6:entity0:1:F6:symbol8:src/a.ts1:f"
    digest = blake2b(data, digest_size=16, person=b"graph.edge.2").hexdigest()
    assert relationship_id(edge("CALLS", toEntityId="sym:src/a.ts#f@h1")) == "edge_" + digest


def test_an_edit_does_not_change_the_id() -> None:
    reference = {"kind": "fileSymbol", "file": "a.ts", "symbol": "f"}
    same = [
        edge("CALLS", toEntityId="sym:a.ts#f@h1"),
        edge("CALLS", toEntityId="sym:a.ts#f@h2"),
        edge("CALLS", toEntityId="x", toRef=reference),
        edge("CALLS", toEntityId="x", metadata={"toRef": reference}),
    ]
    assert len({relationship_id(one) for one in same}) == 1


def test_what_the_older_ids_confuse_is_told_apart() -> None:
    session = {"sessionId": "s", "sequenceNumber": 1}
    different = [
        edge("SESSION_MODIFIED", **session, toEntityId="A"),
        edge("SESSION_MODIFIED", **session, toEntityId="B"),
        edge("SESSION_MODIFIED", **{**session, "sessionId": "S"}, toEntityId="A"),
        edge("DOCUMENTS_SECTION", sectionAnchor="导言"),
        edge("DOCUMENTS_SECTION", sectionAnchor="结论"),
        edge("DOCUMENTED_BY", sectionAnchor="a", docVersion="1"),
        edge("DOCUMENTED_BY", sectionAnchor="a|1"),
        edge("TESTS", fromEntityId="F|T", toEntityId="X"),
        edge("TESTS", fromEntityId="F", toEntityId="T|X"),
        edge("CALLS", toEntityId="file:C:\\x.ts:f"),
        edge("CALLS", toEntityId="file:C:\\y.ts:f"),
    ]
    assert len({relationship_id(one) for one in different}) == len(different)


def test_what_means_the_same_is_the_same() -> None:
    assert relationship_id(edge("USES")) == relationship_id(edge("TYPE_USES"))
    assert relationship_id(edge("PERFORMANCE_IMPACT", environment="prod")) == relationship_id(
        edge("PERFORMANCE_IMPACT", metadata={"environment": "Production"})
    )
    assert relationship_id(edge("DOCUMENTS_SECTION", sectionAnchor="# Intro")) == relationship_id(
        edge("DOCUMENTS_SECTION", metadata={"anchor": "intro"})
    )
    assert relationship_id(edge("CLUSTER_MEMBER", sectionAnchor="Intro")) == relationship_id(
        edge("CLUSTER_MEMBER", docAnchor="# intro", sectionAnchor="other")
    )
    assert relationship_id(edge("GOVERNED_BY")) == relationship_id(
        edge("GOVERNED_BY", docIntent="governance")
    )


@pytest.mark.parametrize(
    ("wire", "field"),
    [
        ({"fromEntityId": "F", "type": "CALLS"}, "toEntityId"),
        ({"toEntityId": "F", "type": "CALLS"}, "fromEntityId"),
        (edge("NOTHING"), "type"),
        (edge("BROKE_IN", sequenceNumber=1), "sessionId"),
        (edge("BROKE_IN", sessionId=" ", sequenceNumber=1), "sessionId"),
        (edge("BROKE_IN", sessionId="s"), "sequenceNumber"),
        (edge("BROKE_IN", sessionId="s", sequenceNumber=True), "sequenceNumber"),
        (edge("CALLS", toEntityId="\ud800"), None),
    ],
)
def test_what_identifies_an_edge_must_be_there(wire: dict[str, Any], field: str | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        relationship_id(wire)
    assert caught.value.field == field


def test_sites() -> None:
    assert site_id("p.ts", 3) == "site_0bcf47b666f0571578fccb5d66d7b59c"
    assert len({site_id("p.ts", 3), site_id("p.ts", 3, 0), site_id("p.ts", 0)}) == 3
    assert site_id("./p.ts", 3) == site_id("p.ts", 3)


def test_the_hash_of_a_site_survives_moved_lines_and_knows_its_target() -> None:
    at = {"path": "p.ts", "line": 3}
    site = site_hash(edge("CALLS", location=at))
    assert site == site_hash(edge("CALLS", location={**at, "line": 9, "column": 1}, kind="call"))
    assert site != site_hash(edge("CALLS", location=at, toEntityId="other"))
    assert site != site_hash(edge("CALLS", location=at, accessPath="a.b"))


NAMES = ("source", "docIntent", "docVersion", "sectionAnchor", "domainPath", "taxonomyVersion",
         "clusterVersion", "docAnchor", "embeddingVersion", "relationshipType", "policyType",
         "metricId", "environment", "scenario", "eventId")  # fmt: skip
WORDS = st.text(st.sampled_from("aZ1 -_/>#.:@é"), max_size=8) | st.sampled_from(
    ["ai-context", "governance", "unknown", "production", "ǅ"]
)
REFERENCES = st.none() | st.fixed_dictionaries(
    {"kind": st.sampled_from(["entity", "fileSymbol", "external"])},
    optional={
        name: st.sampled_from(["F", "a.ts", "./a.ts", "sym:a.ts#f@h1", "import:m:x", "function:f"])
        for name in ("id", "file", "symbol", "name")
    },
)
TYPES = ("CALLS", "DOCUMENTED_BY", "DESCRIBES_DOMAIN", "CLUSTER_MEMBER", "GOVERNED_BY",
         "SESSION_MODIFIED", "PERFORMANCE_IMPACT", "DOMAIN_RELATED")  # fmt: skip


@given(
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(NAMES), WORDS),
    REFERENCES,
    st.sampled_from(["T", "sym:a.ts#f", "external:F"]),
)
def test_ends_type_and_identity_give_the_same_id(
    type_: str, attributes: dict[str, Any], reference: dict[str, str] | None, target: str
) -> None:
    said = {**attributes, "sessionId": "S", "sequenceNumber": 0, "fromRef": reference}
    whole = edge(type_, **{**said, "toEntityId": target})
    told = identity(whole)
    alone = edge(type_, **{**told, "toEntityId": target})
    assert relationship_id(alone) == relationship_id(whole)
    assert identity(alone) == told


def test_what_says_nothing_new_tells_nothing_apart() -> None:
    assert identity(edge("DOCUMENTED_BY", docIntent="ai-context", source=" ")) == {}
    assert identity(edge("CALLS", toRef={"kind": "entity", "id": "T"})) == {}
    assert identity(edge("PERFORMANCE_IMPACT", metricId="P 95", environment="production")) == {
        "metricId": "p-95", "environment": "prod",
    }  # fmt: skip
