"""Examples of the graph for the OpenAPI document, and what its schemas cannot say of themselves."""

from __future__ import annotations

from typing import Any

from ...graph.kinds import SHAPES
from ...graph.relationships import ALIASES
from ...graph.relationships import SHAPES as TYPES

_AT = "2026-01-31T10:00:00.250000Z"
_EVIDENCE: dict[str, Any] = {"source": "message", "confidence": 0.9, "event": 812}
_ASSERTION: dict[str, Any] = {
    "key": "flat-12|status",
    "said": _AT,
    "value": "available",
    "evidence": _EVIDENCE,
}
_VERSION: dict[str, Any] = {
    "fact": 5,
    "subject": "flat-12",
    "predicate": "status",
    "value": "available",
    "learned_from": 812,
    "learned_at": _AT,
    "confidence": 0.9,
    "support": 1,
}
_EDGE: dict[str, Any] = {
    "source": "ann",
    "type": "INTERESTED_IN",
    "target": "flat-12",
    "confidence": 0.9,
    "fact": 7,
}
_CHECKPOINT: dict[str, Any] = {
    "id": "0194f2a61c3e7a51b2c3d4e5f6071830",
    "position": 815,
    "name": "before the new price list",
    "reason": "manual",
    "hops": 2,
    "seeds": ["flat-12"],
    "actor": "key:3f2a9c0b1d4e",
    "created_at": _AT,
    "expires_at": "2026-03-02T10:00:00.250000Z",
}
_PATH: dict[str, Any] = {
    "entities": ["ann", "flat-12"],
    "relationships": [_EDGE],
    "length": 1,
}
_LINE: dict[str, Any] = {"id": "flat-12", "kind": "product", "name": "Flat 12"}
_FLAT: dict[str, Any] = {"name": "Flat 12", "category": "property", "features": ["balcony"]}

GRAPH_EXAMPLES: dict[str, Any] = {
    "EntityPage": {"entities": [_LINE], "next": None},
    "EntityView": {
        "id": "flat-12",
        "kind": "product",
        "attributes": _FLAT,
        "merged": [],
        "truncated": False,
    },
    "FactPage": {
        "facts": [
            {
                "number": 5,
                "subject": "flat-12",
                "predicate": "status",
                "single": True,
                "value": "available",
                "learned_from": 812,
                "confidence": 0.9,
                "support": 1,
                "assertions": [_ASSERTION],
            }
        ],
        "next": None,
    },
    "TimelinePage": {"versions": [_VERSION], "next": None},
    "GraphChangePage": {
        "changes": [{"position": 812, "opened": True, "version": _VERSION}],
        "next": None,
    },
    "ContradictionPage": {
        "contradictions": [
            {
                "number": 1,
                "subject": "flat-12",
                "predicate": "status",
                "kind": "value",
                "chosen": _ASSERTION,
                "other": {**_ASSERTION, "value": "sold"},
                "learned_from": 813,
            }
        ],
        "next": None,
    },
    "GraphStatistics": {
        "entities": {"person": 1, "product": 1},
        "facts": 7,
        "relationships": 1,
        "closed": 0,
        "contradictions": 0,
        "merges": 0,
        "hygiene": {
            "offered": 8,
            "refused": 1,
            "repeated": 0,
            "facts": 7,
            "stale": 0,
            "stale_days": 180,
            "junk_rate": 0.125,
            "duplicate_rate": 0.0,
            "stale_rate": 0.0,
        },
        "vectors": "exact",
    },
    "EntityRequest": {"kind": "product", "attributes": _FLAT},
    "LearnRequest": {
        "entities": [{"id": "ann", "kind": "person", "attributes": {"name": "Ann Lee"}}],
        "relationships": [{"source": "ann", "type": "INTERESTED_IN", "target": "flat-12"}],
        "facts": [{"subject": "flat-12", "predicate": "status", "value": "available"}],
    },
    "LearnedView": {
        "new": 4,
        "repeated": 0,
        "opened": 4,
        "closed": 0,
        "contradictions": 0,
        "position": 815,
        "refused": [],
    },
    "RetractionRequest": {"key": "flat-12|status", "reason": "sold long ago"},
    "MergeRequest": {"kept": "ann", "other": "person:annie", "note": "the same number"},
    "HitPage": {
        "hits": [
            {
                **_LINE,
                "score": 0.0328,
                "why": {
                    "words": ["flat"],
                    "in_name": ["flat"],
                    "word_rank": 1,
                    "word_score": 1.9,
                    "meaning_rank": 1,
                    "similarity": 0.71,
                },
            }
        ],
        "mode": "hybrid",
        "next": None,
    },
    "NeighbourhoodView": {
        "start": "flat-12",
        "entities": [
            {**_LINE, "hops": 0},
            {"id": "ann", "kind": "person", "name": "Ann Lee", "hops": 1},
        ],
        "relationships": [_EDGE],
        "truncated": False,
        "entity_total": 2,
        "relationship_total": 1,
        "next": None,
    },
    "TraversalRequest": {"start": "ann", "kinds": ["product"], "max_depth": 2},
    "TraversalView": {
        "entities": [{**_LINE, "hops": 1}],
        "paths": [_PATH],
        "visited": 2,
        "truncated": False,
    },
    "PathRequest": {"start": "ann", "end": "flat-12", "find": "shortest"},
    "PathsView": {"paths": [_PATH], "truncated": False},
    "ImpactRequest": {"entity": "flat-12", "change": "delete"},
    "ImpactView": {
        "direct": [
            {
                "entities": ["ann"],
                "severity": "low",
                "relationship": "INTERESTED_IN",
                "reason": "one entity depends by INTERESTED_IN on what is deleted",
            }
        ],
        "cascading": [],
        "total": 1,
        "score": 0.14,
        "risk": "low",
        "truncated": False,
    },
    "CheckpointRequest": {"seeds": ["flat-12"], "name": "before the new price list"},
    "CheckpointView": _CHECKPOINT,
    "CheckpointPage": {"checkpoints": [_CHECKPOINT], "next": None},
    "CheckpointContent": {
        "checkpoint": _CHECKPOINT,
        "entities": [_LINE],
        "total": 1,
        "truncated": False,
        "next": None,
    },
    "RelationshipPage": {
        "relationships": [{**_EDGE, "learned_from": 814}],
        "next": None,
    },
}

GRAPH_PATHS: dict[str, Any] = {"checkpoint_id": _CHECKPOINT["id"]}
"""Values of parameters in paths, by name."""

_KIND = {"enum": sorted(SHAPES)}
_TYPE = {"enum": sorted({*TYPES, *ALIASES})}
_KINDS = {"items": _KIND, "type": "array", "maxItems": 64, "default": []}
_TYPES = {"items": _TYPE, "type": "array", "maxItems": 64, "default": []}

GRAPH_RULES: dict[str, dict[str, Any]] = {
    "EntityRequest": {"properties": {"kind": _KIND}},
    "NewEntity": {"properties": {"kind": _KIND}},
    "NewRelationship": {"properties": {"type": _TYPE}},
    "LearnRequest": {
        "anyOf": [
            {"required": [name], "properties": {name: {"minItems": 1}}}
            for name in ("entities", "relationships", "facts")
        ]
    },
    "RetractionRequest": {
        "oneOf": [
            {"required": [name], "properties": {name: {"type": kind}}}
            for name, kind in (("key", "string"), ("fact", "integer"), ("event", "integer"))
        ]
    },
    "TraversalRequest": {"properties": {"types": _TYPES, "kinds": _KINDS}},
    "PathRequest": {
        "properties": {"types": _TYPES},
        "anyOf": [
            {"required": ["end"], "properties": {"end": {"type": "string"}}},
            {"required": ["find"], "properties": {"find": {"const": "all"}}},
        ],
    },
    "ImpactRequest": {"properties": {"types": _TYPES}},
}
