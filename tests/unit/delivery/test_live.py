"""Who waits and who watches inside one process."""

from __future__ import annotations

import asyncio

from colloquy.delivery.live import Signals, Waiters
from colloquy.delivery.outgoing import reply_view
from colloquy.model.message import encode
from colloquy.model.views import ReplyView
from colloquy.pipeline.cache import ReplyBody

A, B, TURN = b"a" * 16, b"b" * 16, b"t" * 16
ONE, TWO = b"1" * 16, b"2" * 16


def view(reply: bytes) -> ReplyView:
    return ReplyView(reply.hex(), "c", 1, "now", text=reply.decode())


async def test_a_waiter_gets_all_replies_of_the_turn_once_all_are_released() -> None:
    waiters = Waiters()
    first, second = waiters.wait(A), waiters.wait(A)
    other = waiters.wait(B)
    waiters.settled(TURN, [A, B], [ONE, TWO])
    assert waiters.awaits(TURN)
    waiters.released(TURN, view(ONE))
    assert not first.done()
    waiters.released(TURN, view(TWO))
    for future in (first, second, other):
        assert [reply.text for reply in await future] == ["1" * 16, "2" * 16]
    assert not waiters.awaits(TURN)


async def test_a_withdrawn_reply_is_waited_for_no_more_and_not_shown() -> None:
    waiters = Waiters()
    future = waiters.wait(A)
    waiters.settled(TURN, [A], [ONE, TWO])
    waiters.withdrawn(TURN, ONE)
    waiters.released(TURN, view(TWO))
    assert [reply.text for reply in await future] == ["2" * 16]


async def test_who_waits_for_a_turn_that_is_done_again_gets_what_that_one_says() -> None:
    waiters = Waiters()
    future = waiters.wait(A)
    waiters.settled(TURN, [A], [ONE])
    waiters.again(TURN)
    waiters.again(None)
    waiters.released(TURN, view(ONE))
    assert not future.done()
    waiters.settled(b"u" * 16, [A], [TWO])
    waiters.released(b"u" * 16, view(TWO))
    assert [reply.text for reply in await future] == ["2" * 16]


async def test_silence_is_an_answer() -> None:
    waiters = Waiters()
    future = waiters.wait(A)
    waiters.settled(TURN, [A], [])
    assert await future == []


async def test_one_who_leaves_and_turns_of_nobody_leave_nothing_behind() -> None:
    waiters = Waiters()
    future = waiters.wait(A)
    waiters.leave(A, future)
    waiters.leave(A, future)
    waiters.settled(TURN, [A], [ONE])
    waiters.released(TURN, view(ONE))
    waiters.released(None, view(ONE))
    assert not waiters.awaits(TURN)
    assert not waiters._by_message
    assert not waiters._expected


async def test_a_cancelled_waiter_harms_no_other() -> None:
    waiters = Waiters()
    gone, here = waiters.wait(A), waiters.wait(A)
    gone.cancel()
    waiters.settled(TURN, [A], [])
    assert await here == []


async def test_watchers_are_woken_and_forgotten() -> None:
    signals = Signals()
    one, two = signals.watch(A), signals.watch(B)
    signals.touch(A)
    assert (one.wake.is_set(), two.wake.is_set()) == (True, False)
    signals.touch_all()
    assert two.wake.is_set()
    signals.unwatch(A, one)
    signals.unwatch(A, one)
    one.wake.clear()
    signals.touch(A)
    signals.touch(b"nobody")
    assert not one.wake.is_set()
    two.wake.clear()
    two.has_news = False
    signals.nudge(B)
    assert (two.wake.is_set(), two.has_news) == (True, False)
    signals.close()
    assert signals.closed
    assert two.has_news
    signals.unwatch(B, two)
    assert not signals._watchers
    await asyncio.sleep(0)


def test_changes_are_noted_for_whoever_watches_all_conversations() -> None:
    signals = Signals()
    signals.touch(A)
    with signals.changes() as changes:
        assert changes.take() is None
        for conversation in (A, B, A):
            signals.touch(conversation)
        assert sorted(changes.take() or ()) == sorted((A, B))
        assert changes.take() is None
        signals.touch(A)
        signals.touch_all()
        assert changes.take() == []  # some, it is not known which
        for number in range(changes.MOST + 1):
            signals.touch(number.to_bytes(16))
        assert changes.take() == []
        assert changes.take() is None
    signals.touch(A)
    assert changes.take() is None


def test_a_reply_as_clients_see_it() -> None:
    body = encode(ReplyBody(reply_id="r", text='a "quoted" {text}', metadata={"k": [1]}))
    shown = reply_view(body, conversation=A, seq=3, at=0, turn_id=TURN)
    assert shown == ReplyView(
        "r",
        A.hex(),
        3,
        "1970-01-01T00:00:00.000000Z",
        text='a "quoted" {text}',
        metadata={"k": [1]},
        turn_id=TURN.hex(),
    )
    assert reply_view(body, conversation=A, seq=3, at=0, turn_id=None).turn_id is None
