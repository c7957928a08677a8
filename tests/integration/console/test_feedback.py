"""The page about feedback without a browser: rights, filters, files, what is off."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from colloquy.console import feedback
from colloquy.feedback.naming import Naming
from colloquy.runtime.feedback.computing import Computed, Computing, Range
from support.console import Console
from support.ratings import rate_many
from support.server import Server

PAGE = "/console/feedback"
NASTY = "<script>alert(1)</script>"
LINK = re.compile(r'href="(/console/feedback/conversations/[^"]+)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("feedback")) as server:
        rate_many(server, "sms", 8, 1, "=1+1")
        rate_many(server, "mail", 20, 5)
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key("read")) as client:
        yield client


def test_figures_and_what_to_look_at(server: Server, console: Console) -> None:
    page = console.get(PAGE)
    assert page.status_code == 200
    assert "Read the answers that were rated low: channel sms." in page.text
    assert "8 of 8 rated conversations got 2 or less (100%), 0% of the rest" in page.text
    links = LINK.findall(page.text.replace("&amp;", "&"))
    assert len(links) == 5 + 8  # of the recommendation, and of what people wrote
    assert len(set(links)) == 8
    assert page.text.count('<p class="remark-text" dir="auto">=1+1</p>') == 8
    answer = console.get(links[0])
    assert answer.status_code == 303
    opened = console.get(answer.headers["location"])
    assert opened.status_code == 200
    assert "Are you open?" in opened.text
    assert console.get(f"{PAGE}/conversations/{'0' * 32}").status_code == 404


def test_a_part_for_a_page_that_asks_again(console: Console) -> None:
    part = console.get(PAGE, headers={"hx-request": "true"}).text
    assert "Average rating" in part
    assert "<html" not in part


def test_it_is_narrowed_and_what_is_asked_stays_text(console: Console) -> None:
    mail = console.get(PAGE, params={"channel": "mail", "days": "7"}).text
    assert "Nothing is worse than the rest" in mail
    assert "7 days up to today" in mail
    other = console.get(PAGE, params={"channel": NASTY, "days": "8", "handler": "\0"})
    assert other.status_code == 200
    assert NASTY not in other.text
    assert "30 days up to today" in other.text


def test_a_page_does_not_wait_for_long(
    server: Server, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    compute = Computing.compute

    async def held(self: Computing, asked: Range, naming: Naming) -> Computed:
        await gate.wait()
        return await compute(self, asked, naming)

    async def open_gate() -> None:
        gate.set()

    monkeypatch.setattr(Computing, "compute", held)
    monkeypatch.setattr(feedback, "WAIT_S", 0.2)
    narrow = {"channel": "mail", "days": "90"}
    page = console.get(PAGE, params=narrow).text
    assert "Reading the conversations" in page
    assert "<progress" not in page  # it has not begun
    server.run(open_gate())
    monkeypatch.setattr(feedback, "WAIT_S", 60.0)
    part = console.get(PAGE, params=narrow, headers={"hx-request": "true"}).text
    assert "Average rating" in part


def test_charts_and_files(console: Console) -> None:
    days = console.get(f"{PAGE}/days", params={"days": "7"}).json()
    assert len(days["at"]) == 7
    assert sum(days["feedback"]) == 28
    table = console.get(f"{PAGE}/export/ratings.csv", params={"channel": "sms"})
    assert table.headers["content-disposition"] == 'attachment; filename="ratings.csv"'
    rows = list(csv.DictReader(io.StringIO(table.text, newline="")))
    assert [row["comment"] for row in rows] == ["'=1+1"] * 8
    assert len(console.get(f"{PAGE}/export/signals.json").json()) == 28
    assert console.get(f"{PAGE}/export/people.csv").status_code == 404


def test_who_may_only_operate_sees_nothing(server: Server) -> None:
    with Console(server, server.key("operate")) as other:
        assert other.get(PAGE).status_code == 403
        assert other.get(f"{PAGE}/days").status_code == 403


def test_what_is_off_is_said_to_be(tmp_path: Path) -> None:
    with (
        Server(tmp_path, **{"feedback.analytics": "false"}) as server,
        Console(server, server.key()) as console,
    ):
        page = console.get(PAGE)
        assert "Figures are switched off" in page.text
        assert console.get(f"{PAGE}/days").status_code == 404
