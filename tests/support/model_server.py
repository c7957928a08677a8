"""An OpenAI-compatible endpoint: a real HTTP server in threads, whose answers a test scripts.

Each request takes the next `Answer`; when there is none left, `answer` decides.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

KEY = "key-of-the-tests"
MODEL = "small"


class Wanted(NamedTuple):
    """A call of a tool; `arguments` as text, so that it can be wrong."""

    name: str
    arguments: str = "{}"


class Answer(NamedTuple):
    """What the server does with one request.

    `cut`: it closes the connection after so many pieces. `hang`: "before" the head of the answer,
    "after" its first piece, which has no word yet, or after its first "word", until the test ends
    or the client goes. `raw`: this body instead, piece by piece where it streams.
    """

    text: str = ""
    calls: tuple[Wanted, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = {}
    cut: int | None = None
    hang: str = ""
    raw: bytes | None = None
    usage: tuple[int, int] | None = (100, 20)
    finish: bool = True
    """Whether it says that it is at its end."""


class ModelServer:
    """A context manager. `requests` are the bodies it was sent, decoded."""

    def __init__(self, *answers: Answer, answer: Callable[[dict[str, Any]], Answer] | None = None):
        self.answers = deque(answers)
        self.answer = answer or (lambda _: Answer("Hello from the model."))
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.hung = threading.Event()
        """A request hangs."""
        self.gone = threading.Event()
        """The client of a hanging request went away."""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with server._lock:
                    server.requests.append(body)
                    server.keys.append(self.headers["authorization"])
                    found = server.answers.popleft() if server.answers else None
                found = found or server.answer(body)
                self.close_connection = True
                try:
                    server._send(self, body, found)
                except (BrokenPipeError, ConnectionResetError):
                    server.gone.set()

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def settings(self) -> dict[str, str]:
        """Settings of a colloquy that uses this server, as keyword arguments of the tests."""
        return {
            "replies__responder": "chain",
            "replies__model__base_url": f"http://127.0.0.1:{self._server.server_address[1]}/v1",
            "replies__model__name": MODEL,
            "replies__model__api_key": KEY,
            "replies__model__retry_delays_s": "0.01,0.02",
        }

    @property
    def prompts(self) -> list[str]:
        """Everything that was sent as messages, one text for each request."""
        return [
            "\n".join(str(message.get("content")) for message in body["messages"])
            for body in self.requests
        ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _send(
        self, handler: BaseHTTPRequestHandler, body: Mapping[str, Any], answer: Answer
    ) -> None:
        if answer.hang == "before":
            self._hang(handler)
            return
        streams = bool(body.get("stream")) and answer.status == 200
        handler.send_response(answer.status)
        kind = "text/event-stream" if streams else "application/json"
        handler.send_header("content-type", kind)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if not streams:
            whole = answer.raw if answer.raw is not None else _whole(answer)
            handler.send_header("content-length", str(len(whole)))
            handler.end_headers()
            handler.wfile.write(whole)
            return
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        pieces = [answer.raw] if answer.raw is not None else _pieces(answer)
        for number, piece in enumerate(pieces):
            if answer.cut == number:
                return
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if answer.hang == "after" or (answer.hang == "word" and number == 1):
                self._hang(handler)
                return
        handler.wfile.write(b"0\r\n\r\n")

    def _hang(self, handler: BaseHTTPRequestHandler) -> None:
        """Until the client closes its end, or the test is over."""
        self.hung.set()
        handler.connection.settimeout(0.05)
        while not self._closed.is_set():
            try:
                if handler.connection.recv(1) == b"":
                    self.gone.set()
                    return
            except TimeoutError:
                continue
            except OSError:
                self.gone.set()
                return


def _whole(answer: Answer) -> bytes:
    if answer.status != 200:
        return json.dumps({"error": {"message": answer.text or "no"}}).encode()
    message: dict[str, Any] = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = [_call(number, call) for number, call in enumerate(answer.calls)]
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return json.dumps({**_head("chat.completion"), "choices": [choice], **_usage(answer)}).encode()


def _pieces(answer: Answer) -> list[bytes]:
    """The answer word by word, the arguments of calls in two halves, as real servers do."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in _words(answer.text)]
    for number, call in enumerate(answer.calls):
        half = len(call.arguments) // 2
        first = _call(number, call._replace(arguments=call.arguments[:half]))
        rest = {"index": number, "function": {"arguments": call.arguments[half:]}}
        deltas += [{"tool_calls": [first]}, {"tool_calls": [rest]}]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    if answer.finish:
        reason = "tool_calls" if answer.calls else "stop"
        choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    head = _head("chat.completion.chunk")
    chunks: list[dict[str, Any]] = [{**head, "choices": [choice]} for choice in choices]
    if answer.usage is not None:
        chunks.append({**head, "choices": [], **_usage(answer)})
    return [b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks] + [
        b"data: [DONE]\n\n"
    ]


def _words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:] if text else []


def _call(number: int, call: Wanted) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"index": number, "id": f"call-{number}", "type": "function", "function": function}


def _head(kind: str) -> dict[str, Any]:
    return {"id": "completion", "object": kind, "created": 1, "model": MODEL}


def _usage(answer: Answer) -> dict[str, Any]:
    if answer.usage is None:
        return {}
    sent, received = answer.usage
    return {
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": received,
            "total_tokens": sent + received,
        }
    }
