"""The servers that carry signals: killed, held up, locked, shared with others, and slow to read."""

from __future__ import annotations

import asyncio
import secrets
import signal
import socket
import struct
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import asyncpg
import msgspec
import nats
import pytest
import redis.asyncio

from colloquy.model.errors import ExtraMissing, SettingsError, SignalsUnavailable
from colloquy.settings import SignalSettings
from colloquy.settings.signals import signal_server
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.signals.carrier import carrier_to
from colloquy.storage.signals.envelope import Identity
from colloquy.storage.signals.signals import ECHO_S, MISSED, Signals
from support import signals_child
from support.carriers import PrivateServer
from support.certificates import Authority
from support.postgres import database, free_port
from support.proxy import proxy
from support.waiting import until

BOUND_S = 60.0
"""Longer than anything here takes: what is not done by then hangs."""

both = pytest.mark.parametrize(
    "kind",
    [
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("nats", marks=pytest.mark.nats),
    ],
)


@pytest.fixture
def own(kind: str) -> Iterator[PrivateServer]:
    """A server that the test may stop."""
    with PrivateServer(kind) as server:
        yield server


@asynccontextmanager
async def listening(
    url: str, identity: Identity, *, echo_s: float = ECHO_S, prefix: str = "colloquy"
) -> AsyncIterator[tuple[Signals, list[tuple[str, str]]]]:
    """A process's signals, and what they hear."""
    signals = Signals(carrier_to(signal_server(url)), prefix=prefix, echo_s=echo_s)
    heard: list[tuple[str, str]] = []
    signals.listen(lambda topic, text: heard.append((topic, text)))
    await signals.open(identity)
    try:
        yield signals, heard
    finally:
        async with asyncio.timeout(BOUND_S):
            await signals.close()


def anybody() -> Identity:
    """A database that no other test knows."""
    return Identity.of(secrets.token_bytes(32), "test")


async def gets_through(teller: Signals, heard: list[tuple[str, str]]) -> None:
    """Until something that is said now is heard: signals may be lost while nobody listens."""
    word = secrets.token_hex(4)

    async def arrives() -> bool:
        teller.send("word", word)
        return ("word", word) in heard

    await until(arrives)


async def publish(url: str, channel: str, payload: bytes) -> None:
    """What anybody may do who is let in."""
    if url.startswith("redis"):
        async with redis.asyncio.Redis.from_url(url, protocol=2) as client:
            await client.publish(channel, payload)
    else:
        other = await nats.connect(url)
        await other.publish(channel, payload)
        await other.flush()
        await other.close()


@both
async def test_a_server_that_was_killed_is_found_again(kind: str, own: PrivateServer) -> None:
    who = anybody()
    async with listening(own.url, who) as (one, _), listening(own.url, who) as (other, heard):
        await gets_through(one, heard)
        own.kill()
        await until(lambda: not one.is_up and not other.is_up)
        one.tell("inbox", {1, 2})
        one.send("kept", "until it is back")
        one.hint("draft", "worth nothing later")
        assert one.stats()["signals_away_s"] > 0
        own.start()
        await until(lambda: (MISSED, "") in heard)
        await gets_through(one, heard)
        assert one.stats()["signals_away_s"] == 0
        assert one.stats()["signals_losses"] == other.stats()["signals_losses"] == 1
        assert one.stats()["signals_dropped"] == 1
        assert "draft" not in {topic for topic, _ in heard}


@both
async def test_a_server_that_does_nothing_is_found_out(kind: str, own: PrivateServer) -> None:
    who = anybody()
    async with (
        listening(own.url, who, echo_s=0.1) as (one, _),
        listening(own.url, who, echo_s=0.1) as (other, heard),
    ):
        own.hold_up()
        await until(lambda: not one.is_up and not other.is_up)
        own.go_on()
        await until(lambda: (MISSED, "") in heard)
        await gets_through(one, heard)


async def test_a_subscription_that_is_silently_dead_is_found_out(redis_server: str) -> None:
    server = signal_server(redis_server)
    who = anybody()
    async with proxy(server.host, server.port) as line:
        url = f"redis://127.0.0.1:{line.port}"
        async with (
            listening(redis_server, who) as (teller, _),
            listening(url, who, echo_s=0.05) as (deaf, heard),
        ):
            await gets_through(teller, heard)
            line.swallow(b"SUBSCRIBE")
            await until(lambda: (MISSED, "") in heard)
            assert deaf.stats()["signals_losses"] == 1
            await gets_through(teller, heard)


@both
@pytest.mark.parametrize("state", ["up", "killed", "held up"])
async def test_closing_hangs_in_no_state_of_the_server(
    kind: str, own: PrivateServer, state: str
) -> None:
    async with listening(own.url, anybody()) as (one, _):
        if state == "killed":
            own.kill()
        if state == "held up":
            own.hold_up()
        one.send("last", "word")
    assert one._task is None


@both
async def test_what_waits_is_sent_before_closing(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_server")
    who = anybody()
    async with listening(url, who) as (_, heard):
        async with listening(url, who) as (leaving, _):
            leaving.send("last", "word")
        await until(lambda: ("last", "word") in heard)


@both
async def test_messages_of_others_are_refused(kind: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue(f"{kind}_server")
    who = anybody()
    async with listening(url, who) as (one, _), listening(url, who) as (_, heard):
        forged = msgspec.json.encode({"topic": "turn.interrupt", "text": "x"})
        foreign = [b"", b"\xff\x00hello", b"x" * 200_000, forged, b"0" * 30 + forged]
        for payload in foreign:
            await publish(url, one._channel, payload)
        await gets_through(one, heard)
        assert {topic for topic, _ in heard} == {"word"}
        assert one.stats()["signals_refused"] == len(foreign)


@both
async def test_a_prefix_of_its_own_keeps_a_copy_apart(
    kind: str, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_server")
    who = anybody()
    async with (
        listening(url, who, prefix="a.b") as (one, _),
        listening(url, who, prefix="a.b") as (_, heard),
        listening(url, who, prefix="a") as (other, _),
        listening(url, who, prefix="a") as (_, apart),
    ):
        assert one._channel == f"a.b.{who.name}"
        await gets_through(one, heard)
        await gets_through(other, apart)
        assert not set(heard) & set(apart)


@pytest.fixture
def two_more(postgres_server: str) -> Iterator[tuple[str, str]]:
    """Further databases."""
    with database(postgres_server) as one, database(postgres_server) as other:
        yield one, other


@both
async def test_databases_that_share_a_server_never_hear_each_other(
    kind: str, request: pytest.FixtureRequest, postgres_url: str, two_more: tuple[str, str]
) -> None:
    copy_url, other_url = two_more
    told = SignalSettings(url=request.getfixturevalue(f"{kind}_server"))
    heard: dict[str, list[str]] = {}

    async def opened(stack: AsyncExitStack, name: str, url: str) -> PostgresStore:
        store = PostgresStore(url, signals=told)
        store.listen(lambda topic, text: heard.setdefault(name, []).append(text))
        await store.open()
        stack.push_async_callback(store.close)
        return store

    first = PostgresStore(postgres_url, signals=told)
    await first.open()
    await first.close()
    async with AsyncExitStack() as stack:
        # A copy has the secret of the database that it was made of.
        connection = await asyncpg.connect(other_url)
        copied, name = copy_url.rpartition("/")[2], postgres_url.rpartition("/")[2]
        await connection.execute(f'DROP DATABASE "{copied}"')
        await connection.execute(f'CREATE DATABASE "{copied}" TEMPLATE "{name}"')
        await connection.close()
        stores = [
            await opened(stack, *place)
            for place in [
                ("one", postgres_url), ("its peer", postgres_url), ("copy", copy_url),
                ("its peer 2", copy_url), ("other", other_url), ("its peer 3", other_url),
            ]
        ]  # fmt: skip
        for index, word in ((0, "one"), (2, "copy"), (4, "other")):
            await stores[index].signal("t", word)
        await until(lambda: len(heard) == 3)
        assert heard == {"its peer": ["one"], "its peer 2": ["copy"], "its peer 3": ["other"]}


SLOW = {
    "redis": ["client-output-buffer-limit pubsub 256kb 0 0"],
    "nats": ["max_payload: 65536", "max_pending: 262144", 'write_deadline: "500ms"'],
}


@both
async def test_a_slow_listener_holds_nobody_up_and_looks_for_itself_afterwards(kind: str) -> None:
    monitor = free_port()
    extra = [f"http: 127.0.0.1:{monitor}"] if kind == "nats" else []
    secret = secrets.token_bytes(32)

    async def is_cut_off() -> bool:
        for _ in range(200):
            teller.send("noise", "x" * 7000)
        await until(lambda: not teller._texts)
        if kind == "nats":
            url = f"http://127.0.0.1:{monitor}/varz"
            text = await asyncio.to_thread(lambda: urlopen(url, timeout=10).read())
            return bool(msgspec.json.decode(text)["slow_consumers"])
        async with redis.asyncio.Redis.from_url(server.url, protocol=2) as client:
            return len(await client.client_list(_type="pubsub")) == 1

    with PrivateServer(kind, [*SLOW[kind], *extra]) as server:
        async with listening(server.url, Identity.of(secret, "child")) as (teller, _):
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, signals_child.__file__, server.url, secret.hex()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
            assert child.stdin is not None and child.stdout is not None
            try:
                async with asyncio.timeout(BOUND_S):
                    assert await child.stdout.readline() == b"ready\n"
                    child.send_signal(signal.SIGSTOP)
                    await until(is_cut_off)
                    assert teller.is_up
                    child.send_signal(signal.SIGCONT)
                    assert await child.stdout.readline() == b"missed\n"
                    said = asyncio.create_task(child.stdout.readline())
                    while not said.done():
                        teller.send("after", "")
                        await asyncio.wait({said}, timeout=0.05)
                    assert said.result() == b"after\n"
                    child.stdin.close()
                    assert await child.wait() == 0
            finally:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()


# -- at the start -----------------------------------------------------------------------------


async def refusal(url: str) -> Exception:
    """What the start says."""
    with pytest.raises((SettingsError, SignalsUnavailable)) as caught:
        async with listening(url, anybody()):
            pass
    return caught.value


LOCKED = {
    "redis": ["requirepass r1ght%", "user ann on >r1ght% ~* &* +@all"],
    "nats": ['authorization { user: "ann", password: "r1ght%" }'],
}


@both
async def test_a_wrong_password_is_a_wrong_setting(kind: str) -> None:
    with PrivateServer(kind, LOCKED[kind]) as server:
        place = server.url.partition("://")[2]
        async with listening(f"{kind}://ann:r1ght%25@{place}", anybody()):
            pass
        for url in (f"{kind}://ann:wr0ng@{place}", f"{kind}://{place}"):
            error = await refusal(url)
            assert isinstance(error, SettingsError)
            assert error.code == "invalid_settings"
            assert server.url in error.detail and "wr0ng" not in str(error.problem())


async def test_a_token_of_nats() -> None:
    with PrivateServer("nats", ['authorization { token: "t0ken" }']) as server:
        place = server.url.partition("://")[2]
        async with listening(f"nats://t0ken@{place}", anybody()) as (one, _):
            assert one.is_up
        assert isinstance(await refusal(f"nats://t0kem@{place}"), SettingsError)


async def test_a_reason_that_a_reset_overtakes_is_asked_for_again() -> None:
    asked = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.write(b'INFO {"server_id":"x","version":"2.9","max_payload":1048576,"proto":1}\r\n')
        await reader.readline()
        if asked == 1:
            # Closed with its data thrown away, as where something came that nobody reads.
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        else:
            writer.write(b"-ERR 'Authorization Violation'\r\n")
            await reader.readline()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert isinstance(await refusal(f"nats://127.0.0.1:{port}"), SettingsError)
    assert asked == 2


FORBIDDEN = {
    "redis": [
        "user default off",
        "user mute on >pw ~* &* +@all -publish",
        "user deaf on >pw ~* resetchannels +@all",
    ],
    "nats": [
        "authorization { users: [",
        '{user: mute, password: pw, permissions: {publish: {deny: [">"]}}}',
        '{user: deaf, password: pw, permissions: {subscribe: {deny: [">"]}}}',
        "] }",
    ],
}


@both
@pytest.mark.parametrize("user", ["mute", "deaf"])
async def test_who_may_not_send_or_listen_is_told_at_the_start(kind: str, user: str) -> None:
    with PrivateServer(kind, FORBIDDEN[kind]) as server:
        place = server.url.partition("://")[2]
        error = await refusal(f"{kind}://{user}:pw@{place}")
        assert isinstance(error, SettingsError), error
        assert "permission" in str(error).lower()


@both
async def test_nobody_there_at_the_start_is_an_error_with_a_code(kind: str) -> None:
    error = await refusal(f"{kind}://127.0.0.1:1")
    assert isinstance(error, SignalsUnavailable)
    assert (error.code, error.status) == ("signals_unavailable", 503)
    assert f"{kind}://127.0.0.1:1" in error.detail


@both
async def test_a_store_without_its_signals_does_not_start(kind: str, postgres_url: str) -> None:
    store = PostgresStore(postgres_url, signals=SignalSettings(url=f"{kind}://127.0.0.1:1"))
    with pytest.raises(SignalsUnavailable):
        await store.open()
    await store.close()


@both
async def test_another_kind_of_server_is_not_taken_for_one(
    kind: str, request: pytest.FixtureRequest
) -> None:
    other = request.getfixturevalue("nats_server" if kind == "redis" else "redis_server")
    where = signal_server(other)
    error = await refusal(f"{kind}://{where.host}:{where.port}")
    assert isinstance(error, SignalsUnavailable)


@both
async def test_a_missing_package_is_named(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"colloquy.storage.signals.{kind}", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == kind]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraMissing, match=rf"colloquy\[{kind}\]"):
        carrier_to(signal_server(f"{kind}://ann:pw@somewhere"))


async def test_a_server_that_takes_too_little_is_refused() -> None:
    with PrivateServer("nats", ["max_payload: 4096"]) as server:
        error = await refusal(server.url)
        assert isinstance(error, SignalsUnavailable)
        assert "4096" in error.detail and "max_payload" in error.detail


# -- encryption -------------------------------------------------------------------------------


def encrypted(kind: str, authority: Authority) -> list[str]:
    certificate, key = authority.certificate("127.0.0.1")
    if kind == "nats":
        return [f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}']
    return [f"tls-cert-file {certificate}", f"tls-key-file {key}", "tls-auth-clients no"]


@both
async def test_encrypted_servers_are_checked_against_their_authority(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    options = encrypted(kind, authority)
    tls_port = free_port()
    if kind == "redis":
        options.append(f"tls-port {tls_port}")
    with PrivateServer(kind, options) as server:
        scheme = {"redis": "rediss", "nats": "tls"}[kind]
        port = tls_port if kind == "redis" else server.port
        url = f"{scheme}://127.0.0.1:{port}"
        error = await refusal(url)
        assert isinstance(error, SignalsUnavailable)
        assert "certificate" in str(error).lower()
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        who = anybody()
        async with listening(url, who) as (one, _), listening(url, who) as (_, heard):
            await gets_through(one, heard)
        named = await refusal(f"{scheme}://localhost:{port}")
        assert isinstance(named, SignalsUnavailable), "a certificate of another name"


async def test_a_password_is_not_said_to_a_server_that_does_not_encrypt() -> None:
    said: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"server_id":"x","max_payload":1048576,"auth_required":true}\r\n')
        said.append(b"")
        while line := await reader.readline():
            said[-1] += line
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        for who in ("ann:hidden@", "hidden@", ""):
            error = await refusal(f"tls://{who}127.0.0.1:{port}")
            assert isinstance(error, SettingsError)
            assert "does not speak TLS" in error.detail
    assert len(said) == 3
    assert not any(b"hidden" in text for text in said)
