"""`/v2/ledger` over HTTP: history, points, rollbacks, conflicts, scopes of keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support.server import Server

BASE = "/v2/ledger"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("ledger")) as running:
        yield running


@pytest.fixture
def admin(served: Server) -> Iterator[httpx.Client]:
    with served.client("admin") as client:
        yield client


def put(server: Server, collection: str, actor: str = "ann", **values: Any) -> None:
    """Writes records as the engine does."""
    for key, value in values.items():
        server.run(server.runtime.ledger.ledger.put(collection, key, value, actor))


def ended(client: httpx.Client, operation: dict[str, Any], *states: str) -> dict[str, Any]:
    states = states or ("completed", "failed", "cancelled")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = client.get(f"{BASE}/operations/{operation['id']}").json()
        if found["status"] in states:
            return found
    raise TimeoutError(found)


def test_from_a_point_through_a_rollback_to_its_undoing(
    served: Server, admin: httpx.Client
) -> None:
    put(served, "prices", a={"amount": 1}, b={"amount": 2})
    answer = admin.post(f"{BASE}/points", json={"name": "good", "tags": ["x"]})
    assert answer.status_code == 201
    point = answer.json()
    put(served, "prices", "import", a={"amount": 9}, c={"amount": 3})
    scope = {"collections": ["prices"]}

    preview = admin.post(f"{BASE}/preview?limit=1", json={"point": point["id"], "scope": scope})
    assert preview.status_code == 200, preview.text
    assert preview.json()["actions"] == {"restore": 1, "remove": 1}
    again = admin.post(
        f"{BASE}/preview?cursor={preview.json()['next']}",
        json={"point": point["id"], "scope": scope},
    ).json()
    assert [one["key"] for one in again["effects"]] == ["c"]

    request = {"point": point["id"], "scope": scope, "reason": "bad import"}
    headers = {"idempotency-key": "rollback-1"}
    begun = admin.post(f"{BASE}/rollbacks", json=request, headers=headers)
    assert begun.status_code == 202
    repeated = admin.post(f"{BASE}/rollbacks", json=request, headers=headers)
    assert repeated.json()["id"] == begun.json()["id"], "once for one Idempotency-Key"
    done = ended(admin, begun.json())
    assert (done["status"], done["figures"]["applied"], done["figures"]["removed"]) == (
        "completed", 2, 1,
    )  # fmt: skip
    assert done["actor"].startswith("key:")
    record = admin.get(f"{BASE}/records/prices", params={"key": "a"}).json()
    assert record["value"] == {"amount": 1}
    gone = admin.get(f"{BASE}/records/prices", params={"key": "c"}).json()
    assert "value" not in gone
    items = admin.get(f"{BASE}/operations/{done['id']}/items?state=applied").json()["items"]
    assert [item["key"] for item in items] == ["a", "c"]
    lines = admin.get(f"{BASE}/operations/{done['id']}/log").json()["lines"]
    assert lines[-1]["message"] == "2 records restored"

    undone = admin.post(f"{BASE}/operations/{done['id']}/undo", json={"reason": "oh"})
    assert undone.status_code == 202
    assert ended(admin, undone.json())["status"] == "completed"
    diff = admin.get(f"{BASE}/diff", params={"from": point["id"], "collection": "prices"}).json()
    assert [(one["key"], one["action"]) for one in diff["differences"]] == [
        ("a", "changed"), ("c", "added"),
    ]  # fmt: skip
    found = admin.get(f"{BASE}/operations?point={point['id']}").json()["operations"]
    assert [one["id"] for one in found] == [done["id"]]
    trail = admin.get(f"{BASE}/audit?event=rollback_executed").json()["entries"]
    assert [one["operation_id"] for one in trail] == [undone.json()["id"], done["id"]]
    assert admin.delete(f"{BASE}/points/{point['id']}").status_code == 204
    assert admin.get(f"{BASE}/points/{point['id']}").status_code == 404


def test_changes_are_filtered_paged_and_shown(served: Server, admin: httpx.Client) -> None:
    put(served, "notes", "ann", n1="one\ntwo", n2="x")
    put(served, "notes", "ben", n1="one\nthree <b>")
    first = admin.get(f"{BASE}/changes?collection=notes&limit=2").json()
    second = admin.get(f"{BASE}/changes?collection=notes&limit=2&cursor={first['next']}").json()
    assert [one["key"] for one in first["changes"] + second["changes"]] == ["n1", "n2", "n1"]
    (by_ben,) = admin.get(f"{BASE}/changes?collection=notes&key=n1&actor=ben").json()["changes"]
    shown = admin.get(f"{BASE}/changes/{by_ben['position']}").json()
    assert (shown["before"], shown["after"]) == ("one\ntwo", "one\nthree <b>")
    assert shown["diff"].splitlines() == ["  one", "- two", "+ three <b>"]
    as_html = admin.get(f"{BASE}/changes/{by_ben['position']}?format=html").json()["diff"]
    assert "three &lt;b&gt;" in as_html
    assert "<b>" not in as_html
    past = {"since": "2000-01-01T00:00:00Z", "until": "2001-01-01T00:00:00Z"}
    assert admin.get(f"{BASE}/changes", params=past).json()["changes"] == []
    before = admin.get(
        f"{BASE}/records/notes", params={"key": "n1", "at": str(by_ben["position"] - 1)}
    )
    assert before.json()["value"] == "one\ntwo"


def test_a_key_may_be_any_text(served: Server, admin: httpx.Client) -> None:
    for key in ("a/b//c", "..", "%2F", "ä|>x?y#z"):
        served.run(served.runtime.ledger.ledger.put("odd", key, 1, "ann"))
        found = admin.get(f"{BASE}/records/odd", params={"key": key}).json()
        assert (found["key"], found["value"]) == (key, 1)


def test_a_conflict_is_explained_and_decided_once(served: Server, admin: httpx.Client) -> None:
    put(served, "flats", a={"price": 1})
    head = admin.get(f"{BASE}/status").json()["head"]
    put(served, "flats", "import", a={"price": 2})
    put(served, "flats", "ben", a={"price": 3})
    begun = admin.post(
        f"{BASE}/rollbacks",
        json={
            "position": head,
            "scope": {"collections": ["flats"], "actors": ["import"]},
            "on_conflict": "ask_user",
        },
    ).json()
    ended(admin, begun, "waiting")
    busy = admin.post(
        f"{BASE}/rollbacks", json={"position": head, "scope": {"collections": ["flats"]}}
    )
    assert (busy.status_code, busy.json()["code"]) == (409, "ledger_busy")
    assert busy.json()["operation"] == begun["id"]
    (conflict,) = admin.get(
        f"{BASE}/conflicts?operation_id={begun['id']}&state=open"
    ).json()["conflicts"]  # fmt: skip
    path = f"{BASE}/conflicts/{conflict['id']}"
    answer = admin.get(path)
    shown = answer.json()
    assert (shown["base"], shown["ours"], shown["theirs"]) == (
        {"price": 2}, {"price": 3}, {"price": 1},
    )  # fmt: skip
    refused = admin.post(f"{path}/decision", json={"decision": "merge"})
    assert (refused.status_code, refused.json()["field"]) == (422, "decision")
    stale = {"if-match": '"0123456789"'}
    take = {"decision": "take"}
    assert admin.post(f"{path}/decision", json=take, headers=stale).status_code == 412
    fresh = {"if-match": answer.headers["etag"]}
    decided = admin.post(f"{path}/decision", json=take, headers=fresh)
    assert decided.status_code == 200, decided.text
    assert admin.post(f"{path}/decision", json=take, headers=fresh).status_code in (409, 412)
    assert ended(admin, begun)["status"] == "completed"
    assert admin.get(f"{BASE}/records/flats?key=a").json()["value"] == {"price": 1}


def test_a_point_is_kept_and_expires(served: Server, admin: httpx.Client) -> None:
    point = admin.post(f"{BASE}/points", json={"name": "p", "expires_in_s": 0.001}).json()
    gone = admin.get(f"{BASE}/points/{point['id']}")
    assert (gone.status_code, gone.json()["code"]) in (
        (410, "rollback_expired"),
        (404, "not_found"),
    )
    answer = admin.post(f"{BASE}/rollbacks", json={"point": point["id"]})
    assert answer.status_code in (410, 404)
    kept = admin.post(f"{BASE}/points", json={"name": "k", "expires_in_s": None}).json()
    assert kept["expires_at"] is None
    changed = admin.patch(f"{BASE}/points/{kept['id']}", json={"expires_in_s": 60}).json()
    assert changed["expires_at"] is not None


def test_a_snapshot_goes_out_and_in(served: Server, admin: httpx.Client) -> None:
    put(served, "snaps", a=1, b=2)
    point = admin.post(f"{BASE}/points", json={"name": "p"}).json()
    answer = admin.get(f"{BASE}/points/{point['id']}/export")
    assert answer.headers["content-type"] == "application/vnd.colloquy.snapshot"
    assert point["id"] in answer.headers["content-disposition"]
    put(served, "snaps", "ben", a=5)
    binary = {"content-type": "application/octet-stream"}
    refused = admin.post(f"{BASE}/import", content=answer.content, headers=binary)
    assert (refused.status_code, refused.json()["code"]) == (409, "rollback_conflict")
    path = f"{BASE}/import?policy=overwrite&reason=back"
    done = admin.post(path, content=answer.content, headers=binary).json()
    assert (done["written"], done["refused"]) == (1, [])
    assert admin.get(f"{BASE}/records/snaps?key=a").json()["value"] == 1
    again = admin.post(path, content=answer.content, headers=binary).json()
    assert again["written"] == 0
    for content, headers, status, code in (
        (answer.content[:-5], binary, 422, "snapshot_corrupted"),
        (answer.content, {"content-type": "text/plain"}, 415, "unsupported_media_type"),
    ):
        bad = admin.post(path, content=content, headers=headers)
        assert (bad.status_code, bad.json()["code"]) == (status, code)
    compacted = admin.post(f"{BASE}/compact", json={"position": 0}).json()
    assert (compacted["rows"], compacted["horizon"]) == (0, 0)


def test_what_was_compacted_is_gone_but_for_points(own_server: Server) -> None:
    with own_server.client("admin") as admin:
        put(own_server, "prices", a=1)
        point = admin.post(f"{BASE}/points", json={"name": "p"}).json()
        put(own_server, "prices", "ben", a=2)
        put(own_server, "prices", "ben", a=3)
        assert admin.post(f"{BASE}/compact", json={"position": 3}).json()["horizon"] == 3
        lost = admin.get(f"{BASE}/records/prices?key=a&at=2")
        assert (lost.status_code, lost.json()["code"]) == (410, "not_restorable")
        assert admin.get(f"{BASE}/records/prices?key=a&at={point['id']}").json()["value"] == 1
        done = ended(admin, admin.post(f"{BASE}/rollbacks", json={"point": point["id"]}).json())
        assert done["status"] == "completed"
        assert admin.get(f"{BASE}/records/prices?key=a").json()["value"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/rollbacks", {}, 422, "point"),
        ("POST", "/rollbacks", {"point": "0" * 32, "position": 1}, 422, "point"),
        ("POST", "/rollbacks", {"position": 10**9}, 422, "position"),
        ("POST", "/rollbacks", {"position": 0, "strategy": "dry_run"}, 422, "strategy"),
        ("POST", "/rollbacks", {"position": 0, "scope": {"keys": ["nokey"]}}, 422, "scope.keys[0]"),
        ("POST", "/rollbacks", {"position": 0, "wrong": 1}, 422, "wrong"),
        ("POST", "/rollbacks", {"point": "0" * 32}, 404, "point"),
        ("POST", "/preview", {"position": 0, "scope": {"collections": ["none"]}}, 422, "scope"),
        ("POST", "/points", {"name": " "}, 422, "name"),
        ("POST", "/points", {"name": "x", "expires_in_s": 1e12}, 422, "expires_in_s"),
        ("POST", "/points", {"name": "x", "metadata": {"k": "v" * 20_000}}, 422, "metadata"),
        ("POST", "/points", {"name": "x", "conversation_id": "0" * 32}, 404, "conversation_id"),
        ("POST", f"/operations/{'0' * 32}/undo", {}, 404, "operation"),
        ("POST", f"/operations/{'0' * 32}/cancel", None, 404, "operation"),
        ("POST", f"/conflicts/{'0' * 32}/decision", {"decision": "keep"}, 404, "conflict"),
        ("GET", "/changes?key=k", None, 422, "key"),
        ("GET", "/changes?cursor=x", None, 422, "cursor"),
        ("GET", "/changes?since=0", None, 422, "since"),
        ("GET", "/changes?until=2026-02-31T00:00:00Z", None, 422, "until"),
        ("GET", "/changes/999999999", None, 404, None),
        ("GET", "/diff?from=x", None, 422, "from"),
        ("GET", "/diff?from=0&to=999999999", None, 422, "to"),
        ("GET", "/diff?from=0&limit=101", None, 422, "limit"),
        ("GET", "/records/prices?key=a&at=never", None, 422, "at"),
        ("GET", "/points/x", None, 422, "point_id"),
        ("GET", "/operations?status=odd", None, 422, "status"),
    ],
)
def test_bad_requests_are_said_to_be_so(
    admin: httpx.Client, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    before = admin.get(f"{BASE}/status").json()
    answer = admin.request(method, BASE + path, json=body)
    problem = answer.json()
    assert (answer.status_code, problem.get("field")) == (status, field), problem
    after = admin.get(f"{BASE}/status").json()
    assert (after["head"], after["operations_open"]) == (before["head"], before["operations_open"])


def test_what_changes_something_needs_more_than_reading(served: Server) -> None:
    id_ = "0" * 32
    with served.client("read") as reader, served.client("operate") as operator:
        for path in ("status", "changes", "points", "operations", "conflicts", "diff?from=0"):
            assert reader.get(f"{BASE}/{path}").status_code == 200, path
        preview = {"position": 0, "scope": {"allow_unmatched": True}}
        assert reader.post(f"{BASE}/preview", json=preview).status_code == 200
        for path, body in (
            ("points", {"name": "x"}),
            (f"operations/{id_}/cancel", None),
            (f"conflicts/{id_}/decision", {"decision": "keep"}),
        ):
            assert reader.post(f"{BASE}/{path}", json=body).status_code == 403, path
        assert reader.get(f"{BASE}/audit").status_code == 403
        assert reader.delete(f"{BASE}/points/{id_}").status_code == 403
        for path in ("rollbacks", f"operations/{id_}/undo"):
            assert operator.post(f"{BASE}/{path}", json={"position": 0}).status_code == 403, path
    with served.client("send") as sender:
        assert sender.get(f"{BASE}/changes").status_code == 403
