"""The demo's look into the log: it has to complain about logs that are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from colloquy.demo.crowd import audit_log, people_in, total
from colloquy.demo.story import MessageBody
from colloquy.model.errors import InvalidInput
from colloquy.model.message import Message
from colloquy.model.understanding import Understanding

Log = list[tuple[str, str | None, Any]]


def said(message_id: str, turn: str, intent: str | None = None) -> tuple[str, str | None, Any]:
    message = Message(conversation="ana", text="hi")
    return ("message", turn, MessageBody(message_id, message, Understanding(intent=intent)))


def reply(turn: str) -> tuple[str, str | None, Any]:
    return ("reply", turn, {"text": "hello"})


GOOD: Log = [
    ("session_opened", None, {}),
    said("a", "1", "greet"), reply("1"),
    said("b", "2"), reply("2"),
]  # fmt: skip


def test_a_good_log_has_nothing_wrong() -> None:
    audit = audit_log(GOOD, ["a", "b"])
    assert (audit.messages, audit.answers, audit.understood) == (2, 2, 1)
    assert (audit.missing, audit.doubled, audit.inverted) == (0, 0, 0)


def test_a_burst_has_one_answer_for_several_messages() -> None:
    audit = audit_log([said("a", "1"), said("b", "1"), reply("1")], ["a", "b"])
    assert (audit.messages, audit.answers, audit.missing, audit.doubled) == (2, 1, 0, 0)


@pytest.mark.parametrize(
    ("log", "wrong"),
    [
        (GOOD[:3], "missing"),
        (GOOD[:4], "missing"),
        ([*GOOD, said("a", "3"), reply("3")], "doubled"),
        ([*GOOD, reply("2")], "doubled"),
        ([said("b", "2"), reply("2"), said("a", "1"), reply("1")], "inverted"),
    ],
)
def test_a_bad_log_is_noticed(log: Log, wrong: str) -> None:
    audit = audit_log(log, ["a", "b"])
    found = {name for name in ("missing", "doubled", "inverted") if getattr(audit, name)}
    assert found == {wrong}


def test_dead_letters_and_what_a_person_has_are_not_missing() -> None:
    log: Log = [
        ("dead_lettered", "1", {"message_id": "a"}),
        ("owner_changed", "1", {"owner": "human"}),
        said("b", "2"),
    ]
    assert audit_log(log, ["a", "b"]).missing == 0


def test_a_repeated_receipt_is_one_message() -> None:
    assert audit_log(GOOD, ["a", "a", "b"]).messages == 2
    assert total([audit_log(GOOD, ["a"]), audit_log(GOOD, ["b"])]).messages == 2


def test_people_of_a_file_in_either_format(tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    log = {"id": "x", "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "  "},
    ]}  # fmt: skip
    file.write_text(json.dumps(log) + "\n")
    (message,) = people_in(file, "run")
    assert (message.conversation, message.text, message.channel) == ("x-run", "hi", "api")
    file.write_text('{"conversation": "y", "text": "hi", "channel": "web"}\n{}\n')
    (message,) = people_in(file, "run")
    assert (message.conversation, message.channel) == ("y-run", "api")
    file.write_text('{"transcript": "user: hi"}\n')
    with pytest.raises(InvalidInput):
        people_in(file, "run")
