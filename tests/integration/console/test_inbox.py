"""The inbox without a browser: every page and every action, who may do what, what stays text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.model.message import Data, Media
from colloquy.model.views import (
    ConversationFilter,
    FeedbackRequest,
    NoteRequest,
    OwnerRequest,
    ReplyRequest,
)
from support.console import Console
from support.inbox_story import conversation, record, say, say_all
from support.server import Server
from support.waiting import until

NASTY = "<script>alert('1')</script>\"><img src=x onerror=alert(2)>"
HTMX = {"hx-request": "true"}
LIST = {**HTMX, "hx-target": "list"}
PANE = {**HTMX, "hx-target": "conversation"}


def assistant() -> Colloquy:
    """Answers with what visitors wrote, in every place where it may."""
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> Reply | None:
        if "poison" in turn.text:
            raise ValueError(turn.text)
        if "human" in turn.text:
            return turn.hand_over("human", reason=turn.text)
        turn.state["said"] = turn.text
        return Reply(
            f"You said: {turn.text}",
            quick_replies=[turn.text],
            metadata={turn.text[:50]: turn.text},
        )

    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("inbox"), assistant) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


def names(page: str) -> list[str]:
    return re.findall(r'class="row-name">([^<]*)<', page)


def seen(server: Server, conversation_id: str) -> str:
    view = conversation(server, conversation_id)
    return f"{view.owner}:{view.owner_id or ''}"


async def listed(server: Server, search: str) -> bool:
    page = await server.runtime.conversations(ConversationFilter(q=search))
    return bool(page.conversations)


def take(console: Console, server: Server, found: str, **fields: str) -> Any:
    answer = console.post(
        f"/console/inbox/{found}/owner",
        data={"csrf": console.csrf, "seen": seen(server, found), **fields},
        headers=HTMX,
    )
    assert answer.status_code == 204, answer.text
    return json.loads(answer.headers["hx-trigger"])


# -- the list ---------------------------------------------------------------------------------


def test_the_list_is_filtered_by_its_address(server: Server, console: Console) -> None:
    say(server, "first", "good morning", name="Aa First", channel="web")
    found = say(server, "second", "a human, please", name="Bb Second")
    server.run(server.runtime.mark_read(found, 100, "k"))
    server.run(until(lambda: listed(server, "morning")))  # what was said is indexed in a moment
    page = console.get("/console/inbox").text
    assert names(page).index("Bb Second") < names(page).index("Aa First")
    for query, expected in {
        "?channel=web": ["Aa First"],
        "?view=person": ["Bb Second"],
        "?owner=human": ["Bb Second"],
        "?status=handed_over": ["Bb Second"],
        "?q=Aa": ["Aa First"],
        "?q=morning": ["Aa First"],
        "?q=Aa&owner=human": [],
    }.items():
        assert names(console.get(f"/console/inbox{query}").text) == expected, query
    unread = names(console.get("/console/inbox?view=unread").text)
    assert "Aa First" in unread
    assert "Bb Second" not in unread
    # What cannot be is left out, so that an old address still shows something.
    assert names(console.get("/console/inbox?status=x&view=y&owner=z").text) == names(page)


def test_a_part_says_its_address(console: Console) -> None:
    answer = console.get("/console/inbox?q=Aa&status=&view=", headers=LIST)
    assert answer.headers["hx-push-url"] == "/console/inbox?q=Aa"
    assert "<html" not in answer.text
    assert names(answer.text) == ["Aa First"]


@pytest.mark.parametrize(
    ("current", "header"),
    [
        ("http://host/console/inbox", "hx-push-url"),
        ("http://host/console/inbox?channel=web", "hx-push-url"),
        ("http://host/console/inbox?q=A", "hx-replace-url"),
        ("http://host/console/inbox?q=Aa", None),
        ("http://[", "hx-push-url"),
    ],
)
def test_typing_on_is_no_new_place(console: Console, current: str, header: str | None) -> None:
    answer = console.get("/console/inbox?q=Aa", headers={**LIST, "hx-current-url": current})
    said = {name for name in answer.headers if name in ("hx-push-url", "hx-replace-url")}
    assert said == ({header} if header else set())


def test_the_open_conversation_stays_in_the_address(console: Console) -> None:
    talk = f"/console/inbox/{'0' * 32}"
    answer = console.get(
        "/console/inbox?q=Aa", headers={**LIST, "hx-current-url": f"http://host{talk}"}
    )
    assert answer.headers["hx-push-url"] == f"{talk}?q=Aa"


def test_the_list_comes_in_pages(server: Server, console: Console) -> None:
    people = {f"page-{number}": (f"Page {number}", "hello") for number in range(45)}
    say_all(server, people, "pages")
    first = console.get("/console/inbox?channel=pages").text
    link = re.search(r'hx-get="(/console/inbox/rows\?[^"]*)"', first)
    assert link is not None
    second = console.get(link[1].replace("&amp;", "&")).text
    assert "<html" not in second
    assert len(names(first)) == 40
    assert sorted(names(first) + names(second)) == sorted(f"Page {n}" for n in range(45))
    assert "row-more" not in second
    say(server, "page-person", "a human, please")
    counts = console.get("/console/inbox/counts").json()
    assert int(counts["person"]) >= 1
    assert int(counts["unread"].removesuffix("+")) >= 45


def test_an_empty_inbox_teaches(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        Server(tmp_path_factory.mktemp("empty")) as server,
        Console(server, server.key()) as console,
    ):
        assert "No conversations yet" in console.get("/console/inbox").text
        assert "Nobody waits for a person" in console.get("/console/inbox?view=person").text
        assert "No dead letters" in console.get("/console/dead-letters").text


# -- a conversation ---------------------------------------------------------------------------


def test_a_conversation_its_parts_its_log_its_trace(server: Server, console: Console) -> None:
    found = say(server, "whole", "the whole story", name="Whole")
    path = f"/console/inbox/{found}"
    page = console.get(path).text
    assert "You said: the whole story" in page
    assert page.count("<html") == 1
    pane = console.get(path, headers=PANE).text
    assert "You said: the whole story" in pane
    assert "<html" not in pane
    assert 'data-part="head"' in console.get(f"{path}/parts").text
    log = console.get(f"{path}/events").text
    assert "session_opened" in log
    trace = re.search(rf"{path}/messages/[0-9a-f]{{32}}", page)
    assert trace is not None
    assert "Accepted" in console.get(trace[0]).text


def test_earlier_messages_and_the_pages_of_the_log(server: Server, console: Console) -> None:
    found = record(server, "longer", [f"line {number}." for number in range(60)])
    page = console.get(f"/console/inbox/{found}").text
    link = re.search(r'hx-get="(/console/inbox/\w+/items\?before=\d+)"', page)
    assert link is not None
    older = console.get(link[1]).text
    lines = re.findall(r'dir="auto">(line \d+\.)<', older + page)
    assert lines == [f"line {number}." for number in range(60)]
    log = console.get(f"/console/inbox/{found}/events").text
    following = re.search(r'href="(/console/inbox/\w+/events\?after=\d+)"', log)
    assert following is not None
    events = [
        int(number)
        for text in (log, console.get(following[1]).text)
        for number in re.findall(r'id="event-(\d+)"', text)
    ]
    assert events == list(range(1, conversation(server, found).last_seq + 1))


@pytest.mark.parametrize("path", ["", "/parts", "/items", "/events", f"/messages/{'0' * 32}"])
def test_what_is_not_there_is_a_page_that_says_so(console: Console, path: str) -> None:
    answer = console.get(f"/console/inbox/{'0' * 32}{path}")
    assert answer.status_code == 404
    assert "<h1>" in answer.text


# -- actions ----------------------------------------------------------------------------------


def test_taking_over_replying_and_giving_back(server: Server, console: Console) -> None:
    found = say(server, "owned", "hello", name="Owned")
    said = take(console, server, found, owner="human", reason="I know her")
    assert said["toast"]["text"].startswith("You answer from here on.")
    view = conversation(server, found)
    assert (view.owner, view.status) == ("human", "handed_over")
    assert "You answer" in console.get(f"/console/inbox/{found}").text
    answer = console.act(
        f"/console/inbox/{found}/replies", text="It is me", id="d1", seen=seen(server, found)
    )
    assert answer.status_code == 303
    page = console.get(f"/console/inbox/{found}").text
    assert "It is me" in page
    assert "I know her" in page
    assert take(console, server, found, owner="team", name="repairs")
    assert conversation(server, found).owner_id == "repairs"
    take(console, server, found, owner="assistant")
    assert conversation(server, found).owner == "assistant"


def test_a_plain_form_says_what_it_did_on_the_page_it_leads_to(
    server: Server, console: Console
) -> None:
    # A key pressed before the page's scripts know its forms sends them as a browser does.
    found = say(server, "plain", "hello", name="Plain")
    path = f"/console/inbox/{found}"
    for owner, sentence in (
        ("human", "You answer from here on."),
        ("assistant", "Given back: the assistant answers from here on."),
    ):
        answer = console.act(f"{path}/owner", owner=owner, seen=seen(server, found))
        assert (answer.status_code, answer.headers["location"]) == (
            303,
            f"{path}?done=owner-{owner}",
        )
        assert f'data-done="{sentence}"' in console.get(answer.headers["location"]).text


def test_one_draft_is_one_reply(server: Server, console: Console) -> None:
    found = say(server, "twice", "hello")
    path = f"/console/inbox/{found}/replies"
    fields = {"text": "once", "id": "draft-1", "take_over": "yes", "seen": seen(server, found)}
    # The second one comes from the same old page: it is the reply that took over.
    assert [console.act(path, **fields).status_code for _ in range(2)] == [303, 303]
    items = server.run(server.runtime.transcript(found)).items
    texts = [item.reply.text for item in items if item.reply is not None]
    assert texts == ["You said: hello", "once"]
    assert conversation(server, found).owner == "human"
    other = console.act(path, **{**fields, "text": "another"})
    assert other.status_code == 409


def test_nobody_acts_on_what_changed_meanwhile(server: Server, console: Console) -> None:
    found = say(server, "contested", "hello")
    old = seen(server, found)
    server.run(
        server.runtime.set_owner(found, OwnerRequest(owner="human", owner_id="maya"), "maya")
    )
    for path, fields in {
        "owner": {"owner": "human"},
        "replies": {"text": "mine", "id": "x", "take_over": "yes"},
    }.items():
        answer = console.post(
            f"/console/inbox/{found}/{path}",
            data={"csrf": console.csrf, "seen": old, **fields},
            headers=HTMX,
        )
        assert answer.status_code == 409
        assert "maya answers this conversation by now" in answer.text
    assert conversation(server, found).owner_id == "maya"


def test_an_owner_is_changed_while_the_conversation_moves_on(
    server: Server, console: Console
) -> None:
    """The version moves with every turn; only another owner may stop a change of owner."""
    found = say(server, "lively", "hello")
    old = seen(server, found)
    before = conversation(server, found).version
    say(server, "lively", "and something new")
    assert conversation(server, found).version > before
    answer = console.act(f"/console/inbox/{found}/owner", owner="human", seen=old)
    assert answer.status_code == 303
    assert conversation(server, found).owner == "human"


def test_notes_and_marks(server: Server, console: Console) -> None:
    found = say(server, "noted", "hello")
    path = f"/console/inbox/{found}"
    for _ in range(2):
        console.act(f"{path}/notes", text="call back", id="n1")
    assert console.get(path).text.count("call back") == 1
    view = conversation(server, found)
    assert view.unread
    assert console.act(f"{path}/read", seq=str(view.last_seq)).status_code == 303
    assert not conversation(server, found).unread
    assert console.act(f"{path}/unread").status_code == 303
    assert conversation(server, found).unread


@pytest.mark.parametrize(
    ("action", "fields", "status"),
    [
        ("replies", {"text": ""}, 422),
        ("replies", {"text": "x", "id": "i" * 101, "seen": "assistant:"}, 422),
        ("replies", {"text": "x" * 10_001, "seen": "assistant:"}, 413),
        ("notes", {"text": " "}, 422),
        ("owner", {"owner": "nobody", "seen": "assistant:"}, 422),
        ("owner", {"owner": "team", "name": "n" * 101, "seen": "assistant:"}, 422),
        ("owner", {"owner": "human", "reason": "r" * 501, "seen": "assistant:"}, 422),
        ("owner", {"owner": "human"}, 409),
        ("read", {"seq": "-1"}, 422),
        ("read", {"seq": "9" * 16}, 422),
    ],
)
def test_what_does_not_fit_is_refused(
    server: Server, console: Console, action: str, fields: dict[str, str], status: int
) -> None:
    found = say(server, "refused", "hello")
    before = conversation(server, found)
    answer = console.act(f"/console/inbox/{found}/{action}", **fields)
    assert answer.status_code == status, answer.text
    assert conversation(server, found).owner == before.owner


# -- scopes -----------------------------------------------------------------------------------


def test_who_may_only_read_changes_nothing(server: Server, console: Console) -> None:
    found = say(server, "shown", "hello")
    with Console(server, server.key("read")) as reader:
        page = reader.get(f"/console/inbox/{found}").text
        assert "Your key may only read." in page
        assert "<textarea" not in page
        before = server.contents()
        for action in ("owner", "replies", "notes", "read", "unread", "retry"):
            answer = reader.act(f"/console/inbox/{found}/{action}", text="x", owner="human")
            assert answer.status_code == 403, action
        assert reader.get("/console/dead-letters").status_code == 403
        assert server.contents() == before
    with Console(server, server.key("operate")) as acting:
        assert acting.get("/console/inbox").status_code == 403


def test_no_page_changes_anything(server: Server, console: Console) -> None:
    found = say(server, "looked-at", "hello")
    before, view = server.contents(), conversation(server, found)
    for path in ("", "/parts", "/items", "/events"):
        assert console.get(f"/console/inbox/{found}{path}").status_code == 200
    assert console.get("/console/inbox").status_code == 200
    assert (server.contents(), conversation(server, found)) == (before, view)


# -- what people wrote ------------------------------------------------------------------------


def test_what_people_wrote_stays_text(server: Server, console: Console) -> None:
    run, runtime = server.run, server.runtime
    key = NASTY + "1"
    parts = [
        Media(url="javascript:alert(1)", mime=NASTY, name=NASTY, caption=NASTY),
        Data(kind=NASTY, data={NASTY: NASTY}),
    ]
    found = say(
        server, key, NASTY, name=NASTY, parts=parts, thread=NASTY, metadata={NASTY: NASTY}
    )  # fmt: skip
    view = conversation(server, found)
    reply = next(
        item.reply for item in run(runtime.transcript(found)).items if item.reply is not None
    )
    run(runtime.feedback(found, FeedbackRequest(reply.reply_id, "down", NASTY), NASTY))
    run(runtime.note(found, NoteRequest(NASTY, author_name=NASTY), NASTY))
    run(runtime.reply(found, ReplyRequest(text=NASTY, author_name=NASTY), NASTY))
    team = OwnerRequest(owner="team", owner_id=NASTY, reason=NASTY)
    run(runtime.set_owner(found, team, NASTY))
    say(server, NASTY + "2", f"poison {NASTY}", name=NASTY, thread=NASTY)
    (letter,) = run(runtime.dead_letters()).dead_letters
    message = next(
        item.message_id for item in run(runtime.transcript(found)).items if item.message_id
    )
    path = f"/console/inbox/{found}"
    assert view.name == NASTY
    for address in (
        path,
        f"{path}/parts",
        f"{path}/items",
        f"{path}/events",
        f"{path}/messages/{message}",
        "/console/inbox",
        "/console/inbox/rows",
        f"/console/inbox/{letter.conversation_id}",
        f"/console/inbox/{letter.conversation_id}/messages/{letter.message_id}",
        "/console/dead-letters",
        f"/console/dead-letters/{letter.number}",
        f"/console/dead-letters?cause={NASTY}&conversation={letter.conversation_id}",
        f"/console/inbox?q={NASTY}&intent={NASTY}&channel={NASTY}",
    ):
        page = console.get(address).text
        assert "<script>alert" not in page, address
        assert "<img" not in page, address
        assert 'href="javascript:' not in page, address
        assert "&lt;script&gt;" in page, address
