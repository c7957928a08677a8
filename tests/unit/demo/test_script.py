"""The demo's script says what the assistant is taught to understand."""

from __future__ import annotations

import pytest

from colloquy.demo.script import CONTACTS, SMALL_TALK, crowd
from colloquy.model.message import Message, check_message
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.analyse import Analyser
from colloquy.understanding.loading import load_analyser
from colloquy.understanding.wire import Item

UNTAUGHT = {"can you write a poem about autumn", "finally somebody who answers"}
NAMES = {"Ana Ruiz", "Elif Kaya"}


@pytest.fixture(scope="module")
def analyser() -> Analyser:
    return load_analyser(PROPERTY_PACK, PROPERTY_MODEL)


def test_every_line_is_understood_but_those_that_must_not_be(analyser: Analyser) -> None:
    texts = {line.text for contact in CONTACTS for line in contact.lines} | set(SMALL_TALK)
    found = analyser.analyse([Item(text, 1_800_000_000_000_000, None) for text in sorted(texts)])
    unclear = {
        text for text, result in zip(sorted(texts), found, strict=True) if result.intent is None
    }
    assert unclear == UNTAUGHT | NAMES


def test_the_figures_of_the_script_can_happen() -> None:
    lines = [line for contact in CONTACTS for line in contact.lines]
    assert sum(line.twice for line in lines) >= 1
    numbers = [line.sequence for line in lines if line.sequence is not None]
    assert numbers != sorted(numbers), "somebody's messages overtake each other"
    assert len({contact.key for contact in CONTACTS}) == len(CONTACTS)
    passed_on = [contact for contact in CONTACTS if contact.colleague]
    assert len(passed_on) == 2
    for line in lines:
        check_message(Message(conversation="x", text=line.text))


def test_a_crowd_is_the_same_for_the_same_seed_and_counts_per_contact() -> None:
    first = list(crowd(5, 100, seed=3, prefix="p"))
    assert first == list(crowd(5, 100, seed=3, prefix="p"))
    assert first != list(crowd(5, 100, seed=4, prefix="p"))
    for key in {key for key, _, _ in first}:
        numbers = [number for other, number, _ in first if other == key]
        assert numbers == list(range(1, len(numbers) + 1))
