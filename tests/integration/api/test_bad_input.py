"""Bad input: the exact status, code and field; nothing stored; the server unharmed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from support.server import Server

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in whose database nothing must ever arrive."""
    folder: Path = tmp_path_factory.mktemp("bad")
    settings = {"accept.max_body_bytes": str(600_000), "accept.max_batch": "10"}
    with Server(folder, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def client(quiet: Server) -> Iterator[httpx.Client]:
    with quiet.client("admin") as client:
        yield client


MALFORMED = (400, "malformed_json")
UNICODE = (400, "invalid_unicode")
INVALID = (422, "invalid_input")
LARGE = (413, "too_large")
VERSION = (406, "unsupported_version")
UNKNOWN_VERSION = (406, "unknown_version")
MEDIA = (415, "unsupported_media_type")


class Bad(NamedTuple):
    name: str
    body: bytes
    refusal: tuple[int, str]
    field: str | None = None
    headers: dict[str, str] = JSON
    query: str = ""


def one(**fields: Any) -> bytes:
    """An otherwise good message; a field that is None is left out."""
    message = {"conversation": "c", "text": "hello", **fields}
    return json.dumps({key: value for key, value in message.items() if value is not None}).encode()


def typed(content_type: str) -> dict[str, str]:
    return {"content-type": content_type}


V3 = typed("application/vnd.colloquy.v3+json")
ONLY_V1 = {**JSON, "accept": "application/vnd.colloquy.v1+json"}
GZIP = {**JSON, "content-encoding": "gzip"}

BODIES = [
    # not JSON
    Bad("empty", b"", MALFORMED),
    Bad("cut off", b'{"conversation":"c","text":"he', MALFORMED),
    Bad("trailing", one() + b" x", MALFORMED),
    Bad("single quotes", b"{'text':'hello'}", MALFORMED),
    Bad("not a number", b'{"conversation":"c","metadata":{"a":NaN}}', MALFORMED),
    Bad("raw control character", b'{"conversation":"c","text":"a\x00"}', MALFORMED),
    Bad("nested", b'{"metadata":' + b"[" * 90_000 + b"]" * 90_000 + b"}", INVALID),
    # not Unicode
    Bad("latin-1", '{"conversation":"c","text":"é"}'.encode("latin-1"), UNICODE),
    Bad("utf-16", one().decode().encode("utf-16-le"), MALFORMED),
    Bad("lone surrogate", b'{"conversation":"c","text":"\\ud800"}', UNICODE),
    Bad("half pair", b'{"conversation":"c","text":"x\\ude00"}', UNICODE),
    # not a message
    Bad("null", b"null", INVALID),
    Bad("array", b"[]", INVALID),
    Bad("number", b"7", INVALID),
    Bad("nothing said", one(text=None), INVALID, "text"),
    Bad("no conversation", b'{"text":"hello"}', INVALID, "conversation"),
    Bad("empty conversation", one(conversation=""), INVALID, "conversation"),
    Bad("long conversation", one(conversation="c" * 257), INVALID, "conversation"),
    Bad("unknown field", one(txt="x"), INVALID, "txt"),
    Bad("text is a number", one(text=7), INVALID, "text"),
    Bad("channel with a slash", one(channel="a/b"), INVALID, "channel"),
    Bad("deep field", one(sender={"id": "a", "kind": "x"}), INVALID, "sender.kind"),
    Bad("sender of nobody", one(sender={"name": "a"}), INVALID, "sender.id"),
    Bad("part", one(parts=[{"type": "text"}]), INVALID, "parts[0].text"),
    Bad("kind of part", one(parts=[{"type": "x"}]), INVALID, "parts[0].type"),
    Bad("many parts", one(parts=[{"type": "text", "text": "a"}] * 33), INVALID, "parts"),
    Bad("sequence alone", one(sequence=1), INVALID, "stream"),
    Bad("stream alone", one(stream="s"), INVALID, "sequence"),
    Bad("negative", one(stream="s", sequence=-1), INVALID, "sequence"),
    Bad("fraction", one(stream="s", sequence=1.5), INVALID, "sequence"),
    Bad("no time", one(sent_at="yesterday"), INVALID, "sent_at"),
    Bad("no zone", one(sent_at="2026-01-31T10:00:00"), INVALID, "sent_at"),
    Bad("huge number", b'{"conversation":"c","metadata":{"a":1e999}}', INVALID, "metadata[...]"),
    # too large
    Bad("long text", one(text="x" * 10_001), LARGE, "text"),
    Bad("large message", one(metadata={"a": "x" * 300_000}), LARGE),
    Bad("large body", one(metadata={"a": "x" * 700_000}), LARGE),
    # batches
    Bad("empty batch", b'{"messages":[]}', INVALID, "messages"),
    Bad("no list", b'{"messages":{}}', INVALID, "messages"),
    Bad("null batch", b'{"messages":null}', INVALID, "messages"),
    Bad("batch and more", b'{"messages":[%s],"more":1}' % one(), INVALID, "more"),
    Bad("large batch", b'{"messages":[%s]}' % b",".join([one()] * 11), LARGE, "messages"),
    Bad("all bad", b'{"messages":[1,{}]}', INVALID, "messages"),
    Bad("waiting for many", b'{"messages":[%s]}' % one(), INVALID, "wait", query="?wait=1"),
    # versions and media types
    Bad("version of the message", one(version="3"), VERSION, "version"),
    Bad("version of the type", one(), VERSION, "Content-Type", V3),
    Bad("accepted version", one(), UNKNOWN_VERSION, "Accept", ONLY_V1),
    Bad("no type", one(), MEDIA, "Content-Type", {}),
    Bad("form", b"a=b", MEDIA, "Content-Type", typed("multipart/form-data")),
    Bad("plain text", one(), MEDIA, "Content-Type", typed("text/plain")),
    Bad("charset", one(), MEDIA, "Content-Type", typed("application/json;charset=utf-16")),
    Bad("compressed", one(), MEDIA, "Content-Encoding", GZIP),
    # parameters
    Bad("wait is a word", one(), INVALID, "wait", query="?wait=soon"),
    Bad("wait is endless", one(), INVALID, "wait", query="?wait=inf"),
    Bad("wait is no number", one(), INVALID, "wait", query="?wait=nan"),
    Bad("wait is long", one(), INVALID, "wait", query="?wait=31"),
]  # fmt: skip


@pytest.mark.parametrize("bad", BODIES, ids=lambda bad: bad.name)
def test_a_bad_request_to_send(quiet: Server, client: httpx.Client, bad: Bad) -> None:
    before = quiet.contents()
    response = client.post(f"/v2/messages{bad.query}", content=bad.body, headers=bad.headers)
    assert (response.status_code, response.json()["code"]) == bad.refusal
    assert response.json().get("field") == bad.field
    assert response.json()["status"] == response.status_code
    assert response.headers["content-type"] == "application/problem+json"
    assert quiet.contents() == before
    assert client.get("/health").status_code == 200


def test_a_body_that_grows_too_large_on_the_way(quiet: Server, client: httpx.Client) -> None:
    before = quiet.contents()
    endless = (b" " * 10_000 for _ in range(100))
    response = client.post("/v2/messages", content=endless, headers=JSON)
    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert quiet.contents() == before


ID = "0" * 32
ELSEWHERE = [
    ("GET", "/nowhere", None, 404, "not_found", None),
    ("GET", "/v3/messages", None, 406, "unsupported_version", None),
    ("POST", "/v3/messages", {}, 406, "unsupported_version", None),
    ("GET", "/v2/messages", None, 405, "method_not_allowed", None),
    ("PUT", "/v2/keys", {}, 405, "method_not_allowed", None),
    ("GET", "/v2/messages/xyz", None, 422, "invalid_input", "message_id"),
    ("GET", f"/v2/messages/{ID}", None, 404, "not_found", None),
    ("GET", f"/v2/messages/{ID}/trace", None, 404, "not_found", None),
    ("GET", "/v2/conversations?limit=0", None, 422, "invalid_input", "limit"),
    ("GET", "/v2/conversations?limit=many", None, 422, "invalid_input", "limit"),
    ("GET", "/v2/conversations?cursor=xyz", None, 422, "invalid_input", "cursor"),
    ("GET", f"/v2/conversations/{ID}", None, 404, "not_found", None),
    ("GET", f"/v2/conversations/{ID}/events", None, 404, "not_found", None),
    ("GET", f"/v2/conversations/{ID}/events?after=x", None, 422, "invalid_input", "after"),
    ("GET", f"/v2/conversations/{ID}/stream?after=x", None, 422, "invalid_input", "after"),
    ("POST", f"/v2/conversations/{ID}/replies", {}, 422, "invalid_input", "text"),
    ("POST", f"/v2/conversations/{ID}/replies", {"text": "a"}, 404, "not_found", None),
    ("POST", f"/v2/conversations/{ID}/replies", {"text": 1}, 422, "invalid_input", "text"),
    ("POST", f"/v2/conversations/{ID}/owner", {"owner": "x"}, 422, "invalid_input", "owner"),
    ("POST", f"/v2/conversations/{ID}/owner", {}, 422, "invalid_input", "owner"),
    ("POST", f"/v2/conversations/{ID}/owner", {"owner": "human"}, 404, "not_found", None),
    ("GET", "/v2/dead-letters?status=x", None, 422, "invalid_input", "status"),
    ("GET", "/v2/dead-letters/1", None, 404, "not_found", None),
    ("GET", "/v2/dead-letters/0", None, 422, "invalid_input", "number"),
    ("POST", "/v2/dead-letters/retry", {}, 422, "invalid_input", "numbers"),
    ("POST", "/v2/dead-letters/retry", {"numbers": ["1"]}, 422, "invalid_input", "numbers[0]"),
    ("POST", "/v2/dead-letters/retry", {"numbers": [1]}, 404, "not_found", None),
    ("POST", "/v2/dead-letters/discard", {"numbers": []}, 422, "invalid_input", "numbers"),
    ("POST", "/v2/keys", {"name": "a", "scopes": []}, 422, "invalid_input", "scopes"),
    ("POST", "/v2/keys", {"name": "a", "scopes": ["x"]}, 422, "invalid_input", "scopes[0]"),
    (
        *("POST", "/v2/keys"),
        {"name": "a", "scopes": ["read"], "expires_at": "2030-01-01T00:00:00"},
        *(422, "invalid_input", "expires_at"),
    ),
    ("DELETE", "/v2/keys/nobody", None, 404, "not_found", None),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    ELSEWHERE,
    ids=[f"{case[0]} {case[1].replace(ID, 'ID')} {case[2] or ''}" for case in ELSEWHERE],
)
def test_a_bad_request_elsewhere(
    quiet: Server,
    client: httpx.Client,
    method: str,
    path: str,
    body: Any,
    status: int,
    code: str,
    field: str | None,
) -> None:
    before = quiet.contents()
    response = client.request(method, path, json=body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert response.json().get("field") == field
    assert response.headers["content-type"] == "application/problem+json"
    assert quiet.contents() == before


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"", JSON, 400, "malformed_json"),
        (b"{", JSON, 400, "malformed_json"),
        (b'{"text":"\\ud800"}', JSON, 400, "invalid_unicode"),
        (b'{"text":"a"}', {}, 415, "unsupported_media_type"),
        (b'{"text":"a"}', typed("application/vnd.colloquy.v9+json"), 406, "unsupported_version"),
        (b'{"text":"%s"}' % (b"x" * 700_000), JSON, 413, "too_large"),
        (b'{"text":"%s"}' % (b"x" * 10_001), JSON, 413, "too_large"),
        (b"[" * 100_000, JSON, 422, "invalid_input"),
    ],
)
def test_bad_bodies_of_other_routes(
    client: httpx.Client, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    path = f"/v2/conversations/{ID}/replies"
    response = client.post(path, content=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (status, code)


def test_methods_of_a_path_are_told(client: httpx.Client) -> None:
    response = client.put("/v2/keys", json={})
    assert {"GET", "POST"} <= set(response.headers["allow"].split(", "))
