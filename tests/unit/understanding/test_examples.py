"""An example claims its intent, however few there are."""

from __future__ import annotations

from colloquy.understanding.analyse import Analyser
from colloquy.understanding.pack import pack_from_examples
from colloquy.understanding.wire import Item


def test_an_example_is_what_it_was_given_for_even_without_a_model() -> None:
    pack = pack_from_examples({"hours": ["When do you open?", "are you open on sunday"]})
    analyser = Analyser(pack)
    texts = ["when do you OPEN?", "are you open on sunday", "are you open on monday"]
    found = analyser.analyse([Item(text, 0, None) for text in texts])
    assert [item.intent for item in found] == ["hours", "hours", None]
    assert all(item.confidence >= pack.threshold for item in found[:2])
