"""What a reply was made with, and who is to be looked through when switches change."""

from __future__ import annotations

from typing import Any

import msgspec

from colloquy.delivery.made import KillWatch, Made, MadeFrom, made_of
from colloquy.flags import Flags
from colloquy.storage.store import OutboxItem

TOOLS = {"disable_new_tools": "store"}
MADE = Made(["enable_tools"], [MadeFrom(7, "0" * 32, 0)], 1)


def item(session: int = 1, made: Made | None = MADE, **fields: Any) -> OutboxItem:
    body = None if made is None else msgspec.json.encode(made)
    first = OutboxItem(session, 3, b"r" * 16, "wire", "", 1, 0, 0, "pending", 0, 0, None, body)
    return first._replace(**fields)


def test_a_row_says_what_its_reply_was_made_with() -> None:
    made = Made(["a"], [MadeFrom(1, "f" * 32, 1)], 2, {"slot": "day"}, [4, 5])
    assert made_of(item(made=made)) == made
    assert made_of(item(made=None)) is None
    assert made_of(item(automatic=0)) is None


def test_only_what_is_killed_is_held_and_nothing_is_read_before() -> None:
    flags = Flags()
    watch = KillWatch(flags)
    damaged = item(made=None, automatic=1)._replace(made=b"{")
    assert not watch.hits(damaged)
    flags.replace({}, TOOLS)
    assert watch.hits(item())
    assert not watch.hits(item(made=Made(["enable_bursts"], [], 1)))
    assert not watch.hits(item(made=None))
    flags.replace({}, {})
    assert not watch.hits(item())


def test_all_are_looked_through_when_switches_change_and_later_only_what_is_new() -> None:
    flags = Flags()
    watch = KillWatch(flags)
    watch.offered(1)
    assert (watch.has_news, watch.doubted) == (False, set())
    flags.replace({}, TOOLS)
    assert watch.has_news
    assert not watch.has_news
    watch.offered(2)
    watch.doubt(3)
    assert watch.doubted == {2, 3}
    watch.settle(2)
    assert watch.doubted == {3}
    flags.replace({}, {})
    # Nothing is killed: it need not be looked at any more, also when the next switch is thrown.
    assert (watch.has_news, watch.doubted) == (False, set())
