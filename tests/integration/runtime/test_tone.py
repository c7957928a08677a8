"""How people feel decides how they are answered: the tones of a real conversation."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy import Colloquy, Reply, Turn
from colloquy.model.views import ReplyView
from support.engine import Talk, running

STORY = (
    "Hello, I need help with my account",
    "I am getting frustrated with this issue",
    "Thank you for your help!",
)


async def answers(talk: Talk, *texts: str) -> list[ReplyView]:
    found = []
    for text in texts:
        receipt = await talk.post(text)
        replies = await talk.runtime.wait(receipt.message_id, 60)
        assert replies is not None
        found += replies
    return found


def listener() -> Colloquy:
    app = Colloquy()

    @app.on_message
    def say(turn: Turn) -> Reply:
        return Reply(text=turn.manner.tone)

    return app


async def test_a_handler_knows_the_manner_and_its_text_is_left_alone(tmp_path: Path) -> None:
    async with running(listener(), tmp_path / "a.db", tmp_path) as talk:
        found = await answers(talk, *STORY)
        assert [reply.tone for reply in found] == ["neutral", "empathetic", "positive"]
        assert [reply.text for reply in found] == ["neutral", "empathetic", "positive"]
        manners = [reply.manner for reply in found]
        assert [manner and manner.tone for manner in manners] == [None, "empathetic", "positive"]


async def test_a_fallback_opens_with_a_kind_word(tmp_path: Path) -> None:
    async with running(Colloquy(), tmp_path / "a.db", tmp_path) as talk:
        plain, kind, _ = [reply.text for reply in await answers(talk, *STORY)]
        assert plain is not None and kind is not None
        assert kind.endswith(plain) and kind != plain


@pytest.mark.parametrize(
    ("settings", "tone", "opens"),
    [
        ({"replies__openings": "false"}, "empathetic", False),
        ({"replies__tones": "frustrated=calm"}, "calm", True),
        ({"replies__tone": "formal"}, "formal", False),
    ],
)
async def test_settings_decide(
    tmp_path: Path, settings: dict[str, str], tone: str, opens: bool
) -> None:
    async with running(Colloquy(), tmp_path / "a.db", tmp_path, **settings) as talk:
        (reply,) = await answers(talk, STORY[1])
        fallback = talk.runtime.settings.replies.fallback
        assert reply.tone == tone
        assert (reply.text != fallback) == opens
