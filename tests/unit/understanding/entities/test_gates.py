"""A gate must let through whatever its part finds, or the part is dead where nobody looks."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from colloquy.understanding.entities import foreign
from colloquy.understanding.entities.extract import _PARTS, Find, plain
from colloquy.understanding.entities.languages import FOREIGN, LEXICONS
from colloquy.understanding.entities.span import Circumstances
from colloquy.understanding.entities.words import words_of

_OPTIONS = re2.Options()
_OPTIONS.case_sensitive = False
NOW_US = 1_795_255_200_000_000
WORDS = words_of("""
    a an the one two three five ten fifteen twenty twenty-five half quarter past to till after noon
    midnight morning afternoon evening night in at by from between until on of and this next last
    coming week weekend month year days hours hour minutes mins h hrs ago later now today tomorrow
    tmrw yesterday tonight monday mon fri saturday may march mar sept 3 5 12 15 31 1st 3rd 21st 2026
    2027-01-05 5/6 3/4/2026 12.5.2026 14:30 5pm pm p.m. a.m. o'clock @ - : . , first second third
    twenty-first couple few fortnight dozen bedrooms bed sq ft ft. sqft m² kids people more spare
    rooms room kg lb degrees ° ½ % percent per cent $ € usd dollars k grand thousand million cents
    rent budget order ref # no. number id ab-12 X99 1234567 4111111111111111 ticket is christmas eve
    new year's every each other single weekdays daily monthly th end beginning start years old y/o
    aged age: +1 415 555-2671 call apt 4b main st street ave oak road rue de la paix calle mayor
    Hauptstraße 7 40.7128, -74.0060 10.0.0.1 2001:db8::1 zip code 10001 SW1A 1AA a@b.co http://x.y
    www.z.com z.io DE89370400440532013000 ssn 219-09-9999 12345678Z José
""")


def gate_of(pattern: str) -> Any:
    return re2.compile(pattern, _OPTIONS)


GATES = [(name, gate_of(pattern), find) for name, (pattern, find) in _PARTS.items()]


@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.sampled_from(["", " ", " ", ", ", "-"])), max_size=7
    ),
    st.sampled_from([None, "US", "GB", "DE"]),
)
def test_what_a_part_finds_passes_its_gate(
    pieces: list[tuple[str, str]], region: str | None
) -> None:
    text = plain("".join(word + space for word, space in pieces))
    where = Circumstances(NOW_US, "America/New_York", region, None)
    for name, gate, find in GATES:
        if gate.search(text) is None:
            assert list(find(text, where)) == [], name


@pytest.mark.parametrize("code", FOREIGN)
def test_every_word_of_a_known_language_passes_its_gate(code: str) -> None:
    lexicon = LEXICONS[code]
    gate = gate_of(foreign.gate_of(code, known=True))
    find: Find = partial(foreign.find_in, code)
    where = Circumstances(NOW_US, "Europe/Berlin", None, code)
    units = [word for words in lexicon.units.values() for word in words.split("|")]
    measures = [word for words in lexicon.measures.values() for word in words.split("|")]
    days = [word for words in (*lexicon.weekdays, lexicon.today) for word in words.split("|")]
    months = [word for words in lexicon.months for word in words.split("|")]
    texts = [f"3 {word}" for word in (*units, *measures, *months)] + days
    found = [text for text in texts if list(find(text, where))]
    assert len(found) >= 0.9 * len(texts)
    assert [text for text in found if gate.search(text) is None] == []
