"""The page about undoing: its requests are sent in their order, to what the demo left."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from string import Template
from typing import Any, NamedTuple

import httpx
import pytest
import typer

from colloquy.cli.root import build, run
from colloquy.client import AsyncClient
from colloquy.demo.assistant import app
from colloquy.demo.feed import Feed
from colloquy.demo.script import CONTACTS
from colloquy.demo.story import Story
from colloquy.runtime import Runtime
from colloquy.server.run import serve
from support.curls import Curl, curls, request_of
from support.markdown import ROOT, blocks

PAGE = (ROOT / "docs" / "undo.md").read_text(encoding="utf-8")
LIMIT_S = 30.0
POLL_S = 0.05


class Step(NamedTuple):
    """A curl of the page, and the JSON below it that its answer has."""

    curl: Curl
    example: Any = None


def steps() -> list[Step]:
    found: list[Step] = []
    for block in blocks(PAGE, "sh", "json"):
        if block.language == "sh":
            found += [Step(curl) for curl in curls(f"```sh\n{block.text}```")]
        else:
            found[-1] = found[-1]._replace(example=json.loads(block.text))
    return found


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[str]:
    """A server on a database in which Ana booked her viewing, as in the demo."""
    overrides = {
        "preset": "test",
        "database_url": f"sqlite:///{tmp_path / 'colloquy.db'}",
        "security.trust_loopback": "true",
    }
    runtime = Runtime(app, app.settings(overrides))
    stop = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(runtime, "127.0.0.1", 0, on_ready=ready.set_result, stop=stop)
    )
    try:
        await asyncio.wait((serving, ready), return_when=asyncio.FIRST_COMPLETED)
        url = await ready
        async with AsyncClient(url) as client:
            assert not await Story(client, Feed(), "run", pace=0.05).tell(CONTACTS[:1])
        yield url
    finally:
        stop.set()
        await serving


@pytest.mark.timeout(240)
async def test_requests_and_commands_do_what_the_page_says(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLLOQUY_DATABASE_URL", f"sqlite:///{tmp_path / 'colloquy.db'}")
    values = {"URL": server}
    async with httpx.AsyncClient(timeout=60.0, trust_env=False) as client:
        for curl, example in steps():
            async with asyncio.timeout(LIMIT_S):
                while missing := await missing_of(client, curl, example, values):
                    # What is asked for is asked for again; what is done is done once.
                    assert "--json" not in curl.command, missing
                    await asyncio.sleep(POLL_S)
    assert {"POINT", "ROLLBACK", "UNDO", "AGAIN", "CONFLICT"} < values.keys()
    said = await in_the_terminal(values)
    assert "1 record restored" in said
    assert re.search(r"^state +enabled$", said.partition("record restored")[2], re.M)


async def missing_of(
    client: httpx.AsyncClient, curl: Curl, example: Any, values: dict[str, str]
) -> str:
    """What the answer lacks of what the page says; "" for nothing. Names in capitals become
    variables of the page."""
    response = await client.request(**request_of(curl.command, values))
    status, *further = curl.expected
    assert response.status_code == int(status), f"{curl.command}\n{response.text}"
    answer = response.json()
    for word in further:
        name, _, wanted = word.partition("=")
        found = at(answer, wanted if name.isupper() else name)
        if found is None or (not name.isupper() and found != wanted):
            return f"{curl.command}\n{word}: {found}"
        if name.isupper():
            values[name] = found
    if example is not None and not has(answer, example):
        return f"{curl.command}\n{json.dumps(answer, indent=2)}"
    return ""


async def in_the_terminal(values: dict[str, str]) -> str:
    """What the page's commands print, run one after the other beside the server."""
    (script,) = blocks(PAGE, "bash")
    said = ""
    for line in script.text.splitlines():
        name, is_kept, command = line.rpartition("=$(")
        words = [Template(word).substitute(values) for word in shlex.split(command.rstrip(")"))]
        assert words.pop(0) == "colloquy"
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            code = await asyncio.to_thread(run, words)
        assert code == 0, f"{line}\n{printed.getvalue()}"
        if is_kept:
            values[name] = printed.getvalue().split()[-1]
        said += f"$ {line}\n{printed.getvalue()}"
    return said


def at(answer: Any, path: str) -> Any:
    """`conversations.0.id` in an answer; None where there is no such part."""
    for step in path.split("."):
        if isinstance(answer, list):
            answer = answer[int(step)] if int(step) < len(answer) else None
        elif isinstance(answer, dict):
            answer = answer.get(step)
    return answer


def has(answer: Any, example: Any) -> bool:
    """Whether the example is a part of the answer: of its fields, of its items in their order;
    `…` stands for any text."""
    if isinstance(example, dict):
        return isinstance(answer, dict) and all(
            name in answer and has(answer[name], value) for name, value in example.items()
        )
    if isinstance(example, list):
        items = iter(answer)
        return all(any(has(item, wanted) for item in items) for wanted in example)
    if isinstance(example, str) and "…" in example:
        pattern = ".*".join(re.escape(part) for part in example.split("…"))
        return isinstance(answer, str) and re.fullmatch(pattern, answer, re.S) is not None
    return bool(answer == example)


def test_parts_are_found_and_what_is_none_is_not() -> None:
    answer = {"a": [{"b": "x-1"}, {"b": "y"}], "c": 1}
    assert has(answer, {"a": [{"b": "x-…"}, {"b": "y"}]})
    assert not has(answer, {"a": [{"b": "y"}, {"b": "x-…"}]})
    assert not has(answer, {"d": 1})
    assert (at(answer, "a.1.b"), at(answer, "a.2.b")) == ("y", None)


def test_the_console_has_the_words_of_the_page() -> None:
    section = PAGE.partition("## 11.")[2].partition("\n## ")[0]
    words = re.findall(r"\*([^*\n]+)\*", section)
    assert len(words) > 8
    folder = ROOT / "src" / "colloquy" / "console" / "templates" / "ledger"
    pages = "".join(page.read_text(encoding="utf-8") for page in folder.glob("*.html"))
    assert [word for word in words if word not in pages] == []


def test_the_demo_can_be_kept() -> None:
    """The page's first command has options that the demo has."""
    (line,) = re.findall(r"^scripts/demo (.+)$", PAGE, re.M)
    demo = typer.main.get_command(build()).commands["demo"]  # type: ignore[attr-defined]
    context = demo.make_context("demo", line.split())
    assert context.params["folder"] == Path("~/agency")
    assert context.params["exit_when_done"]
