"""Which version a request is for: header, Accept, path, else V1 on unversioned chat paths only."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.api.versions import routed
from colloquy.model.errors import UnknownVersion

V1 = "application/vnd.colloquy.v1+json"
V2 = "application/vnd.colloquy.v2+json"
V3 = "application/vnd.colloquy.v3+json"


def path_of(path: str, method: str = "POST", **headers: str) -> str:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "path": path, "method": method, "headers": raw}
    found: str = routed(scope)["path"]
    return found


@pytest.mark.parametrize(
    ("path", "headers", "found"),
    [
        ("/messages", {}, "/v1/messages"),
        ("/chat", {}, "/v1/chat"),
        ("/conversations/ann/messages", {}, "/v1/conversations/ann/messages"),
        ("/messages", {"x_api_version": "2"}, "/v2/messages"),
        ("/messages", {"x_api_version": " V1 "}, "/v1/messages"),
        ("/messages", {"x_api_version": "2.0", "accept": "*/*"}, "/v2/messages"),
        ("/messages", {"accept": V2}, "/v2/messages"),
        ("/messages", {"accept": f"{V2};q=0.5, {V1};q=0.9"}, "/v1/messages"),
        ("/messages", {"accept": f"{V3}, {V2}"}, "/v2/messages"),
        ("/messages", {"accept": f"{V3}, */*;q=0.1"}, "/v1/messages"),
        ("/messages", {"accept": f"{V2};q=0, {V1}"}, "/v1/messages"),
        ("/messages", {"x_api_version": "2", "accept": f"{V1}, */*"}, "/v2/messages"),
        ("/v1/messages", {"x_api_version": "1", "accept": V1}, "/v1/messages"),
        ("/v2/messages", {"x_api_version": "2"}, "/v2/messages"),
        ("/v2/messages", {"accept": f"{V1}, application/json"}, "/v2/messages"),
        # Not of the chat: no header counts.
        ("/chat/messages", {"x_api_version": "9"}, "/chat/messages"),
        ("/console", {"x_api_version": "1"}, "/console"),
        ("/health", {"accept": V3}, "/health"),
        ("/metrics", {"x_api_version": "7"}, "/metrics"),
        ("/v3/messages", {}, "/v3/messages"),
    ],
)
def test_where_a_request_goes(path: str, headers: dict[str, str], found: str) -> None:
    assert path_of(path, **headers) == found


def test_the_chat_page_stays_a_page() -> None:
    assert path_of("/chat", "GET") == "/chat"
    assert path_of("/chat", "HEAD", x_api_version="1") == "/chat"


@pytest.mark.parametrize(
    ("path", "headers", "field"),
    [
        ("/messages", {"x_api_version": "3"}, "X-API-Version"),
        ("/messages", {"x_api_version": ""}, "X-API-Version"),
        ("/v1/chat", {"x_api_version": "2"}, "X-API-Version"),
        ("/v2/conversations", {"x_api_version": "1"}, "X-API-Version"),
        ("/messages", {"accept": V3}, "Accept"),
        ("/messages", {"x_api_version": "1", "accept": V2}, "Accept"),
        ("/v1/messages", {"accept": V2}, "Accept"),
        ("/v2/messages", {"accept": f"{V1}, text/html"}, "Accept"),
        ("/v2/messages", {"accept": f"{V1}, application/json;q=0"}, "Accept"),
    ],
)
def test_what_contradicts_or_is_unknown(path: str, headers: dict[str, str], field: str) -> None:
    with pytest.raises(UnknownVersion) as caught:
        path_of(path, **headers)
    assert (caught.value.code, caught.value.status, caught.value.field) == (
        "unknown_version",
        406,
        field,
    )


def test_two_headers_that_differ() -> None:
    scope: Any = {"type": "http", "path": "/messages", "method": "POST"}
    scope["headers"] = [(b"x-api-version", b"1"), (b"x-api-version", b"2")]
    with pytest.raises(UnknownVersion, match="two versions"):
        routed(scope)
