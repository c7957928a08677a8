"""Ids of relationships, scheme 1: byte for byte those of the older format, defects included.

Only for data that comes from there (decision 26): a session's edges do not tell their targets
apart, headings without ASCII letters are all `_root`, an edit of a symbol changes its edges' ids.
What is new gets an id of `ids`. SHA-1 is a name here, it protects nothing.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from .relationships import ALIASES, CODE, DOCUMENTATION, PERFORMANCE, SESSION, STRUCTURAL

_KINDS = ("class", "interface", "function", "typeAlias")
_SOURCES = ("parser", "manual", "llm", "imported", "sync", "other")
_INTENTS = ("ai-context", "governance", "mixed")
_TRIM = " \t\n\r\v\f\u00a0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What JavaScript counts as space."""


def relationship_id(from_id: str, edge: Mapping[str, Any]) -> str:
    """The id of a flat edge that begins at `from_id`."""
    type_ = edge["type"]
    to_id = edge.get("toEntityId") or ""
    if type_ in STRUCTURAL:
        return _hashed("time-rel_", from_id, target_key(edge), type_)
    if type_ in SESSION:
        session = _first(_either(edge, "sessionId"), edge.get("fromEntityId"), "")
        return _hashed("rel_session_", _trim(str(session)).lower(), _sequence(edge), type_)
    if type_ in PERFORMANCE:
        return _hashed(
            "rel_perf_", from_id, to_id, type_,
            metric(_first(_either(edge, "metricId"), to_id, "unknown")),
            environment(_either(edge, "environment")),
            _plain(_either(edge, "scenario")).lower(),
        )  # fmt: skip
    if type_ in CODE or type_ in ALIASES:
        return _hashed("rel_", from_id, target_key(edge), type_)
    if type_ in DOCUMENTATION:
        return _hashed("rel_", from_id, _documentation_key(edge), type_)
    return _hashed("rel_", from_id, to_id, type_)


def spellings(id_: Any) -> tuple[Any, ...]:
    """The id and what it may be: structural edges were `rel_…` before they were `time-rel_…`."""
    is_plain = isinstance(id_, str) and id_.startswith("rel_")
    return (id_, f"time-{id_}") if is_plain else (id_,)


def target_key(edge: Mapping[str, Any]) -> str:
    """What the edge points to, as text."""
    reference = edge.get("toRef")
    if isinstance(reference, Mapping):
        kind = reference.get("kind")
        file, symbol, name = (reference.get(part) or "" for part in ("file", "symbol", "name"))
        if kind == "entity" and reference.get("id"):
            return f"ENT:{reference['id']}"
        if kind == "fileSymbol" and (file or symbol or name):
            return f"FS:{file}:{symbol or name}"
        if kind == "external" and name:
            return f"EXT:{name}"
    to_id = edge.get("toEntityId") or ""
    head, colon, rest = to_id.partition(":")
    if (head == "sym" and colon) or (head == "file" and colon and ":" not in rest):
        return f"ENT:{to_id}"
    if head == "file" and colon:
        return f"FS:{rest}"
    if head == "external" and colon:
        return f"EXT:{rest}"
    if head in _KINDS and colon:
        return f"KIND:{head}:{rest}"
    if head == "import" and colon:
        return f"IMP:{rest}"
    return f"RAW:{to_id}"


def site_id(path: str, line: int, column: int | None = None, access_path: str | None = None) -> str:
    """The place in a file that an edge comes from."""
    base = f"{path}|{line}|{column or ''}|{access_path or ''}"
    return f"site_{_sha1(base)[:12]}"


def site_hash(from_id: str, edge: Mapping[str, Any]) -> str:
    """The same place, but for its line and column: it survives when lines move."""
    location = edge.get("location") or {}
    parts = {
        "p": location.get("path"), "a": edge.get("accessPath"), "k": edge.get("kind"),
        "c": edge.get("callee"), "o": edge.get("operator"), "pm": edge.get("paramName"),
        "t": edge.get("type"), "f": from_id,
    }  # fmt: skip
    given = {key: value for key, value in parts.items() if value is not None}
    return f"sh_{_sha1(msgspec.json.encode(given).decode())[:16]}"


def metric(value: Any) -> str:
    """A metric's id as it stands in ids; ASCII only, `unknown` where nothing is left."""
    if not value:
        return "unknown"
    text = re.sub(r"[^a-z0-9/_-]+", "-", _trim(str(value)).lower())
    text = re.sub(r"/+", "/", re.sub(r"-+", "-", text))
    return text.rstrip("/").lstrip("/")[:256] or "unknown"


def environment(value: Any) -> str:
    """An environment as it stands in ids; any beginning of a known name counts as it."""
    if not isinstance(value, str) or not _trim(value):
        return "unknown"
    text = re.sub(r"[^a-z0-9-]+", "-", _trim(value)[:64].lower())
    text = re.sub(r"-+", "-", text).removeprefix("-").removesuffix("-")
    if text in ("dev", "staging", "prod", "perf-lab", "qa", "test", "local"):
        return text
    if text == "production":
        return "prod"
    if text.startswith("prod"):
        return text
    for start, known in (
        ("stag", "staging"), ("perf", "perf-lab"), ("qa", "qa"), ("test", "test"), ("dev", "dev"),
    ):  # fmt: skip
        if text.startswith(start):
            return known
    return text or "unknown"


def anchor(value: Any) -> str:
    """A heading as it stands in ids; ASCII only, `_root` where nothing is left."""
    text = _trim(str(value or "")).lstrip("#").lower()
    text = re.sub(rf"[^a-z0-9_/{_TRIM}-]+", "-", text)
    text = re.sub(r"-+", "-", re.sub(rf"[{_TRIM}]+", "-", text))
    return text.removeprefix("-").removesuffix("-")[:128] or "_root"


def domain_path(value: Any) -> str:
    """A domain's path as it stands in ids; only its first run of slashes is collapsed."""
    text = re.sub(r">+", "/", _trim(str(value or "")).lower())
    text = re.sub(r"[^a-z0-9/_-]+", "-", re.sub(rf"[{_TRIM}]+", "/", text))
    return re.sub(r"/+", "/", re.sub(r"-+", "-", text), count=1).strip("/")


def _documentation_key(edge: Mapping[str, Any]) -> str:
    type_ = edge["type"]
    heading = anchor(
        _first(_either(edge, "sectionAnchor"), (edge.get("metadata") or {}).get("anchor"))
    )
    source = _source(_either(edge, "source"))
    intent = _intent(_either(edge, "docIntent"), type_)

    def text(key: str) -> str:
        return _plain(_either(edge, key))

    if type_ == "DOCUMENTED_BY":
        parts = [heading, source, intent, text("docVersion")]
    elif type_ == "DESCRIBES_DOMAIN":
        taxonomy = (edge.get("metadata") or {}).get("taxonomyPath")
        domain = domain_path(_first(_either(edge, "domainPath"), taxonomy))
        parts = [domain, text("taxonomyVersion"), heading, intent]
    elif type_ == "BELONGS_TO_DOMAIN":
        parts = [domain_path(_either(edge, "domainPath")), source, intent]
    elif type_ == "CLUSTER_MEMBER":
        own = _either(edge, "docAnchor")
        parts = [
            text("clusterVersion"), anchor(own) if own else heading, text("embeddingVersion"),
            intent,
        ]  # fmt: skip
    elif type_ == "DOMAIN_RELATED":
        parts = [text("relationshipType"), source]
    elif type_ == "GOVERNED_BY":
        parts = [text("policyType"), intent]
    else:
        parts = [heading, intent]
    return "|".join([edge.get("toEntityId") or "", *parts])


def _hashed(prefix: str, *parts: str) -> str:
    return prefix + _sha1("|".join(parts))


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _either(edge: Mapping[str, Any], key: str) -> Any:
    return _first(edge.get(key), (edge.get("metadata") or {}).get(key))


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _trim(text: str) -> str:
    return text.strip(_TRIM)


def _plain(value: Any) -> str:
    return _trim(value) if isinstance(value, str) else ""


def _source(value: Any) -> str:
    text = _plain(value).lower()
    return text if text in _SOURCES or not text else "other"


def _intent(value: Any, type_: str) -> str:
    text = _plain(value).lower()
    if text in _INTENTS:
        return text
    return "governance" if type_ == "GOVERNED_BY" else "ai-context"


def _sequence(edge: Mapping[str, Any]) -> str:
    number = edge.get("sequenceNumber")
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return "0"
    return str(max(0, math.floor(number)))
