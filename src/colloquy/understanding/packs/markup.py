"""Entities marked inside an example: `[text](label)` and `[text]{"entity": "label", …}`."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput
from ..pack import Span

_MARK = re.compile(r"\[(?P<shown>[^\[\]]+)\](?:\((?P<label>[^()]*)\)|(?P<fields>\{[^{}]*\}))")


class _Fields(Struct, frozen=True, forbid_unknown_fields=True):
    entity: str
    role: str | None = None
    group: str | None = None
    value: str | None = None


def unmarked(text: str) -> tuple[str, list[Span]]:
    """The text without marks, and the marked entities at their offsets in it.

    `label:value` in round brackets gives a value. Space around a marked text stays outside.
    Raises InvalidInput for a mark that cannot be read.
    """
    parts: list[str] = []
    spans: list[Span] = []
    length = last = 0
    text = text.strip()
    for mark in _MARK.finditer(text):
        before = text[last : mark.start()]
        shown = mark["shown"]
        length += len(before)
        parts += [before, shown]
        fields = _fields(mark)
        inner = shown.strip()
        if not inner:
            raise InvalidInput(f"{mark[0]} marks nothing")
        start = length + shown.index(inner)
        spans.append(
            Span(
                start=start,
                end=start + len(inner),
                label=fields.entity,
                role=fields.role,
                group=fields.group,
                value=fields.value,
            )
        )
        length += len(shown)
        last = mark.end()
    parts.append(text[last:])
    whole = "".join(parts)
    stripped = whole.lstrip()
    if stripped != whole:  # a mark that began with a space
        moved = len(whole) - len(stripped)
        spans = [
            msgspec.structs.replace(span, start=span.start - moved, end=span.end - moved)
            for span in spans
        ]
    return stripped.rstrip(), spans


def _fields(mark: re.Match[str]) -> _Fields:
    if mark["fields"] is None:
        label, _, value = mark["label"].partition(":")
        if not label.strip():
            raise InvalidInput(f"{mark[0]} has no label")
        return _Fields(label.strip(), value=value.strip() or None)
    try:
        return msgspec.json.decode(mark["fields"], type=_Fields)
    except msgspec.DecodeError as error:
        raise InvalidInput(f"{mark[0]}: {error}") from None
