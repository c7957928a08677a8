"""`/v2/rollouts` and `/v2/rollbacks` over HTTP, and by the client."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from colloquy.client import Client
from colloquy.model.errors import Conflict
from colloquy.model.flags import FlagChange, FlagState
from colloquy.model.rollouts import LevelRequest, RolloutNote, RolloutRequest, RolloutStep
from support.server import Server

FLAG = "enable_tools"
STEPS = [{"percentage": 5, "hold_s": 3600}, {"percentage": 100, "hold_s": 3600}]


@pytest.fixture
def admin(server: Server) -> Iterator[httpx.Client]:
    with server.client("admin") as admin:
        admin.put(f"/v2/flags/{FLAG}", json={"state": {"value": False}})
        yield admin
        admin.post(f"/v2/rollouts/{FLAG}/cancel", json={})
        admin.put(f"/v2/flags/{FLAG}", json={})


def test_a_roll_out_is_begun_paused_resumed_and_cancelled(
    admin: httpx.Client, server: Server
) -> None:
    begun = admin.post("/v2/rollouts", json={"flag": FLAG, "steps": STEPS, "reason": "better"})
    assert begun.status_code == 201, begun.text
    view = begun.json()
    assert (view["state"], view["percentage"], view["steps"][0]["minimum"]) == ("running", 5, 100)
    assert view["due_at"] > view["step_at"]
    assert view["moves"][0]["by"].startswith("key:")
    assert admin.get(f"/v2/flags/{FLAG}").json()["state"]["rollout"] == {"percentage": 5.0}
    again = admin.post("/v2/rollouts", json={"flag": FLAG})
    assert (again.status_code, again.json()["field"]) == (409, "flag")
    with server.client("operate") as operator:
        refused = operator.post("/v2/rollouts", json={"flag": FLAG})
        assert refused.status_code == 403
        paused = operator.post(f"/v2/rollouts/{FLAG}/pause", json={"reason": "lunch"}).json()
        assert (paused["state"], paused["due_at"]) == ("paused", None)
        page = operator.get("/v2/rollouts?limit=1").json()
        assert [one["flag"] for one in page["rollouts"]] == [FLAG]
    late = admin.post(f"/v2/rollouts/{FLAG}/resume", json={"revision": paused["revision"] - 1})
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    resumed = admin.post(f"/v2/rollouts/{FLAG}/resume", json={"revision": paused["revision"]})
    assert resumed.json()["state"] == "running"
    cancelled = admin.post(f"/v2/rollouts/{FLAG}/cancel", json={"reason": "never mind"}).json()
    assert [move["what"] for move in cancelled["moves"]] == [
        *("started", "paused", "resumed", "cancelled")
    ]
    assert admin.get(f"/v2/flags/{FLAG}").json()["state"] == {"value": False}
    assert admin.get(f"/v2/rollouts/{FLAG}").json()["state"] == "cancelled"


def test_a_level_is_previewed_done_listed_and_undone(admin: httpx.Client) -> None:
    admin.post("/v2/rollouts", json={"flag": FLAG, "steps": STEPS})
    asked = {"level": "partial", "flag": FLAG, "reason": "it books twice"}
    plan = admin.post("/v2/rollbacks/preview", json=asked).json()
    assert plan["rollouts"] == [FLAG]
    assert admin.get(f"/v2/rollouts/{FLAG}").json()["state"] == "running"
    done = admin.post("/v2/rollbacks", json=asked)
    assert done.status_code == 201, done.text
    back = done.json()
    assert (back["status"], back["changes"][0]["name"]) == ("done", FLAG)
    assert [one["kind"] for one in plan["changes"]] == [one["kind"] for one in back["changes"]]
    assert admin.get(f"/v2/flags/{FLAG}").json()["reason"] == "killed"
    assert admin.get(f"/v2/rollouts/{FLAG}").json()["rollback"] == back["id"]
    listed = admin.get("/v2/rollbacks?limit=1000").json()["rollbacks"]
    assert back["id"] in [one["id"] for one in listed]
    undone = admin.post(f"/v2/rollbacks/{back['id']}/undo").json()
    assert (undone["status"], undone["left"]) == ("undone", [])
    assert admin.get(f"/v2/flags/{FLAG}").json()["state"]["rollout"] == {"percentage": 5.0}
    twice = admin.post(f"/v2/rollbacks/{back['id']}/undo")
    assert (twice.status_code, twice.json()["code"]) == (409, "conflict")


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("rollouts", {"flag": "no_such_flag"}, 404, "not_found", "flag"),
        ("rollouts", {"flag": "NO"}, 422, "invalid_input", "flag"),
        ("rollouts", {"flag": "enable_apology"}, 409, "conflict", "value"),
        ("rollouts", {"flag": FLAG, "value": 5}, 422, "invalid_input", "value"),
        ("rollouts", {"flag": FLAG, "steps": []}, 422, "invalid_input", "steps"),
        (
            "rollouts",
            {"flag": FLAG, "steps": [{"percentage": 25}, {"percentage": 5}]},
            422,
            "invalid_input",
            "steps[1].percentage",
        ),
        ("rollouts", {"flag": FLAG, "steps": [{"percentage": 0}]}, 422, "invalid_input", None),
        ("rollouts/enable_apology/pause", {}, 404, "not_found", "flag"),
        ("rollbacks", {"level": "feature"}, 422, "invalid_input", "flag"),
        ("rollbacks", {"level": "emergency", "flag": FLAG}, 422, "invalid_input", "flag"),
        ("rollbacks", {"level": "total"}, 422, "invalid_input", "level"),
        ("rollbacks/preview", {"level": "complete", "keep_data": False}, 409, "conflict",
         "keep_data"),
        (f"rollbacks/{'0' * 32}/undo", None, 404, "not_found", "rollback"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_changes_nothing(
    admin: httpx.Client,
    server: Server,
    path: str,
    body: dict[str, object] | None,
    status: int,
    code: str,
    field: str | None,
) -> None:
    version = server.runtime.flags.version
    answer = admin.post(f"/v2/{path}", json=body) if body is not None else admin.post(f"/v2/{path}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    if field is not None:
        assert problem["field"] == field
    assert server.runtime.flags.version == version


def test_turns_are_told_apart_by_the_version_of_their_client(
    admin: httpx.Client, server: Server
) -> None:
    admin.post("/v2/messages?wait=30", json={"conversation": "new", "text": "hello", "id": "1"})
    old = {"role": "user", "content": "hello", "conversation_id": "old", "wait": 30}
    assert admin.post("/v1/chat", json={"message": old, "conversation_id": "old"}).is_success
    versions = admin.get("/v2/rollouts").json()["versions"]
    assert versions["v1"]["count"] >= 1 and versions["v2"]["count"] >= 1


def test_the_client_does_all_of_it(server: Server, admin: httpx.Client) -> None:
    with Client(server.url, server.key("admin")) as client:
        client.change_flag(FLAG, FlagChange(FlagState(value=False)))
        steps = (RolloutStep(percentage=50.0),)
        begun = client.start_rollout(RolloutRequest(flag=FLAG, steps=steps))
        assert begun == client.rollout(FLAG)
        assert [one.flag for one in client.rollouts()] == [FLAG]
        with pytest.raises(Conflict):
            client.pause_rollout(FLAG, RolloutNote("", 1))
        assert client.pause_rollout(FLAG).state == "paused"
        assert client.resume_rollout(FLAG).state == "running"
        request = LevelRequest(level="feature", flag=FLAG)
        assert [one.name for one in client.preview_taking_back(request).changes] == [FLAG]
        back = client.take_back(request)
        assert client.level_rollback(back.id) == back
        assert back.id in [one.id for one in client.rollbacks()]
        assert client.undo_level_rollback(back.id).status == "undone"
        with pytest.raises(Conflict):
            client.cancel_rollout(FLAG)
