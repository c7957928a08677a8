"""Where in a value: a tuple of typed steps, and its text.

A step is a key of a dictionary (`str`), an index of a list (`int`) or the item of a list with a
certain identity (`Item`). The text follows JSON Pointer (RFC 6901) with brackets for lists:
`/units[id=a1]/prices[3]/amount`; the empty text is the whole value. `~`, `/`, `[`, `]` and `#`
inside a key or an identity are written `~0` to `~4`; `[id=#7]` is the integer 7, `[id=7]` a text.
"""

from __future__ import annotations

import re
from typing import TypeAlias

import msgspec

from colloquy.model.errors import InvalidInput


class Item(msgspec.Struct, frozen=True):
    """The item of a list whose field `id` has this value."""

    id: str | int


Step: TypeAlias = str | int | Item
Path: TypeAlias = tuple[Step, ...]

_ESCAPES = {"~": "~0", "/": "~1", "[": "~2", "]": "~3", "#": "~4"}
_PLAIN = {escape: character for character, escape in _ESCAPES.items()}
_SPECIAL = re.compile(r"[~/\[\]#]")
_ESCAPED = re.compile(r"~.?", re.DOTALL)
_STEP = re.compile(
    r"/(?P<key>[^/\[\]#]*)"
    r"|\[(?P<index>0|[1-9][0-9]*)\]"
    r"|\[id=\#(?P<number>0|-?[1-9][0-9]*)\]"
    r"|\[id=(?P<text>[^/\[\]#]*)\]"
)
MOST_DIGITS = 4000
"""Longer integers are no identities: Python refuses to read them (4,300 digits) for good reason."""


def format_path(path: Path) -> str:
    """The path's text. Raises InvalidInput for a step that is none."""
    return "".join(map(_format, path))


def parse_path(text: str) -> Path:
    """The path that `format_path` wrote. Raises InvalidInput with the offset of what is wrong."""
    steps: list[Step] = []
    offset = 0
    while offset < len(text):
        found = _STEP.match(text, offset)
        if found is None:
            raise InvalidInput(f"no step of a path at offset {offset} of {text!r:.80}")
        kind, inner = found.lastgroup, found[found.lastgroup or 0]
        if kind in ("index", "number") and len(inner) > MOST_DIGITS:
            raise InvalidInput(f"a number of {len(inner)} digits at offset {offset} of a path")
        if kind == "key":
            steps.append(_unescape(inner, text))
        elif kind == "index":
            steps.append(int(inner))
        else:
            steps.append(Item(int(inner) if kind == "number" else _unescape(inner, text)))
        offset = found.end()
    return tuple(steps)


def _format(step: Step) -> str:
    kind = type(step)
    if kind is str:
        return "/" + _escape(step)  # type: ignore[arg-type]
    if kind is int and step >= 0:  # type: ignore[operator]
        return f"[{step}]"
    if isinstance(step, Item):
        if type(step.id) is str:
            return f"[id={_escape(step.id)}]"
        if type(step.id) is int:
            return f"[id=#{step.id}]"
    raise InvalidInput(f"{step!r:.40} is no step of a path")


def _escape(text: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], text)


def _unescape(text: str, whole: str) -> str:
    try:
        return _ESCAPED.sub(lambda found: _PLAIN[found[0]], text)
    except KeyError as error:
        raise InvalidInput(f"{error.args[0]!r} is no escape in {whole!r:.80}") from None
