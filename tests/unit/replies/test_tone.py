"""The manner in which a turn is answered, from what its person feels and has felt."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy import Message, Understanding
from colloquy.model.errors import InvalidInput
from colloquy.model.message import encode
from colloquy.model.reply import TONES, Manner
from colloquy.model.session import Session
from colloquy.model.turn import Incoming, Turn
from colloquy.model.understanding import EMOTIONS, Emotion, Flow
from colloquy.replies.tone import TONES_OF, Tones
from colloquy.understanding.emotion.patterns import Patterns, step


async def nothing(*_: Any) -> None:
    raise AssertionError


def turn(
    emotion: Emotion | None = None,
    polarity: float = 0.0,
    flow: Flow | None = None,
    felt: Patterns | None = None,
) -> Turn:
    found = Understanding(emotion=emotion or Emotion(), polarity=polarity)
    message = Message(conversation="ann", text="hm")
    incoming = [Incoming(1, b"m" * 16, 10, message, encode(message), False, False, False)]
    session = Session(number=1, id=b"c" * 16, channel="api", account="a", key="ann", thread="")
    made = Turn(id=b"t" * 16, session=session, incoming=incoming, once=nothing, write=nothing)
    made.raw_understanding = [encode(found)]
    made.feelings = felt or Patterns()
    made.flow = flow or Flow()
    return made


def feeling(label: str, intensity: float = 0.5, confidence: float = 0.9) -> Emotion:
    return Emotion(label=label, confidence=confidence, intensity=intensity)


def worse() -> Patterns:
    state = Patterns()
    for at, label in enumerate(("joy", "joy", "frustrated", "anger", "anger", "anger")):
        state = step(state, feeling(label, 0.9), at)
    return state


def test_every_emotion_has_its_tones() -> None:
    assert set(TONES_OF) == set(EMOTIONS)
    assert {tone for pair in TONES_OF.values() for tone in pair} <= set(TONES)


@pytest.mark.parametrize(
    ("emotion", "polarity", "tone"),
    [
        (feeling("frustrated"), -0.4, "empathetic"),
        (feeling("frustrated", 0.7), -0.7, "apologetic"),
        (feeling("frustrated", 0.5, confidence=0.55), 0.0, "empathetic"),
        (feeling("frustrated", 0.5, confidence=0.4), 0.0, "neutral"),
        (feeling("gratitude"), 0.4, "positive"),
        (feeling("excited", 0.8), 0.9, "celebratory"),
        (feeling("anxious", 0.8), -0.4, "calm"),
        (feeling("confusion"), 0.4, "encouraging"),
        (feeling("neutral", 0.0), -0.6, "empathetic"),
        (feeling("neutral", 0.0), 0.6, "positive"),
        (feeling("joy", 0.9, confidence=0.5), 0.0, "neutral"),
    ],
)
def test_the_tone_follows_what_is_felt(emotion: Emotion, polarity: float, tone: str) -> None:
    assert Tones().suggest(turn(emotion, polarity)).tone == tone


def test_sarcasm_is_not_taken_for_joy() -> None:
    joy = Emotion(label="joy", confidence=0.9, intensity=0.9, uncertain="sarcasm")
    assert Tones().suggest(turn(joy, -0.5)).tone == "empathetic"


def test_who_feels_worse_and_worse_is_answered_kindly() -> None:
    assert Tones().suggest(turn(felt=worse())) == Manner(tone="empathetic")
    found = Tones().suggest(turn(feeling("anger", 0.9), -0.9, felt=worse()))
    assert found == Manner(tone="calm", offer_human=True)


def test_pace_and_offer() -> None:
    assert Tones().suggest(turn(flow=Flow(pace="fast"))).pace == "fast"
    assert Tones().suggest(turn(feeling("confusion"), flow=Flow(pace="fast"))).pace == "slow"
    assert Tones().suggest(turn(flow=Flow(escalation=0.6))).offer_human
    assert not Tones().suggest(turn(flow=Flow(escalation=0.59))).offer_human


def test_settings_change_the_tone() -> None:
    tones = Tones(["frustrated = formal"])
    assert tones.suggest(turn(feeling("frustrated", 0.9))).tone == "formal"
    assert tones.suggest(turn(feeling("gratitude"))).tone == "positive"
    assert Tones(fixed="formal").suggest(turn(feeling("anger", 0.9))).tone == "formal"


@pytest.mark.parametrize(
    ("changed", "fixed", "field"),
    [
        (["joy=positive", "fury=calm"], None, "replies.tones[1]"),
        (["anger=icy"], None, "replies.tones[0]"),
        (["anger"], None, "replies.tones[0]"),
        ([], "icy", "replies.tone"),
    ],
)
def test_what_is_no_tone_is_refused(changed: list[str], fixed: str | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Tones(changed, fixed)
    assert caught.value.field == field
