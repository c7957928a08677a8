"""The shipped word vectors, read once."""

import pytest

from colloquy.context.recall import Vocabulary
from colloquy.understanding.vectors.words import load_words


@pytest.fixture(scope="session")
def vocabulary() -> Vocabulary:
    return Vocabulary(load_words())
