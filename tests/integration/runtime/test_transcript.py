"""Conversations as operators read them, from real runs on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Sender, Turn
from colloquy.model.errors import Conflict, InvalidInput, NotFound, TooLarge
from colloquy.model.message import Message
from colloquy.model.views import (
    ConversationFilter,
    FeedbackRequest,
    NoteRequest,
    ReplyRequest,
    TranscriptItem,
)
from support.engine import Talk, running
from support.waiting import until

NOTHING = "0" * 32


def guide() -> Colloquy:
    """Asks, waits, breaks and hands over when it is told to."""
    app = Colloquy()

    @app.on_message
    def say(turn: Turn) -> Reply | str | None:
        if "name" in turn.slots:
            return f"Hello {turn.slots.pop('name')}"
        if turn.text == "who am I?":
            return turn.ask("name", "Who are you?")
        if turn.text == "remind me":
            turn.later(0.01, "reminder")
            return "I will"
        if turn.text == "break":
            raise ValueError("as asked")
        if turn.text == "a person":
            return turn.hand_over("human", reason="asked for one", text="One moment")
        if turn.text.startswith("sad"):
            return Reply(text="Oh", tone="positive")
        return f"You said: {turn.text}" if turn.text.startswith("say") else None

    @app.on_timer("reminder")
    def remind(turn: Turn) -> str:
        return "It is time"

    return app


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "a.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def talk(database: Path | str, tmp_path: Path) -> AsyncIterator[Talk]:
    async with running(guide(), database, tmp_path, replies__apology_hand_over="") as talk:
        yield talk


async def items(talk: Talk, who: str = "ann", **place: Any) -> list[TranscriptItem]:
    await talk.settled()
    return (await talk.runtime.transcript(talk.conversation_id(who), **place)).items


async def rated(talk: Talk, reply_id: str, rating: Any, by: str, comment: str | None = None) -> Any:
    request = FeedbackRequest(reply_id, rating, comment)
    return await talk.runtime.feedback(talk.conversation_id(), request, by)


async def test_everything_that_happens_is_in_the_transcript(talk: Talk) -> None:
    runtime, here = talk.runtime, talk.conversation_id()
    await talk.send("say hi", sender=Sender("ann", name="Ann"), stream="tab", sequence=2)
    await talk.send("who am I?")
    await talk.send("Mia")
    await talk.send("remind me")
    await until(lambda: has(talk, "reply", "It is time"))
    await talk.reached(await talk.post("break"), "dead")
    await talk.send("a person")
    await runtime.note(here, NoteRequest("keep an eye on her", author_name="Tom"), "key:1")
    reply = await runtime.reply(here, ReplyRequest(text="I am Tom", author_name="Tom"), "key:1")
    await runtime.feedback(here, FeedbackRequest(reply.reply_id, "up", "quick"), "key:2")

    found = await items(talk)
    assert [item.kind for item in found] == [
        *["gap", "message", "reply"],
        *["message", "reply"] * 3,
        *["timer", "reply"],
        *["dead", "reply"],
        *["message", "owner", "reply"],
        *["note", "reply", "feedback"],
    ]
    seqs = [item.seq for item in found]
    assert seqs == sorted(set(seqs))
    said = {item.reply.text: item for item in found if item.reply is not None}
    assert {text: item.why.handler if item.why else None for text, item in said.items()} == {
        "You said: say hi": "message:guide.<locals>.say",
        "Who are you?": "message:guide.<locals>.say",
        "Hello Mia": "slot:name",
        "I will": "message:guide.<locals>.say",
        "It is time": "timer:reminder",
        runtime.settings.replies.apology: "apology",
        "One moment": "message:guide.<locals>.say",
        "I am Tom": None,
    }
    assert {item.state for item in said.values()} == {"sent"}
    by_kind = {item.kind: item for item in found}
    assert by_kind["gap"].detail == "what came before number 2 of tab is missing"
    assert found[1].sender == Sender("ann", name="Ann")
    assert (found[1].text, found[1].understanding is not None) == ("say hi", True)
    assert by_kind["timer"].name == "reminder"
    dead = by_kind["dead"]
    assert (dead.cause, dead.detail, dead.number is not None) == ("ValueError", "as asked", True)
    owner = by_kind["owner"]
    assert (owner.former_owner, owner.owner, owner.reason, owner.actor) == (
        "assistant", "human", "asked for one", "engine",
    )  # fmt: skip
    note, rating = by_kind["note"].note, by_kind["feedback"].feedback
    assert note is not None
    assert rating is not None
    assert (note.text, note.actor, note.author_name) == ("keep an eye on her", "key:1", "Tom")
    assert (rating.reply_id, rating.rating, rating.comment) == (reply.reply_id, "up", "quick")


async def has(talk: Talk, kind: str, text: str) -> bool:
    return any(row["kind"] == kind and row["body"].get("text") == text for row in await talk.rows())


async def test_a_repeat_that_nobody_answered_is_a_duplicate(
    database: Path | str, tmp_path: Path
) -> None:
    once = {"channels__web__quiet_s": "0", "channels__web__content_dedup_s": "60"}
    async with running(guide(), database, tmp_path, **once) as talk:
        await talk.send("a person", channel="web")
        first = await talk.post("hello?", id="1", channel="web")
        await talk.reached(first, "done")
        await talk.reached(await talk.post("hello?", id="2", channel="web"), "done")
        page = await talk.runtime.transcript(talk.conversation_id(channel="web"))
        said, repeat = page.items[-2:]
        assert (said.kind, said.message_id) == ("message", first.message_id)
        assert (repeat.kind, repeat.message_id != first.message_id) == ("duplicate", True)


async def test_the_transcript_is_paged_both_ways(talk: Talk) -> None:
    for number in range(4):
        await talk.send(f"say {number}")
    runtime, here = talk.runtime, talk.conversation_id()
    await talk.settled()
    whole = [item.seq for item in await items(talk)]
    assert len(whole) == 8

    back: list[int] = []
    page = await runtime.transcript(here, limit=3)
    assert page.after is None
    while True:
        back = [item.seq for item in page.items] + back
        if page.before is None:
            break
        page = await runtime.transcript(here, before=page.before, limit=3)
        assert page.after is not None
    assert back == whole

    forth: list[int] = []
    after: int | None = 0
    while after is not None:
        page = await runtime.transcript(here, after=after, limit=3)
        forth += [item.seq for item in page.items]
        after = page.after
    assert forth == whole
    assert (await runtime.transcript(here, after=whole[-1])).items == []
    with pytest.raises(InvalidInput):
        await runtime.transcript(here, before=3, after=1)
    with pytest.raises(NotFound):
        await runtime.transcript(NOTHING)


async def test_the_list_shows_who_said_what_last(talk: Talk) -> None:
    runtime = talk.runtime
    await talk.send("say\n hello  there", sender=Sender("ann", name="Ann"))
    await talk.send("say more", who="bob")
    await talk.settled()
    page = await runtime.conversations()
    assert [(view.conversation, view.name, view.preview) for view in page.conversations] == [
        ("bob", None, "You said: say more"),
        ("ann", "Ann", "You said: say hello there"),
    ]
    assert all(view.feeling == "neutral" for view in page.conversations)
    await runtime.reply(talk.conversation_id(), ReplyRequest(text="x" * 300), "key:1")
    newest = (await runtime.conversations(limit=1)).conversations[0]
    assert (newest.conversation, newest.preview) == ("ann", "x" * 120)


async def test_what_the_visitor_said_is_unread_until_it_is_read(talk: Talk) -> None:
    runtime, here = talk.runtime, talk.conversation_id()
    await talk.send("say hi")
    await talk.settled()
    view = await runtime.conversation(here)
    assert (view.unread, view.read_seq) == (True, 0)
    activity = view.updated_at
    read = await runtime.mark_read(here, 10**9, "key:1")
    assert (read.unread, read.read_seq, read.updated_at) == (False, view.last_seq, activity)
    assert await runtime.mark_read(here, 1, "key:1") == read, "what was read stays read"
    assert (await runtime.conversations(ConversationFilter(unread=True))).conversations == []
    await runtime.reply(here, ReplyRequest(text="hello"), "key:1")
    assert not (await runtime.conversation(here)).unread, "our own words need no reading"
    await talk.send("say more")
    assert (await runtime.conversation(here)).unread
    (row,) = [row for row in await runtime.store.changes() if row.collection == "session_read"]
    assert (row.actor, row.key) == ("key:1", here)


async def test_history_has_headlines_without_feelings(talk: Talk) -> None:
    history = [
        Message(conversation="old", text="a question", sender=Sender("old", name="Olga")),
        Message(conversation="old", text="an answer", sender=Sender("desk", "assistant", "Desk")),
    ]
    await talk.runtime.import_messages(history)
    await until(lambda: has_preview(talk, "an answer"))
    view = await talk.runtime.conversation(talk.conversation_id("old"))
    assert (view.name, view.feeling, view.intent, view.unread) == ("Olga", None, None, True)
    participants = (await talk.runtime.participants(talk.conversation_id("old"))).participants
    assert [(one.id, one.kind, one.name, one.messages) for one in participants] == [
        ("old", "person", "Olga", 1),
        ("desk", "assistant", "Desk", 1),
    ]


async def has_preview(talk: Talk, preview: str) -> bool:
    views = (await talk.runtime.conversations()).conversations
    return [view.preview for view in views] == [preview]


async def test_participants_are_counted_in_order(talk: Talk) -> None:
    here = talk.conversation_id()
    await talk.send("say hi")
    await talk.send("say more", sender=Sender("ann", name="Ann"))
    await talk.runtime.reply(here, ReplyRequest(text="I am Tom", author_name="Tom"), "key:1")
    found = (await talk.runtime.participants(here)).participants
    assert [(one.id, one.kind, one.name, one.messages) for one in found] == [
        ("ann", "person", "Ann", 2),
        ("assistant", "assistant", None, 2),
        ("Tom", "human", "Tom", 1),
    ]
    assert found[0].first_seq < found[1].first_seq < found[0].last_seq < found[2].first_seq
    with pytest.raises(NotFound):
        await talk.runtime.participants(NOTHING)


async def test_a_note_with_an_id_is_one_note(talk: Talk) -> None:
    runtime, here = talk.runtime, talk.conversation_id()
    await talk.send("say hi")
    request = NoteRequest("call back", id="n-1")
    notes = await asyncio.gather(*(runtime.note(here, request, "key:1") for _ in range(5)))
    assert len({(note.note_id, note.seq) for note in notes}) == 1
    assert [item.kind for item in await items(talk)].count("note") == 1
    with pytest.raises(Conflict):
        await runtime.note(here, NoteRequest("something else", id="n-1"), "key:1")
    plain = [await runtime.note(here, NoteRequest("call back"), "key:1") for _ in range(2)]
    assert plain[0].note_id != plain[1].note_id
    for wrong, error in ((" \n", InvalidInput), ("x" * 10_001, TooLarge)):
        with pytest.raises(error):
            await runtime.note(here, NoteRequest(wrong), "key:1")
    with pytest.raises(NotFound):
        await runtime.note(NOTHING, NoteRequest("nobody"), "key:1")


async def test_a_note_does_not_run_a_turn_again(talk: Talk) -> None:
    here = talk.conversation_id()
    await talk.send("say hi")
    version = (await talk.runtime.conversation(here)).version
    await talk.runtime.note(here, NoteRequest("psst"), "key:1")
    assert (await talk.runtime.conversation(here)).version == version
    assert await talk.send("say more") == ["You said: say more"]
    window = await talk.runtime.transcript(here)
    assert [item.kind for item in window.items][-3:] == ["note", "message", "reply"]


async def test_a_rating_counts_once_and_may_change(talk: Talk) -> None:
    await talk.send("say hi")
    reply = next(item.reply for item in await items(talk) if item.reply is not None)
    first = await rated(talk, reply.reply_id, "up", "visitor")
    assert await rated(talk, reply.reply_id, "up", "visitor") == first
    changed = await rated(talk, reply.reply_id, "down", "visitor", "wrong street")
    assert (changed.rating, changed.comment, changed.seq > first.seq) == (
        "down",
        "wrong street",
        True,
    )
    again = await rated(talk, reply.reply_id, "up", "visitor")
    assert again.seq > changed.seq
    other = await rated(talk, reply.reply_id, "up", "key:1")
    assert other.seq > again.seq
    with pytest.raises(NotFound):
        await rated(talk, NOTHING, "up", "visitor")
    with pytest.raises(TooLarge):
        await rated(talk, reply.reply_id, "up", "visitor", "x" * 2001)


async def test_operators_see_notes_live_and_visitors_do_not(talk: Talk) -> None:
    runtime, here = talk.runtime, talk.conversation_id()
    await talk.send("say hi")
    await talk.settled()

    async def watch(for_operators: bool, last: str) -> list[str]:
        kinds = []
        stream: Any = runtime.stream(here, 0, for_operators=for_operators)
        async with asyncio.timeout(60), aclosing(stream) as watched:
            async for item in watched:
                if item is not None:
                    kinds.append(item.kind)
                    if item.reply is not None and item.reply.text == last:
                        break
        return kinds

    watching = [asyncio.create_task(watch(mine, "bye")) for mine in (True, False)]
    reply = next(item.reply for item in await items(talk) if item.reply is not None)
    await runtime.note(here, NoteRequest("psst"), "key:1")
    await rated(talk, reply.reply_id, "down", "visitor")
    await runtime.reply(here, ReplyRequest(text="bye"), "key:1")
    assert await watching[0] == ["message", "reply", "note", "feedback", "reply"]
    assert await watching[1] == ["message", "reply", "feedback", "reply"]


async def test_a_handler_chooses_its_tone(talk: Talk) -> None:
    await talk.send("sad news")
    await talk.send("say hi")
    tones = [item.reply.tone for item in await items(talk) if item.reply is not None]
    assert tones == ["positive", "neutral"]


async def test_what_was_said_is_found_soon(talk: Talk) -> None:
    runtime = talk.runtime
    await talk.send("say Gründerzeit", sender=Sender("x", name="Mía Löwe"))
    await talk.send("say balcony", who="+49 170 5550199")
    await runtime.note(talk.conversation_id(), NoteRequest("prefers evenings"), "key:1")

    async def found(query: str) -> list[str]:
        page = await runtime.conversations(ConversationFilter(q=query))
        return [view.conversation for view in page.conversations]

    async def is_indexed() -> bool:
        ((top,),) = await runtime.store.query("events_top")
        return await runtime.store.meta("search_position") == str(top)

    await until(is_indexed)
    assert await found("grunderz") == ["ann"]
    assert await found("MIA lo") == ["ann"]
    assert await found("evening") == ["ann"]
    assert await found("170 555") == ["+49 170 5550199"]
    assert await found("say") == ["ann", "+49 170 5550199"]
    assert await found("grunderz balcony") == []
    assert await found("🦊") == []


async def test_filters_and_cursors_that_cannot_be_are_refused(talk: Talk) -> None:
    for wrong in (
        ConversationFilter(status="closed"),
        ConversationFilter(owner="nobody"),
        ConversationFilter(feeling="blue"),
        ConversationFilter(channel="x" * 257),
    ):
        with pytest.raises(InvalidInput):
            await talk.runtime.conversations(wrong)
    with pytest.raises(InvalidInput):
        await talk.runtime.conversations(cursor="nonsense")
    with pytest.raises(InvalidInput):
        await talk.runtime.dead_letters("nonsense")


async def test_dead_letters_of_one_conversation_are_paged(talk: Talk) -> None:
    for who in ("ann", "bob", "ann", "ann"):
        await talk.reached(await talk.post("break", who=who), "dead")
    here = talk.conversation_id()
    first = await talk.runtime.dead_letters(limit=2, conversation_id=here)
    rest = await talk.runtime.dead_letters(first.next, limit=2, conversation_id=here)
    letters = first.dead_letters + rest.dead_letters
    assert [letter.conversation_id for letter in letters] == [here] * 3
    assert rest.next is None
    assert len((await talk.runtime.dead_letters()).dead_letters) == 4
