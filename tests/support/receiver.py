"""A receiver of webhooks: a real HTTP server in threads, whose answers the test decides."""

from __future__ import annotations

import json
import ssl
import threading
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LOCAL = {
    "webhooks__allow_http": "true",
    "webhooks__allow_networks": "127.0.0.0/8",
}
"""Settings with which a server sends to a receiver on this machine."""


class Received(NamedTuple):
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class Reaction(NamedTuple):
    """What the receiver does with a request: it answers; `hang` says how far it gets."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b"ok"
    hang: str = ""
    """"before" the answer, "after" its head, or "never" ending a body of its own."""


OK = Reaction()


class Receiver:
    """A context manager. The queued `reactions` come first, then what `react` says."""

    def __init__(self, react: Callable[[Received], Reaction] = lambda _: OK) -> None:
        self.react = react
        self.reactions: deque[Reaction] = deque()
        self.received: list[Received] = []
        self.connections = 0
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._certificate = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                receiver.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._handle(self, Received(self.path, headers, body))

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def use_tls(self, name: str, folder: Path) -> None:
        """Speaks TLS from now on, with a certificate for this name that only it vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        self._certificate = certificate.public_bytes(Encoding.PEM).decode()
        file = folder / "receiver.pem"
        private = key.private_bytes(
            Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
        ).decode()
        file.write_text(private + self._certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._server.socket = context.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )

    def trust(self) -> ssl.SSLContext:
        """A client's context that believes this receiver."""
        return ssl.create_default_context(cadata=self._certificate)

    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    def kinds(self) -> list[str]:
        return [one.event["type"] for one in self.received]

    def _handle(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self.received.append(received)
            reaction = self.reactions.popleft() if self.reactions else None
        try:
            self._answer(handler, reaction or self.react(received))
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
        finally:
            with self._lock:
                self._at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, reaction: Reaction) -> None:
        if reaction.hang == "before":
            self._closed.wait(60)
            handler.close_connection = True
            return
        handler.send_response(reaction.status)
        for name, value in reaction.headers:
            handler.send_header(name, value)
        length = "9" * 12 if reaction.hang else str(len(reaction.body))
        handler.send_header("content-length", length)
        handler.end_headers()
        handler.wfile.write(reaction.body)
        if reaction.hang == "after":
            self._closed.wait(60)
        while reaction.hang == "never" and not self._closed.is_set():
            handler.wfile.write(b"x" * 65536)
