"""What the chat page calls: visitors, their own conversation, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from support.server import QUICK_REPLIES, Server


class Visitor:
    """Someone with the chat page open."""

    def __init__(self, server: Server) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=60.0, trust_env=False)
        self.session = self.http.post("/chat/session").json()
        self.http.headers["authorization"] = f"Bearer {self.session['token']}"
        self.sequence = 0

    def send(self, text: object, **fields: object) -> httpx.Response:
        self.sequence += 1
        body = {"id": uuid4().hex, "text": text, "stream": "tab", "sequence": self.sequence}
        return self.http.post("/chat/messages", json={**body, **fields})

    def items(self, count: int, after: int = 0) -> list[dict[str, Any]]:
        """The next items of the stream."""
        found: list[dict[str, Any]] = []
        with self.http.stream("GET", "/chat/stream", params={"after": after}) as response:
            for line in response.iter_lines():
                assert not line.startswith(": keep-alive"), f"nothing more came after {found}"
                if line.startswith("data: "):
                    found.append(json.loads(line[6:]))
                if len(found) == count:
                    return found
        raise AssertionError("the stream ended")


@pytest.fixture
def visitor(server: Server) -> Iterator[Visitor]:
    visitor = Visitor(server)
    yield visitor
    visitor.http.close()


def test_a_visitor_is_answered(visitor: Visitor) -> None:
    receipt = visitor.send("hello", id="mine")
    assert receipt.status_code == 202
    assert receipt.json()["conversation_id"] == visitor.session["conversation_id"]
    message, reply = visitor.items(2)
    assert (message["kind"], message["id"], message["text"]) == ("message", "mine", "hello")
    assert message["message_id"] == receipt.json()["message_id"]
    assert (reply["kind"], reply["text"]) == ("reply", "You said: hello")
    assert reply["quick_replies"] == QUICK_REPLIES
    assert reply["author"] == "assistant"


def test_nothing_of_the_inside_is_shown(visitor: Visitor, admin: httpx.Client) -> None:
    visitor.send("hello")
    visitor.items(2)
    path = f"/v2/conversations/{visitor.session['conversation_id']}"
    (reply,) = (item["id"] for item in visitor.items(2) if item["kind"] == "reply")
    for what, body in {
        "notes": {"text": "a difficult customer", "author_name": "Tom"},
        "feedback": {"reply_id": reply, "rating": "down", "comment": "a lame answer"},
        "owner": {"owner": "human", "owner_id": "tom", "reason": "he is rude"},
    }.items():
        admin.post(f"{path}/{what}", json=body).raise_for_status()
    items = visitor.items(3)
    assert items[-1]["owner"] == "human"
    history = visitor.http.get("/chat/history", params={"before": items[-1]["seq"] + 1}).json()
    assert history["items"] == items
    shown = json.dumps(items)
    for secret in (
        *("understanding", "tom", "Tom", "rude", "actor", "turn_id"),
        *("difficult", "down", "lame", "why", "handler", "confidence"),
    ):
        assert secret not in shown


def test_the_newest_rating_counts_and_is_seen_again(
    visitor: Visitor, admin: httpx.Client, server: Server
) -> None:
    visitor.send("hello")
    _, reply = visitor.items(2)
    rate = {"reply_id": reply["id"], "rating": "down", "comment": "wrong"}
    first = visitor.http.post("/chat/feedback", json=rate)
    assert (first.status_code, first.json()["rating"]) == (200, "down")
    again = visitor.http.post("/chat/feedback", json=rate)
    assert again.json() == first.json()
    better = visitor.http.post("/chat/feedback", json={**rate, "rating": "up"}).json()
    assert [(item["id"], item["rating"], item["seq"]) for item in visitor.items(4)[2:]] == [
        (reply["id"], "down", first.json()["seq"]),
        (reply["id"], "up", better["seq"]),
    ]
    path = f"/v2/conversations/{visitor.session['conversation_id']}/messages"
    seen = [item["feedback"] for item in admin.get(path).json()["items"] if "feedback" in item]
    assert [(item["by"], item["rating"]) for item in seen] == [
        ("visitor", "down"),
        ("visitor", "up"),
    ]
    stranger = Visitor(server)
    stranger.send("hello")
    stranger.items(2)
    refused = stranger.http.post("/chat/feedback", json=rate)
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    stranger.http.close()


def test_the_look_is_for_everybody(server: Server) -> None:
    config = httpx.get(f"{server.url}/chat/config")
    assert config.json() == {
        "title": "Assistant",
        "greeting": "How can we help?",
        "accent": "#3b5bdb",
        "placeholder": "Write a message",
        "avatar": True,
        "privacy": "",
        "ratings": True,
    }
    again = httpx.get(
        f"{server.url}/chat/config", headers={"if-none-match": config.headers["etag"]}
    )
    assert again.status_code == 304


def test_sent_again_it_is_the_same_message(visitor: Visitor) -> None:
    first = visitor.send("hello", id="mine", sequence=1).json()
    again = visitor.send("hello", id="mine", sequence=1)
    assert (again.status_code, again.json()["status"]) == (202, "duplicate")
    assert again.json()["message_id"] == first["message_id"]


def test_another_text_under_the_same_id_is_refused(visitor: Visitor) -> None:
    visitor.send("hello", id="mine", sequence=1)
    again = visitor.send("something else", id="mine", sequence=1)
    assert (again.status_code, again.json()["code"]) == (409, "message_id_reused")


def test_a_visitor_comes_back_as_the_same(visitor: Visitor) -> None:
    visitor.send("hello")
    visitor.items(2)
    again = visitor.http.post("/chat/session").json()
    assert again["conversation_id"] == visitor.session["conversation_id"]
    assert again["after"] == 0


def test_visitors_do_not_see_each_other(server: Server, visitor: Visitor) -> None:
    visitor.send("my secret")
    visitor.items(2)
    other = Visitor(server)
    assert other.session["conversation_id"] != visitor.session["conversation_id"]
    other.send("hello")
    assert "my secret" not in json.dumps(other.items(2))
    for path in ("", "/events", "/stream"):
        response = other.http.get(f"/v2/conversations/{visitor.session['conversation_id']}{path}")
        assert response.status_code == 401
    other.http.close()


@pytest.mark.parametrize("token", ["", "x", "cv_", "cv_AAAA", "cv_" + "A" * 72, "cq_key"])
def test_a_forged_token_is_refused(server: Server, token: str) -> None:
    with httpx.Client(base_url=server.url, headers={"authorization": f"Bearer {token}x"}) as client:
        for method, path in [
            ("POST", "/chat/session"),
            ("POST", "/chat/messages"),
            ("GET", "/chat/stream"),
            ("GET", "/chat/history?before=1"),
        ]:
            response = client.request(method, path)
            assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("fields", "status", "code", "field"),
    [
        ({"text": ""}, 422, "invalid_input", "text"),
        ({"text": 1}, 422, "invalid_input", "text"),
        ({"text": "x" * 10_001}, 413, "too_large", "text"),
        ({"text": "x" * 300_000}, 413, "too_large", None),
        ({"id": ""}, 422, "invalid_input", "id"),
        ({"stream": None}, 422, "invalid_input", "stream"),
        ({"sequence": -1}, 422, "invalid_input", "sequence"),
        ({"channel": "api"}, 422, "invalid_input", "channel"),
        ({"conversation": "of somebody else"}, 422, "invalid_input", "conversation"),
    ],
)
def test_a_bad_chat_message(
    visitor: Visitor, fields: dict[str, object], status: int, code: str, field: str | None
) -> None:
    response = visitor.send(**{"text": "hello", **fields})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json().get("field") == field


def test_the_same_words_twice_without_an_answer_are_one_message(
    server: Server, visitor: Visitor, admin: httpx.Client
) -> None:
    visitor.send("hello")
    visitor.items(2)
    path = f"/v2/conversations/{visitor.session['conversation_id']}/owner"
    admin.post(path, json={"owner": "human"})
    visitor.send("anybody?")
    first = visitor.items(4)[-1]
    repeated = visitor.send("anybody?").json()
    item = visitor.items(1, after=first["seq"])[0]
    assert (item["kind"], item["message_id"]) == ("duplicate", repeated["message_id"])


def test_history_is_read_backwards(server: Server, visitor: Visitor) -> None:
    conversation = visitor.session["conversation_id"]
    visitor.send("the beginning")
    visitor.items(2)
    key = server.key("operate")
    visitor_id = server.run(server.runtime.conversation(conversation)).conversation
    old = [
        {"conversation": visitor_id, "channel": "web", "text": f"line {number}"}
        for number in range(250)
    ]
    headers = {"authorization": f"Bearer {key}"}
    httpx.post(f"{server.url}/v2/import", json={"messages": old}, headers=headers)
    visitor.items(252)

    session = visitor.http.post("/chat/session").json()
    shown = [item["text"] for item in visitor.items(100, after=session["after"])]
    before: int | None = session["after"] + 1
    while before is not None:
        page = visitor.http.get("/chat/history", params={"before": before}).json()
        shown = [item["text"] for item in page["items"]] + shown
        before = page["before"]
    assert shown == ["the beginning", "You said: the beginning", *(m["text"] for m in old)]


def test_history_of_the_future_is_what_there_is(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.api.chat.HISTORY_TIMEOUT_S", 0.1)
    visitor.send("hello")
    visitor.items(2)
    page = visitor.http.get("/chat/history", params={"before": 90}).json()
    assert [item["kind"] for item in page["items"]] == ["message", "reply"]
