"""Conversations, replies, owners, dead letters, health: what operators and programs work with."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from support.server import Server


def say(admin: httpx.Client, text: str, key: str | None = None) -> dict[str, Any]:
    """Sends a message and returns its receipt once the turn is over."""
    body = {"conversation": key or f"c-{uuid4().hex}", "text": text}
    answer = admin.post("/v2/messages?wait=20", json=body)
    assert answer.status_code == 200, answer.text
    receipt: dict[str, Any] = answer.json()["receipt"]
    return receipt


def test_where_a_message_is(admin: httpx.Client) -> None:
    receipt = say(admin, "hello")
    state = admin.get(f"/v2/messages/{receipt['message_id']}").json()
    assert (state["state"], state["seq"]) == ("done", 2)
    assert state["replies"][0]["text"] == "You said: hello"
    trace = admin.get(f"/v2/messages/{receipt['message_id']}/trace").json()
    assert [step["what"] for step in trace["steps"]][:2] == ["accepted", "message"]


def test_conversations_are_paged_by_newest_activity(own_server: Server) -> None:
    with own_server.client() as admin:
        made = [say(admin, "hello", f"c{n}")["conversation_id"] for n in range(5)]
        found: list[str] = []
        cursor: str | None = None
        while True:
            parameters = {"limit": 2} | ({"cursor": cursor} if cursor is not None else {})
            page = admin.get("/v2/conversations", params=parameters).json()
            found += [item["conversation_id"] for item in page["conversations"]]
            cursor = page["next"]
            if cursor is None:
                break
    assert found == made[::-1]


def test_events_are_paged_from_a_position(admin: httpx.Client) -> None:
    conversation = say(admin, "hello")["conversation_id"]
    path = f"/v2/conversations/{conversation}/events"
    first = admin.get(path, params={"limit": 2}).json()
    assert [event["kind"] for event in first["events"]] == ["session_opened", "message"]
    rest = admin.get(path, params={"after": first["next"]}).json()
    assert [event["kind"] for event in rest["events"]] == ["reply"]
    assert rest["next"] is None
    assert [event["seq"] for event in first["events"] + rest["events"]] == [1, 2, 3]


def test_a_person_takes_over_and_gives_back(admin: httpx.Client) -> None:
    key = f"c-{uuid4().hex}"
    conversation = say(admin, "hello", key)["conversation_id"]
    path = f"/v2/conversations/{conversation}"
    body = {"text": "I am Tom", "id": "desk-1", "author_name": "Tom", "take_over": True}
    reply = admin.post(f"{path}/replies", json=body)
    assert reply.status_code == 201
    assert reply.json()["author"] == "human"
    assert admin.post(f"{path}/replies", json=body).json() == reply.json()
    other = admin.post(f"{path}/replies", json={**body, "text": "I am Ann"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert admin.get(path).json()["owner"] == "human"

    silent = admin.post(
        "/v2/messages?wait=20", json={"conversation": key, "text": "are you there?"}
    )
    assert silent.json()["replies"] == []

    given = admin.post(f"{path}/owner", json={"owner": "assistant"})
    assert (given.status_code, given.json()["owner"]) == (200, "assistant")
    answered = admin.post("/v2/messages?wait=20", json={"conversation": key, "text": "and now?"})
    assert answered.json()["replies"][0]["text"] == "You said: and now?"
    events = admin.get(f"{path}/events").json()["events"]
    actors = [event["body"]["actor"] for event in events if event["kind"] == "owner_changed"]
    assert all(actor.startswith("key:") for actor in actors)
    assert len(actors) == 2


def test_dead_letters_are_listed_retried_and_discarded(own_server: Server) -> None:
    with own_server.client() as admin:
        receipts = [say(admin, "poison") for _ in range(3)]
        page = admin.get("/v2/dead-letters", params={"limit": 2}).json()
        assert len(page["dead_letters"]) == 2
        older = admin.get("/v2/dead-letters", params={"cursor": page["next"]}).json()
        letters = page["dead_letters"] + older["dead_letters"]
        numbers = [letter["number"] for letter in letters]
        assert numbers == sorted(numbers, reverse=True)
        assert [item["message_id"] for item in letters] == [
            receipt["message_id"] for receipt in receipts[::-1]
        ]
        one = admin.get(f"/v2/dead-letters/{numbers[0]}").json()
        assert one["message"]["text"] == "poison"
        assert len(one["attempts"]) == 2

        discarded = admin.post("/v2/dead-letters/discard", json={"numbers": numbers[:1]})
        assert discarded.json() == {"numbers": numbers[:1]}
        again = admin.post("/v2/dead-letters/retry", json={"numbers": numbers[:1]})
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
        shown = admin.get("/v2/dead-letters", params={"status": "discarded"}).json()
        assert [item["number"] for item in shown["dead_letters"]] == numbers[:1]

        retried = admin.post("/v2/dead-letters/retry", json={"numbers": numbers[1:2]})
        assert retried.json() == {"numbers": numbers[1:2]}
        conversation = {"conversation_id": receipts[0]["conversation_id"]}
        retried = admin.post("/v2/dead-letters/retry", json=conversation)
        assert retried.json() == {"numbers": numbers[2:]}


def test_health_in_one_word_and_in_full(admin: httpx.Client, server: Server) -> None:
    report = admin.get("/v2/health").json()
    assert report["status"] == admin.get("/health").json()["status"]
    assert {"store", "backlog_age", "tasks"} <= {signal["name"] for signal in report["signals"]}
    assert "pending" in report


def test_metrics_are_prometheus_text(admin: httpx.Client) -> None:
    say(admin, "hello")
    response = admin.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'colloquy_accepted_total{status="stored"}' in response.text
