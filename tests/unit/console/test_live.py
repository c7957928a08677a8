"""Viewers of the console: who sees what, and what becomes of a slow one."""

from __future__ import annotations

from colloquy.console.access import Operator
from colloquy.console.live import MAX_FRAMES, Frame, Viewer


def viewer(*scopes: str) -> Viewer:
    return Viewer(Operator("k", "Mia", frozenset(scopes), "csrf", True), "session")


async def test_a_viewer_gets_what_its_scopes_allow_in_order() -> None:
    reader, admin = viewer("read"), viewer("admin")
    for one in (reader, admin):
        one.offer(Frame(b"figures", "operate"))
        one.offer(Frame(b"changes", "read"))
        one.end()
    assert [frame async for frame in reader.frames()] == [b"changes"]
    assert [frame async for frame in admin.frames()] == [b"figures", b"changes"]


async def test_a_slow_viewer_is_dropped_and_holds_no_more_than_the_bound() -> None:
    slow = viewer("read")
    for number in range(MAX_FRAMES * 3):
        slow.offer(Frame(b"%d" % number, "read"))
    got = [frame async for frame in slow.frames()]
    assert got == [b"%d" % number for number in range(MAX_FRAMES)]
