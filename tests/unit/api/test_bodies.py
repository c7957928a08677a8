from __future__ import annotations

from typing import Any

import pytest

from colloquy.api.bodies import (
    Disconnected,
    check_content_type,
    check_headers,
    position_parameter,
    read_body,
    seconds_parameter,
)
from colloquy.model.errors import (
    InvalidInput,
    TooLarge,
    UnsupportedMediaType,
    UnsupportedVersion,
)


@pytest.mark.parametrize(
    "value",
    [
        b"application/json",
        b"APPLICATION/JSON ; charset=UTF8",
        b'application/json; charset="utf-8"; profile=x',
        b"application/vnd.colloquy.v2+json",
        b"application/vnd.colloquy.v2+json; charset=utf-8",
    ],
)
def test_json_of_our_version(value: bytes) -> None:
    check_content_type(value)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, UnsupportedMediaType),
        (b"", UnsupportedMediaType),
        (b"text/json", UnsupportedMediaType),
        (b"application/jsonx", UnsupportedMediaType),
        (b"application/json; charset=latin-1", UnsupportedMediaType),
        (b"application/vnd.other.v2+json", UnsupportedMediaType),
        (b"application/vnd.colloquy.v1+json", UnsupportedVersion),
        (b"application/vnd.colloquy.v22+json", UnsupportedVersion),
    ],
)
def test_everything_else(value: bytes | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_content_type(value)


@pytest.mark.parametrize(
    "accept", [b"*/*", b"application/json", b"application/vnd.colloquy.v1+json, application/json"]
)
def test_a_client_that_can_live_with_our_version(accept: bytes) -> None:
    check_headers([(b"content-type", b"application/json"), (b"accept", accept)], 100)


@pytest.mark.parametrize("length", [b"101", b"9" * 30, b"-1", b"1e3"])
def test_a_length_that_is_too_large_or_none(length: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    with pytest.raises(TooLarge):
        check_headers(headers, 100)


def incoming(*parts: bytes, end: str = "http.request") -> Any:
    events = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    events.append({"type": end, "body": b"", "more_body": False})

    async def receive() -> dict[str, Any]:
        return events.pop(0)

    return receive


async def test_a_body_in_parts() -> None:
    assert await read_body(incoming(b"a", b"bc", b""), 3) == b"abc"


async def test_a_body_over_the_limit_is_not_read_on() -> None:
    receive = incoming(b"ab", b"cd", b"never read")
    with pytest.raises(TooLarge):
        await read_body(receive, 3)
    assert (await receive())["body"] == b"never read"


@pytest.mark.parametrize("parts", [(), (b"a",)])
async def test_a_client_that_leaves(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(Disconnected):
        await read_body(incoming(*parts, end="http.disconnect"), 100)


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "٣", "1_000", "9" * 20, " 1"])
def test_no_position(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        position_parameter(text, "after")
    assert refused.value.field == "after"


@pytest.mark.parametrize("text", ["", "x", "-0.1", "30.1", "inf", "nan"])
def test_no_wait(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        seconds_parameter(text, "wait", 30)
    assert refused.value.field == "wait"


def test_positions_and_waits() -> None:
    assert position_parameter("0012", "after") == 12
    assert seconds_parameter("2.5", "wait", 30) == 2.5
