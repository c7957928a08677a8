"""Engines on one database whose server of signals is killed: they go on, say so, and find back."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from colloquy.flags import FlagState
from colloquy.model.errors import SettingsError, SignalsUnavailable
from colloquy.ops.health import Signal
from colloquy.runtime.checks import check_installation, check_signals
from colloquy.settings import resolve
from support.carriers import PrivateServer
from support.engine import Talk, echo, running, settings_for
from support.waiting import until

FLAG = "enable_apology"


def signal_of(talk: Talk) -> Signal:
    (found,) = [one for one in talk.runtime._vitals._signals() if one.name == "signals"]
    return found


@pytest.mark.parametrize("kind", ["redis", "nats"])
async def test_without_their_server_engines_look_for_themselves(
    kind: str, postgres_url: str, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        server = stack.enter_context(PrivateServer(kind))
        one, other = [
            await stack.enter_async_context(
                running(echo(), postgres_url, tmp_path / name, signals__url=server.url)
            )
            for name in "12"
        ]
        assert signal_of(one).loss == 0
        await until(lambda: other.runtime.stats()["leases"] == 32)
        server.kill()
        lost = [talk.runtime.store for talk in (one, other)]
        await until(lambda: all(store.stats()["signals_away_s"] > 0 for store in lost))
        one.runtime._vitals.set_gauges()
        assert one.runtime.metrics.signals_away_seconds.value > 0
        assert one.runtime.metrics.signals.of("losses").value == 1
        assert "lost for" in signal_of(one).detail

        await one.runtime.flag_desk.change(FLAG, FlagState(value=False), "ann")
        await until(lambda: not other.runtime.flags.enabled(FLAG))
        # Whoever is written to by the one and answered by the other is answered all the same.
        answers = await asyncio.gather(*(one.send("hello", f"c{n}") for n in range(12)))
        assert answers == [["You said: hello"]] * 12
        assert other.runtime.worker.turns > 0

        server.start()
        await until(lambda: all(store.stats()["signals_away_s"] == 0 for store in lost))
        assert (signal_of(one).loss, signal_of(one).detail) == (0, "")
        await one.runtime.flag_desk.change(FLAG, FlagState(value=True), "ann")
        await until(lambda: other.runtime.flags.enabled(FLAG))


async def test_an_engine_whose_server_of_signals_is_not_there_does_not_start(
    postgres_url: str, tmp_path: Path
) -> None:
    with pytest.raises(SignalsUnavailable):
        async with running(echo(), postgres_url, tmp_path, signals__url="redis://127.0.0.1:1"):
            pass


async def test_what_was_missed_is_looked_for_at_once(
    postgres_url: str, signals_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(echo(), postgres_url, tmp_path, signals__url=signals_url) as talk:
        runtime = talk.runtime
        looked: list[str] = []
        monkeypatch.setattr(runtime.worker.intake, "look", lambda: looked.append("inbox"))
        monkeypatch.setattr(runtime.signals, "touch_all", lambda: looked.append("streams"))
        monkeypatch.setattr(runtime.flag_desk, "heard", lambda: looked.append("flags"))
        monkeypatch.setattr(runtime.webhooks, "heard", lambda: looked.append("webhooks"))
        monkeypatch.setattr(runtime.ledger, "heard", lambda: looked.append("ledger"))
        runtime.store._signals._fell("a test")  # type: ignore[attr-defined]
        await until(lambda: {"inbox", "streams", "flags", "webhooks", "ledger"} <= set(looked))


@pytest.mark.parametrize("kind", ["redis", "nats"])
async def test_the_doctor_tries_the_server(
    kind: str, request: pytest.FixtureRequest, postgres_url: str, tmp_path: Path
) -> None:
    url = request.getfixturevalue(f"{kind}_server")
    settings = settings_for(postgres_url, tmp_path, signals__url=url)
    check = await check_signals(settings)
    assert check.status == "ok"
    assert "there and back in" in check.detail
    away = {"database_url": postgres_url, "signals.url": f"{kind}://:pw@127.0.0.1:1"}
    if kind == "nats":
        away["signals.url"] = "nats://ann:pw@127.0.0.1:1"
    found = await check_installation(resolve(None, {}, {**away, "data_dir": str(tmp_path)}))
    (signals,) = [one for one in found if one.name == "signals"]
    assert signals.status == "fail"
    assert "signals_unavailable" in signals.detail and "pw" not in signals.detail


def test_signals_on_a_file_are_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="SQLite"):
        settings_for(tmp_path / "a.db", tmp_path, signals__url="redis://127.0.0.1")
