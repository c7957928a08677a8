"""The recent window: bounded, and a turn sees it as it was when the turn began."""

from __future__ import annotations

from colloquy.context.window import MAX_LINE, TurnContext, Window
from colloquy.model.session import Session
from colloquy.model.turn import Said


def session(last_seq: int = 7) -> Session:
    return Session(
        number=1, id=b"c" * 16, channel="web", account="a", key="ann", thread="", last_seq=last_seq
    )


class Log:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def fetch(self, session: Session, last: int, limit: int) -> list[Said]:
        self.asked.append((last, limit))
        return [Said("visitor", "from the log", 0)]


def filled(size: int, *texts: str) -> Window:
    window = Window(size, complete=True)
    for number, text in enumerate(texts):
        window.add(Said("visitor", text, number))
    return window


async def test_what_is_in_memory_is_given_without_a_look_into_the_log() -> None:
    log = Log()
    context = TurnContext(session(), filled(3, "a", "b"), {}, log.fetch)
    assert [said.text for said in await context.recent(1)] == ["b"]
    assert [said.text for said in await context.recent(9)] == ["a", "b"]
    assert await context.recent(0) == []
    assert log.asked == []


async def test_what_fell_out_is_read_from_the_log() -> None:
    log = Log()
    context = TurnContext(session(), filled(2, "a", "b", "c"), {}, log.fetch)
    assert [said.text for said in await context.recent(2)] == ["b", "c"]
    assert [said.text for said in await context.recent(3)] == ["from the log"]
    assert log.asked == [(7, 3)]


async def test_a_turn_does_not_see_what_is_said_after_it_began() -> None:
    log = Log()
    window = filled(2, "a", "b")
    live = session()
    context = TurnContext(live, window, {}, log.fetch)
    window.add(Said("visitor", "its own message", 3))
    live.last_seq = 9
    assert [said.text for said in await context.recent(2)] == ["a", "b"]
    assert [said.text for said in await context.recent(5)] == ["a", "b"]
    assert log.asked == []


def test_a_long_line_is_cut() -> None:
    window = filled(1, "x" * (MAX_LINE + 1))
    assert len(window.lines[0].text) == MAX_LINE


def test_facts_are_a_copy() -> None:
    slots = {"name": "Ann"}
    context = TurnContext(session(), filled(1), slots, Log().fetch)
    facts = context.facts
    facts["slots"]["name"] = "Bob"
    assert slots == {"name": "Ann"}
    assert facts["channel"] == "web"
    assert (facts["owner"], facts["status"], facts["events"]) == ("assistant", "open", 7)
