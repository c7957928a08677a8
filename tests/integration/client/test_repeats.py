"""What the clients send again, seen from the other side of the wire."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from colloquy.client import AsyncClient, Client, Retries
from colloquy.model.errors import Overloaded, Unavailable
from colloquy.model.message import Message
from colloquy.model.views import OwnerRequest

AT_ONCE = Retries(most=3, first_s=0.0)
RECEIPT = {"message_id": "m", "conversation_id": "c", "status": "stored"}
OWNER = {"conversation_id": "c", "owner": "human", "owner_epoch": 1, "effective": True}


class Peer(ThreadingHTTPServer):
    """Answers as it is told, one step per request: a status, or None to hang up. Then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.steps: list[int | None] = []
        self.seen: list[tuple[str | None, str | None]] = []
        """(Idempotency-Key, id in the body) of each request."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Peer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.headers.get("idempotency-key"), body.get("id")))
        status = self.server.steps.pop(0) if self.server.steps else 200
        if status is None:
            self.close_connection = True
            return
        answer = OWNER if self.path.endswith("/owner") else RECEIPT
        problem = {"code": "overloaded", "detail": "busy"} if status == 429 else {}
        data = json.dumps(answer if status == 200 else problem).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        if status in (429, 503):
            self.send_header("retry-after", "0")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    thread = threading.Thread(target=peer.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield peer
    peer.shutdown()
    thread.join()
    peer.server_close()


def test_a_message_is_sent_again_under_the_same_id(peer: Peer) -> None:
    peer.steps = [503, None, 429]
    with Client(peer.url, retries=AT_ONCE) as client:
        assert client.send(Message(conversation="ann", text="Hello")).receipt.message_id == "m"
    assert len(peer.seen) == 4
    ((key, id),) = set(peer.seen)
    assert key is None
    assert id


async def test_what_has_no_id_is_sent_again_under_the_same_key(peer: Peer) -> None:
    peer.steps = [None, 503]
    async with AsyncClient(peer.url, retries=AT_ONCE) as client:
        await client.set_owner("c", OwnerRequest(owner="human"))
        assert len(peer.seen) == 3
        ((key, id),) = set(peer.seen)
        assert key
        assert id is None
        await client.set_owner("c", OwnerRequest(owner="human"))
    assert peer.seen[-1][0] != key, "another call is another key"


def test_patience_ends_with_the_last_answer(peer: Peer) -> None:
    peer.steps = [429] * 9
    with Client(peer.url, retries=AT_ONCE) as client:
        with pytest.raises(Overloaded):
            client.set_owner("c", OwnerRequest(owner="human"))
        assert len(peer.seen) == 4
        peer.steps = [None] * 9
        with pytest.raises(Unavailable):
            client.set_owner("c", OwnerRequest(owner="human"))
    assert len(peer.seen) == 8


def test_without_retries_each_call_is_one_request(peer: Peer) -> None:
    peer.steps = [503]
    once = Retries(most=0)
    with Client(peer.url, retries=once) as client, pytest.raises(Unavailable, match="503"):
        client.set_owner("c", OwnerRequest(owner="human"))
    assert len(peer.seen) == 1
