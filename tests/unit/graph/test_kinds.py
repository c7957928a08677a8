from typing import Any

import pytest

from colloquy.graph.kinds import (
    SHAPES,
    Entity,
    check_attribute,
    check_entity,
    is_single_valued,
    shape_of,
)
from colloquy.model.errors import InvalidInput

STORED = {
    "path": "src/a.ts", "hash": "h", "language": "ts", "lastModified": "2026-01-02T00:00:00Z",
    "created": "2026-01-01T00:00:00Z",
}  # fmt: skip
SYMBOL = {
    **STORED, "name": "f", "kind": "function", "signature": "f()", "docstring": "",
    "visibility": "public", "isExported": True, "isDeprecated": False,
}  # fmt: skip
FUNCTION = {
    **SYMBOL, "parameters": [{"name": "x", "type": "int", "optional": False, "note": 1}],
    "returnType": "int", "isAsync": False, "isGenerator": False, "complexity": 1, "calls": [],
}  # fmt: skip
COVERAGE = {"lines": 1, "branches": 2, "functions": 3, "statements": 100}
DAY = "2026-01-01T00:00:00Z"
EXAMPLES: dict[str, dict[str, Any]] = {
    "file": {
        **STORED, "extension": ".ts", "size": 1, "lines": 1, "isTest": False, "isConfig": False,
        "dependencies": [],
    },
    "directory": {**STORED, "children": ["a"], "depth": 0},
    "module": {**STORED, "name": "m", "version": "1", "packageJson": {}, "entryPoint": "i.js"},
    "symbol": FUNCTION,
    "test": {
        **STORED, "testType": "unit", "targetSymbol": "f", "framework": "x", "coverage": COVERAGE,
        "status": "passing", "flakyScore": 0.1, "executionHistory": [], "dependencies": [],
        "tags": [], "performanceMetrics": {
            "averageExecutionTime": 1, "p95ExecutionTime": 2, "successRate": 1, "trend": "stable",
            "benchmarkComparisons": [], "historicalData": [],
        },
    },
    "spec": {
        **STORED, "title": "t", "description": "d", "acceptanceCriteria": ["a"],
        "status": "draft", "priority": "low", "updated": DAY,
    },
    "change": {"changeType": "move", "entityType": "file", "entityId": "f", "timestamp": DAY},
    "session": {
        "startTime": DAY, "agentType": "a", "changes": [], "specs": [], "status": "active",
    },
    "version": {"entityId": "f", "hash": "h", "timestamp": DAY},
    "checkpoint": {
        "checkpointId": "c", "timestamp": DAY, "reason": "daily", "hops": 2, "seedEntities": [],
    },
    "documentation": {
        **STORED, "title": "t", "content": "c", "docType": "readme", "businessDomains": [],
        "stakeholders": [], "technologies": [], "status": "active", "docVersion": "1",
        "docHash": "h", "docIntent": "mixed", "docSource": "parser",
    },
    "businessDomain": {
        "name": "n", "description": "d", "criticality": "core", "stakeholders": [],
        "keyProcesses": [], "extractedFrom": [],
    },
    "semanticCluster": {
        "name": "n", "description": "d", "businessDomainId": "b", "clusterType": "feature",
        "cohesionScore": 0.5, "lastAnalyzed": DAY, "memberEntities": [],
    },
    "securityIssue": {
        "tool": "t", "ruleId": "r", "severity": "info", "title": "t", "description": "d",
        "affectedEntityId": "f", "lineNumber": 1, "codeSnippet": "x", "remediation": "r",
        "status": "false-positive", "discoveredAt": DAY, "lastScanned": DAY, "confidence": 1,
    },
    "vulnerability": {
        "packageName": "p", "version": "1", "vulnerabilityId": "CVE-1", "severity": "high",
        "description": "d", "cvssScore": 9.8, "affectedVersions": "<2", "fixedInVersion": "2",
        "publishedAt": DAY, "lastUpdated": DAY, "exploitability": "high",
    },
    "person": {},
    "contactPoint": {"medium": "phone", "value": "+4930123456"},
    "place": {"name": "Berlin", "country": "DE", "latitude": 52.5, "longitude": 13.4},
    "organisation": {"name": "Acme"},
    "product": {"name": "Flat 12", "category": "property"},
    "price": {"amount": 1200, "currency": "EUR", "per": "month"},
    "date": {"start": "2026-05", "end": "2026-05-20"},
    "topic": {"name": "viewing"},
    "commitment": {"text": "send the plan", "dueAt": DAY},
}  # fmt: skip


def test_every_kind_has_an_example() -> None:
    assert set(EXAMPLES) == set(SHAPES)
    assert len(SHAPES) == 15 + 9


@pytest.mark.parametrize("kind", sorted(EXAMPLES))
def test_an_entity_keeps_all_it_was_given(kind: str) -> None:
    entity = check_entity(Entity("e", kind, {**EXAMPLES[kind], "our own": {"x": [1]}}))
    assert entity.attributes["our own"] == {"x": [1]}
    assert check_entity(entity) == entity, "the normal form is its own normal form"
    assert set(entity.attributes) == {*EXAMPLES[kind], "our own"}, "nothing lost, nothing made up"


def test_what_a_shape_does_not_know_is_kept_deep_inside() -> None:
    entity = check_entity(Entity("e", "symbol", FUNCTION))
    assert entity.attributes["parameters"][0]["note"] == 1


@pytest.mark.parametrize(
    ("kind", "change", "field"),
    [
        ("file", {"size": -1}, "size"),
        ("file", {"size": True}, "size"),
        ("file", {"created": "2026-01-01T00:00:00"}, "created"),
        ("symbol", {"parameters": [{"name": "x", "type": "int"}]}, "parameters[0].optional"),
        ("symbol", {"kind": "verb"}, "kind"),
        ("symbol", {"returnType": None}, "returnType"),
        ("test", {"coverage": {**COVERAGE, "lines": 101}}, "coverage.lines"),
        ("spec", {"status": "done"}, "status"),
        ("vulnerability", {"cvssScore": 11}, "cvssScore"),
        ("price", {"currency": "euro"}, "currency"),
        ("price", {"currency": "EUR\n"}, "currency"),
        ("person", {"name": ""}, "name"),
        ("person", {"more": [float("inf")]}, "more[0]"),
    ],
)
def test_a_wrong_attribute_is_named(kind: str, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_entity(Entity("e", kind, {**EXAMPLES[kind], **change}))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("id_", "kind", "field"), [("", "person", "id"), ("x", "", "type"), ("x", "unicorn", "type")]
)
def test_an_entity_needs_an_id_and_a_known_kind(id_: str, kind: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_entity(Entity(id_, kind, {}))
    assert caught.value.field == field


@pytest.mark.parametrize("name", ["id", "type"])
def test_what_names_an_entity_is_no_attribute(name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_entity(Entity("e", "person", {name: "x"}))
    assert caught.value.field == name


def test_a_place_is_a_point_or_none() -> None:
    with pytest.raises(InvalidInput, match="go together"):
        check_entity(Entity("p", "place", {"name": "x", "latitude": 1}))


@pytest.mark.parametrize(
    "date",
    [
        {"start": "2026"}, {"start": "2026-12"}, {"start": "2024-02-29"},
        {"start": "2026-05-01T10:00Z"}, {"start": "2026-05-01", "end": "2026"},
        {"start": "2026-05-01T10:00+02:00", "end": "2026-05-01"},
    ],
)  # fmt: skip
def test_a_date_is_as_exact_as_it_was_said(date: dict[str, str]) -> None:
    assert check_entity(Entity("d", "date", date)).attributes == date


@pytest.mark.parametrize(
    "date",
    [
        {"start": "2026-02-29"}, {"start": "2026-13"}, {"start": "26"},
        {"start": "2026-05-01T10:00"}, {"start": "2026-05-01T25:00Z"}, {"start": "2026-05-01\n"},
        {"start": "2026-05-02", "end": "2026-05-01"}, {"start": "2026-05", "end": "2025"},
    ],
)  # fmt: skip
def test_a_date_must_be_in_the_calendar(date: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        check_entity(Entity("d", "date", date))


def test_the_shape_of_a_symbol_follows_from_its_kind() -> None:
    shapes = {kind: shape_of("symbol", {"kind": kind}).__name__ for kind in ("class", "method")}
    assert shapes == {"class": "Class", "method": "Symbol"}


def test_one_attribute_alone_is_checked_as_in_the_whole() -> None:
    assert check_attribute("price", "amount", 5) == 5.0
    assert check_attribute("product", "features", "sea view") == "sea view"
    assert check_attribute("commitment", "dueAt", "2026-01-01T01:00:00+01:00") == (
        "2026-01-01T00:00:00.000000Z"
    )
    assert check_attribute("person", "shoe size", [44]) == [44]
    with pytest.raises(InvalidInput) as caught:
        check_attribute("symbol", "parameters", [{"name": 1}])
    assert caught.value.field == "parameters[0].name"


def test_sets_and_single_values() -> None:
    assert not is_single_valued("product", "features")
    assert not is_single_valued("person", "aliases")
    assert is_single_valued("person", "name")
    assert is_single_valued("symbol", "parameters"), "their order is part of the value"
    assert is_single_valued("person", "nobody declared it")
