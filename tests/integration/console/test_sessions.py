"""Log-in sessions in the store, on both databases."""

from __future__ import annotations

import pytest

from colloquy.console import sessions
from colloquy.console.sessions import Logins
from colloquy.settings import ConsoleSettings
from colloquy.storage.store import Store

START = 1_000_000_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> int:
        return self.now


async def test_a_session_lives_from_its_log_in_to_its_log_out(store: Store) -> None:
    logins = Logins(store, ConsoleSettings(), Clock())
    one, two = await logins.open("key"), await logins.open("key")
    assert one.token != two.token
    assert one.csrf != two.csrf
    found = await Logins(store, ConsoleSettings(), Clock()).find(one.token)  # another process
    assert found == one
    await logins.close(one.token)
    await logins.close(one.token)
    assert await logins.find(one.token) is None
    assert await logins.find(two.token) == two
    for stranger in ("", "x", "x" * 5000, "\udc80"):
        assert await logins.find(stranger) is None


async def test_use_keeps_it_alive_up_to_a_point(store: Store) -> None:
    clock = Clock()
    logins = Logins(store, ConsoleSettings(idle_s=600, session_s=1500), clock)
    login = await logins.open("key")
    for minutes in (9, 18, 24):
        clock.now = START + minutes * 60_000_000
        assert await logins.find(login.token) == login
    clock.now = START + 25 * 60_000_000
    assert await logins.find(login.token) is None

    login = await logins.open("key")
    clock.now += 9 * 60_000_000
    assert await logins.find(login.token, is_use=False) == login
    clock.now += 60_000_000
    assert await logins.find(login.token) is None


async def test_what_ended_is_deleted_and_a_key_has_a_bounded_number(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MOST_PER_KEY", 3)
    clock = Clock()
    logins = Logins(store, ConsoleSettings(idle_s=600), clock)
    other = await logins.open("other")
    opened = []
    for _ in range(5):
        clock.now += 1_000_000
        opened.append(await logins.open("key"))
    alive = [await logins.find(login.token) is not None for login in opened]
    assert alive == [False, False, True, True, True]
    assert await logins.find(other.token) == other
    clock.now += 601 * 1_000_000
    last = await logins.open("third")
    monkeypatch.undo()
    clock.now -= 601 * 1_000_000  # as if they had not ended: the rows are gone all the same
    assert await logins.find(other.token) is None
    assert await logins.find(last.token) == last
