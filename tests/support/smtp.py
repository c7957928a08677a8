"""A small mail server for tests: enough of RFC 5321 for one client at a time, with STARTTLS
(RFC 3207), TLS from the first byte and AUTH PLAIN (RFC 4616). What it answers, the test decides."""

from __future__ import annotations

import asyncio
import base64
import email
import ssl
from collections import deque
from email.message import Message
from email.policy import default
from typing import NamedTuple, Self


class Mail(NamedTuple):
    sender: str
    recipients: list[str]
    raw: bytes
    was_encrypted: bool
    user: str | None

    @property
    def message(self) -> Message:
        return email.message_from_bytes(self.raw, policy=default)


class MailPeer:
    """An async context manager.

    `replies` holds, for a command (`MAIL`, `RCPT`, `DATA`, `AUTH`, `QUIT`, or `.` for the end of a
    message), what is answered instead of the usual, first come first; "" is silence.
    """

    def __init__(
        self,
        *,
        certificate: ssl.SSLContext | None = None,
        tls_at_once: bool = False,
        offers_starttls: bool = True,
        password: str | None = None,
    ) -> None:
        self.replies: dict[str, deque[str]] = {}
        self.mails: list[Mail] = []
        self.connections = 0
        self.commands: list[str] = []
        self._certificate = certificate
        self._tls_at_once = tls_at_once
        self._offers_starttls = offers_starttls and certificate is not None and not tls_at_once
        self._password = password
        self._server: asyncio.Server
        self._open: set[asyncio.StreamWriter] = set()
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._talk, "127.0.0.1", 0, ssl=self._certificate if self._tls_at_once else None
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closed.set()
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        return int(self._server.sockets[0].getsockname()[1])

    def reply(self, command: str, *texts: str) -> None:
        self.replies.setdefault(command, deque()).extend(texts)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            await _Conversation(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client went away, which some tests want
        finally:
            self._open.discard(writer)
            writer.close()


class _Conversation:
    def __init__(
        self, peer: MailPeer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._peer = peer
        self._reader = reader
        self._writer = writer
        self._is_encrypted = peer._tls_at_once
        self._user: str | None = None
        self._sender = ""
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._say("220 peer.test ready")
        while line := (await self._reader.readline()).decode().rstrip("\r\n"):
            command, _, rest = line.partition(" ")
            command = command.upper()
            self._peer.commands.append(command)
            if self._peer.replies.get(command):
                await self._say(self._peer.replies[command].popleft())
            else:
                await self._usual(command, rest)
            if command == "QUIT":
                return

    async def _usual(self, command: str, rest: str) -> None:
        peer = self._peer
        if command == "EHLO":
            offers = ["STARTTLS"] if peer._offers_starttls and not self._is_encrypted else []
            offers += ["AUTH PLAIN"] if peer._password is not None else []
            lines = ["peer.test", *offers]
            marks = ["-"] * (len(lines) - 1) + [" "]
            text = "\r\n".join(f"250{m}{line}" for m, line in zip(marks, lines, strict=True))
            await self._say(text)
        elif command == "STARTTLS":
            await self._say("220 go ahead")
            await self._writer.start_tls(peer._certificate)  # type: ignore[arg-type]
            self._is_encrypted = True
        elif command == "AUTH":
            _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
            is_right = password == peer._password
            self._user = user if is_right else None
            await self._say("235 welcome" if is_right else "535 wrong password")
        elif command == "MAIL":
            self._sender, self._recipients = rest.partition("<")[2].partition(">")[0], []
            await self._say("250 ok")
        elif command == "RCPT":
            self._recipients.append(rest.partition("<")[2].partition(">")[0])
            await self._say("250 ok")
        elif command == "DATA":
            await self._take()
        else:
            await self._say("221 bye" if command == "QUIT" else "250 ok")

    async def _take(self) -> None:
        await self._say("354 go on")
        raw = await self._reader.readuntil(b"\r\n.\r\n")
        refusals = self._peer.replies.get(".")
        if refusals:
            await self._say(refusals.popleft())
            return
        self._peer.mails.append(
            Mail(self._sender, self._recipients, raw[:-5], self._is_encrypted, self._user)
        )
        await self._say("250 queued")

    async def _say(self, text: str) -> None:
        if not text:
            await self._peer._closed.wait()
            return
        self._writer.write(text.encode() + b"\r\n")
        await self._writer.drain()
