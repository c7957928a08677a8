"""Differences for people: five views, as text and as HTML.

`line`, `word` and `character` align the two texts (a string as it is, anything else as indented
JSON); `json` is JSON Patch, an operation a row; `semantic` is a sentence for each change. All that
comes from values is escaped in HTML, and control characters are replaced by visible ones in both.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from colloquy.ledger.canonical import canonical
from colloquy.ledger.values import Value
from colloquy.model.errors import InvalidInput

from .changes import Add, Change, Move, Remove, Replace, Script, Shift, Splice
from .compare import diff
from .json_patch import json_patch
from .lists import hunks
from .paths import Item, Path, Step, format_path
from .sequences import align

View: TypeAlias = Literal["line", "word", "character", "json", "semantic"]
Kind: TypeAlias = Literal["same", "removed", "added", "note"]

CONTEXT = 3
"""Unchanged lines shown before and after a change, as diff -u does."""


class Limits(msgspec.Struct, frozen=True):
    """How much is shown; what is left out is always said."""

    value: int = 200
    """Characters of one value in the views `json` and `semantic`."""
    changes: int = 200
    """Rows of the views `json` and `semantic`."""
    text: int = 20_000
    """Characters of each side that the views `line`, `word` and `character` compare."""


class Span(msgspec.Struct, frozen=True):
    """A piece of a row; a note is ours, everything else may come from values."""

    kind: Kind
    text: str


Row: TypeAlias = tuple[Span, ...]

_TOKENS = {"word": re.compile(r"\s+|\w+|[^\w\s]"), "character": re.compile(r".", re.DOTALL)}
# What moves a terminal's cursor or turns the direction of the text around.
_DIRECTIONS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNSEEN = {code: 0x2400 + code for code in range(32) if code not in (9, 10)} | dict.fromkeys(
    (*range(0x7F, 0xA0), *_DIRECTIONS), 0xFFFD
)


def rows(old: Value, new: Value, view: View, limits: Limits = Limits()) -> list[Row]:  # noqa: B008
    """The rows of a view. Raises InvalidInput for what is no value and for an unknown view."""
    if view in ("semantic", "json"):
        script = diff(old, new)
        found = _sentences(script, limits) if view == "semantic" else _patch(old, script, limits)
    elif view in ("line", "word", "character"):
        found = _texts(text_of(old), text_of(new), view, limits)
    else:
        raise InvalidInput(f"{view!r:.40} is no view of a difference", field="view")
    return found or [(Span("note", "no change"),)]


def as_text(old: Value, new: Value, view: View, limits: Limits = Limits()) -> str:  # noqa: B008
    """The view as plain text.

    Lines begin with `-`, `+` or a space; words and characters stand in `[-…-]` and `{+…+}`.
    """
    return "\n".join(_plain(row, view) for row in rows(old, new, view, limits))


def as_html(old: Value, new: Value, view: View, limits: Limits = Limits()) -> str:  # noqa: B008
    """The view as an element `pre.ledger-diff` with a `div` a row, without styles of its own.

    Classes: `ledger-removed` on `del`, `ledger-added` on `ins`, `ledger-note` on `span`.
    """
    body = "".join(
        f"<div>{''.join(map(_element, row))}</div>" for row in rows(old, new, view, limits)
    )
    return f'<pre class="ledger-diff">{body}</pre>'


def text_of(value: Value) -> str:
    """What the views of texts compare: a string as it is, anything else as indented JSON."""
    text = canonical(value)
    return value if type(value) is str else msgspec.json.format(text, indent=2).decode()


def tokens_of(text: str, view: View) -> list[str]:
    """The pieces that the views `word` and `character` compare; together they are the text."""
    return _TOKENS[view].findall(text)


def visible(text: str) -> str:
    """The text with a visible character in place of each control character but tab and newline."""
    return text.translate(_UNSEEN)


def _plain(row: Row, view: View) -> str:
    texts = [(span.kind, visible(span.text)) for span in row]
    if view == "line":
        marks = {"same": "  ", "removed": "- ", "added": "+ ", "note": ""}
        return "".join(marks[kind] + text for kind, text in texts)
    if view in ("word", "character"):
        marks = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}", "note": "{}"}
        return "".join(marks[kind].format(text) for kind, text in texts)
    return "".join(text for _, text in texts)


def _element(span: Span) -> str:
    text = html.escape(visible(span.text), quote=True)
    if span.kind == "same":
        return text
    name = {"removed": "del", "added": "ins", "note": "span"}[span.kind]
    return f'<{name} class="ledger-{span.kind}">{text}</{name}>'


def _texts(old: str, new: str, view: View, limits: Limits) -> list[Row]:
    if old == new:
        return []
    beyond = max(len(old), len(new)) - limits.text
    notes = [(Span("note", f"… {beyond:,} more characters not compared"),)] if beyond > 0 else []
    old, new = old[: limits.text], new[: limits.text]
    if view == "line":
        return _in_context(list(_spans(old.split("\n"), new.split("\n")))) + notes
    joined: list[Span] = []
    for span in _spans(tokens_of(old, view), tokens_of(new, view)):
        if joined and joined[-1].kind == span.kind:
            joined[-1] = Span(span.kind, joined[-1].text + span.text)
        else:
            joined.append(span)
    return [tuple(joined), *notes]


def _spans(old: list[str], new: list[str]) -> Iterable[Span]:
    done = 0
    for i, i_end, j, j_end in hunks(align(old, new), len(old), len(new)):
        yield from (Span("same", text) for text in new[done:j])
        yield from (Span("removed", text) for text in old[i:i_end])
        yield from (Span("added", text) for text in new[j:j_end])
        done = j_end
    yield from (Span("same", text) for text in new[done:])


def _in_context(lines: list[Span]) -> list[Row]:
    shown: set[int] = set()
    for place, line in enumerate(lines):
        if line.kind != "same":
            shown.update(range(place - CONTEXT, place + CONTEXT + 1))
    found: list[Row] = []
    hidden = 0
    for place, line in enumerate(lines):
        if place not in shown:
            hidden += 1
            continue
        if hidden:
            found.append((_unchanged(hidden),))
        hidden = 0
        found.append((line,))
    return [*found, (_unchanged(hidden),)] if hidden else found


def _unchanged(count: int) -> Span:
    return Span("note", f"… {_counted(count, 'unchanged line')}")


def _patch(old: Value, script: Script, limits: Limits) -> list[Row]:
    operations = json_patch(old, script)
    found: list[Row] = []
    for operation in operations[: limits.changes]:
        fields = [
            f"{brief(key, limits)}: {brief(value, limits)}" for key, value in operation.items()
        ]
        found.append((Span("same", f"{{{', '.join(fields)}}}"),))
    return found + _rest(len(operations), limits)


def _rest(count: int, limits: Limits) -> list[Row]:
    beyond = count - limits.changes
    return [(Span("note", f"… and {_counted(beyond, 'more change')}"),)] if beyond > 0 else []


def _sentences(script: Script, limits: Limits) -> list[Row]:
    found = [_sentence(change, limits) for change in script.changes[: limits.changes]]
    return found + _rest(len(script), limits)


def _sentence(change: Change, limits: Limits) -> Row:
    name, where = _name(change.path, limits), _where(change.path[:-1], limits)
    match change:
        case Add(_, new):
            return _row(f"{name}{where} was added: ", _added(new, limits))
        case Remove(_, old):
            return _row(f"{name}{where} was removed: ", _removed(old, limits))
        case Replace(_, old, new):
            before, after = _removed(old, limits), _added(new, limits)
            return _row(f"{name}{where} changed from ", before, " to ", after)
        case Move(path, to, _):
            if path[:-1] == to[:-1]:
                return _row(f"{name}{where} was renamed to {_name(to, limits)}")
            return _row(f"{name}{where} was moved to {_cut(format_path(to), limits)}")
        case Shift(path, start, stop, item, by_identity):
            which = _name((Item(item),), limits) if by_identity else "an item"
            return _row(f"{which}{_where(path, limits)} was moved from index {start} to {stop}")
        case Splice(path, index, removed, added):
            before, after = _removed(list(removed), limits), _added(list(added), limits)
            place = f"at index {index}{_where(path, limits)}"
            if not removed:
                return _row(f"{_counted(len(added), 'item')} added {place}: ", after)
            if not added:
                return _row(f"{_counted(len(removed), 'item')} removed {place}: ", before)
            return _row(f"items {place} changed from ", before, " to ", after)


def _row(*pieces: str | Span) -> Row:
    return tuple(Span("same", piece) if isinstance(piece, str) else piece for piece in pieces)


def _removed(value: Value, limits: Limits) -> Span:
    return Span("removed", brief(value, limits))


def _added(value: Value, limits: Limits) -> Span:
    return Span("added", brief(value, limits))


def _name(path: Path, limits: Limits) -> str:
    if not path:
        return "the whole"
    step: Step = path[-1]
    if isinstance(step, Item):
        return f"item {_cut(str(step.id), limits)}"
    return f"item {step}" if isinstance(step, int) else _cut(step or '""', limits)


def _where(path: Path, limits: Limits) -> str:
    return f" in {_cut(format_path(path), limits)}" if path else ""


def brief(value: Value, limits: Limits = Limits()) -> str:  # noqa: B008
    """The value's canonical text, cut where it is longer than the limit for one value."""
    return _cut(canonical(value).decode(), limits)


def _cut(text: str, limits: Limits) -> str:
    beyond = len(text) - limits.value
    if beyond <= 0:
        return text
    return f"{text[: limits.value]}… ({_counted(beyond, 'more character')})"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
