"""Typing errors: mended to the pack's words, and nothing else touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding.intents.spelling import Spelling, one_edit
from colloquy.understanding.pack import Pack, pack_from

EXAMPLES = {
    "deposit": {"examples": ["is the deposit refundable", "my deposit", "how big is the deposit"]},
    "house": {"examples": ["where is the house", "the heating of the house", "heating please"]},
}


def pack(**fields: object) -> Pack:
    return pack_from({"name": "spelt", "intents": EXAMPLES, **fields})


@pytest.mark.parametrize("typo", ["depsoit", "depoit", "deposiit", "deposot"])
def test_a_single_edit_is_mended(typo: str) -> None:
    assert Spelling(pack()).mend(["my", typo, "?"]) == ["my", "deposit", "?"]


@pytest.mark.parametrize(
    "word",
    [
        "horse",  # an English word, one letter from "house"
        "eposit",  # another first letter
        "dpeosti",  # two edits
        "depo",  # too short
        "depos1t",  # not only letters
        "deposit" * 8,
    ],
)
def test_what_is_left_alone(word: str) -> None:
    assert Spelling(pack()).mend([word]) == [word]


def test_equally_near_words_are_not_chosen_between() -> None:
    spelling = Spelling(
        pack_from(
            {
                "name": "torn",
                "intents": {"a": {"examples": ["zaborq now"]}, "b": {"examples": ["zabort now"]}},
            }
        )
    )
    assert spelling.mend(["zaborx"]) == ["zaborx"]


def test_other_languages_and_no_pack_are_left_alone() -> None:
    for spelling in (Spelling(pack(language="de")), Spelling(None)):
        assert spelling.mend(["depsoit"]) == ["depsoit"]


@given(st.text("abc", min_size=1, max_size=6), st.text("abc", min_size=1, max_size=6))
def test_one_edit_is_what_it_says(one: str, other: str) -> None:
    edits = {one[:at] + one[at + 1 :] for at in range(len(one))}
    for at in range(len(one) + 1):
        edits |= {one[:at] + letter + one[at:] for letter in "abc"}
        if at < len(one):
            edits |= {one[:at] + letter + one[at + 1 :] for letter in "abc"}
        if at + 1 < len(one):
            edits.add(one[:at] + one[at + 1] + one[at] + one[at + 2 :])
    assert one_edit(one, other) == (other in edits - {one})
