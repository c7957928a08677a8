"""Two texts side by side, line by line, with what changed inside a line."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from .lists import hunks
from .render import Limits, tokens_of, visible
from .sequences import align

RowKind: TypeAlias = Literal["equal", "removed", "added", "modified"]


class Token(msgspec.Struct, frozen=True):
    """A run of a line that is the same on the other side, or is not there."""

    kind: Literal["same", "removed", "added"]
    start: int
    """Offset in the line, in characters."""
    text: str


class Line(msgspec.Struct, frozen=True):
    number: int
    """From 1."""
    text: str
    tokens: tuple[Token, ...] = ()
    """Of a modified line: the whole of it in runs."""


class SideRow(msgspec.Struct, frozen=True):
    """A row has both sides unless a line was removed or added."""

    kind: RowKind
    left: Line | None
    right: Line | None


class SideBySide(msgspec.Struct, frozen=True):
    """Control characters are replaced by visible ones; escaping is up to who shows the texts."""

    rows: tuple[SideRow, ...]
    hidden: int
    """Characters of the longer text that were not compared, because of the limit."""


def side_by_side(
    left: str | None,
    right: str | None,
    limits: Limits = Limits(),  # noqa: B008
) -> SideBySide:
    """The rows of two texts; None has no lines. Lines are aligned as `render` aligns them.

    Between two equal lines, the first of the left is told as a change of the first of the right,
    and so on.
    """
    ours, theirs = _lines(left, limits), _lines(right, limits)
    rows: list[SideRow] = []
    done = 0
    gaps = list(hunks(align(ours, theirs), len(ours), len(theirs)))
    # The empty gap at the end brings the equal lines after the last change.
    for i, i_end, j, j_end in [*gaps, (len(ours), len(ours), len(theirs), len(theirs))]:
        for back in range(i - done, 0, -1):
            here, there = Line(i - back + 1, ours[i - back]), Line(j - back + 1, theirs[j - back])
            rows.append(SideRow("equal", here, there))
        done = i_end
        paired = min(i_end - i, j_end - j)
        rows += [_paired(ours, i + place, theirs, j + place) for place in range(paired)]
        rows += [
            SideRow("removed", Line(place + 1, ours[place]), None)
            for place in range(i + paired, i_end)
        ]
        rows += [
            SideRow("added", None, Line(place + 1, theirs[place]))
            for place in range(j + paired, j_end)
        ]
    longest = max(len(left or ""), len(right or ""))
    return SideBySide(tuple(rows), max(0, longest - limits.text))


def _lines(text: str | None, limits: Limits) -> list[str]:
    return [] if text is None else visible(text[: limits.text]).split("\n")


def _paired(ours: list[str], i: int, theirs: list[str], j: int) -> SideRow:
    if ours[i] == theirs[j]:
        # `align` gives up on the fewest edits where they are very many.
        return SideRow("equal", Line(i + 1, ours[i]), Line(j + 1, theirs[j]))
    left, right = tokens_of(ours[i], "word"), tokens_of(theirs[j], "word")
    removed: list[Token] = []
    added: list[Token] = []
    done = 0
    gaps = list(hunks(align(left, right), len(left), len(right)))
    for a, a_end, b, b_end in [*gaps, (len(left), len(left), len(right), len(right))]:
        same = "".join(left[done:a])
        _append(removed, "same", same)
        _append(added, "same", same)
        _append(removed, "removed", "".join(left[a:a_end]))
        _append(added, "added", "".join(right[b:b_end]))
        done = a_end
    return SideRow(
        "modified",
        Line(i + 1, ours[i], tuple(removed)),
        Line(j + 1, theirs[j], tuple(added)),
    )


def _append(tokens: list[Token], kind: Literal["same", "removed", "added"], text: str) -> None:
    if text:
        start = tokens[-1].start + len(tokens[-1].text) if tokens else 0
        tokens.append(Token(kind, start, text))
