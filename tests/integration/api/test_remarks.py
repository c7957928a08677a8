"""What operators read and leave in conversations, over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from support.server import Server
from support.waiting import until

ID = "0" * 32


@pytest.fixture
def conversation(admin: httpx.Client) -> str:
    """A conversation of a message and its reply."""
    body = {
        "conversation": f"c-{uuid4().hex}",
        "text": "hello",
        "sender": {"id": "mia", "name": "Mia"},
    }
    answer = admin.post("/v2/messages?wait=20", json=body)
    assert answer.status_code == 200, answer.text
    found: str = answer.json()["receipt"]["conversation_id"]
    return found


def path(conversation: str, rest: str = "") -> str:
    return f"/v2/conversations/{conversation}{rest}"


def first_reply(admin: httpx.Client, conversation: str) -> dict[str, Any]:
    items = admin.get(path(conversation, "/messages")).json()["items"]
    reply: dict[str, Any] = next(item["reply"] for item in items if item["kind"] == "reply")
    return reply


def test_the_transcript_says_who_said_what_and_why(admin: httpx.Client, conversation: str) -> None:
    page = admin.get(path(conversation, "/messages")).json()
    message, reply = page["items"]
    assert (page["before"], page["after"]) == (None, None)
    assert (message["kind"], message["text"], message["sender"]["name"]) == (
        "message", "hello", "Mia",
    )  # fmt: skip
    assert (reply["kind"], reply["state"], reply["reply"]["tone"]) == ("reply", "sent", "neutral")
    assert reply["why"]["handler"].startswith("message:")
    older = admin.get(path(conversation, "/messages"), params={"before": reply["seq"]}).json()
    assert [item["seq"] for item in older["items"]] == [message["seq"]]
    newer = admin.get(path(conversation, "/messages"), params={"after": message["seq"]}).json()
    assert [item["seq"] for item in newer["items"]] == [reply["seq"]]
    people = admin.get(path(conversation, "/participants")).json()["participants"]
    assert [(one["kind"], one["messages"]) for one in people] == [("person", 1), ("assistant", 1)]


def test_a_conversation_is_unread_until_it_is_marked(
    admin: httpx.Client, conversation: str
) -> None:
    view = admin.get(path(conversation)).json()
    assert (view["unread"], view["name"], view["preview"]) == (True, "Mia", "You said: hello")
    marked = admin.post(path(conversation, "/read"), json={"seq": view["last_seq"]})
    assert (marked.status_code, marked.json()["unread"]) == (200, False)
    assert admin.get(path(conversation)).json()["unread"] is False


def test_notes_and_ratings_are_kept_once(admin: httpx.Client, conversation: str) -> None:
    note = {"id": "n-1", "text": "A regular.", "author_name": "Tom"}
    first = admin.post(path(conversation, "/notes"), json=note)
    assert first.status_code == 201
    assert first.json()["actor"].startswith("key:")
    assert admin.post(path(conversation, "/notes"), json=note).json() == first.json()
    other = admin.post(path(conversation, "/notes"), json={**note, "text": "Somebody else."})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")

    reply = first_reply(admin, conversation)
    rating = {"reply_id": reply["reply_id"], "rating": "up"}
    rated = admin.post(path(conversation, "/feedback"), json=rating)
    assert rated.status_code == 201
    assert admin.post(path(conversation, "/feedback"), json=rating).json() == rated.json()
    stars = {**rating, "rating": 2, "category": "tone", "comment": "Too short"}
    starred = admin.post(path(conversation, "/feedback"), json=stars)
    assert starred.status_code == 201
    items = admin.get(path(conversation, "/messages")).json()["items"]
    assert [item["kind"] for item in items] == ["message", "reply", "note", "feedback", "feedback"]
    kept = items[-1]["feedback"]
    assert {name: kept[name] for name in stars} == stars


def test_a_reaction_is_feedback_and_no_message(
    server: Server, admin: httpx.Client, conversation: str
) -> None:
    reply = first_reply(admin, conversation)["reply_id"]
    turns = server.runtime.stats()["turns"]

    def react(emoji: str, **more: str) -> dict[str, Any]:
        body = {"reply_id": reply, "emoji": emoji, **more}
        with server.client("send") as channel:
            answer = channel.post(path(conversation, "/reactions"), json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def logged() -> list[tuple[str, Any]]:
        items = admin.get(path(conversation, "/messages")).json()["items"]
        found = [item["feedback"] for item in items if item["kind"] == "feedback"]
        return [(one["reaction"], one["rating"]) for one in found]

    liked = react("👍🏽", id="wa-1")
    assert liked == {"reply_id": reply, "by": "visitor", "emoji": "👍🏽", "rating": "up"}
    assert react("👍🏽", id="wa-1") == react("👍🏽") == liked
    assert react("🦄", id="wa-2")["rating"] is None
    assert react("👍🏽", id="wa-1")["emoji"] == "🦄"  # came late, and was taken before
    assert react("", id="wa-3") == {**liked, "emoji": "", "rating": None}
    assert react("")["emoji"] == ""
    assert react("❤️", sender="ben")["by"] == "sender:ben"
    assert logged() == [("👍🏽", "up"), ("🦄", None), ("", None), ("❤️", 5)]
    other = {"reply_id": reply, "emoji": "👎", "id": "wa-1"}
    refused = admin.post(path(conversation, "/reactions"), json=other)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert server.runtime.stats()["turns"] == turns


async def test_the_same_reaction_many_times_at_once_is_one(
    server: Server, admin: httpx.Client, conversation: str
) -> None:
    reply = first_reply(admin, conversation)["reply_id"]
    async with httpx.AsyncClient(base_url=server.url, headers=admin.headers) as channel:
        answers = await asyncio.gather(
            *(
                channel.post(
                    path(conversation, "/reactions"),
                    json={"reply_id": reply, "emoji": "👎", "id": "wa-9"},
                )
                for _ in range(8)
            )
        )
        items = (await channel.get(path(conversation, "/messages"))).json()["items"]
    assert {answer.status_code for answer in answers} == {200}
    assert [item["kind"] for item in items] == ["message", "reply", "feedback"]


def test_the_stream_of_operators_has_notes(admin: httpx.Client, conversation: str) -> None:
    admin.post(path(conversation, "/notes"), json={"text": "psst"})
    kinds: list[str] = []
    with admin.stream("GET", path(conversation, "/stream?after=0")) as stream:
        for line in stream.iter_lines():
            if line.startswith("data:"):
                item = json.loads(line.removeprefix("data:"))
                kinds.append(item["kind"])
                if item["kind"] == "note":
                    assert item["data"]["text"] == "psst"
                    break
    assert kinds == ["message", "reply", "note"]


async def test_conversations_are_filtered_and_searched(own_server: Server) -> None:
    with own_server.client() as admin:
        made = {}
        for text in ("a garden in Zürich", "human, please", "a garage"):
            body = {"conversation": text.split()[1], "text": text}
            answer = admin.post("/v2/messages?wait=20", json=body).json()
            made[text] = answer["receipt"]["conversation_id"]

        def listed(**query: Any) -> list[str]:
            page = admin.get("/v2/conversations", params=query)
            assert page.status_code == 200, page.text
            return [view["conversation_id"] for view in page.json()["conversations"]]

        garden, person, garage = made.values()
        assert listed() == [garage, person, garden]
        assert listed(status="handed_over") == [person]
        assert listed(owner="human", unread="true") == [person]
        assert listed(owner="human", unread="false") == []
        assert listed(channel="sms") == []

        async def indexed() -> bool:
            return listed(q="GA") == [garage, garden]

        await until(indexed)
        assert listed(q="zuri") == [garden]
        assert listed(q="\" OR * ' : & zzz") == []


@pytest.mark.parametrize(
    ("method", "route", "body", "status", "field"),
    [
        ("GET", "/v2/conversations?status=closed", None, 422, "status"),
        ("GET", "/v2/conversations?feeling=blue", None, 422, "feeling"),
        ("GET", "/v2/conversations?unread=perhaps", None, 422, "unread"),
        ("GET", "/v2/conversations?cursor=%00", None, 422, "cursor"),
        ("GET", f"/v2/conversations?q={'x' * 1001}", None, 422, "q"),
        ("GET", path(ID, "/messages"), None, 404, None),
        ("GET", path(ID, "/messages?before=1&after=1"), None, 422, "after"),
        ("GET", path(ID, "/messages?before=x"), None, 422, "before"),
        ("GET", path(ID, "/participants"), None, 404, None),
        ("POST", path(ID, "/notes"), {"text": "x"}, 404, None),
        ("POST", path(ID, "/notes"), {"text": "  "}, 422, "text"),
        ("POST", path(ID, "/notes"), {"text": "x" * 10_001}, 413, "text"),
        ("POST", path(ID, "/feedback"), {"reply_id": ID, "rating": "up"}, 404, None),
        ("POST", path(ID, "/feedback"), {"reply_id": ID, "rating": "best"}, 422, "rating"),
        ("POST", path(ID, "/feedback"), {"reply_id": ID, "rating": 0}, 422, "rating"),
        ("POST", path(ID, "/feedback"), {"reply_id": ID, "rating": 6}, 422, "rating"),
        ("POST", path(ID, "/feedback"), {"reply_id": ID, "rating": 2.5}, 422, "rating"),
        (
            "POST",
            path(ID, "/feedback"),
            {"reply_id": ID, "rating": 3, "category": "=1+1"},
            422,
            "category",
        ),
        ("POST", path(ID, "/feedback"), {"reply_id": "x", "rating": "up"}, 422, "reply_id"),
        ("POST", path(ID, "/reactions"), {"reply_id": ID, "emoji": "👍"}, 404, None),
        ("POST", path(ID, "/reactions"), {"reply_id": "x", "emoji": "👍"}, 422, "reply_id"),
        ("POST", path(ID, "/reactions"), {"reply_id": ID, "emoji": "x" * 65}, 422, "emoji"),
        ("POST", path(ID, "/stop"), {"turn_id": "x"}, 422, "turn_id"),
        ("POST", path(ID, "/read"), {"seq": -1}, 422, "seq"),
        ("POST", path(ID, "/read"), {"seq": 1}, 404, None),
        ("GET", "/v2/dead-letters?conversation_id=x", None, 422, "conversation_id"),
        ("GET", "/v2/dead-letters?cursor=1", None, 422, "cursor"),
    ],
)
def test_what_cannot_be_is_refused(
    admin: httpx.Client, method: str, route: str, body: Any, status: int, field: str | None
) -> None:
    answer = admin.request(method, route, json=body)
    assert (answer.status_code, answer.json().get("field")) == (status, field), answer.text


@pytest.mark.parametrize("route", ["notes", "feedback", "read"])
def test_only_operators_leave_remarks(server: Server, route: str) -> None:
    with server.client("read") as reader:
        answer = reader.post(path(ID, f"/{route}"), json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("route", ["reactions", "stop"])
def test_who_may_only_read_neither_reacts_nor_stops(server: Server, route: str) -> None:
    with server.client("read") as reader:
        answer = reader.post(path(ID, f"/{route}"), json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
