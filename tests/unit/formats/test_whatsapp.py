"""WhatsApp's exported chats: what phones of many locales write."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.formats import Item, Problem, whatsapp
from colloquy.formats.whatsapp import Learnt, Options
from colloquy.model.errors import InvalidInput
from colloquy.model.message import Data, Media, Message

TWO = """\
24/12/21, 18:05 - Ann Lee: Is the flat still free?
25/12/21, 09:00 - Bob: Yes, it is.
"""


def messages(text: str, options: Options | None = None) -> list[Message]:
    options = options or Options(conversation="chat")
    lines = text.splitlines(keepends=True)
    found = list(whatsapp.read(lines, whatsapp.learn(lines, options), options))
    assert not [item for item in found if isinstance(item, Problem)]
    return [item.message for item in found if isinstance(item, Item)]


def learnt(text: str) -> Learnt:
    return whatsapp.learn(text.splitlines(keepends=True), Options())


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("[24/12/21, 18:05:07] Ann: hi", "2021-12-24T18:05:07"),
        ("\u200e[24/12/21, 18:05:07] Ann: hi", "2021-12-24T18:05:07"),
        ("[24.12.21, 18:05:07] \u202aAnn\u202c: hi", "2021-12-24T18:05:07"),
        ("12/24/21, 6:05 PM - Ann: hi", "2021-12-24T18:05:00"),
        ("12/24/21, 6:05\u202fPM - Ann: hi", "2021-12-24T18:05:00"),
        ("12/24/21, 12:05 AM - Ann: hi", "2021-12-24T00:05:00"),
        ("24/12/2021, 6:05 p. m. - Ann: hi", "2021-12-24T18:05:00"),
        ("24/12/2021, 6:05 a.\u00a0m. - Ann: hi", "2021-12-24T06:05:00"),
        ("24/12/21 18:05 - Ann: hi", "2021-12-24T18:05:00"),
        ("24-12-2021 18:05 - Ann: hi", "2021-12-24T18:05:00"),
        ("24.12.2021 kl. 18.05 - Ann: hi", "2021-12-24T18:05:00"),
        ("2021/12/24, 18:05 - Ann: hi", "2021-12-24T18:05:00"),
        ("2021-12-24, 6:05 p.m. - Ann: hi", "2021-12-24T18:05:00"),
        ("[2021/12/24 下午6:05:07] Ann: hi", "2021-12-24T18:05:07"),
        ("2021. 12. 24. 오후 6:05, Ann : hi", "2021-12-24T18:05:00"),
        ("2021년 12월 24일 오전 6:05, Ann : hi", "2021-12-24T06:05:00"),
        ("٢٤/١٢/٢٠٢١، ٦:٠٥ م - Ann: hi", "2021-12-24T18:05:00"),
    ],
)
def test_the_beginnings_of_lines(line: str, at: str) -> None:
    (message,) = messages(line)
    assert message.sent_at == datetime.fromisoformat(f"{at}+00:00")
    assert message.text == "hi"
    assert message.sender is not None
    assert message.sender.name is not None
    assert message.sender.name.strip("\u202a\u202c ") == "Ann"


def test_a_message_goes_on_over_lines_until_the_next() -> None:
    first, second = messages(
        "24/12/21, 18:05 - Ann: one\n\nthree: four\n24/12/21, 18:06 - Ann: five\n"
    )
    assert first.text == "one\n\nthree: four"
    assert second.text == "five"


def test_the_other_of_two_gives_the_conversation_its_key() -> None:
    ann, bob = messages(TWO, Options(me="Bob"))
    assert {ann.conversation, bob.conversation} == {"Ann Lee"}
    assert (ann.sender_id, bob.sender_id) == ("Ann Lee", "assistant")
    assert bob.sender is not None
    assert (bob.sender.kind, bob.sender.name) == ("assistant", "Bob")


def test_whose_conversation_has_to_be_known() -> None:
    with pytest.raises(InvalidInput, match="--me NAME") as caught:
        messages(TWO, Options())
    assert caught.value.field == "conversation"
    with pytest.raises(InvalidInput, match="nobody in it is called 'Bobby'"):
        messages(TWO, Options(me="Bobby"))


@pytest.mark.parametrize(
    ("days", "order", "sure"),
    [
        (["24/12/21", "25/12/21"], "dmy", True),
        (["12/24/21", "12/25/21"], "mdy", True),
        (["2021/02/03", "2021/02/04"], "ymd", True),
        # Only one way do the times never go back: 1 March, 2 March, 1 April.
        (["01/03/21", "02/03/21", "01/04/21"], "dmy", False),
        (["03/01/21", "03/02/21", "04/01/21"], "mdy", False),
    ],
)
def test_which_number_is_the_day(days: list[str], order: str, sure: bool) -> None:
    found = learnt("".join(f"{day}, 10:00 - Ann: x\n" for day in days))
    assert (found.order, found.order_sure) == (order, sure)


def test_what_the_dates_leave_open_is_asked_for() -> None:
    text = "01/02/21, 10:00 - Ann: x\n"
    with pytest.raises(InvalidInput, match="--date-order") as caught:
        messages(text)
    assert caught.value.field == "date_order"
    (day_first,) = messages(text, Options(conversation="c", date_order="dmy"))
    (month_first,) = messages(text, Options(conversation="c", date_order="mdy"))
    assert day_first.sent_at is not None
    assert month_first.sent_at is not None
    assert (day_first.sent_at.month, month_first.sent_at.month) == (2, 1)


def test_dates_of_two_orders_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not all in one order"):
        learnt("24/12/21, 10:00 - Ann: x\n12/25/21, 10:00 - Ann: x\n")


def test_lines_of_the_program_have_no_person() -> None:
    text = (
        "24/12/21, 18:04 - Messages and calls are end-to-end encrypted.\n"
        "24/12/21, 18:05 - Ann: one\n24/12/21, 18:06 - Ann: two\n"
        '24/12/21, 18:07 - Ann changed the subject from "a: b" to "c"\n'
    )
    kinds = [message.sender.kind for message in messages(text) if message.sender is not None]
    assert kinds == ["system", "person", "person", "system"]


def test_names_may_have_colons_and_emoji() -> None:
    text = (
        "24/12/21, 18:05 - Dr: Bob 🏠: first\n24/12/21, 18:06 - Dr: Bob 🏠: see: this\n"
        "24/12/21, 18:06 - +1 415 555 0100: hello: you\n24/12/21, 18:07 - +1 415 555 0100: bye\n"
    )
    assert set(learnt(text).names) == {"Dr: Bob 🏠", "+1 415 555 0100"}
    said = [(message.sender_id, message.text) for message in messages(text)]
    assert said[1] == ("Dr: Bob 🏠", "see: this")
    assert said[2] == ("+1 415 555 0100", "hello: you")


@pytest.mark.parametrize(
    ("text", "name", "mime"),
    [
        ("\u200e<attached: 00000042-PHOTO.jpg>", "00000042-PHOTO.jpg", "image/jpeg"),
        ("\u200e<Anhang: 00000001-AUDIO.opus>", "00000001-AUDIO.opus", "audio/ogg"),
        ("IMG-20211224-WA0001.jpg (file attached)", "IMG-20211224-WA0001.jpg", "image/jpeg"),
        ("\u200eLease, final.pdf (archivo adjunto)", "Lease, final.pdf", "application/pdf"),
    ],
)  # fmt: skip
def test_attachments_are_named(text: str, name: str, mime: str) -> None:
    (message,) = messages(f"24/12/21, 18:05 - Ann: {text}\n")
    assert message.text is None
    assert message.parts == [Media(f"whatsapp:{name}", mime=mime, name=name)]


def test_an_attachment_keeps_its_caption() -> None:
    (message,) = messages("24/12/21, 18:05 - Ann: a.jpg (file attached)\nthe kitchen\n")
    assert isinstance(message.parts[0], Media)
    assert message.parts[0].caption == "the kitchen"


@pytest.mark.parametrize(
    "text",
    ["<Media omitted>", "<Medien ausgeschlossen>", "\u200eimage omitted", "<Multimedia omitido>",
     "\u200eBild weggelassen", "<Médias omis>", "\u200eaudio omitted"],
)  # fmt: skip
def test_what_was_left_out_is_said(text: str) -> None:
    (message,) = messages(f"24/12/21, 18:05 - Ann: {text}\n")
    assert message.parts == [Data("media_omitted", {"as_written": text.strip("\u200e")})]


def test_marks_of_deletion_and_change() -> None:
    gone, changed = messages(
        "24/12/21, 18:05 - Ann: This message was deleted\n"
        "24/12/21, 18:06 - Ann: new \u200e<This message was edited>\n"
    )
    assert gone.metadata == {"deleted": True}
    assert (changed.text, changed.metadata) == ("new", {"edited": True})


def test_a_longer_export_only_adds() -> None:
    short = messages(TWO + "25/12/21, 09:01 - Bob: ok\n25/12/21, 09:01 - Bob: ok\n")
    long = messages(TWO + "25/12/21, 09:01 - Bob: ok\n" * 3 + "26/12/21, 10:00 - Ann Lee: bye\n")
    ids = [message.id for message in long]
    assert [message.id for message in short] == ids[:4]
    assert len(set(ids)) == 6


def test_the_hour_that_comes_twice_goes_on() -> None:
    options = Options(conversation="c", time_zone="Europe/Berlin")
    times = ["02:10", "02:50", "02:20", "03:10"]
    text = "".join(f"31/10/21, {time} - Ann: x\n" for time in times)
    found = [message.sent_at for message in messages(text, options)]
    assert [at.strftime("%H:%M") for at in found if at is not None] == [
        "00:10", "00:50", "01:20", "02:10",
    ]  # fmt: skip


def test_what_belongs_to_no_message_is_a_problem_with_its_line() -> None:
    lines = ["what is this?\n", "24/12/21, 18:05 - Ann: x\n"]
    options = Options(conversation="c")
    found = list(whatsapp.read(lines, whatsapp.learn(lines, options), options))
    assert found[0] == Problem(1, "invalid_input", "it belongs to no message")
    assert isinstance(found[1], Item)


def test_a_file_of_something_else_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no line of it"):
        learnt("dear diary\n")


def test_an_endless_message_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whatsapp, "MAX_MESSAGE", 100)
    lines = ["24/12/21, 18:05 - Ann: x\n", *["more\n"] * 50, "24/12/21, 18:06 - Ann: y\n"]
    options = Options(conversation="c")
    found = list(whatsapp.read(lines, whatsapp.learn(lines, options), options))
    assert isinstance(found[0], Problem)
    assert (found[0].line, found[0].code) == (1, "too_large")
    assert isinstance(found[-1], Item)


NAMES = st.text(st.characters(categories=("L", "N")), min_size=1, max_size=20)
# Where each of somebody's messages begins alike and goes on after a colon, that may be their name.
TEXTS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1).filter(
    lambda text: (
        text.strip() == text
        and not text.startswith("<")
        and "(" not in text
        and not re.search(r":(?:$|[ \u200e\u200f\u202f])", text)
    )
)


@given(st.lists(st.tuples(NAMES, TEXTS, st.integers(0, 59)), min_size=1, max_size=20))
def test_what_was_said_comes_back(said: list[tuple[str, str, int]]) -> None:
    rows = [(f"N{name}", f"T{text}", minute) for name, text, minute in said]
    text = "".join(f"24/12/21, 18:{minute:02} - {name}: {text}\n" for name, text, minute in rows)
    found = messages(text)
    assert [(message.sender_id, message.text) for message in found] == [
        (name, text) for name, text, _ in rows
    ]
