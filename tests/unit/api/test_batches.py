"""One bad item of a batch harms no other, whatever is wrong with it."""

from __future__ import annotations

import pytest

from colloquy.api.messages import decode_items
from colloquy.model.errors import ColloquyError, InvalidUnicode
from colloquy.model.message import Message, without_lone_surrogates
from colloquy.settings import Settings

GOOD = rb'{"conversation":"c","text":"a \ud83d\ude00 b \\ud83d \\\\"}'
BAD = {
    rb'{"conversation":"c","text":"half \ud83d"}': "invalid_unicode",
    rb'{"conversation":"c","text":"\ude00 half"}': "invalid_unicode",
    rb'{"conversation":"c","text":"\ud83d\ud83d\ude00"}': "invalid_unicode",
    rb'{"conversation":"c","text":7}': "invalid_input",
    rb'{"conversation":"c"}': "invalid_input",
    rb'{"conversation":"c","text":"x","more":1}': "invalid_input",
    b"7": "invalid_input",
}


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_item_stands_alone(bad: bytes, place: int) -> None:
    items = [GOOD, GOOD]
    items.insert(place, bad)
    body = b' { "messages" : [ %s ] } ' % b" , ".join(items)
    found, is_batch = decode_items(body, Settings())
    assert is_batch
    for number, item in enumerate(found):
        if number == place:
            assert isinstance(item, ColloquyError)
            assert item.code == BAD[bad]
        else:
            assert isinstance(item, Message)
            assert item.text == "a \U0001f600 b \\ud83d \\\\"


def test_several_items_with_half_a_character() -> None:
    half = rb'{"conversation":"c","text":"\ud83d"}'
    found, _ = decode_items(b'{"messages":[%s,%s,%s]}' % (half, GOOD, half), Settings())
    assert [type(item) for item in found] == [InvalidUnicode, Message, InvalidUnicode]


def test_half_a_character_outside_the_items_is_the_request_s_fault() -> None:
    with pytest.raises(ColloquyError):
        decode_items(rb'{"messages":[%s],"\ud83d":1}' % GOOD, Settings())


def test_a_single_message_with_half_a_character() -> None:
    with pytest.raises(InvalidUnicode):
        decode_items(rb'{"conversation":"c","text":"\ud83d"}', Settings())


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\ude00\ude00\ud83d"', rb'"\ufffd\ufffd\ufffd"'),
    ],
)
def test_what_becomes_of_lone_surrogates(body: bytes, expected: bytes) -> None:
    assert without_lone_surrogates(body) == expected
