"""Reads our own documentation: fenced code, inline code, links, headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
_INLINE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#+ +(.+)$", re.M)


class Code(NamedTuple):
    """A fenced block: its language, its text, and the line of its file on which the text begins."""

    language: str
    text: str
    line: int


def pages() -> list[Path]:
    """Every page that a reader of the project finds."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text: str, *languages: str) -> list[Code]:
    """The fenced blocks in these languages (all, when none is named), in order."""
    found = [
        Code(match[1], match[2], text.count("\n", 0, match.start(2)) + 1)
        for match in _FENCE.finditer(text)
    ]
    return [code for code in found if not languages or code.language in languages]


def inline(text: str) -> Iterator[str]:
    """Inline code outside fenced blocks, on one line each."""
    for match in _INLINE.finditer(_FENCE.sub("", text)):
        yield " ".join(match[1].split())


def links(text: str) -> list[str]:
    """Targets of links and images outside code."""
    prose = _INLINE.sub("", _FENCE.sub("", text))
    # A link whose text is code: the code is gone now, its brackets are not.
    return [match[1] or match[2] for match in _LINK.finditer(prose)]


def anchors(text: str) -> set[str]:
    """The fragments that headings can be linked by, as GitHub makes them."""
    found: set[str] = set()
    for match in _HEADING.finditer(_FENCE.sub("", text)):
        words = re.sub(r"[^\w\- ]", "", match[1].lower())
        found.add(words.strip().replace(" ", "-"))
    return found
