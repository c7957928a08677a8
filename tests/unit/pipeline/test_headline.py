"""What lists show of a conversation."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from colloquy.model.message import Data, Media, Message, Sender
from colloquy.model.understanding import Understanding
from colloquy.pipeline.headline import MAX_PREVIEW, hear, preview_of
from colloquy.storage.write_set import Headline

BEFORE = Headline(name="Mia", preview="before", intent="greet", feeling="positive", said=0)


def heard(message: Message) -> Headline:
    headline = replace(BEFORE)
    hear(headline, message, 3)
    return headline


@pytest.mark.parametrize(
    ("text", "parts", "preview"),
    [
        ("one\n two\t three ", (), "one two three"),
        ("x" * 500, (), "x" * MAX_PREVIEW),
        (" \n", (Media(url="u", mime="image/png", name="plan.png"),), "plan.png"),
        (None, (Media(url="u", mime="image/png"),), "image/png"),
        (None, (Data(kind="location"),), "location"),
        (None, (), None),
        ("", (), None),
    ],
)
def test_the_preview_is_the_beginning_on_one_line(
    text: str | None, parts: tuple[Media | Data, ...], preview: str | None
) -> None:
    assert preview_of(text, parts) == preview


def test_the_peer_is_named_and_what_it_says_is_unread() -> None:
    message = Message(conversation="a", text="hi", sender=Sender("a", name="Ann"))
    assert heard(message) == replace(BEFORE, name="Ann", preview="hi", said=3)
    nameless = Message(conversation="a", text="hi")
    assert heard(nameless) == replace(BEFORE, preview="hi", said=3)


@pytest.mark.parametrize("kind", ["assistant", "system"])
def test_our_own_side_is_not_the_peer(kind: str) -> None:
    sender = Sender("desk", kind, "Desk")  # type: ignore[arg-type]
    message = Message(conversation="a", text="hi", sender=sender)
    assert heard(message) == replace(BEFORE, preview="hi")


@pytest.mark.parametrize(
    ("polarity", "feeling"),
    [
        (-1, "negative"),
        (-0.34, "negative"),
        (-0.33, "neutral"),
        (0.33, "neutral"),
        (0.34, "positive"),
    ],
)
def test_a_clear_polarity_is_a_feeling(polarity: float, feeling: str) -> None:
    assert Understanding(polarity=polarity).feeling == feeling
