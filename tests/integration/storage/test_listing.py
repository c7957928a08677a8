"""Lists of conversations on both engines: headlines, filters, cursors, bounded scans, search."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from colloquy.model.session import Session
from colloquy.storage import listing
from colloquy.storage.listing import Place, Wanted, list_sessions
from colloquy.storage.search import words_of
from colloquy.storage.store import Store
from colloquy.storage.write_set import Headline, StateRow, Unit
from support.storage import commit, events, started


async def active(store: Store, number: int, at: int, headline: Headline | None = None) -> None:
    """Something happens in a session: the one event of its unit is what the peer said."""
    unit = Unit(session=number, at=at, events=events("message"))
    unit.headline = headline or Headline(said=0)
    await commit(store, unit)


async def owned(store: Store, number: int, at: int, owner: str) -> None:
    state = StateRow("handed_over", owner, None, 1, 1, b"{}")
    await commit(store, Unit(session=number, at=at, version=0, state=state))


EVERYTHING = Wanted()


async def numbers(
    store: Store, wanted: Wanted = EVERYTHING, search: str | None = None
) -> list[int]:
    sessions, _ = await list_sessions(store, wanted, search, None, 100)
    return [session.number for session in sessions]


async def pages(store: Store, wanted: Wanted, limit: int) -> list[list[Session]]:
    found: list[list[Session]] = []
    place: Place | None = None
    while True:
        sessions, place = await list_sessions(store, wanted, None, place, limit)
        found.append(sessions)
        if place is None:
            return found


async def one(store: Store, number: int) -> Session:
    return (await store.sessions_by_number([number]))[number]


async def test_a_headline_keeps_what_a_later_one_does_not_say(store: Store) -> None:
    number = (await started(store)).number
    fresh = await one(store, number)
    assert (fresh.name, fresh.preview, fresh.said_seq, fresh.read_seq) == (None, None, 0, 0)
    await active(store, number, 5, Headline("Mia", "hello", "greet", "positive", 0))
    await active(store, number, 6, Headline(preview="and then?"))
    found = await one(store, number)
    assert (found.name, found.preview, found.intent, found.feeling, found.said_seq) == (
        "Mia", "and then?", "greet", "positive", 1,
    )  # fmt: skip
    assert (found.last_seq, found.updated_at) == (2, 6)


async def test_units_of_one_write_set_add_up_to_one_headline(store: Store) -> None:
    number = (await started(store)).number
    first = Unit(session=number, at=5, events=events("gap", "message"))
    first.headline = Headline("Mia", "hello", "greet", "negative", 1)
    second = Unit(session=number, at=6, events=events("reply"), headline=Headline(preview="hi"))
    await commit(store, first, second)
    found = await one(store, number)
    assert (found.name, found.preview, found.intent, found.said_seq, found.last_seq) == (
        "Mia", "hi", "greet", 2, 3,
    )  # fmt: skip


async def test_a_read_mark_only_rises_and_never_past_the_end(store: Store) -> None:
    number = (await started(store)).number
    for at in (5, 6, 7):
        await active(store, number, at)
    for seq, read in ((2, 2), (1, 2), (99, 3)):
        await store.change("session_read", [(number, seq)])
        assert (await one(store, number)).read_seq == read


async def test_the_newest_activity_comes_first(store: Store) -> None:
    rows = [(await started(store)).number for _ in range(5)]
    for at, index in enumerate((3, 1, 4, 0, 2), 10):
        await active(store, rows[index], at)
    expected = [rows[index] for index in (2, 0, 4, 1, 3)]
    assert await numbers(store) == expected
    found = await pages(store, Wanted(), 2)
    assert [[session.number for session in page] for page in found] == [
        expected[:2], expected[2:4], expected[4:],
    ]  # fmt: skip


async def test_sessions_of_one_moment_are_all_listed(store: Store) -> None:
    rows = [(await started(store)).number for _ in range(5)]
    for number in rows:
        await active(store, number, 10)
    found = await pages(store, Wanted(), 2)
    assert [session.number for page in found for session in page] == sorted(rows, reverse=True)


async def test_a_cursor_holds_while_conversations_go_on(store: Store) -> None:
    rows = [(await started(store)).number for _ in range(6)]
    for at, number in enumerate(rows, 10):
        await active(store, number, at)
    first, place = await list_sessions(store, Wanted(), None, None, 2)
    assert [session.number for session in first] == [rows[5], rows[4]]
    await active(store, rows[1], 50)
    await active(store, rows[5], 51)
    await active(store, (await started(store)).number, 52)
    rest, place = await list_sessions(store, Wanted(), None, place, 10)
    assert [session.number for session in rest] == [rows[3], rows[2], rows[0]]
    assert place is None


async def test_unread_again_means_the_newest_message_only(store: Store) -> None:
    number = (await started(store)).number
    await store.change("session_unread", [(number,)])
    assert (await one(store, number)).read_seq == 0  # nothing was said yet
    for at in (5, 6, 7):
        await active(store, number, at, Headline(None, "x", None, None, 0))
    said = (await one(store, number)).said_seq
    for read, after in ((1, 1), (said, said - 1)):
        await store.change("session_read", [(number, read)])
        await store.change("session_unread", [(number,)])
        assert (await one(store, number)).read_seq == after


async def test_filters_hold_together(store: Store) -> None:
    rows = [(await started(store)).number for _ in range(6)]
    for at, number in enumerate(rows, 10):
        mood = "negative" if at % 2 else "positive"
        intent = "book" if at < 14 else "complain"
        await active(store, number, at, Headline(None, "x", intent, mood, 0))
    await store.change("session_read", [(rows[1], 1)])
    await owned(store, rows[3], 30, "human")
    await owned(store, rows[4], 31, "team")

    assert await numbers(store, Wanted(feeling="negative")) == [rows[3], rows[5], rows[1]]
    assert await numbers(store, Wanted(feeling="negative", unread=1)) == [rows[3], rows[5]]
    assert await numbers(store, Wanted(unread=0)) == [rows[1]]
    assert await numbers(store, Wanted(intent="book", feeling="negative")) == [rows[3], rows[1]]
    assert await numbers(store, Wanted(status="handed_over")) == [rows[4], rows[3]]
    assert await numbers(store, Wanted(owner="human")) == [rows[3]]
    assert await numbers(store, Wanted(owner="human", feeling="positive")) == []
    assert await numbers(store, Wanted(owner="assistant", intent="complain")) == [rows[5]]
    assert await numbers(store, Wanted(channel="web", account="shop")) == [
        rows[4], rows[3], rows[5], rows[2], rows[1], rows[0],
    ]  # fmt: skip
    assert await numbers(store, Wanted(channel="sms")) == []


async def test_a_filter_that_few_pass_ends_pages_early(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "SLAB", 3)
    monkeypatch.setattr(listing, "MAX_SLABS", 2)
    rows = [(await started(store)).number for _ in range(14)]
    for at, number in enumerate(rows, 10):
        await active(store, number, at, Headline(intent="rare" if number == rows[0] else "often"))
    found = await pages(store, Wanted(intent="rare"), 5)
    assert [[session.number for session in page] for page in found] == [[], [], [rows[0]]]
    many = await pages(store, Wanted(intent="often"), 4)
    assert [session.number for page in many for session in page] == rows[:0:-1]
    assert [len(page) for page in many] == [4, 4, 4, 1]


async def indexed(store: Store, number: int, at: int, text: str) -> None:
    """Something was said, and is in the index."""
    await active(store, number, at)
    ((position,),) = await store.query("events_top")
    await store.change("search_insert", [(position, number, " ".join(words_of(text)))])


async def test_a_search_finds_beginnings_of_words_said_in_one_place(store: Store) -> None:
    rows = [(await started(store)).number for _ in range(4)]
    await indexed(store, rows[0], 10, "Is the flat on Main Street free?")
    await indexed(store, rows[1], 11, "The Zürich flat, please")
    await indexed(store, rows[2], 12, "main entrance")
    await indexed(store, rows[2], 13, "which street?")
    await indexed(store, rows[0], 14, "Привет, mia@example.com")

    assert await numbers(store, search="FLAT") == [rows[0], rows[1]]
    assert await numbers(store, search="main str") == [rows[0]]
    assert await numbers(store, search="zur") == [rows[1]]
    assert await numbers(store, search="прив") == [rows[0]]
    assert await numbers(store, search="mia@exam") == [rows[0]]
    assert await numbers(store, search="garage") == []
    assert await numbers(store, Wanted(unread=0), "flat") == []
    await store.change("session_read", [(rows[1], 1)])
    assert await numbers(store, Wanted(unread=0), "flat") == [rows[1]]

    first, place = await list_sessions(store, Wanted(), "flat", None, 1)
    rest, end = await list_sessions(store, Wanted(), "flat", place, 1)
    assert [session.number for session in first + rest] == [rows[0], rows[1]]
    last, none = await list_sessions(store, Wanted(), "flat", end, 1)
    assert (last, none) == ([], None)


async def test_a_search_looks_at_the_newest_places_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "MAX_HITS", 2)
    rows = [(await started(store)).number for _ in range(3)]
    for at, number in enumerate(rows, 10):
        await indexed(store, number, at, "hello")
    assert await numbers(store, search="hello") == [rows[2], rows[1]]


async def test_any_query_is_harmless(store: Store) -> None:
    row = (await started(store)).number
    await indexed(store, row, 10, "quote")

    @settings(
        max_examples=1,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
    )
    @given(st.lists(st.text(max_size=80), min_size=60, max_size=60))
    def typed(texts: list[str]) -> None:
        queries.extend(texts)

    queries = ['"', "'", "*", "quote*", "\0", "🦊", "a' | 'b", "\\", ":* & !", "x" * 10_000, "ǅ ﬃ"]
    typed()
    for query in queries:
        found = await numbers(store, search=query)
        assert found in ([], [row])
    assert await numbers(store, search="quote*") == [row]
    assert await numbers(store, search="🦊") == []
