"""Bytes that are no proper requests: bounded, refused, and the server goes on."""

from __future__ import annotations

import re
import socket
import time

import httpx
import pytest

from colloquy.server.protocol import MAX_HEADERS
from support.server import Server


def talk(server: Server, *pieces: bytes) -> bytes:
    """Everything that the server says until it closes the connection."""
    host, port = server.url.removeprefix("http://").split(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except ConnectionError:
            pass  # it has had enough: what did it say?
        while piece := _received(connection):
            answer += piece
    return answer


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionResetError:
        return b""


def test_no_http(server: Server) -> None:
    answer = talk(server, b"hello there\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in answer
    assert b'"malformed_request"' in answer
    (request_id,) = re.findall(rb"\r\nx-request-id: ([0-9a-f]{24})\r\n", answer)
    assert b'"request_id":"%s"' % request_id in answer
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer


@pytest.mark.parametrize("shape", ["many headers", "one header", "path"])
def test_headers_without_end(server: Server, shape: str) -> None:
    if shape == "many headers":
        pieces = [b"GET /health HTTP/1.1\r\n"] + [b"a: %d\r\n" % n for n in range(MAX_HEADERS)]
    elif shape == "one header":
        pieces = [b"GET /health HTTP/1.1\r\na: "] + [b"x" * 8192] * (MAX_HEADERS // 8192 + 2)
    else:
        pieces = [b"GET /"] + [b"x" * 8192] * (MAX_HEADERS // 8192 + 2)
    answer = talk(server, *pieces)
    if answer:  # the kernel may drop it when more bytes are on their way
        assert answer.startswith(b"HTTP/1.1 431")
        assert b'"headers_too_large"' in answer


def test_a_connection_that_says_too_little_is_closed(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.server.protocol.HEADER_TIMEOUT_S", 0.1)
    assert talk(own_server) == b""
    assert talk(own_server, b"GET /health HTTP/1.1\r\nhost: x\r\n") == b""


def test_a_request_that_was_whole_is_not_timed(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.server.protocol.HEADER_TIMEOUT_S", 0.5)
    with own_server.client() as client:
        body = {"conversation": "c", "text": "slow"}
        assert client.post("/v2/messages?wait=1", json=body).status_code == 202
        assert client.get("/health").status_code == 200


def test_a_body_that_does_not_come(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colloquy.api.bodies.BODY_TIMEOUT_S", 0.1)
    key = own_server.key("admin").encode()
    for path in (b"/v2/messages", b"/v2/keys"):
        head = (
            b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"connection: close\r\nauthorization: Bearer %s\r\ncontent-length: 100\r\n\r\n{"
            % (path, key)
        )
        answer = talk(own_server, head)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b'"unavailable"' in answer


@pytest.mark.parametrize("path", [b"/health", b"/v2/keys", b"/nowhere"])
def test_a_body_that_nobody_reads_does_not_hold_the_connection(
    own_server: Server, monkeypatch: pytest.MonkeyPatch, path: bytes
) -> None:
    """It was answered long before its body ends, if it ever does; each byte is one in time."""
    monkeypatch.setattr("colloquy.server.protocol.WHOLE_TIMEOUT_S", 1.0)
    host, port = own_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(b"POST %s HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n" % path)
        assert _received(connection).startswith(b"HTTP/1.1 40")
        with pytest.raises(ConnectionError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)


def test_a_body_byte_by_byte_is_cut_off(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time is for the whole body: a byte now and then does not renew it."""
    monkeypatch.setattr("colloquy.api.bodies.BODY_TIMEOUT_S", 0.2)
    key = own_server.key("admin").encode()
    host, port = own_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /v2/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer %s\r\ncontent-length: 100000\r\n\r\n" % key
        )
        connection.settimeout(0.02)
        answer = b""
        while not answer:
            connection.sendall(b" ")
            try:
                answer = connection.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 503")


def test_a_client_that_gives_up_leaves_nothing(own_server: Server) -> None:
    before = own_server.contents()
    host, port = own_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v2/messages HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer %s\r\ncontent-length: 100\r\n\r\n{"
            % own_server.key("send").encode()
        )
    assert httpx.get(f"{own_server.url}/health").status_code == 200
    assert own_server.contents() == before
