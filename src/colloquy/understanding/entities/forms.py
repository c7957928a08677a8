"""Forms of an expression, each a small pattern with a function that reads it.

A form is tried only where one of its trigger words (or a digit) stands; of several that match at
one place, the longest wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from .words import DIGIT, WORD


class Placed(Protocol):
    """What a form reads knows where it ends."""

    @property
    def end(self) -> int: ...


Found = TypeVar("Found", bound=Placed)
Read = TypeVar("Read")


class Forms(Generic[Read]):
    """A register of forms whose functions are `Read`. `before` is a look-behind for all of them."""

    def __init__(self, before: str) -> None:
        self._before = before
        self._known: dict[str, list[tuple[re.Pattern[str], Read]]] = {}

    def form(self, pattern: str, *triggers: Iterable[str]) -> Callable[[Read], Read]:
        """Registers a form under the words it starts with; `DIGIT` stands for any digits."""
        compiled = re.compile(rf"{self._before}(?:{pattern})", re.IGNORECASE)

        def register(read: Read) -> Read:
            for word in {word for group in triggers for word in group}:
                self._known.setdefault(word, []).append((compiled, read))
            return read

        return register

    def found(
        self, text: str, value: Callable[[re.Match[str], Read], Found | None]
    ) -> Iterator[Found]:
        """What `value` makes of the matches: in order, without overlaps. None is no match."""
        free = 0
        for word in WORD.finditer(text):
            start = word.start()
            if start < free:
                continue
            first = word[0]
            forms = self._known.get(DIGIT if first[0].isdecimal() else first.lower())
            if forms is None:
                continue
            best: Found | None = None
            for pattern, read in forms:
                match = pattern.match(text, start)
                if match is not None and (best is None or match.end() > best.end):
                    best = value(match, read) or best
            if best is not None:
                free = best.end
                yield best
