"""Changes on condition: `If-Match` on a conversation's owner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from support.server import Server


def begin(admin: httpx.Client) -> tuple[str, str]:
    """A new conversation: its path and its entity tag."""
    body = {"conversation": f"c-{uuid4().hex}", "text": "hello"}
    receipt = admin.post("/v2/messages?wait=20", json=body).json()["receipt"]
    path = f"/v2/conversations/{receipt['conversation_id']}"
    return path, admin.get(path).headers["etag"]


def test_a_change_of_what_is_known(admin: httpx.Client) -> None:
    path, tag = begin(admin)
    owner = {"owner": "human", "owner_id": "maya"}
    for wrong in ('"x"', f"W/{tag}", ""):
        answer = admin.post(f"{path}/owner", json=owner, headers={"if-match": wrong})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        assert answer.json()["field"] == "If-Match"
    assert admin.get(path).headers["etag"] == tag
    assert admin.post(f"{path}/owner", json=owner, headers={"if-match": tag}).status_code == 200
    assert admin.get(path).headers["etag"] != tag
    answer = admin.post(f"{path}/owner", json=owner, headers={"if-match": tag})
    assert answer.json()["code"] == "precondition_failed"
    answer = admin.post(f"{path}/owner", json=owner, headers={"if-match": "*"})
    assert answer.status_code == 200


@pytest.mark.parametrize("tag", ["*", '"x"'])
def test_what_is_not_there(admin: httpx.Client, tag: str) -> None:
    path = f"/v2/conversations/{uuid4().hex}/owner"
    answer = admin.post(path, json={"owner": "human"}, headers={"if-match": tag})
    assert answer.status_code == 404


def test_one_of_many_who_take_over_at_once_wins(server: Server, admin: httpx.Client) -> None:
    path, tag = begin(admin)
    key = server.key("operate")

    def take(name: str) -> int:
        headers = {"authorization": f"Bearer {key}", "if-match": tag}
        body = {"owner": "human", "owner_id": name}
        return httpx.post(f"{server.url}{path}/owner", json=body, headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        names = [f"operator {n}" for n in range(8)]
        statuses = list(pool.map(take, names))
    assert sorted(statuses) == [200] + [412] * 7
    view = admin.get(path).json()
    assert view["owner_id"] == names[statuses.index(200)]
    events = admin.get(f"{path}/events").json()["events"]
    assert [event["kind"] for event in events].count("owner_changed") == 1


def test_a_conversation_that_moves_between_reading_and_committing(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tag is right when it is looked at, and no longer when the change is committed."""
    with own_server.client() as admin:
        path, tag = begin(admin)
        desk, reader = own_server.runtime.set_owner, own_server.runtime.conversation

        async def read(conversation_id: str) -> object:
            view = await reader(conversation_id)
            from colloquy.model.views import OwnerRequest

            await desk(conversation_id, OwnerRequest(owner="team"), "somebody else")
            return view

        monkeypatch.setattr(own_server.runtime, "conversation", read)
        answer = admin.post(f"{path}/owner", json={"owner": "human"}, headers={"if-match": tag})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
        monkeypatch.undo()
        assert admin.get(path).json()["owner"] == "team"
