"""Version 1 over HTTP: what an old client recorded is answered, and always with the same bytes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from colloquy import Colloquy, Turn
from colloquy.delivery.outgoing import Outgoing, Sent
from colloquy.model.ids import conversation_id
from support.server import Server, until

MEDIA = "application/vnd.colloquy.v1+json"
JSON = {"content-type": "application/json"}


def assistant() -> Colloquy:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str | None:
        if turn.text == "poison":
            raise ValueError("on purpose")
        if turn.text == "tell":
            for word in ("Once ", "upon ", "a time"):
                await turn.write(word)
            return None
        return f"You said: {turn.text}"

    return app


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    settings = {
        "versions.v1_deprecated": "2026-07-01T00:00:00Z",
        "versions.v1_sunset": "2027-06-30T12:00:00Z",
        "versions.v1_notice": "https://example.com/v1",
    }
    with Server(tmp_path_factory.mktemp("v1"), assistant, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(old: Server) -> Iterator[httpx.Client]:
    with old.client("send", "read") as client:
        yield client


def key() -> str:
    return f"c-{uuid4().hex}"


RECORDED: list[tuple[str, str, bytes]] = [
    ("POST", "/v1/messages",
     b'{"conversation_id": "rec", "role": "user", "content": "hello", "id": 17, "likes": 3}'),
    ("POST", "/v1/messages",
     b'{"conversation_id":"rec","messages":[{"role":"human","content":"one","id":"b-1"},'
     b'{"role":"bot","content":"two","id":"b-2","timestamp":"2020-01-31 10:00:00"},'
     b'{"role":"user"}]}'),
    ("POST", "/v1/chat",
     b'{"model":"gpt-x","temperature":0.1,"conversation_id":"rec","message":'
     b'{"role":"user","content":[{"type":"text","text":"a picture"},{"type":"image_url",'
     b'"image_url":{"url":"https://a.example/1.png","detail":"low"}}],"id":"c-1"}}'),
    ("POST", "/chat",
     b'{"conversation_id": 42, "messages": [{"role":"user","content":"x","id":1}]}'),
    ("GET", "/v1/conversations/rec/messages?limit=3", b""),
    ("GET", "/conversations/rec/messages?order=desc&limit=2", b""),
    ("GET", "/conversations/42/messages", b""),
    ("POST", "/v1/messages", b'{"conversation_id": "rec", "role": "wizard", "content": ""}'),
    ("POST", "/v1/messages",
     b'{"conversation_id": "rec", "role": "user", "content": "no", "id": 17}'),
    ("POST", "/v1/messages", b'{"conversation_id"'),
    ("GET", "/v1/conversations/nobody/messages", b""),
    ("GET", "/v1/nothing", b""),
    ("DELETE", "/v1/chat", b""),
]  # fmt: skip
"""What an old client sent."""
STATUSES = [202, 202, 200, 200, 200, 200, 200, 422, 409, 400, 404, 404, 405]


def play(client: httpx.Client) -> list[httpx.Response]:
    return [
        client.request(method, path, content=body or None, headers=JSON)
        for method, path, body in RECORDED
    ]


def test_recorded_requests_are_answered_with_the_same_bytes_again(client: httpx.Client) -> None:
    play(client)  # what is listed is there from here on
    first, second = play(client), play(client)
    assert [answer.status_code for answer in first] == STATUSES, [one.text for one in first]
    for before, after in zip(first, second, strict=True):
        assert before.content == after.content
        assert before.headers["content-type"] == MEDIA
        assert before.headers["x-api-version"] == "1"
        assert before.headers["deprecation"] == "@1782864000"
        assert before.headers["sunset"] == "Wed, 30 Jun 2027 12:00:00 GMT"
        assert 'rel="deprecation"' in before.headers["link"]


def test_what_was_sent_is_listed_as_it_was_sent(client: httpx.Client) -> None:
    conversation = key()
    sent = [
        {"conversation_id": conversation, "id": 1, "role": "human", "content": "hi", "likes": [1]},
        {"conversation_id": conversation, "id": "2", "role": "assistant", "content": None,
         "timestamp": 1769853600, "tool_calls": [
             {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{ }"}}]},
        {"conversation_id": conversation, "id": "3", "role": "tool", "tool_call_id": "c",
         "content": "done", "metadata": {"a": {"b": ["\u202e😀"]}}},
    ]  # fmt: skip
    assert client.post("/v1/messages", json={"messages": sent}).status_code == 202
    last = {"conversation_id": conversation, "message": "bye", "id": "4"}
    assert client.post("/v1/chat", json=last).status_code == 200
    listed = client.get(f"/v1/conversations/{conversation}/messages").json()
    ours = [one for one in listed["data"] if one["id"] in (1, "2", "3")]
    assert [{**one, "timestamp": sent[0].get("timestamp")} for one in ours[:1]] == [
        {**sent[0], "timestamp": None}
    ]
    assert ours[1] == sent[1]
    assert {name: value for name, value in ours[2].items() if name != "timestamp"} == sent[2]
    assert listed["data"][-1]["content"] == "You said: bye"
    assert listed["has_more"] is False


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_lead_through_everything_once(client: httpx.Client, order: str) -> None:
    conversation = key()
    for number in range(3):
        client.post("/v1/chat", json={"conversation_id": conversation, "message": f"m{number}"})
    path = f"/v1/conversations/{conversation}/messages"
    whole = client.get(path).json()["data"]
    found, cursor = [], None
    while True:
        query = {"limit": 2, "order": order} | ({"cursor": cursor} if cursor else {})
        page = client.get(path, params=query).json()
        assert len(page["data"]) <= 2
        found += page["data"]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert found == (whole if order == "asc" else whole[::-1])
    assert [one["content"] for one in whole] == [
        text for number in range(3) for text in (f"m{number}", f"You said: m{number}")
    ]


def test_v2_sees_what_v1_says_and_the_other_way_round(old: Server, client: httpx.Client) -> None:
    conversation = key()
    body = {"conversation_id": conversation, "message": {"content": "hi", "name": "Ann"}}
    client.post("/v1/chat", json=body)
    with old.client() as admin:
        two = {"conversation": conversation, "text": "urgent!", "urgent": True, "id": "u"}
        receipt = admin.post("/v2/messages?wait=20", json=two).json()["receipt"]
        path = f"/v2/conversations/{receipt['conversation_id']}/messages"
        items = admin.get(path).json()["items"]
    assert items[0]["text"] == "hi"
    assert items[0]["sender"] == {"id": conversation, "name": "Ann"}
    listed = client.get(f"/v1/conversations/{conversation}/messages").json()["data"]
    assert [one["content"] for one in listed][::2] == ["hi", "urgent!"]
    assert listed[2]["metadata"]["colloquy"] == {"set": {"urgent": True}}
    # Sent back as it was shown, it is the same message.
    again = {name: value for name, value in listed[2].items() if name != "timestamp"}
    assert client.post("/v1/messages", json=again).json()["id"] == "u"
    after = client.get(f"/v1/conversations/{conversation}/messages").json()["data"]
    assert after == listed


def test_notes_are_not_for_v1(old: Server, client: httpx.Client) -> None:
    conversation = key()
    client.post("/v1/chat", json={"conversation_id": conversation, "message": "hi"})
    id = conversation_id("api", "default", conversation).hex()
    with old.client() as admin:
        admin.post(f"/v2/conversations/{id}/notes", json={"text": "secret"})
    answer = client.get(f"/v1/conversations/{conversation}/messages?limit=2")
    assert "secret" not in answer.text
    assert answer.json()["has_more"] is False


class Held:
    """A channel that sends nothing until it is let."""

    def __init__(self) -> None:
        self.open = threading.Event()

    async def send(self, batch: Sequence[Outgoing]) -> Sequence[Sent]:
        await asyncio.to_thread(self.open.wait)
        return [Sent(ok=True) for _ in batch]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_reply_is_there_once_it_is_released(tmp_path: Path, order: str) -> None:
    held = Held()

    def app() -> Colloquy:
        made = assistant()
        made.add_channel("sms", held)
        return made

    sms = {"versions.v1_channel": "sms"}
    with Server(tmp_path, app, **sms) as server, server.client() as client:
        sent = {"conversation_id": "ann", "role": "user", "content": "hi", "id": 1}
        client.post("/v1/messages", json=sent)
        server.run(until(lambda: server.runtime.worker.is_idle))
        later = {**sent, "content": "and?", "id": 2}
        client.post("/v1/messages", json=later)
        server.run(until(lambda: server.runtime.worker.is_idle))
        path = f"/v1/conversations/ann/messages?order={order}"
        assert [one["content"] for one in client.get(path).json()["data"]] == ["hi"]
        held.open.set()
        server.run(until(lambda: server.runtime.delivery.is_idle))
        shown = [one["content"] for one in client.get(path).json()["data"]]
    whole = ["hi", "You said: hi", "and?", "You said: and?"]
    assert shown == (whole if order == "asc" else whole[::-1])


def test_an_idempotency_key_names_messages_without_an_id(client: httpx.Client) -> None:
    body = {"conversation_id": key(), "message": "once"}
    headers = {"idempotency-key": uuid4().hex}
    first, second = (client.post("/v1/chat", json=body, headers=headers) for _ in range(2))
    assert first.content == second.content
    listed = client.get(f"/v1/conversations/{body['conversation_id']}/messages").json()["data"]
    assert len(listed) == 2
    other = client.post("/v1/chat", json={**body, "message": "twice"}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "message_id_reused")
    bad = client.post("/v1/chat", json=body, headers={"idempotency-key": "a b"})
    assert bad.json()["error"]["param"] == "Idempotency-Key"


def events(answer: httpx.Response) -> list[Any]:
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


@pytest.mark.parametrize("text", ["hello", "tell"])
def test_a_stream_ends_with_the_whole_answer(client: httpx.Client, text: str) -> None:
    body = {"conversation_id": key(), "message": {"content": text, "id": "s"}, "stream": True}
    answer = client.post("/v1/chat", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["deprecation"]
    found = events(answer)
    joined = "".join(one["delta"]["content"] for one in found if one["object"] == "chat.chunk")
    message = next(one["message"] for one in found if one["object"] == "chat.message")
    expected = "Once upon a time" if text == "tell" else "You said: hello"
    assert joined == message["content"] == expected
    assert found[-1]["status"] == "answered"
    again = events(client.post("/v1/chat", json=body))
    assert [one for one in again if one["object"] == "chat.message"] == [
        one for one in found if one["object"] == "chat.message"
    ]
    plain = client.post("/v1/chat", json={**body, "stream": False})
    assert plain.json()["messages"] == [message]


def test_a_dead_message_is_an_answer_without_messages(client: httpx.Client) -> None:
    body = {"conversation_id": key(), "message": {"content": "poison", "id": "p"}}
    first, second = (client.post("/v1/chat", json=body) for _ in range(2))
    assert first.status_code == 200
    assert first.content == second.content


def test_what_takes_longer_is_pending(own_server: Server) -> None:
    with own_server.client("send") as client:
        body = {"conversation_id": key(), "message": "slow", "wait": 0}
        answer = client.post("/v1/chat", json=body)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.json()["messages"] == []


def test_plain_json_for_those_who_ask_for_it(client: httpx.Client) -> None:
    headers = {"accept": "application/json, text/plain"}
    answer = client.get("/v1/conversations/nobody/messages", headers=headers)
    assert answer.headers["content-type"] == "application/json"
    sent = {"conversation_id": key(), "role": "user", "content": "hi"}
    body = json.dumps(sent)
    for content_type, status in ((MEDIA, 202), (MEDIA.replace("1", "2"), 406), ("text/plain", 415)):
        headers = {"content-type": content_type}
        answer = client.post("/v1/messages", content=body, headers=headers)
        assert answer.status_code == status, content_type


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "param"),
    [
        ("/v1/messages", [], 422, "malformed_v1", None),
        ("/v1/messages", {"role": "user", "content": "x"}, 422, "malformed_v1", "conversation_id"),
        ("/v1/messages", {"messages": []}, 422, "malformed_v1", "messages"),
        ("/v1/messages", {"messages": [{"role": "user"}]}, 422, "malformed_v1",
         "messages[0].content"),
        ("/v1/messages", {"conversation_id": [], "role": "user", "content": "x"}, 422,
         "malformed_v1", "conversation_id"),
        ("/v1/messages", {"conversation_id": "c", "role": "user", "content": "x" * 10_001}, 413,
         "too_large", "content"),
        ("/v1/messages", {"conversation_id": "c", "role": "user", "content": "x", "metadata":
         {"a": "x" * 300_000}}, 413, "too_large", None),
        ("/v1/messages", {"conversation_id": "c", "role": "user", "content": "x",
         "metadata": {"colloquy": {"set": {"channel": "web"}}}}, 422, "malformed_v1",
         "metadata.colloquy"),
        ("/v1/chat", {"message": "x"}, 422, "malformed_v1", "conversation_id"),
        ("/v1/chat", {"conversation_id": "c"}, 422, "malformed_v1", "messages"),
        ("/v1/chat", {"conversation_id": "c", "messages": [7]}, 422, "malformed_v1", "messages[0]"),
        ("/v1/chat", {"conversation_id": "c", "message": "x", "wait": 31}, 422, "malformed_v1",
         "wait"),
        ("/v1/chat", {"conversation_id": "c", "message": "x", "stream": "yes"}, 422,
         "malformed_v1", "stream"),
        ("/v1/chat", {"conversation_id": "c", "messages": [{"role": "system", "content": "x"}]},
         422, "malformed_v1", "messages[0].role"),
        ("/v1/chat", {"conversation_id": "c", "messages": [{"role": "user"},
         {"role": "user", "content": "x"}]}, 422, "malformed_v1", "messages[0].content"),
        ("/v1/chat", {"conversation_id": "c", "messages":
         [{"role": "user", "content": "x", "conversation_id": "d"}]}, 422, "malformed_v1",
         "messages[0].conversation_id"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_changes(
    old: Server, client: httpx.Client, path: str, body: Any, status: int, code: str,
    param: str | None,
) -> None:  # fmt: skip
    before = old.contents()
    answer = client.post(path, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param)
    assert error["type"] == "invalid_request_error"
    assert set(error) == {"message", "type", "code", "param"}
    assert old.contents() == before


def test_keys_scopes_and_versions_are_refused_in_v1s_shape(old: Server) -> None:
    body = {"conversation_id": "c", "role": "user", "content": "x"}
    nobody = httpx.post(f"{old.url}/v1/messages", json=body)
    assert (nobody.status_code, nobody.json()["error"]["type"]) == (401, "authentication_error")
    assert nobody.headers["www-authenticate"]
    with old.client("read") as reader:
        assert reader.post("/v1/messages", json=body).json()["error"]["code"] == "forbidden"
        assert reader.get("/v1/conversations/c/messages?limit=0").status_code == 422
        wrong = reader.get("/v1/conversations/c/messages", headers={"x-api-version": "2"})
        assert (wrong.status_code, wrong.json()["error"]["code"]) == (406, "unknown_version")
        assert wrong.headers["content-type"] == MEDIA
        unknown = reader.post("/messages", json=body, headers={"x-api-version": "3"})
        assert unknown.json()["error"]["param"] == "X-API-Version"
        two = reader.get("/v2/conversations", headers={"x-api-version": "1"})
        assert two.json()["code"] == "unknown_version"
        assert two.headers["content-type"] == "application/problem+json"
        assert "allow" in reader.delete("/v1/chat").headers
    with old.client("send") as sender:
        assert sender.get("/v1/conversations/c/messages").status_code == 403


def test_paths_without_a_version(old: Server, client: httpx.Client) -> None:
    assert "<html" in client.get("/chat").text
    assert client.get("/health").status_code == 200
    assert httpx.post(f"{old.url}/chat/session").status_code == 200
    conversation = key()
    one = client.post("/messages", json={"conversation_id": conversation, "role": "user",
                                         "content": "one"})  # fmt: skip
    assert one.json()["object"] == "message.receipt"
    two = client.post("/messages", json={"conversation": conversation, "text": "two"},
                      headers={"x-api-version": "2"})  # fmt: skip
    assert two.json()["status"] == "stored"
    assert "x-api-version" not in two.headers


# -- flags ------------------------------------------------------------------------------------

HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "ok"},
    {"role": "assistant", "content": "Fine."},
    {"role": "user", "content": "ok"},
]


def contents(client: httpx.Client, conversation: str) -> list[Any]:
    listed = client.get(f"/v1/conversations/{conversation}/messages").json()["data"]
    return [one["content"] for one in listed]


def test_a_history_is_taken_over_once(client: httpx.Client) -> None:
    conversation = key()
    said = [*HISTORY, {"role": "user", "content": "hello"}]
    answer = client.post("/v1/chat", json={"conversation_id": conversation, "messages": said})
    reply = answer.json()["messages"][0]
    whole = ["Be brief.", "ok", "Fine.", "ok", "hello", "You said: hello"]
    assert contents(client, conversation) == whole
    # As such clients do, all of it again, with the answer, in their own words for it.
    plain = {"role": "assistant", "content": reply["content"], "id": "mine-5"}
    said += [plain, {"role": "user", "content": "bye"}]
    client.post("/v1/chat", json={"conversation_id": conversation, "messages": said})
    assert contents(client, conversation) == [*whole, "bye", "You said: bye"]


def test_without_auto_migrate_messages_only_the_last_message_counts(tmp_path: Path) -> None:
    off = {"flags.auto_migrate_messages": "false"}
    with Server(tmp_path, assistant, **off) as server, server.client("send", "read") as client:
        said = [*HISTORY, {"role": "user", "content": "hello"}]
        client.post("/v1/chat", json={"conversation_id": "c", "messages": said})
        assert contents(client, "c") == ["hello", "You said: hello"]


def test_without_enable_compatibility_mode_v1_is_gone(tmp_path: Path) -> None:
    off = {"flags.enable_compatibility_mode": "false"}
    with Server(tmp_path, assistant, **off) as server, server.client("send", "read") as client:
        before = server.contents()
        for method, path, body in RECORDED[:7]:
            answer = client.request(method, path, content=body or None, headers=JSON)
            error = (answer.json().get("data") or [answer.json()])[0]["error"]
            assert (answer.status_code, error["code"]) == (410, "version_off"), path
            assert "enable_compatibility_mode" in error["message"]
        malformed = client.post("/v1/messages", content=b"{", headers=JSON)
        assert malformed.json()["error"]["code"] == "version_off"
        assert server.contents() == before
        two = {"conversation": "c", "text": "x"}
        answer = client.post("/messages", json=two, headers={"x-api-version": "2"})
        assert answer.status_code == 202


def test_v1_may_be_there_for_some(tmp_path: Path) -> None:
    off = {"value": False, "people": ["ann"], "allowed": True}
    with Server(tmp_path, assistant) as server, server.client() as client:
        changed = client.put("/v2/flags/enable_compatibility_mode", json={"state": off})
        assert changed.status_code == 200, changed.text
        said = {"role": "user", "content": "hi"}
        batch = [{**said, "conversation_id": name} for name in ("ann", "ben")]
        ann, ben = client.post("/v1/messages", json={"messages": batch}).json()["data"]
        assert ann["status"] == "accepted"
        assert ben["error"]["code"] == "version_off"
        assert client.get("/v1/conversations/ben/messages").status_code == 410
        assert client.get("/v1/conversations/ann/messages").status_code in (200, 404)
