"""Notices by e-mail, to a real server: encryption, logging in, refusals, silence."""

from __future__ import annotations

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any

import pytest

from colloquy.model.alerts import Severity
from colloquy.ops.alerts.notices import Notice
from colloquy.ops.alerts.sinks import MailServer, MailSink
from support.receiver import Receiver
from support.smtp import MailPeer
from support.waiting import until

NOTICE = Notice("0" * 32, "alert.opened", "disk", Severity.CRITICAL, "4 % is free", 0, {}, {"v": 4})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A certificate for `localhost`: the server's context, and that of a client who trusts it."""
    folder: Path = tmp_path_factory.mktemp("certificate")
    with Receiver() as receiver:
        receiver.use_tls("localhost", folder)
        trust = receiver.trust()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "receiver.pem")
    return server, trust


def sink_to(peer: MailPeer, trust: ssl.SSLContext | None = None, **fields: Any) -> MailSink:
    base = {"security": "none", "user": None, "password": None}
    server = MailServer(host="localhost", port=peer.port, **base | fields)
    return MailSink(server, "colloquy@a.test", ["ops@b.test", "boss@b.test"], 2.0, trust)


async def test_a_mail_arrives_whole() -> None:
    async with MailPeer() as peer:
        sink = sink_to(peer)
        assert (await sink.send(NOTICE)).is_success
        await sink.close()
        (mail,) = peer.mails
    assert (mail.sender, mail.recipients) == ("colloquy@a.test", ["ops@b.test", "boss@b.test"])
    assert mail.message["Subject"] == "[Colloquy] critical: disk: 4 % is free"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert "type      alert.opened" in mail.message.get_content()
    assert '"v": 4' in mail.message.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_it_is_encrypted_before_the_password_is_said(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext], security: str
) -> None:
    async with MailPeer(
        certificate=certificate[0], tls_at_once=security == "tls", password="hunter2"
    ) as peer:
        sink = sink_to(peer, certificate[1], security=security, user="c", password="hunter2")
        assert (await sink.send(NOTICE)).is_success
        (mail,) = peer.mails
        assert (mail.was_encrypted, mail.user) == (True, "c")
        assert sink.secrets == ("hunter2",)


async def test_a_server_without_starttls_gets_nothing(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with MailPeer(password="hunter2") as peer:
        sink = sink_to(peer, certificate[1], security="starttls", user="c", password="hunter2")
        attempt = await sink.send(NOTICE)
        assert (attempt.is_success, attempt.again) == (False, False)
        assert "STARTTLS" in attempt.detail
        assert set(peer.commands) <= {"EHLO", "QUIT"}


async def test_a_certificate_that_nobody_vouches_for_is_no_server(
    certificate: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    async with MailPeer(certificate=certificate[0], password="hunter2") as peer:
        sink = sink_to(peer, security="starttls", user="c", password="hunter2")
        attempt = await sink.send(NOTICE)
        assert (attempt.is_success, attempt.again) == (False, False)
        assert "certificate" in attempt.detail
        assert "AUTH" not in peer.commands


@pytest.mark.parametrize(
    ("command", "answer", "again"),
    [
        ("MAIL", "451 later", True),
        ("MAIL", "550 never", False),
        ("DATA", "452 full", True),
        (".", "554 spam", False),
        ("EHLO", "421 closing", True),
    ],
)
async def test_only_what_may_work_later_is_tried_again(
    command: str, answer: str, again: bool
) -> None:
    async with MailPeer() as peer:
        peer.reply(command, answer, *[answer] * (command == "EHLO"))
        peer.reply("HELO", answer)
        attempt = await sink_to(peer).send(NOTICE)
        assert (attempt.is_success, attempt.again) == (False, again)
        assert answer[:3] in attempt.detail
        assert peer.mails == []


async def test_a_wrong_password_is_not_tried_again_and_not_repeated() -> None:
    async with MailPeer(password="right") as peer:
        attempt = await sink_to(peer, user="c", password="wr0ng").send(NOTICE)
        assert (attempt.is_success, attempt.again) == (False, False)
        assert "535" in attempt.detail
        assert "wr0ng" not in attempt.detail


async def test_one_refused_recipient_does_not_keep_the_others_from_it() -> None:
    async with MailPeer() as peer:
        peer.reply("RCPT", "550 unknown")
        attempt = await sink_to(peer).send(NOTICE)
        assert attempt.is_success
        assert attempt.detail == "refused: ops@b.test"
        assert peer.mails[0].recipients == ["boss@b.test"]
        peer.reply("RCPT", "550 unknown", "550 unknown")
        attempt = await sink_to(peer).send(NOTICE)
        assert (attempt.is_success, attempt.again) == (False, False)


async def test_an_accepted_mail_is_sent_however_the_server_says_goodbye() -> None:
    async with MailPeer() as peer:
        peer.reply("QUIT", "500 what")
        assert (await sink_to(peer).send(NOTICE)).is_success


async def test_nobody_there_is_tried_again() -> None:
    async with MailPeer() as peer:
        sink = sink_to(peer)
    attempt = await sink.send(NOTICE)
    assert (attempt.is_success, attempt.again) == (False, True)


async def test_a_server_that_falls_silent_is_left_and_its_thread_ends() -> None:
    async with MailPeer() as peer:
        peer.reply("MAIL", "")
        sink = sink_to(peer)
        sending = asyncio.create_task(sink.send(NOTICE))
        await until(lambda: "MAIL" in peer.commands)
        sending.cancel()
        await asyncio.wait([sending])
        assert (await sink.send(NOTICE)).is_success, "the one thread is free again"
        await sink.close()
    for thread in threading.enumerate():
        if thread.name.startswith("colloquy-mail"):
            await asyncio.to_thread(thread.join, 5)
            assert not thread.is_alive()
