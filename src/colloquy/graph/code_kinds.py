"""The 19 shapes of entities of software work: code, tests, specs, changes, documents, security.

Names and values are those on the wire. A symbol's shape follows from its `kind`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from .values import Amount, Count, Free, Many, Name, Percent, Shape, Share, Time

ChangeType = Literal["create", "update", "delete", "rename", "move"]
Level = Literal["critical", "high", "medium", "low"]
SecuritySeverity = Literal["critical", "high", "medium", "low", "info"]
SecurityStatus = Literal["open", "fixed", "accepted", "false-positive"]
CheckpointReason = Literal["daily", "incident", "manual"]
TestType = Literal["unit", "integration", "e2e"]
PerformanceTrend = Literal["improving", "stable", "degrading"]
DocumentationType = Literal["readme", "api-docs", "design-doc", "architecture", "user-guide"]
DocumentationStatus = Literal["active", "deprecated", "draft"]
DocumentationIntent = Literal["ai-context", "governance", "mixed"]
DocumentationSource = Literal["parser", "manual", "llm", "imported", "sync", "other"]
SymbolKind = Literal[
    "function", "class", "interface", "typeAlias", "variable", "property", "method", "unknown"
]
Score = Annotated[float, Meta(ge=0, le=10)]
"""CVSS."""


class Stored(Shape, kw_only=True):
    """What everything that lies in a code base has."""

    path: Name
    hash: str
    language: str
    last_modified: Time
    created: Time
    metadata: Free | None = None


class File(Stored, kw_only=True):
    """`size` in bytes."""

    extension: str
    size: Count
    lines: Count
    is_test: bool
    is_config: bool
    dependencies: Many[str]


class Directory(Stored, kw_only=True):
    children: Many[str]
    depth: Count


class Module(Stored, kw_only=True):
    name: Name
    version: str
    package_json: Any
    entry_point: str


class Place(Shape, kw_only=True):
    line: Count
    column: Count
    start: Count
    end: Count


class Symbol(Stored, kw_only=True):
    name: Name
    kind: SymbolKind
    signature: str
    docstring: str
    visibility: Literal["public", "private", "protected"]
    is_exported: bool
    is_deprecated: bool
    location: Place | None = None


class Parameter(Shape, kw_only=True):
    name: str
    type: str
    default_value: str | None = None
    optional: bool


class Function(Symbol, kw_only=True):
    parameters: list[Parameter]
    return_type: str
    is_async: bool
    is_generator: bool
    complexity: Amount
    calls: Many[str]


class Class(Symbol, kw_only=True):
    extends: list[str]
    implements: Many[str]
    methods: Many[str]
    properties: Many[str]
    is_abstract: bool


class Interface(Symbol, kw_only=True):
    extends: list[str]
    methods: Many[str]
    properties: Many[str]


class TypeAlias(Symbol, kw_only=True):
    aliased_type: str
    is_union: bool
    is_intersection: bool


class Coverage(Shape, kw_only=True):
    lines: Percent
    branches: Percent
    functions: Percent
    statements: Percent


class ResourceUse(Shape, kw_only=True):
    memory_usage: Amount | None = None
    cpu_usage: Amount | None = None
    network_requests: Count | None = None
    database_queries: Count | None = None
    file_operations: Count | None = None


class Execution(Shape, kw_only=True):
    """`duration` in milliseconds."""

    id: str
    timestamp: Time
    status: Literal["passed", "failed", "skipped", "error"]
    duration: Amount
    error_message: str | None = None
    stack_trace: str | None = None
    coverage: Coverage | None = None
    performance: ResourceUse | None = None
    environment: Any = None


class Benchmark(Shape, kw_only=True):
    benchmark: str
    value: float
    status: Literal["above", "below", "at"]
    threshold: float


class PastRun(Shape, kw_only=True):
    """Times in milliseconds."""

    timestamp: Time
    execution_time: Amount
    average_execution_time: Amount
    p95_execution_time: Amount
    success_rate: Share
    coverage_percentage: Percent
    run_id: str | None = None


class TestPerformance(Shape, kw_only=True):
    """Times in milliseconds."""

    average_execution_time: Amount
    p95_execution_time: Amount
    success_rate: Share
    trend: PerformanceTrend
    benchmark_comparisons: list[Benchmark]
    historical_data: list[PastRun]


class Test(Stored, kw_only=True):
    test_type: TestType
    target_symbol: str
    framework: str
    coverage: Coverage
    status: Literal["passing", "failing", "skipped", "unknown"]
    flaky_score: Share
    last_run_at: Time | None = None
    last_duration: Amount | None = None
    execution_history: list[Execution]
    performance_metrics: TestPerformance
    dependencies: Many[str]
    tags: Many[str]


class Spec(Stored, kw_only=True):
    title: Name
    description: str
    acceptance_criteria: list[str]
    status: Literal["draft", "approved", "implemented", "deprecated"]
    priority: Level
    assignee: str | None = None
    tags: Many[str] | None = None
    updated: Time


class Change(Shape, kw_only=True):
    change_type: ChangeType
    entity_type: str
    entity_id: Name
    timestamp: Time
    author: str | None = None
    commit_hash: str | None = None
    diff: str | None = None
    previous_state: Any = None
    new_state: Any = None
    session_id: str | None = None
    spec_id: str | None = None


class WorkSession(Shape, kw_only=True):
    start_time: Time
    end_time: Time | None = None
    agent_type: str
    user_id: str | None = None
    changes: Many[str]
    specs: Many[str]
    status: Literal["active", "completed", "failed"]
    metadata: Free | None = None


class Version(Shape, kw_only=True):
    entity_id: Name
    path: str | None = None
    hash: str
    language: str | None = None
    timestamp: Time
    metadata: Free | None = None


class Checkpoint(Shape, kw_only=True):
    checkpoint_id: Name
    timestamp: Time
    reason: CheckpointReason
    hops: Count
    seed_entities: Many[str]
    metadata: Free | None = None


class Documentation(Stored, kw_only=True):
    title: Name
    content: str
    doc_type: DocumentationType
    business_domains: Many[str]
    stakeholders: Many[str]
    technologies: Many[str]
    status: DocumentationStatus
    doc_version: str
    doc_hash: str
    doc_intent: DocumentationIntent
    doc_source: DocumentationSource
    doc_locale: str | None = None
    last_indexed: Time | None = None


class BusinessDomain(Shape, kw_only=True):
    name: Name
    description: str
    parent_domain: str | None = None
    criticality: Literal["core", "supporting", "utility"]
    stakeholders: Many[str]
    key_processes: Many[str]
    extracted_from: Many[str]


class SemanticCluster(Shape, kw_only=True):
    name: Name
    description: str
    business_domain_id: str
    cluster_type: Literal["feature", "module", "capability", "service"]
    cohesion_score: Share
    last_analyzed: Time
    member_entities: Many[str]


class SecurityIssue(Shape, kw_only=True):
    tool: str
    rule_id: str
    severity: SecuritySeverity
    title: Name
    description: str
    cwe: str | None = None
    owasp: str | None = None
    affected_entity_id: str
    line_number: Count
    code_snippet: str
    remediation: str
    status: SecurityStatus
    discovered_at: Time
    last_scanned: Time
    confidence: Share


class Vulnerability(Shape, kw_only=True):
    package_name: Name
    version: str
    vulnerability_id: Name
    severity: SecuritySeverity
    description: str
    cvss_score: Score
    affected_versions: str
    fixed_in_version: str
    published_at: Time
    last_updated: Time
    exploitability: Literal["high", "medium", "low"]


SHAPES: dict[str, type[Shape]] = {
    "file": File,
    "directory": Directory,
    "module": Module,
    "symbol": Symbol,
    "test": Test,
    "spec": Spec,
    "change": Change,
    "session": WorkSession,
    "version": Version,
    "checkpoint": Checkpoint,
    "documentation": Documentation,
    "businessDomain": BusinessDomain,
    "semanticCluster": SemanticCluster,
    "securityIssue": SecurityIssue,
    "vulnerability": Vulnerability,
}
"""By the value of `type`."""

SYMBOL_SHAPES: dict[str, type[Symbol]] = {
    "function": Function,
    "class": Class,
    "interface": Interface,
    "typeAlias": TypeAlias,
}
"""Shapes of symbols by their `kind`; the other kinds have none of their own."""
