"""A fact of a line, and how facts are told apart."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

FactKind = Literal[
    "pinned", "promise", "money", "contact", "reference", "date", "time", "number", "name",
    "negation", "question",
]  # fmt: skip
"""In the order in which they are given up where a budget does not do, the last first."""
KINDS: tuple[FactKind, ...] = get_args(FactKind)

MAX_NORMAL = 80


class Fact(NamedTuple):
    """`text` is `line.text[start:end]`; two facts are the same if `kind` and `normal` are."""

    kind: FactKind
    text: str
    normal: str
    start: int
    end: int

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.normal}"


def fact(kind: FactKind, text: str, start: int, end: int, normal: str | None = None) -> Fact:
    """The fact that lies there; without `normal`, its words in lower case."""
    said = text[start:end]
    name = normal if normal is not None else " ".join(said.split()).casefold()
    return Fact(kind, said, name[:MAX_NORMAL], start, end)
