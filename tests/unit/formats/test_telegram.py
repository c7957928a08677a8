"""Telegram's JSON export, cut into messages as it is read."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.formats import Item, Problem, telegram
from colloquy.formats.telegram import Options
from colloquy.model.errors import InvalidInput
from colloquy.model.message import Data, Media, Message


def message(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "type": "message",
        "date": "2024-03-01T10:00:00",
        "date_unixtime": "1709283600",
        "from": "Ann Lee",
        "from_id": "user77",
        "text": "hello",
        "text_entities": [{"type": "plain", "text": "hello"}],
        **fields,
    }


def chat(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "Ann Lee", "type": "personal_chat", "id": 77, **fields, "messages": messages}


def items(tree: Any, options: Options | None = None) -> list[Item | Problem]:
    data = tree if isinstance(tree, bytes) else json.dumps(tree, indent=1).encode()
    return list(telegram.read(io.BytesIO(data), options or Options()))


def only(tree: Any, options: Options | None = None) -> Message:
    (item,) = items(tree, options)
    assert isinstance(item, Item), item
    return item.message


def test_one_chat() -> None:
    found = only(chat(message()))
    assert found.conversation == "77"
    assert (found.channel, found.thread, found.id) == ("telegram", "", "tg-77-1")
    assert found.sender is not None
    assert (found.sender.id, found.sender.name, found.sender.kind) == (
        "user77",
        "Ann Lee",
        "person",
    )
    assert found.sent_at == datetime(2024, 3, 1, 9, 0, tzinfo=UTC)


def test_a_full_export_has_many_chats_and_much_else() -> None:
    tree = {
        "about": 'text with "quotes" { and [ brackets',
        "personal_information": {"user_id": 1, "bio": "}]"},
        "contacts": {"list": [{"first_name": "A"}]},
        "chats": {
            "list": [
                chat(message(1), message(2)),
                chat(message(1), id=-100, type="private_supergroup", name="Team"),
                chat(id=9),
            ]
        },
        "left_chats": {"list": [chat(message(5), id=11)]},
    }
    found = [item.message for item in items(tree) if isinstance(item, Item)]
    assert [(said.conversation, said.id, said.thread) for said in found] == [
        ("77", "tg-77-1", ""),
        ("77", "tg-77-2", ""),
        ("-100", "tg--100-1", "group"),
        ("11", "tg-11-5", ""),
    ]


def test_our_side_is_named_by_name_or_id() -> None:
    for me in ("Ann Lee", "user77"):
        sender = only(chat(message()), Options(me=me)).sender
        assert sender is not None
        assert (sender.id, sender.kind) == ("assistant", "assistant")


def test_text_with_markup_is_what_is_shown() -> None:
    text = ["see ", {"type": "bold", "text": "this"}, {"type": "link", "text": " https://a.b"}]
    assert only(chat(message(text=text))).text == "see this https://a.b"


def test_what_the_program_says() -> None:
    found = only(
        chat(
            message(
                type="service", actor="Ann Lee", actor_id="user77", action="phone_call", text=""
            )
        )
    )
    assert found.sender is not None
    assert found.sender.kind == "system"
    assert found.text == "Ann Lee phone_call"


def test_attachments_replies_forwards_and_changes() -> None:
    found = only(
        chat(
            message(
                4,
                photo="photos/photo_1.jpg",
                reply_to_message_id=3,
                forwarded_from="Bob",
                edited="2024-03-01T11:00:00",
                edited_unixtime="1709287200",
            )
        )
    )
    assert found.parts == [
        Media("telegram:photos/photo_1.jpg", mime="image/jpeg", name="photo_1.jpg")
    ]
    assert found.reply_to == "tg-77-3"
    assert found.metadata == {"edited": True, "forwarded_from": "Bob"}
    file = "(File not included. Change data exporting settings to download.)"
    left_out = only(chat(message(file=file, media_type="voice_message", text="")))
    assert left_out.parts == [Data("media_omitted", {"kind": "voice_message"})]
    poll = only(chat(message(poll={"question": "When?"}, text="")))
    assert poll.parts == [Data("telegram.poll", {"question": "When?"})]


def test_a_time_without_seconds_of_1970_is_of_the_zone_given() -> None:
    fields = message()
    del fields["date_unixtime"]
    found = only(chat(fields), Options(time_zone="America/New_York"))
    assert found.sent_at == datetime(2024, 3, 1, 15, 0, tzinfo=UTC)


def test_a_bad_message_is_a_problem_and_the_rest_goes_on() -> None:
    tree = chat(message(1), message(2, date_unixtime="soon"), {"id": 3}, message(4))
    first, second, third, fourth = items(tree)
    assert isinstance(first, Item)
    assert isinstance(fourth, Item)
    assert isinstance(second, Problem)
    assert isinstance(third, Problem)
    assert (second.code, third.code, third.field) == ("invalid_input", "invalid_input", "type")
    lines = json.dumps(tree, indent=1).splitlines()
    assert '"id": 3' in lines[third.line]


def test_every_cut_is_noticed() -> None:
    data = json.dumps(chat(message(1), message(2))).encode()
    for end in range(1, len(data)):
        try:
            found = items(data[:end])
        except InvalidInput:
            continue  # nothing of a chat was there yet
        assert isinstance(found[-1], Problem), end


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"a": 1}', b'{"messages_": []}', b"not json at all"]
)
def test_a_file_of_something_else_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput, match="no list of messages"):
        items(data)


@pytest.mark.parametrize(
    "data",
    [b'{"id": 1, "messages": [1]}', b'{"id": 1, "messages": []]', b'{"id": tru, "messages": []}'],
)
def test_broken_json_is_a_problem(data: bytes) -> None:
    (problem,) = items(data)
    assert isinstance(problem, Problem)
    assert problem.code == "malformed_json"


def test_a_gigantic_message_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telegram, "MAX_MESSAGE", 2000)
    monkeypatch.setattr(telegram, "CHUNK", 100)
    found = items(chat(message(1), message(2, text="x" * 5000)))
    assert isinstance(found[0], Item)
    assert found[1:] == [Problem(21, "malformed_json", "a message has over 2000 bytes")]


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


@given(st.lists(TEXT, max_size=8), st.integers(1, 200), st.sampled_from([None, 1, 4]))
def test_what_was_said_comes_back_however_it_is_read(
    texts: list[str], chunk: int, indent: int | None
) -> None:
    tree = chat(*(message(number, text=text) for number, text in enumerate(texts)))
    data = json.dumps(tree, indent=indent, ensure_ascii=bool(chunk % 2)).encode()
    before = telegram.CHUNK
    telegram.CHUNK = chunk
    try:
        found = items(data)
    finally:
        telegram.CHUNK = before
    assert [item.message.text for item in found if isinstance(item, Item)] == texts
    assert len(found) == len(texts)
