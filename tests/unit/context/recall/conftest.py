"""An index of the conversation of two people."""

from __future__ import annotations

import pytest

from colloquy.context.recall import RecallIndex, Vocabulary
from support.two_people import SAID, lines_of


@pytest.fixture
def index(vocabulary: Vocabulary) -> RecallIndex:
    made = RecallIndex(vocabulary)
    made.add(lines_of(SAID))
    return made
