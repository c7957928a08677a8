"""`/v2/graph` over HTTP: ids of all kinds, scopes, bad input, pages, repeats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from support.server import Server

AWKWARD = (
    "a/b//c",
    "a|b%7C%25%2F",
    "100 %",
    "?id=x&y#z+w",
    "\N{OTTER}\N{ZERO WIDTH JOINER}\N{CAT FACE} \N{ARABIC LETTER BEH}",
    "..",
    'quote" \\ back\n',
    " ",
)


@pytest.fixture
def mark() -> str:
    """Begins the ids of one test: all share a server."""
    return uuid4().hex[:8]


@pytest.fixture
def operator(server: Server) -> Iterator[httpx.Client]:
    with server.client("operate", "read") as client:
        yield client


def put(client: httpx.Client, id_: str, kind: str = "topic", **attributes: Any) -> dict[str, Any]:
    answer = client.put(
        "/v2/graph/entity", params={"id": id_}, json={"kind": kind, "attributes": attributes}
    )
    assert answer.status_code == 200, answer.text
    view: dict[str, Any] = answer.json()
    return view


def learn(client: httpx.Client, **items: Any) -> dict[str, Any]:
    answer = client.post("/v2/graph/facts", json=items)
    assert answer.status_code == 201, answer.text
    report: dict[str, Any] = answer.json()
    return report


def get(client: httpx.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(f"/v2/graph/{path}", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.parametrize("tail", AWKWARD)
def test_an_id_may_be_any_text(operator: httpx.Client, mark: str, tail: str) -> None:
    id_ = mark + tail
    assert put(operator, id_, name="Odd")["id"] == id_
    assert get(operator, "entity", id=id_)["attributes"] == {"name": "Odd"}
    (fact,) = get(operator, "entity/facts", id=id_, predicate="name")["facts"]
    assert (fact["subject"], fact["value"]) == (id_, "Odd")
    other = f"{id_}{tail}"
    learn(operator, relationships=[{"source": id_, "type": "TALKED_ABOUT", "target": other}])
    near = get(operator, "entity/neighbours", id=id_)
    assert [one["id"] for one in near["entities"]] == [id_, other]
    found = get(operator, "relationships", source=id_, target=other)["relationships"]
    assert [one["target"] for one in found] == [other]
    ((path),) = operator.post("/v2/graph/paths", json={"start": other, "end": id_}).json()["paths"]
    assert path["entities"] == [other, id_]
    taken = operator.post("/v2/graph/retractions", json={"key": fact["assertions"][0]["key"]})
    assert (taken.status_code, taken.json()["closed"]) == (200, 1)
    assert get(operator, "entity", id=id_)["attributes"] == {}
    put(operator, other, name="Other")
    assert operator.post("/v2/graph/merges", json={"kept": id_, "other": other}).status_code == 201
    assert get(operator, "entity", id=other)["merged"] == [other]
    apart = operator.delete("/v2/graph/merges", params={"kept": id_, "other": other})
    assert apart.status_code == 200
    assert get(operator, "entity", id=other)["id"] == other


def test_reading_needs_read_and_teaching_operate(server: Server, mark: str) -> None:
    with server.client("read") as reader, server.client("operate") as operator:
        put(operator, mark, name="A")
        for path in (
            f"entity?id={mark}", f"entity/facts?id={mark}", f"entity/timeline?id={mark}",
            f"entity/neighbours?id={mark}", "entities", "relationships", "contradictions",
            "statistics", "changes", "search?q=a",
        ):  # fmt: skip
            assert reader.get(f"/v2/graph/{path}").status_code == 200, path
            assert operator.get(f"/v2/graph/{path}").status_code == 403, path
        for path, body in (
            ("traverse", {"start": mark}),
            ("paths", {"start": mark, "find": "all"}),
            ("impact", {"entity": mark}),
        ):
            assert reader.post(f"/v2/graph/{path}", json=body).status_code == 200, path
            assert operator.post(f"/v2/graph/{path}", json=body).status_code == 403, path
        for method, path in (
            ("PUT", f"entity?id={mark}"), ("POST", "facts"), ("POST", "retractions"),
            ("POST", "merges"), ("DELETE", "merges?kept=a&other=b"),
        ):  # fmt: skip
            assert reader.request(method, f"/v2/graph/{path}", json={}).status_code == 403, path
    assert httpx.get(f"{server.url}/v2/graph/entities").status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", f"entity?id={'x' * 1025}", None, "id"),
        ("GET", "entity?id=x&as_of=yesterday", None, "as_of"),
        ("GET", "entity?id=x&as_of=2026-01-01T00:00:00", None, "as_of"),
        ("GET", "entity?id=x&valid_at=0.5", None, "valid_at"),
        ("GET", "relationships?seen_since=0", None, "seen_since"),
        ("GET", "entities?kind=ghost", None, "kind"),
        ("GET", "entities?cursor=nonsense", None, "cursor"),
        ("GET", "relationships?type=LIKES", None, "type"),
        ("GET", "relationships?where=shoeSize:3", None, "where"),
        ("GET", "relationships?confidence_min=2", None, "confidence_min"),
        ("GET", "changes?from=9&to=3", None, "from"),
        ("GET", "search?q=%20", None, "q"),
        ("GET", "search?q=a&limit=101", None, "limit"),
        ("PUT", "entity?id=x", {"kind": "ghost"}, "kind"),
        ("PUT", "entity?id=x", {"kind": "place"}, "attributes.name"),
        ("POST", "facts", {}, "facts"),
        ("POST", "facts", {"facts": [{"subject": "a", "predicate": "b"}]}, "facts[0].value"),
        (
            "POST",
            "facts",
            {"facts": [{"subject": "a", "predicate": "b", "value": 1},
                       {"subject": "a", "predicate": "", "value": 1}]},
            "facts[1].predicate",
        ),
        (
            "POST",
            "facts",
            {"facts": [{"subject": "a", "predicate": "b", "value": 1,
                        "evidence": {"source": "gossip"}}]},
            "facts[0].evidence.source",
        ),
        ("POST", "retractions", {}, "key"),
        ("POST", "retractions", {"key": "no key"}, "key"),
        ("POST", "merges", {"kept": "a", "other": "a"}, "other"),
        ("POST", "traverse", {"start": "x", "max_depth": 11}, "max_depth"),
        ("POST", "traverse", {"start": "x", "types": ["LIKES"]}, "types"),
        ("POST", "paths", {"start": "x"}, "end"),
        ("POST", "impact", {"entity": "x", "change": "paint"}, "change"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    server: Server, mark: str, method: str, path: str, body: Any, field: str
) -> None:
    with server.client("operate", "read") as client:
        put(client, "x", name="X")
        put(client, "a", name="A")
        answer = client.request(method, f"/v2/graph/{path}", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["field"]) == ("invalid_input", field)


def test_nobody_knows_everybody(operator: httpx.Client) -> None:
    for path in ("entity", "entity/facts", "entity/timeline", "entity/neighbours"):
        answer = operator.get(f"/v2/graph/{path}", params={"id": "nobody-knows-this"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    for path, body in (
        ("retractions", {"key": "nobody|name"}),
        ("retractions", {"event": 2**50}),
        ("merges", {"kept": "nobody-1", "other": "nobody-2"}),
        ("paths", {"start": "nobody-1", "end": "nobody-2"}),
    ):
        answer = operator.post(f"/v2/graph/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


def test_a_batch_with_one_mistake_teaches_nothing(operator: httpx.Client, mark: str) -> None:
    facts = [{"subject": mark, "predicate": f"p{n}", "value": n} for n in range(20)]
    facts[13]["valid_from"], facts[13]["valid_to"] = "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"
    answer = operator.post("/v2/graph/facts", json={"facts": facts})
    assert (answer.status_code, answer.json()["field"]) == (422, "facts[13].valid_to")
    assert operator.get("/v2/graph/entity", params={"id": mark}).status_code == 404


def test_a_repeat_under_a_key_learns_once(operator: httpx.Client, mark: str) -> None:
    body = {"facts": [{"subject": mark, "predicate": "size", "value": 3}]}
    headers = {"idempotency-key": uuid4().hex}
    first = operator.post("/v2/graph/facts", json=body, headers=headers)
    again = operator.post("/v2/graph/facts", json=body, headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    (fact,) = get(operator, "entity/facts", id=mark)["facts"]
    assert fact["support"] == 1


def test_lists_come_page_by_page(operator: httpx.Client, mark: str) -> None:
    entities = [
        {"id": f"{mark}-{n}", "kind": "topic", "attributes": {"name": f"{mark} {n}"}}
        for n in range(7)
    ]
    joins = [{"source": mark, "type": "TALKED_ABOUT", "target": one["id"]} for one in entities]
    learn(operator, entities=entities, relationships=joins)
    for path, name, params in (
        ("entities", "entities", {"prefix": mark, "kind": "topic"}),
        ("entity/facts", "facts", {"id": mark}),
        ("entity/timeline", "versions", {"id": mark}),
        ("changes", "changes", {"id": mark}),
        ("relationships", "relationships", {"entity": mark}),
    ):
        found: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = get(operator, path, limit=3, **params, **cursor)
            assert len(page[name]) <= 3
            found += page[name]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert len(found) == 7, path
        assert len({str(one) for one in found}) == 7, path


def test_the_past_can_be_asked_for_by_position_and_by_time(
    operator: httpx.Client, mark: str
) -> None:
    before = learn(operator, facts=[{"subject": mark, "predicate": "size", "value": 1}])
    changes = get(operator, "changes", id=mark)["changes"]
    learned_at = changes[0]["version"]["learned_at"]
    later = "2100-01-01T00:00:00Z"
    fact = {"subject": mark, "predicate": "size", "value": 2, "valid_from": later}
    after = learn(operator, facts=[fact])

    def size(**moment: Any) -> Any:
        return get(operator, "entity", id=mark, **moment)["attributes"].get("size")

    assert size() == size(as_of=after["position"]) == size(valid_at=later) == 2
    assert size(valid_at="2030-01-01T00:00:00Z") == 1
    assert size(as_of=before["position"]) == size(as_of=learned_at) == 1
    too_early = {"id": mark, "as_of": before["position"] - 1}
    assert operator.get("/v2/graph/entity", params=too_early).status_code == 404
    since = get(operator, "changes", id=mark, **{"from": before["position"]})["changes"]
    assert {one["position"] for one in since} == {after["position"]}


def test_what_is_learned_is_found_and_counted(operator: httpx.Client, mark: str) -> None:
    put(operator, mark, kind="product", name=f"Quay{mark} house", features=["river view"])
    for _ in range(600):
        page = get(operator, "search", q=f"quay{mark}", kind=["product", "place"])
        if page["hits"]:
            break
    assert [hit["id"] for hit in page["hits"]] == [mark]
    assert page["hits"][0]["why"]["in_name"] == [f"quay{mark}"]
    figures = get(operator, "statistics")
    assert figures["entities"]["product"] >= 1
    assert figures["hygiene"]["stale"] == 0
