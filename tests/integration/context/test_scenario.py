"""A visitor in need of help, over HTTP: tones, contexts in little room, and too little of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy import Colloquy, Reply, Turn
from support.server import Server

STORY = (
    "Hello, I need help with my account",
    "I am getting frustrated with this issue",
    "Thank you for your help!",
)
ANSWER = "We are looking into it, please bear with us for a moment."
LARGE, SMALL, TOO_SMALL = 2_000, 40, 16
TONES = ["neutral", "empathetic", "positive"]


def assistant() -> Colloquy:
    """Tells what it was given to know, in as many tokens as the message asks for."""
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> Reply:
        context = await turn.context.assemble(turn.message.metadata["budget"])
        told = {"kinds": [item.kind for item in context.items], "left_out": context.left_out}
        return Reply(ANSWER, metadata=told)

    return app


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with Server(tmp_path, assistant) as server, server.client() as client:
        yield client


def say(client: httpx.Client, text: str, budget: int) -> dict[str, Any]:
    """The reply to a message."""
    body = {"conversation": "ann", "text": text, "metadata": {"budget": budget}}
    response = client.post("/v2/messages?wait=30", json=body)
    assert response.status_code == 200, response.text
    (reply,) = response.json()["replies"]
    found: dict[str, Any] = reply
    return found


def test_help_frustration_and_thanks(client: httpx.Client) -> None:
    replies = [say(client, text, LARGE) for text in STORY]
    assert [reply["tone"] for reply in replies] == TONES
    assert [reply["metadata"]["left_out"] for reply in replies] == [{}, {}, {}]
    assert replies[2]["metadata"]["kinds"].count("recent") == 4


def test_by_the_third_message_what_has_no_room_is_compressed(client: httpx.Client) -> None:
    replies = [say(client, text, SMALL) for text in STORY]
    assert [reply["tone"] for reply in replies] == TONES
    first, *_, last = (reply["metadata"] for reply in replies)
    assert first["left_out"] == {}
    assert last["left_out"]["recent"] > 0
    assert "summary" in last["kinds"], "what has no room as it was said is summed up"
    assert last["kinds"][-1] == "message"
    conversation = replies[2]["conversation_id"]
    page = client.get(f"/v2/conversations/{conversation}/messages").json()
    why = page["items"][-1]["why"]["context"]
    assert why["tokens"] <= why["budget"] == SMALL
    assert why["left_out"] == last["left_out"]


def test_a_budget_without_room_for_the_message_is_refused(client: httpx.Client) -> None:
    say(client, STORY[0], LARGE)
    body = {
        "conversation": "ann",
        "text": "I am getting " + "very " * 40 + "frustrated",
        "metadata": {"budget": TOO_SMALL},
    }
    answer = client.post("/v2/messages?wait=30", json=body).json()
    assert [reply["tone"] for reply in answer["replies"]] == ["empathetic"], "the apology"
    (letter,) = client.get("/v2/dead-letters").json()["dead_letters"]
    assert letter["message_id"] == answer["receipt"]["message_id"]
    assert letter["cause"] == "context_budget"
    assert letter["detail"] == "48 tokens must be kept and the budget is 16: 32 too few"
