"""Code edges as extractors send them, in one normal form.

An extractor may put a value on the edge or in its metadata, name its source its own way, repeat its
evidence. After `normalised` two extractors that saw the same say the same, so that their edges can
be merged; `merged` does that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from ..model.errors import InvalidInput
from . import ids, older_ids
from .evidence import (
    MAX_ENTRIES,
    Evidence,
    Location,
    merge_evidence,
    merge_locations,
    read_evidence,
    read_location,
    source_named,
)
from .references import is_reference, read_reference
from .relationships import CODE, DEFAULT_KINDS, type_named
from .values import finite_number, plain

HOISTED = (
    "kind", "resolution", "scope", "arity", "awaited", "operator", "importDepth",
    "usedTypeChecker", "isExported", "accessPath", "dataFlowId", "confidence", "inferred",
    "resolved", "source", "callee", "paramName", "importAlias", "receiverType", "dynamicDispatch",
    "overloadIndex", "genericArguments", "ambiguous", "candidateCount", "isMethod",
    "occurrencesScan", "occurrencesTotal", "occurrencesRecent", "fromRef", "toRef",
)  # fmt: skip
"""Attributes that count from the metadata where the edge itself has none."""

_COUNTERS = ("occurrencesScan", "occurrencesTotal", "occurrencesRecent")
_NUMBERS = (*_COUNTERS, "confidence")
_COLUMNS = ("kind", "file", "symbol", "name")


def normalised(edge: Mapping[str, Any], scheme: ids.Scheme = 2) -> dict[str, Any]:
    """A code edge in its flat form, normalised; an edge of another type as it is.

    `scheme` is that of `siteId` and `siteHash` where it brings none. Gives the same again for its
    own result. The input is not changed. Raises InvalidInput where the edge has no known type or no
    ends.
    """
    edge = plain(dict(edge))
    type_ = type_named(edge.get("type"))
    result: dict[str, Any] = {**edge, "type": type_}
    if type_ not in CODE:
        return result
    given = edge.get("metadata")
    metadata: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    for name in HOISTED:
        found = (edge.get(name), metadata.get(name))
        result[name] = next((value for value in found if _is_usable(name, value)), None)
    if result.get("paramName") is None and metadata.get("param") is not None:
        result["paramName"] = metadata["param"]
    _count(result)
    _weigh(result)
    source = result.get("source")
    if source is not None:
        result["source"] = source_named(source)
    if not isinstance(result.get("active"), bool):
        result["active"] = True
    _locate(result, metadata)
    if scheme == 1:  # without the default kind, as it was there
        _identify_as_before(result)
    if not isinstance(result.get("kind"), str):
        result["kind"] = DEFAULT_KINDS[type_]
    _point(result)
    _prove(result, metadata)
    _identify(result)
    if isinstance(given, dict):
        result["metadata"] = {
            key: value for key, value in metadata.items() if key not in ("evidence", "locations")
        }
    return {key: value for key, value in result.items() if value is not None}


def merged(edges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Normalised edges of one id as one: evidence, locations and sites of all.

    Of the other attributes those of the surest edge count, and what it lacks comes from the next.
    The order does not matter. In steps the evidence is the same too, but where edges are equally
    sure, which of their attributes count can differ: merge all at once.
    Raises InvalidInput without an edge.
    """
    if not edges:
        raise InvalidInput("there is no edge to merge", field="edges")
    result: dict[str, Any] = {}
    for edge in sorted(edges, key=_sureness, reverse=True):
        result.update(edge)
    evidence = merge_evidence(*map(_evidence, edges))
    locations = merge_locations(*map(_locations, edges))
    sites = {site for edge in edges for site in _list(edge.get("sites"))}
    for name, entries in (
        ("evidence", msgspec.to_builtins(evidence)),
        ("locations", msgspec.to_builtins(locations)),
        ("sites", sorted(sites)[:MAX_ENTRIES]),
    ):
        if entries:
            result[name] = entries
    if "active" in result:
        result["active"] = any(edge.get("active") for edge in edges)
    return result


def evidence_of(edge: Mapping[str, Any]) -> Evidence:
    """The one piece of evidence that a normalised code edge is: its best, as sure as the edge."""
    best = _evidence(edge)[0]
    confidence = finite_number(edge.get("confidence"))
    return structs.replace(best, confidence=confidence) if confidence is not None else best


def _is_usable(name: str, value: Any) -> bool:
    if name in ("toRef", "fromRef"):
        return is_reference(value)
    if name in _NUMBERS:
        return finite_number(value) is not None
    return value is not None


def _count(edge: dict[str, Any]) -> None:
    for name in _COUNTERS:
        number = finite_number(edge.get(name))
        if number is not None:
            number = max(0.0, number)
            edge[name] = number if name == "occurrencesRecent" else math.floor(number)


def _weigh(edge: dict[str, Any]) -> None:
    confidence = finite_number(edge.get("confidence"))
    strength = finite_number(edge.pop("strength", None))
    confidence = strength if confidence is None else confidence
    if confidence is not None:
        edge["confidence"] = min(1.0, max(0.0, confidence))


def _locate(edge: dict[str, Any], metadata: Mapping[str, Any]) -> None:
    own = read_location(edge.get("location"))
    location = own or read_location(metadata.get("location")) or read_location(metadata)
    edge["location"] = None if location is None else msgspec.to_builtins(location)
    if location is None or location.path is None or location.line is None:
        return
    if edge.get("context") is None:
        edge["context"] = f"{location.path}:{location.line}"


def _point(edge: dict[str, Any]) -> None:
    """Sets the flat columns of both ends anew, so that none stays from an earlier resolution."""
    for end, id_ in (("to", "toEntityId"), ("from", "fromEntityId")):
        for column in _COLUMNS:
            edge.pop(f"{end}_ref_{column}", None)
        target = read_reference(edge.get(f"{end}Ref"), str(edge.get(id_) or ""))
        if target.form == "entity" and edge.get(f"{end}Ref") is None:
            continue
        for column, value in target.columns().items():
            edge[f"{end}_ref_{column}"] = value


def _prove(edge: dict[str, Any], metadata: Mapping[str, Any]) -> None:
    source = source_named(edge.get("source"), "ast")
    own = [*_list(edge.get("evidence")), *_list(metadata.get("evidence"))]
    read = [entry for raw in own if (entry := read_evidence(raw, source)) is not None]
    if not read:
        version, note = metadata.get("extractorVersion"), metadata.get("note")
        about = {"source": source, "confidence": edge.get("confidence"), "note": note,
                 "location": edge.get("location"), "extractorVersion": version}  # fmt: skip
        read = [read_evidence(about) or Evidence(source)]
    edge["evidence"] = msgspec.to_builtins(merge_evidence(read))
    places = [edge.get("location"), *_list(edge.get("locations"))]
    places += _list(metadata.get("locations"))
    found = merge_locations([place for raw in places if (place := read_location(raw)) is not None])
    edge["locations"] = msgspec.to_builtins(found) or None


def _identify_as_before(edge: dict[str, Any]) -> None:
    place, access = read_location(edge.get("location")) or Location(), edge.get("accessPath")
    if edge.get("siteId") is None and place.path and place.line is not None:
        edge["siteId"] = older_ids.site_id(place.path, place.line, place.column, access)
    if edge.get("siteHash") is None:
        edge["siteHash"] = older_ids.site_hash(edge["fromEntityId"], edge)


def _identify(edge: dict[str, Any]) -> None:
    location = read_location(edge.get("location")) or Location()
    if edge.get("siteId") is None and location.path and location.line is not None:
        access = edge.get("accessPath")
        edge["siteId"] = ids.site_id(
            location.path, location.line, location.column, access if isinstance(access, str) else ""
        )
    if edge.get("siteHash") is None:
        edge["siteHash"] = ids.site_hash(edge)
    sites = {site for site in _list(edge.get("sites")) if isinstance(site, str) and site}
    if edge.get("siteId") is not None:
        sites.add(str(edge["siteId"]))
    edge["sites"] = sorted(sites)[:MAX_ENTRIES] or None


def _evidence(edge: Mapping[str, Any]) -> list[Evidence]:
    read = (read_evidence(raw) for raw in _list(edge.get("evidence")))
    return [entry for entry in read if entry is not None]


def _locations(edge: Mapping[str, Any]) -> list[Location]:
    read = (read_location(raw) for raw in _list(edge.get("locations")))
    return [place for place in read if place is not None]


def _sureness(edge: Mapping[str, Any]) -> tuple[float, bytes]:
    confidence = finite_number(edge.get("confidence"))
    text = msgspec.json.encode(dict(edge), order="deterministic")
    return (1.0 if confidence is None else -confidence, text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
