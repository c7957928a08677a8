"""A conversation as the console shows it."""

from __future__ import annotations

import pytest

from colloquy.console.transcript import Answer, Line, Remark, Said, Step, lines, understood
from colloquy.model.message import Data, Media, Sender, Text, ToolCall, ToolResult
from colloquy.model.understanding import Emotion, Entity, Understanding
from colloquy.model.views import (
    FeedbackView,
    NoteView,
    ReplyReason,
    ReplyView,
    TranscriptItem,
)

AT = "2026-11-21T10:00:00Z"
BASE = "/console/inbox/abc"
NAMES = {"k1": "Maya", "engine": "the assistant"}


def shown(*items: TranscriptItem, quotes: dict[int, str] | None = None) -> list[Line]:
    return lines(items, lambda actor: NAMES.get(actor or "", actor), BASE, quotes or {})


def only(item: TranscriptItem) -> Line:
    (line,) = shown(item)
    return line


def reply(**fields: object) -> ReplyView:
    known = {"reply_id": "r1", "conversation_id": "abc", "seq": 2, "at": AT, "text": "Hello"}
    return ReplyView(**{**known, **fields})  # type: ignore[arg-type]


def test_a_message_with_what_was_understood() -> None:
    understanding = Understanding(
        intent="book_viewing",
        confidence=0.914,
        entities=[Entity("datetime", 0, 6, "Monday", "2026-11-23T00:00:00Z")],
        polarity=-0.8,
        language="en",
        urgent=True,
    )
    line = only(
        TranscriptItem(
            "message", 1, AT, message_id="m1", text="Monday?", sender=Sender("ana", name="Ana"),
            understanding=understanding, late=True,
        )
    )  # fmt: skip
    assert isinstance(line, Said)
    assert (line.name, line.message_id, line.late) == ("Ana", "m1", True)
    assert [(piece.text, piece.depth) for piece in line.pieces] == [("Monday", 1), ("?", 0)]
    found = line.understood
    assert found is not None
    assert (found.intent, found.is_sure, found.percent) == ("Book viewing", True, "91 %")
    assert (found.feeling.text, found.language, found.urgent) == ("Unhappy", "en", True)


def test_an_emotion_is_named_in_the_colours_of_the_polarity() -> None:
    felt = Emotion(label="frustrated", confidence=0.8, uncertain="sarcasm")
    found = understood(Understanding(polarity=-0.6, emotion=felt))
    assert (found.feeling.text, found.feeling.icon, found.feeling.kind) == (
        "Frustrated", "frown", "bad",
    )  # fmt: skip
    assert found.doubt == ", perhaps not meant so"
    assert understood(Understanding(polarity=-0.6)).doubt == ""


def test_a_guess_is_not_an_intent() -> None:
    line = only(
        TranscriptItem(
            "message", 1, AT, text="x", understanding=Understanding(guess="pets", confidence=0.2)
        )
    )
    assert isinstance(line, Said)
    assert line.understood is not None
    assert (line.understood.intent, line.understood.is_sure) == ("Pets", False)


@pytest.mark.parametrize(
    ("sender", "name"),
    [
        (None, "Visitor"),
        (Sender("ana"), "ana"),
        (Sender("a" * 32), "Visitor aaaa"),
        (Sender("a" * 32, name="  "), "Visitor aaaa"),
    ],
)
def test_everybody_has_a_name(sender: Sender | None, name: str) -> None:
    line = only(TranscriptItem("message", 1, AT, text="x", sender=sender))
    assert isinstance(line, Said)
    assert line.name == name


def test_parts_that_are_no_text() -> None:
    parts = [
        Text("second line"),
        Media("https://example.com/a.jpg", "image/jpeg", "a.jpg", caption="the caption"),
        Media("javascript:alert(1)"),
        Media("http://[broken"),
        Data("geo_location", {"lat": 1}),
        ToolCall("c1", "search", {"q": "x"}),
        ToolResult("c1", error="it failed"),
    ]
    line = only(TranscriptItem("message", 1, AT, text="first line", parts=list(parts)))
    assert isinstance(line, Said)
    assert "".join(piece.text for piece in line.pieces) == "first line\nsecond line\nthe caption"
    assert [(item.name, item.href) for item in line.attachments] == [
        ("a.jpg", "https://example.com/a.jpg"),
        ("application/octet-stream", None),
        ("application/octet-stream", None),
        ("Geo location", None),
        ("Tool call search", None),
        ("Tool result", None),
    ]
    assert [item.detail for item in line.attachments[3:]] == [
        '{"lat":1}',
        '{"q":"x"}',
        "it failed",
    ]


def test_an_answer_with_its_reason() -> None:
    why = ReplyReason("intent:book_viewing", "book_viewing", 0.91, 0.6)
    line = only(
        TranscriptItem("reply", 2, AT, reply=reply(tone="empathetic"), why=why, state="pending")
    )
    assert isinstance(line, Answer)
    assert (line.author, line.by_person, line.tone) == ("Assistant", False, "Empathetic")
    assert (line.state.text, line.rating) == ("On its way", None)
    assert line.why is not None
    assert "Book viewing" in line.why.text
    assert (line.why.percent, line.why.threshold_percent) == ("91 %", "60 %")


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        ("message:answer", "“answer”"),
        ("fallback", "the fallback answered"),
        ("slot:move_in", "“Move in”"),
        ("template:pets", "“Pets”"),
        ("hand_over", "passed the conversation on"),
        ("apology", "dead letters"),
        ("something_new:x", "something_new:x"),
    ],
)
def test_every_reason_is_a_sentence(handler: str, said: str) -> None:
    line = only(TranscriptItem("reply", 2, AT, reply=reply(), why=ReplyReason(handler)))
    assert isinstance(line, Answer)
    assert line.why is not None
    assert said in line.why.text


def test_a_persons_reply_and_the_newest_rating() -> None:
    found = shown(
        TranscriptItem("reply", 2, AT, reply=reply(author="human", author_name="Maya")),
        TranscriptItem("feedback", 3, AT, feedback=FeedbackView("r1", 3, AT, "up", "v")),
        TranscriptItem(
            "feedback", 4, AT, feedback=FeedbackView("r1", 4, AT, "down", "v", "too late")
        ),
    )
    answer, _, rated = found
    assert isinstance(answer, Answer)
    assert (answer.author, answer.by_person, answer.rating) == ("Maya", True, "down")
    assert isinstance(rated, Step)
    assert (rated.icon, rated.quote, rated.tone) == ("thumb-down", "too late", "bad")


def test_a_note() -> None:
    note = NoteView("n1", 5, AT, "call back", "k1")
    line = only(TranscriptItem("note", 5, AT, note=note))
    assert line == Remark(5, AT, "Maya", "call back")


@pytest.mark.parametrize(
    ("fields", "text", "detail"),
    [
        ({"owner": "human", "owner_id": "k1", "actor": "k1"}, "Maya answers from here on", ""),
        (
            {"owner": "human", "actor": "engine", "reason": "talk_to_human"},
            "Passed on to people",
            "by the assistant: Talk to human",
        ),
        ({"owner": "assistant", "actor": "k1"}, "Given back to the assistant", "by Maya"),
        (
            {"owner": "team", "owner_id": "repairs", "reason": "a leak, urgent"},
            "Passed on to the team repairs",
            "a leak, urgent",
        ),
    ],
)
def test_who_answers_from_here_on(fields: dict[str, str], text: str, detail: str) -> None:
    line = only(TranscriptItem("owner", 6, AT, **fields))  # type: ignore[arg-type]
    assert isinstance(line, Step)
    assert (line.text, line.detail) == (text, detail)


def test_small_lines() -> None:
    dead, again, timer, gap, unknown = shown(
        TranscriptItem("dead", 1, AT, number=7, cause="KeyError", detail="'4711'"),
        TranscriptItem("duplicate", 2, AT, message_id="m1"),
        TranscriptItem("timer", 3, AT, name="viewing_reminder"),
        TranscriptItem("gap", 4, AT, detail="3 is missing"),
        TranscriptItem("moon_landing", 5, AT),
        quotes={7: "invoice #4711"},
    )
    assert isinstance(dead, Step)
    assert (dead.text, dead.quote) == ("Dead letter 7: KeyError", "invoice #4711")
    assert dead.href == "/console/dead-letters/7"
    assert isinstance(again, Step)
    assert again.href == f"{BASE}/messages/m1"
    assert isinstance(timer, Step)
    assert timer.detail == "Viewing reminder"
    assert isinstance(gap, Step)
    assert gap.detail == "3 is missing"
    assert isinstance(unknown, Step)
    assert unknown.text == "Moon landing"
