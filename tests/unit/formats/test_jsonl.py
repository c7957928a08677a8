"""V2 messages by the line."""

from __future__ import annotations

import io

from colloquy.formats import Item, Problem, jsonl, rows
from colloquy.model.message import MAX_BODY, Message


def read(data: bytes) -> list[Item | Problem]:
    return list(jsonl.read(rows(io.BytesIO(data))))


def test_a_bad_row_names_its_line_and_field_and_the_rest_is_read() -> None:
    found = read(
        b'{"conversation":"ana","text":"hi","id":"1"}\n'
        b'{"conversation":"ana","text":7}\n'
        b"not json\n"
        b'{"conversation":"ana"}\n'
        b'{"conversation":"ana","text":"bye","id":"2"}\n'
    )
    assert [item.line for item in found] == [1, 2, 3, 4, 5]
    problems = [item for item in found if isinstance(item, Problem)]
    assert [(one.line, one.code, one.field) for one in problems] == [
        (2, "invalid_input", "text"),
        (3, "malformed_json", None),
        (4, "invalid_input", "text"),
    ]


def test_long_text_is_kept_whole() -> None:
    text = "word " * MAX_BODY
    (item,) = read(b'{"conversation":"ana","id":"1","text":"' + text.encode() + b'"}')
    assert isinstance(item, Item)
    assert item.message.text == text


def test_a_message_without_an_id_gets_the_same_one_each_time() -> None:
    data = b'{"conversation":"ana","text":"yes"}\n{"conversation":"ana","text":"yes"}\n'
    first = [item.message.id for item in read(data) if isinstance(item, Item)]
    longer = read(data + b'{"conversation":"ana","text":"more"}\n')
    again = [item.message.id for item in longer if isinstance(item, Item)]
    assert len(set(first)) == 2, '"yes" twice is two answers'
    assert again[:2] == first


def test_nesting_without_end_is_a_problem_and_no_crash() -> None:
    deep = b'{"conversation":"a","text":"b","metadata":{"a":' + b"[" * 100_000
    (problem,) = read(deep)
    assert isinstance(problem, Problem)
    assert problem.code in ("invalid_input", "malformed_json")


def test_a_lone_surrogate_has_its_own_code() -> None:
    (problem,) = read(b'{"conversation":"a","text":"\\ud800"}')
    assert isinstance(problem, Problem)
    assert problem.code == "invalid_unicode"


def test_what_is_written_is_read_back() -> None:
    messages = [
        Message(conversation="ana", id="1", text="line one\nline two", metadata={"a": [1]}),
        Message(conversation="ana", id="2", text="\U0001f600", urgent=True),
    ]
    found = read(b"".join(jsonl.write(messages)))
    assert [item.message for item in found if isinstance(item, Item)] == messages
