"""Small numbers for the names of roles, speakers and threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ...understanding.flow.words import fold, stem
from .vocabulary import words_of

Of = Literal["role", "speaker", "thread"]
KINDS: tuple[Of, ...] = ("role", "speaker", "thread")
_BYTES_PER_NAME = 160


class Codes:
    """Each name has its number for as long as the index lives."""

    __slots__ = ("_codes", "words")

    def __init__(self) -> None:
        self._codes: dict[Of, dict[str, int]] = {kind: {} for kind in KINDS}
        self.words: dict[str, int] = {}
        """Of each word of a speaker's name, folded, the speaker."""

    @property
    def nbytes(self) -> int:
        """About."""
        return (sum(map(len, self._codes.values())) + len(self.words)) * _BYTES_PER_NAME

    def of(self, kind: Of, name: str) -> int:
        """The number of a name, a new one where it is new."""
        codes = self._codes[kind]
        code = codes.get(name)
        if code is None:
            code = codes[name] = len(codes)
            if kind == "speaker":
                # Not the "de" of "Ann de Vries", which texts are full of.
                self.words.update((fold(word), code) for word in words_of(name) if stem(word))
        return code

    def find(self, kind: Of, name: str) -> int:
        """The number of a name; -1 where no line has it."""
        return self._codes[kind].get(name, -1)

    def names(self, kind: Of) -> Sequence[str]:
        """In the order of their numbers."""
        return list(self._codes[kind])
