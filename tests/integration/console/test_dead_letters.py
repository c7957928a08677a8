"""Dead letters without a browser: the list, one of them, putting back and discarding."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from colloquy import Colloquy, Turn
from colloquy.model.views import OwnerRequest
from support.console import Console
from support.inbox_story import say, say_all
from support.server import Server
from support.waiting import until

FIXED: set[str] = set()
"""Messages that the assistant can handle by now."""


def assistant() -> Colloquy:
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> str:
        if not FIXED.issuperset(turn.text.splitlines()):
            raise (KeyError if "key" in turn.text else ValueError)(turn.text)
        return f"done: {turn.text}"

    return app


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("dead"), assistant) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key("operate", "read")) as client:
        yield client


def number_of(server: Server, text: str) -> int:
    letters = server.run(server.runtime.dead_letters(None, 200)).dead_letters
    return next(letter.number for letter in letters if text in bytes(letter.message).decode())


def texts(page: str) -> list[str]:
    return re.findall(r'class="letter-said">([^<]*)<', page)


def test_the_list_by_cause_status_and_conversation(server: Server, console: Console) -> None:
    found = say(server, "one", "a wrong value")
    say(server, "two", "a wrong key")
    page = console.get("/console/dead-letters")
    assert texts(page.text) == ["a wrong key", "a wrong value"]
    for query, expected in {
        "?cause=KeyError": ["a wrong key"],
        "?cause=Nothing": [],
        f"?conversation={found}": ["a wrong value"],
        "?status=discarded": [],
        "?status=unheard-of": ["a wrong key", "a wrong value"],
    }.items():
        assert texts(console.get(f"/console/dead-letters{query}").text) == expected, query
    assert console.get("/console/dead-letters?conversation=x").status_code == 422


def test_one_with_every_attempt(server: Server, console: Console) -> None:
    say(server, "three", "a value to look at")
    number = number_of(server, "a value to look at")
    page = console.get(f"/console/dead-letters/{number}").text
    assert "ValueError: a value to look at" in page
    assert "Traceback (most recent call last)" in page
    assert "Attempt failed" in page
    assert console.get("/console/dead-letters/999999").status_code == 404


def test_putting_back_and_discarding(server: Server, console: Console) -> None:
    for text in ("first value", "second value"):
        found = say(server, "four", text)
        give_back(server, found)
    say(server, "five", "third value")
    discarded = number_of(server, "third value")
    answer = console.act("/console/dead-letters/discard", numbers=[str(discarded)])
    assert answer.headers["location"] == "/console/dead-letters?done=letters-discarded"
    assert "third value" in texts(console.get("/console/dead-letters?status=discarded").text)
    assert "Discarded" in console.get(f"/console/dead-letters/{discarded}").text
    again = console.act("/console/dead-letters/retry", numbers=[str(discarded)])
    assert again.status_code == 409

    FIXED.update(("first value", "second value"))
    answer = console.act("/console/dead-letters/retry", conversation=found)
    assert "Put back" in console.get(answer.headers["location"]).text
    server.run(answered(server, found, "first value", "second value"))


def test_all_of_a_conversation_from_the_inbox(server: Server, console: Console) -> None:
    found = say(server, "six", "sixth value")
    FIXED.add("sixth value")
    give_back(server, found)
    answer = console.post(
        f"/console/inbox/{found}/retry",
        data={"csrf": console.csrf},
        headers={"hx-request": "true"},
    )
    assert "1 dead letter put back" in answer.headers["hx-trigger"]
    server.run(answered(server, found, "sixth value"))
    answer = console.post(
        f"/console/inbox/{found}/retry",
        data={"csrf": console.csrf},
        headers={"hx-request": "true"},
    )
    assert "no dead letter to retry" in answer.headers["hx-trigger"]


@pytest.mark.parametrize("numbers", [[], ["x"], ["9" * 20], [""]])
def test_without_a_choice_nothing_happens(console: Console, numbers: list[str]) -> None:
    for action in ("retry", "discard"):
        answer = console.act(f"/console/dead-letters/{action}", numbers=numbers)
        assert answer.status_code == 422


def test_the_list_comes_in_pages(server: Server, console: Console) -> None:
    texts_sent = [f"paged value {number:02}" for number in range(52)]
    say_all(server, {text: ("Many", text) for text in texts_sent})
    first = console.get("/console/dead-letters").text
    link = re.search(r'href="(/console/dead-letters\?cursor=[^"]+)" rel="next"', first)
    assert link is not None
    second = console.get(link[1]).text
    shown = [text for text in texts(first) + texts(second) if text.startswith("paged")]
    assert sorted(shown) == texts_sent
    assert "First page" in second


def give_back(server: Server, conversation_id: str) -> None:
    """A dead letter passes its conversation on to people, whom the assistant does not interrupt."""
    wanted = OwnerRequest(owner="assistant")
    server.run(server.runtime.set_owner(conversation_id, wanted, "k"))


async def answered(server: Server, conversation_id: str, *texts: str) -> None:
    """Waits until the assistant has answered these, together or one by one."""

    async def is_done() -> bool:
        items = (await server.runtime.transcript(conversation_id)).items
        replies = [item.reply.text or "" for item in items if item.reply is not None]
        said = "\n".join(text for text in replies if text.startswith("done: "))
        return all(text in said for text in texts)

    await until(is_done)
