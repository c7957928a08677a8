"""The server of signals in the settings: what its URL may say, and that its secrets stay secret."""

from __future__ import annotations

import pytest

from colloquy.model.errors import SettingsError
from colloquy.settings import SignalServer, load_settings, resolve, shown
from colloquy.settings.signals import signal_server

SHARED = {"database_url": "postgresql://somewhere/db"}


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("redis://cache", SignalServer("redis", "cache", 6379)),
        ("redis://:p%40ss@cache:1/3", SignalServer("redis", "cache", 1, None, "p@ss")),
        ("rediss://ann:pw@cache/", SignalServer("rediss", "cache", 6379, "ann", "pw")),
        ("nats://[::1]:5222", SignalServer("nats", "::1", 5222)),
        ("tls://ann:pw@bus", SignalServer("tls", "bus", 4222, "ann", "pw")),
        ("nats://t0ken@bus", SignalServer("nats", "bus", 4222, token="t0ken")),
    ],
)
def test_what_a_url_says(url: str, server: SignalServer) -> None:
    found = signal_server(url)
    assert found == server
    assert all(secret not in found.place for secret in ("p@ss", "pw", "t0ken", "ann"))


def test_a_place_can_be_connected_to() -> None:
    assert signal_server("nats://ann:pw@[::1]").place == "nats://[::1]:4222"


@pytest.mark.parametrize(
    "url",
    [
        "amqp://hidden:hidden@bus",
        "hidden",
        "redis://",
        "redis://ann@cache",
        "redis://:hid/den@cache",
        "redis://:hid#den@cache",
        "redis://:hid?den@cache",
        "redis://:hidden@cache:99999",
        "redis://cache/0/hidden",
        "redis://cache?hidden=1",
        "nats://:hidden@bus",
        "nats://bus/hidden",
        "nats://bus:0",
        "nats://bu s",
        "nats://b\nus",
        "nats://büs",
    ],
)
def test_what_will_not_do_is_said_without_its_secrets(url: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"COLLOQUY_SIGNALS_URL": url}, SHARED)
    (problem,) = caught.value.extra["problems"]
    assert problem["setting"] == "signals.url"
    assert problem["source"] == "environment COLLOQUY_SIGNALS_URL"
    assert "hid" not in caught.value.detail


def test_signals_need_a_database_for_several_processes() -> None:
    with pytest.raises(SettingsError, match="a SQLite file has only one"):
        load_settings(overrides={"signals.url": "redis://cache"})
    assert load_settings(overrides={"signals.url": ""}).signals.server is None


@pytest.mark.parametrize("prefix", ["", "a b", "a.", ".a", "a>", "a*", "x" * 41])
def test_a_prefix_is_one_that_every_server_takes(prefix: str) -> None:
    with pytest.raises(SettingsError, match=r"signals\.prefix"):
        load_settings(overrides={**SHARED, "signals.prefix": prefix})


def test_the_url_is_never_shown_whole() -> None:
    assert shown("signals.url", "redis://ann:hidden@cache") == "redis://ann:***@cache"
    assert shown("signals.url", "nats://hidden@bus:4222") == "nats://***@bus:4222"
    assert shown("signals.url", "nats://bus") == "nats://bus"
    rows = resolve(None, {}, {**SHARED, "signals.url": "redis://:hidden@cache"}).rows()
    assert "hidden" not in str(rows)


def test_it_cannot_be_kept_in_the_store_that_it_is_for() -> None:
    for name, value in (("signals.url", "redis://cache"), ("signals.prefix", "x")):
        with pytest.raises(SettingsError, match="cannot be kept in the store"):
            load_settings(None, {}, SHARED, {name: value})
