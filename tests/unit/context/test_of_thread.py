"""The window of one thread: out of memory, out of the log, never with another thread's lines."""

from __future__ import annotations

from colloquy.context.window import TurnContext, Window
from colloquy.model.session import Session
from colloquy.model.turn import Said

SESSION = Session(number=1, id=b"c", channel="api", account="default", key="ann", thread="")


def line(number: int) -> Said:
    """Even lines are about t1, odd ones about t2; every fifth about nothing that is known."""
    thread = None if number % 5 == 4 else ("t1", "t2")[number % 2]
    return Said("visitor", str(number), number, thread, f"m{number}")


async def test_lines_of_the_thread_out_of_memory() -> None:
    window = Window(20, complete=True)
    for number in range(10):
        window.add(line(number))
    context = TurnContext(SESSION, window, {}, not_asked, frozenset({"t1"}))
    assert [said.text for said in await context.of_thread()] == ["0", "2", "6", "8"]
    assert [said.text for said in await context.of_thread(2)] == ["6", "8"]
    assert await context.of_thread(0) == []


async def not_asked(session: Session, last: int, limit: int) -> list[Said]:
    raise AssertionError("all of it is in memory")


async def test_what_memory_lacks_comes_out_of_the_log_without_other_threads() -> None:
    window = Window(4, complete=False)
    for number in range(26, 30):
        window.add(line(number))
    asked: list[int] = []

    async def log(session: Session, last: int, limit: int) -> list[Said]:
        asked.append(limit)
        return [line(number) for number in range(30)]

    context = TurnContext(SESSION, window, {}, log, frozenset({"t2"}))
    found = await context.of_thread(8)
    assert [said.text for said in found] == ["11", "13", "15", "17", "21", "23", "25", "27"]
    assert len(asked) == 1


async def test_a_turn_without_a_thread_sees_nothing() -> None:
    window = Window(4, complete=True)
    window.add(line(0))
    assert await TurnContext(SESSION, window, {}, not_asked).of_thread() == []


async def test_a_line_joins_its_thread_once_that_is_known() -> None:
    window = Window(4, complete=True)
    window.add(line(0))
    window.add(line(4))
    window.place("m4", "t1")
    window.place("m0", "t9")
    context = TurnContext(SESSION, window, {}, not_asked, frozenset({"t1"}))
    assert [said.text for said in await context.of_thread()] == ["0", "4"]
