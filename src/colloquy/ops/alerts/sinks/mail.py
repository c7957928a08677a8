"""Notices by e-mail: the standard library's SMTP client in a thread of its own (RFC 5321, 3207).

With `starttls` and `tls` the server's certificate is checked and nothing is said in the clear: a
server that offers no STARTTLS gets no mail.
"""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ....model.times import rfc3339, to_datetime
from ..notices import Notice
from ..notifier import Attempt

Security = Literal["starttls", "tls", "none"]
SUBJECT_CHARACTERS = 150
_PERMANENT = 500
"""From this reply code on the same will fail again (RFC 5321, 4.2.1)."""


class MailServer(Struct, frozen=True):
    """How to reach it. Without a user nothing is logged in to."""

    host: str
    port: int
    security: Security
    user: str | None
    password: str | None


class MailSink:
    """One message for each notice. `trust`: whose certificates are good, by default the system's
    authorities."""

    name = "email"

    def __init__(
        self,
        server: MailServer,
        sender: str,
        recipients: Sequence[str],
        timeout_s: float,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._server = server
        self._sender = sender
        self._recipients = list(recipients)
        self._timeout_s = timeout_s
        self._trust = trust
        self._threads = ThreadPoolExecutor(1, "colloquy-mail")

    @property
    def secrets(self) -> Sequence[str]:
        return (self._server.password,) if self._server.password else ()

    async def send(self, notice: Notice) -> Attempt:
        message = mail_of(notice, self._sender, self._recipients)
        connection = _Connection(self._server, self._timeout_s, self._trust)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, connection.send, message)
        except asyncio.CancelledError:
            # The thread waits for the server: without its socket it ends at once.
            connection.abort()
            raise

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def mail_of(notice: Notice, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The message; the notice's id is its Message-ID, so that a repeat can be told."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = f"[Colloquy] {notice.headline()}"[:SUBJECT_CHARACTERS]
    message["Date"] = format_datetime(to_datetime(notice.at))
    message["Message-ID"] = make_msgid(notice.id, sender.rpartition("@")[2].rstrip("> ") or None)
    message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers (RFC 3834)
    lines = [notice.message, "", f"type      {notice.type}", f"severity  {notice.severity}"]
    lines.append(f"at        {rfc3339(notice.at)}")
    lines += [f"{name:<9} {value}" for name, value in sorted(notice.labels.items())]
    if notice.data:
        lines += ["", msgspec.json.format(msgspec.json.encode(notice.data), indent=2).decode()]
    message.set_content("\n".join(lines) + "\n")
    return message


class _Connection:
    """One conversation with the server, which another thread can break off."""

    def __init__(self, server: MailServer, timeout_s: float, trust: ssl.SSLContext | None) -> None:
        self._server = server
        self._timeout_s = timeout_s
        self._trust = trust
        self._client: smtplib.SMTP | None = None
        self._is_aborted = False

    def abort(self) -> None:
        self._is_aborted = True
        sock = self._client.sock if self._client is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):  # closed just then
                sock.shutdown(socket.SHUT_RDWR)

    def send(self, message: EmailMessage) -> Attempt:
        """Runs in a thread; what goes wrong out there is an Attempt."""
        try:
            refused = self._talk(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            again = any(code < _PERMANENT for code in codes)
            return Attempt(False, f"every recipient was refused: {codes}", again)
        except smtplib.SMTPResponseException as error:
            return Attempt(False, _words(error), error.smtp_code < _PERMANENT)
        except (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
            return Attempt(False, str(error))
        except (smtplib.SMTPException, OSError) as error:
            return Attempt(False, str(error) or type(error).__name__, again=True)
        finally:
            if self._client is not None:
                self._client.close()
        left_out = f"refused: {', '.join(sorted(refused))}" if refused else ""
        return Attempt(True, left_out)

    def _talk(self, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Returns the recipients that were refused while others were not."""
        server = self._server
        trust = self._trust
        if trust is None and server.security != "none":
            trust = ssl.create_default_context()
        place = (server.host, server.port)
        client: smtplib.SMTP
        if server.security == "tls":
            client = _TlsClient(self._began, *place, timeout=self._timeout_s, context=trust)
        else:
            client = _Client(self._began, *place, timeout=self._timeout_s)
        if server.security == "starttls":
            client.starttls(context=trust)
        if server.user is not None:
            client.login(server.user, server.password or "")
        refused = client.send_message(message)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            client.quit()  # the message is accepted, whatever comes now
        return refused

    def _began(self, client: smtplib.SMTP) -> None:
        self._client = client
        if self._is_aborted:
            raise OSError("given up before it began")


class _Client(smtplib.SMTP):
    """Says that it begins before it connects, so that it can be broken off."""

    def __init__(
        self, began: Callable[[smtplib.SMTP], None], host: str, port: int, *, timeout: float
    ) -> None:
        self._began = began
        super().__init__(host, port, timeout=timeout)

    def connect(
        self, host: str = "localhost", port: int = 0, source_address: Any = None
    ) -> tuple[int, bytes]:
        self._began(self)
        return super().connect(host, port, source_address)


class _TlsClient(smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""

    def __init__(
        self,
        began: Callable[[smtplib.SMTP], None],
        host: str,
        port: int,
        *,
        timeout: float,
        context: ssl.SSLContext | None,
    ) -> None:
        self._began = began
        super().__init__(host, port, timeout=timeout, context=context)

    def connect(
        self, host: str = "localhost", port: int = 0, source_address: Any = None
    ) -> tuple[int, bytes]:
        self._began(self)
        return super().connect(host, port, source_address)


def _words(error: smtplib.SMTPResponseException) -> str:
    said = error.smtp_error
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return f"{error.smtp_code} {' '.join(text.split())}"
