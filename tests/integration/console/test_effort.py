"""What an answer took, on the page of its conversation; visitors are not shown it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from colloquy import Colloquy
from support.console import Console
from support.inbox_story import say
from support.model_server import Answer, ModelServer, Wanted
from support.server import Server

NASTY = "<script>alert(1)</script>"


def assistant() -> Colloquy:
    app = Colloquy()

    @app.tool
    def find(number: int) -> dict[str, Any]:
        """Finds an order."""
        return {"number": number, "note": NASTY, "token": "open sesame"}

    return app


def test_an_operator_reads_what_an_answer_took(tmp_path: Path) -> None:
    call = Answer(calls=(Wanted("find", json.dumps({"number": 4711})),))
    with ModelServer(call, Answer("It is on its way.")) as model:
        settings = {name.replace("__", "."): value for name, value in model.settings.items()}
        prices = {"replies.model.prompt_price": "2", "replies.model.completion_price": "5"}
        with (
            Server(tmp_path, assistant, **settings, **prices) as server,
            Console(server, server.key()) as console,
        ):
            path = f"/console/inbox/{say(server, 'ann', 'where is my order?')}"
            page = console.get(path).text
            message = page.partition(f"{path}/messages/")[2][:32]
            trace = console.get(f"{path}/messages/{message}").text
    assert "Tool <code>find</code>" in page
    assert "{&#34;number&#34;:4711}" in page
    assert NASTY not in page and "&lt;script&gt;" in page
    assert "sesame" not in page
    # Two requests of 100 and 20 tokens each, at 2 and 5 a million.
    assert "240 tokens" in page and "200 sent, 40 received" in page
    assert "0.00060 USD" in page or "0.00060 EUR" in page
    assert "1 tool call" in page
    assert "The language model “small” answered" in page
    assert "Tool call" in trace and "Tool result" in trace
