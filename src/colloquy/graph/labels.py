"""What lists show of an entity: its kind and a name. A pure function of its facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from .learning import TYPE

NAMES = ("name", "title", "text", "path", "label", "value")
"""Attributes that name an entity, the best first."""
LABELS = frozenset({TYPE, *NAMES})
MAX_NAME = 256


def labels(values: Mapping[str, bytes]) -> tuple[str | None, str | None]:
    """Kind and name out of attributes as JSON; None for what is not said."""
    if not values:
        return None, None
    kind = _text(values.get(TYPE))
    for attribute in NAMES:
        name = _text(values[attribute]) if attribute in values else None
        if name is not None:
            return kind, name[:MAX_NAME]
    return kind, None


def newest(rows: Iterable[tuple[int, str, bytes, int | None]]) -> dict[int, dict[str, bytes]]:
    """Subject → attribute → value, out of (subject, attribute, value, valid from).

    Where several are open, the one that began last counts.
    """
    found: dict[int, dict[str, tuple[int, bytes]]] = {}
    for subject, predicate, value, start in rows:
        of = found.setdefault(subject, {})
        begun = -(2**63) if start is None else start
        if predicate not in of or begun > of[predicate][0]:
            of[predicate] = (begun, value)
    return {
        subject: {name: value for name, (_, value) in of.items()} for subject, of in found.items()
    }


def _text(value: bytes | None) -> str | None:
    if value is None or not value.startswith(b'"'):
        return None
    text = msgspec.json.decode(value, type=str)
    return text if text.strip() else None
