"""`/v2/flags` over HTTP: changes, races, kill switches, why, scopes, bad input."""

from __future__ import annotations

import httpx
import pytest

from support.server import Server

NAME = "enable_apology"


@pytest.fixture
def operator(server: Server) -> httpx.Client:
    return server.client("operate")


@pytest.fixture
def admin(server: Server) -> httpx.Client:
    return server.client("admin")


def test_a_change_is_made_once_and_explained(admin: httpx.Client) -> None:
    before = admin.get(f"/v2/flags/{NAME}").json()
    assert (before["value"], before["state"], before["revision"]) == (True, {}, 0)
    state = {"value": False, "people": ["ann"], "rollout": {"percentage": 25}}
    changed = admin.put(f"/v2/flags/{NAME}", json={"state": state, "revision": 0})
    assert changed.status_code == 200
    assert changed.json()["varies"] is True
    late = admin.put(f"/v2/flags/{NAME}", json={"state": {}, "revision": 0})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    ann = admin.post(f"/v2/flags/{NAME}/explain", json={"person": "ann"}).json()
    assert (ann["value"], ann["reason"], ann["detail"]) == (True, "allowed", "people")
    named = {one["name"]: one for one in admin.get("/v2/flags").json()["flags"]}
    assert named[NAME]["state"]["rollout"] == {"percentage": 25.0}
    assert admin.put(f"/v2/flags/{NAME}", json={}).json()["state"] == {}
    (last, first) = admin.get(f"/v2/ledger/changes?collection=flags&key={NAME}").json()["changes"]
    assert (last["operation"], first["operation"]) == ("delete", "set")


def test_operators_kill_and_revive_and_only_admins_change(
    operator: httpx.Client, server: Server
) -> None:
    refused = operator.put(f"/v2/flags/{NAME}", json={"state": {"value": False}})
    assert refused.status_code == 403
    killed = operator.post("/v2/flags/disable_new_tools/kill", json={"reason": "it pays twice"})
    assert (killed.status_code, killed.json()["thrown"]) == (200, "store")
    assert killed.json()["by"].startswith("key:")
    assert not server.runtime.flags.enabled("enable_tools")
    assert operator.get("/v2/flags/enable_tools").json()["reason"] == "killed"
    assert operator.post("/v2/flags/disable_new_tools/revive").json()["thrown"] is None
    assert server.runtime.flags.enabled("enable_tools")
    with server.client("read") as reader:
        assert reader.get("/v2/flags").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("PUT", "no_such_flag", {"state": {}}, 404, "not_found", "flag"),
        ("POST", "no_such_switch/kill", {}, 404, "not_found", "switch"),
        ("PUT", NAME, {"state": {"value": "yes"}}, 422, "invalid_input", "state.value"),
        (
            "PUT",
            NAME,
            {"state": {"rollout": {"percentage": 101}}},
            422,
            "invalid_input",
            "state.rollout.percentage",
        ),
        ("PUT", NAME, {"state": {"valeu": True}}, 422, "invalid_input", None),
        ("POST", f"{NAME}/explain", {"conversation": "x"}, 422, "invalid_input", "conversation"),
        ("POST", f"{NAME}/kill", {"reason": "x" * 501}, 422, "invalid_input", "reason"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    admin: httpx.Client,
    server: Server,
    method: str,
    path: str,
    body: dict[str, object],
    status: int,
    code: str,
    field: str | None,
) -> None:
    version = server.runtime.flags.version
    answer = admin.request(method, f"/v2/flags/{path}", json=body)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    if field is not None:
        assert problem["field"] == field
    assert server.runtime.flags.version == version
