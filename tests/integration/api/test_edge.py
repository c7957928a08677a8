"""What every answer has: a request id, safe headers, an entity tag; HEAD; the log's request ids."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from websockets.sync.client import connect

from colloquy.telemetry import configure
from support.server import Server, until

MESSAGE = {"conversation": "edge", "text": "hello"}


@pytest.fixture(scope="module")
def answers(server: Server, admin: httpx.Client) -> Iterator[list[httpx.Response]]:
    """One answer of each kind: the door, Litestar, problems of both, pages, and no HTTP at all."""
    yield [
        admin.post("/v2/messages", json=MESSAGE),
        admin.post("/v2/messages", json={}),
        admin.get("/v2/conversations"),
        admin.post("/v2/keys", json={"name": "edge", "scopes": ["read"]}),
        admin.get("/nowhere"),
        admin.put("/v2/keys"),
        httpx.post(f"{server.url}/v2/messages", json=MESSAGE),
        httpx.get(f"{server.url}/health"),
        httpx.get(f"{server.url}/metrics"),
        httpx.get(f"{server.url}/chat"),
        httpx.get(f"{server.url}/v2/openapi.json"),
    ]


def test_every_answer_has_an_id_of_its_own(answers: list[httpx.Response]) -> None:
    found = {answer.headers["x-request-id"] for answer in answers}
    assert len(found) == len(answers)


def test_every_answer_is_safe_in_a_browser(answers: list[httpx.Response]) -> None:
    for answer in answers:
        headers = answer.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert len(headers.get_list("content-security-policy")) == 1
        assert len(headers.get_list("cache-control")) == 1


def test_what_is_secret_or_changes_is_not_kept(answers: list[httpx.Response]) -> None:
    sent, refused, listed, key = answers[:4]
    for answer in (sent, refused, key):
        assert answer.headers["cache-control"] == "no-store"
    assert listed.headers["cache-control"] == "private, no-cache"


def test_a_problem_names_its_request(answers: list[httpx.Response]) -> None:
    problems = [answer for answer in answers if answer.status_code >= 400]
    assert len(problems) == 5
    for answer in problems:
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("value", ["abc-123", "x" * 128, "~!*'()"])
def test_a_request_may_bring_its_id(admin: httpx.Client, value: str) -> None:
    headers = {"x-request-id": value}
    for answer in (
        admin.post("/v2/messages", json={}, headers=headers),
        admin.get(f"/v2/messages/{uuid4().hex}", headers=headers),
    ):
        assert answer.headers.get_list("x-request-id") == [value]
        assert answer.json()["request_id"] == value


@pytest.mark.parametrize("value", [b"", b"x" * 129, b"a b", b"a\tb", b"\xc3\xa9"])
def test_an_id_that_is_none_is_replaced(admin: httpx.Client, value: bytes) -> None:
    answer = admin.get("/v2/conversations", headers=[(b"x-request-id", value)])
    assert len(answer.headers["x-request-id"]) == 24
    assert answer.headers["x-request-id"].encode() != value


def test_log_lines_name_the_request(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO()
    configure("error", "json", stream=stream)

    async def broken(message_id: str) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(own_server.runtime, "message", broken)
    try:
        with own_server.client() as admin:
            path = f"/v2/messages/{uuid4().hex}"
            answer = admin.get(path, headers={"x-request-id": "look-me-up"})
    finally:
        configure("warning")
    assert answer.status_code == 500
    (line,) = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert (line["event"], line["request_id"]) == ("request_failed", "look-me-up")
    assert "on purpose" in line["exception"]


def test_a_socket_has_an_id_too(server: Server) -> None:
    url = f"{server.url}/v2/conversations/{uuid4().hex}/ws".replace("http", "ws", 1)
    headers = {"x-request-id": "socket-1", "authorization": f"Bearer {server.key('read')}"}
    with connect(url, additional_headers=headers) as socket:
        assert socket.response is not None
        assert socket.response.headers["x-request-id"] == "socket-1"


def test_strict_transport_where_there_is_tls(tmp_path: Path) -> None:
    forwarded = {"x-forwarded-proto": "https"}
    with Server(tmp_path, **{"security.trusted_proxies": "127.0.0.1"}) as server:
        url = f"{server.url}/health"
        secure = httpx.get(url, headers=forwarded).headers
        assert secure["strict-transport-security"] == "max-age=31536000"
        assert "strict-transport-security" not in httpx.get(url).headers


# -- entity tags ------------------------------------------------------------------------------


def test_an_unchanged_thing_is_not_sent_again(admin: httpx.Client) -> None:
    receipt = admin.post("/v2/messages?wait=20", json=MESSAGE).json()["receipt"]
    path = f"/v2/conversations/{receipt['conversation_id']}"
    first = admin.get(path)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for condition in (tag, f'"x", W/{tag}', "*"):
        again = admin.get(path, headers={"if-none-match": condition})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-type" not in again.headers
    assert admin.get(path, headers={"if-none-match": '"x"'}).json() == first.json()
    admin.post("/v2/messages?wait=20", json=MESSAGE)
    changed = admin.get(path, headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


@pytest.mark.parametrize("path", ["/health", "/v2/conversations", "/v2/keys", "/v2/openapi.json"])
def test_json_is_tagged_problems_are_not(admin: httpx.Client, path: str) -> None:
    assert admin.get(path).headers["etag"].startswith('"')
    assert "etag" not in admin.get(f"/v2/messages/{uuid4().hex}").headers


@pytest.mark.parametrize(
    # A list that nothing of what is still under way here can change.
    "path",
    ["/health", "/v2/conversations?channel=nowhere", "/v2/openapi.json", "/docs"],
)
def test_head_is_get_without_a_body(admin: httpx.Client, path: str) -> None:
    got, headed = admin.get(path), admin.head(path)
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert headed.headers[name] == got.headers[name]
    assert admin.head(path, headers={"if-none-match": got.headers["etag"]}).status_code == 304


def test_head_of_what_cannot_be_got(admin: httpx.Client) -> None:
    assert admin.head("/nowhere").status_code == 404
    answer = admin.head("/v2/import")
    assert (answer.status_code, answer.content) == (405, b"")


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/v2/keys", "GET, HEAD, OPTIONS, POST"),
        (f"/v2/keys/{'0' * 12}", "DELETE, OPTIONS"),
        ("/v2/import", "OPTIONS, POST"),
        ("/v2/openapi.json", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_path_names_its_methods(admin: httpx.Client, path: str, allow: str) -> None:
    answer = admin.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (204, allow)
    refused = admin.request("TRACE", path)
    assert (refused.status_code, refused.headers["allow"]) == (405, allow)


def test_head_of_a_stream_ends(server: Server) -> None:
    server.run(until(lambda: server.app.streams.open == 0))  # others may just be leaving
    with server.client("read") as client:  # one connection, used again and again
        for _ in range(3):
            answer = client.head(f"/v2/conversations/{uuid4().hex}/stream")
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.content == b""
        server.run(until(lambda: server.app.streams.open == 0))
