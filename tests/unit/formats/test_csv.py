"""Tables: our own come back as they were, those of others by a mapping, hostile ones are told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.formats import Item, Problem, csv
from colloquy.model.errors import InvalidInput
from colloquy.model.message import Data, Media, Message, Sender, encode

TEXTS = st.text(max_size=40) | st.sampled_from(
    [
        "=1+1",
        "+49",
        "-",
        "@x",
        "\t",
        "\r",
        "'=",
        "''",
        "a\r\nb",
        "\n",
        '"',
        '""',
        "\0",
        "👩‍👩‍👧",
        ",;",
    ]
)
KEYS = TEXTS.filter(lambda text: len(text) > 0)
SENDERS = st.none() | st.builds(
    Sender, KEYS, st.sampled_from(["person", "agent", "assistant", "system"]), st.none() | KEYS
)
PARTS = st.lists(
    st.builds(lambda url: Media(url, caption="'x"), KEYS)
    | st.builds(lambda text: Data("form", {"field": text}), TEXTS),
    max_size=2,
)
MESSAGES = st.builds(
    Message,
    conversation=KEYS,
    sender=SENDERS,
    id=KEYS,
    channel=st.sampled_from(["api", "web"]),
    account=st.sampled_from(["default", "north"]),
    thread=TEXTS,
    text=TEXTS,
    parts=PARTS,
    reply_to=st.none() | KEYS,
    sent_at=st.none() | st.just(datetime(2024, 1, 2, 3, 4, 5, 678901, UTC)),
    urgent=st.booleans(),
    metadata=st.dictionaries(TEXTS, TEXTS, max_size=2),
)


def read(table: str, **options: Any) -> list[Item | Problem]:
    return list(csv.read(io.StringIO(table, newline=""), csv.Options(**options)))


def messages(table: str, **options: Any) -> list[Message]:
    found = read(table, **options)
    assert not [one for one in found if isinstance(one, Problem)], found
    return [one.message for one in found if isinstance(one, Item)]


@given(st.lists(MESSAGES, max_size=4))
def test_what_is_written_is_read_again(said: list[Message]) -> None:
    table = (csv.header() + b"".join(csv.write(said))).decode()
    again = messages(table)
    assert [encode(one) for one in again] == [encode(one) for one in said]


@given(TEXTS)
def test_no_cell_is_a_formula(text: str) -> None:
    assert csv.safe(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")
    assert csv.plain(csv.safe(text)) == text


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_a_table_of_others_by_its_mapping(separator: str) -> None:
    rows = [["who", "phone", "body", "ts"], ["Ann", "+49 170", "'=hm", "31.12.2023 23:30"]]
    table = "\n".join(separator.join(row) for row in rows)
    columns = {"conversation": "phone", "text": "body", "sent_at": "ts", "sender": "who"}
    (message,) = messages(
        table, columns=columns, time_zone="Europe/Berlin", time_format="%d.%m.%Y %H:%M"
    )
    assert (message.conversation, message.text) == ("+49 170", "'=hm"), "kept as it is"
    assert message.sent_at == datetime(2023, 12, 31, 22, 30, tzinfo=UTC)
    assert message.sender == Sender("Ann")


def test_equal_rows_are_two_messages_and_the_same_table_brings_the_same_ids() -> None:
    table = "conversation,text\nann,hi\nann,hi\n"
    first, second = messages(table)
    assert first.id != second.id
    assert [one.id for one in messages(table + "bob,hi\n")][:2] == [first.id, second.id]
    assert {one.id for one in messages("conversation,text\nbob,hi\nann,hi\n")} & {first.id}


def test_our_own_side_is_the_assistant() -> None:
    table = "conversation,text,sender\nann,hi,ann\nann,hello,Home\n"
    ours = [one.sender.kind for one in messages(table, me="Home") if one.sender is not None]
    assert ours == ["person", "assistant"]


@pytest.mark.parametrize(
    ("table", "line", "words"),
    [
        ("conversation,text\nann\nann,hi\n", 2, "1 cells"),
        ('conversation,text\nann,hi\nann,"never closed\nann,hi\n', 3, "cannot be read"),
        ("conversation,text,sent_at\nann,hi,yesterday\n", 2, "--time-format"),
        ("conversation,text\n,hi\n", 2, "conversation"),
        ("conversation,text,parts\nann,hi,{\n", 2, "JSON"),
    ],
)
def test_a_bad_row_is_told_with_its_line(table: str, line: int, words: str) -> None:
    problems = [one for one in read(table) if isinstance(one, Problem)]
    assert [one.line for one in problems] == [line]
    assert words in f"{problems[0].field} {problems[0].detail}"


@pytest.mark.parametrize(
    ("table", "columns", "words"),
    [
        ("a,b\n1,2\n", {}, "no column 'conversation'"),
        ("conversation,text\n", {"text": "body"}, "no column 'body'"),
        ("conversation,text\n", {"colour": "text"}, "no field 'colour'"),
        ("text,text\n", {}, "one name"),
        ("", {}, "it has none"),
    ],
)
def test_a_table_without_the_columns_is_refused(
    table: str, columns: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        read(table, columns=columns)


def test_a_cell_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "MAX_CELL", 1000)
    problems = read('conversation,text\nann,"' + "x" * 2000 + '"\n')
    assert isinstance(problems[0], Problem)
    assert "field larger than" in problems[0].detail
