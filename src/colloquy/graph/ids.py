"""Ids of relationships: derived from what they join, so that the same edge has the same id.

Scheme 2 is ours; scheme 1 (`older_ids`) is for data of the older format (decision 26). What
scheme 2 mends: parts carry their length, so that none can pretend to be two; letters of all
scripts count; a symbol counts by file and name, not by the hash of its content; a reference counts
wherever it stands; every edge of one session event has an id of its own; `USES` is `TYPE_USES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Literal

from ..model.errors import InvalidInput, InvalidUnicode
from . import normalise, older_ids
from .references import is_reference, read_reference
from .relationships import (
    DEFAULT_KINDS,
    PERFORMANCE,
    SESSION,
    type_named,
)

Scheme = Literal[1, 2]
PREFIX = "edge_"

_TELLING: dict[str, tuple[str, ...]] = {
    "DOCUMENTED_BY": ("sectionAnchor", "source", "docIntent", "docVersion"),
    "DESCRIBES_DOMAIN": ("domainPath", "taxonomyVersion", "sectionAnchor", "docIntent"),
    "BELONGS_TO_DOMAIN": ("domainPath", "source", "docIntent"),
    "CLUSTER_MEMBER": ("clusterVersion", "docAnchor", "embeddingVersion", "docIntent"),
    "DOMAIN_RELATED": ("relationshipType", "source"),
    "GOVERNED_BY": ("policyType", "docIntent"),
    "DOCUMENTS_SECTION": ("sectionAnchor", "docIntent"),
    **dict.fromkeys(SESSION, ("sessionId", "sequenceNumber", "eventId")),
    **dict.fromkeys(PERFORMANCE, ("metricId", "environment", "scenario")),
}
"""The attributes that tell apart edges of one type between the same two ends."""

NORMAL: dict[str, Callable[[str], str]] = {
    "sectionAnchor": normalise.slug, "docAnchor": normalise.slug,
    "domainPath": normalise.domain_path, "metricId": normalise.metric,
    "environment": normalise.environment, "scenario": normalise.name,
    "source": str.lower, "docIntent": str.lower,
}  # fmt: skip
"""The normal form of those whose text may be written in several ways."""

_INSTEAD = {
    "sectionAnchor": ("anchor",), "domainPath": ("taxonomyPath",),
    "docAnchor": ("sectionAnchor", "anchor"),
}  # fmt: skip
"""Names under which metadata may hold an attribute that is missing."""


def relationship_id(edge: Mapping[str, Any], scheme: Scheme = 2) -> str:
    """The id of an edge in its flat form (`Relationship.wire()`). Raises InvalidInput."""
    from_id, to_id = (_text(edge, key) for key in ("fromEntityId", "toEntityId"))
    type_ = type_named(edge.get("type"))
    if scheme == 1:
        return older_ids.relationship_id(from_id, edge)
    source = read_reference(_reference(edge, "fromRef"), from_id)
    target = read_reference(_reference(edge, "toRef"), to_id)
    parts = [type_, *source.key, *target.key]
    parts += [_told(edge, key, type_) for key in _TELLING.get(type_, ())]
    return PREFIX + _digest(b"graph.edge.2", parts)


def identity(edge: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that tell an edge apart from others of its type between the same ends, in
    their normal form; most edges have none. Raises InvalidInput.

    With ends and type they give the same `relationship_id` as the whole edge.
    """
    type_ = type_named(edge.get("type"))
    found: dict[str, Any] = {}
    for key in _TELLING.get(type_, ()):
        told = _told(edge, key, type_)
        if key == "sequenceNumber":
            found[key] = int(told)
        elif key == "sessionId" or told != _told({}, key, type_):
            found[key] = told
    for key, end in (("fromRef", "fromEntityId"), ("toRef", "toEntityId")):
        id_ = _text(edge, end)
        target = read_reference(_reference(edge, key), id_)
        if target.key != read_reference(None, id_).key:
            found[key] = target.reference()
    return found


def site_id(path: str, line: int, column: int | None = None, access_path: str = "") -> str:
    """The place in a file that an edge comes from. Line 0 and no column are values of their own."""
    at = "" if column is None else str(column)
    return "site_" + _digest(b"graph.site.2", [normalise.path(path), str(line), at, access_path])


def site_hash(edge: Mapping[str, Any]) -> str:
    """The same place and target, but for line and column: it survives when lines move."""
    type_ = type_named(edge.get("type"))
    location = edge.get("location")
    path = location.get("path") if isinstance(location, Mapping) else None
    said = {"kind": DEFAULT_KINDS.get(type_), **{k: v for k, v in edge.items() if v is not None}}
    parts = [type_, normalise.path(path) if isinstance(path, str) else ""]
    parts += [
        value if isinstance(value := said.get(key), str) else ""
        for key in ("accessPath", "kind", "callee", "operator", "paramName")
    ]
    source = read_reference(_reference(edge, "fromRef"), _text(edge, "fromEntityId"))
    target = read_reference(_reference(edge, "toRef"), _text(edge, "toEntityId"))
    parts += [*source.key, *target.key]
    return "sh_" + _digest(b"graph.sitehash.2", parts)


def _told(edge: Mapping[str, Any], key: str, type_: str) -> str:
    value = _value(edge, key)
    if key == "sequenceNumber":
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise InvalidInput("`sequenceNumber` must be a whole number from 0", field=key)
        return str(value)
    text = value.strip() if isinstance(value, str) else ""
    if key == "sessionId" and not text:
        raise InvalidInput("an edge of a session needs its `sessionId`", field=key)
    if key == "docIntent" and not text:
        return "governance" if type_ == "GOVERNED_BY" else "ai-context"
    return NORMAL[key](text) if key in NORMAL else text


def _reference(edge: Mapping[str, Any], key: str) -> Any:
    metadata = edge.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    return next((one for one in (edge.get(key), metadata.get(key)) if is_reference(one)), None)


def _value(edge: Mapping[str, Any], key: str) -> Any:
    metadata = edge.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    found = (edge.get(key), metadata.get(key), *(metadata.get(k) for k in _INSTEAD.get(key, ())))
    if key == "docAnchor":
        found = (edge.get(key), metadata.get(key), edge.get("sectionAnchor"), *found[2:])
    return next((value for value in found if value not in (None, "")), None)


def _text(edge: Mapping[str, Any], key: str) -> str:
    value = edge.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"an edge needs `{key}`", field=key)
    return value


def _digest(person: bytes, parts: list[str]) -> str:
    try:
        raw = [part.encode() for part in parts]
    except UnicodeEncodeError:
        raise InvalidUnicode("an edge has a lone surrogate in what identifies it") from None
    data = b"".join(b"%d:%b" % (len(part), part) for part in raw)
    return blake2b(data, digest_size=16, person=person).hexdigest()
