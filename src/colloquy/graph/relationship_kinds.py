"""The 47 relationship types of software work and those of conversations, with their attributes.

Each group of types has one shape. `JOINS` says which kinds a type may join, where that follows
from what the type means; a type that is not in it joins anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from .code_kinds import (
    ChangeType,
    CheckpointReason,
    DocumentationIntent,
    DocumentationSource,
    Level,
    SecuritySeverity,
    SecurityStatus,
    TestType,
)
from .code_kinds import (
    Score as CvssScore,
)
from .values import Amount, Count, Free, Many, Name, Shape, Share, Time

CodeSource = Literal["ast", "type-checker", "heuristic", "index", "runtime", "lsp"]
CodeKind = Literal[
    "call", "identifier", "instantiation", "type", "read", "write", "override", "inheritance",
    "return", "param", "decorator", "annotation", "throw", "dependency",
]  # fmt: skip
CodeScope = Literal["local", "imported", "external", "unknown"]
State = Literal["working", "broken", "unknown"]


class Location(Shape):
    path: Annotated[str, Meta(max_length=4096)] | None = None
    line: Count | None = None
    column: Count | None = None


class Reference(Shape):
    """One end of an edge whose entity may not exist yet."""

    kind: Literal["entity", "fileSymbol", "external"]
    id: str | None = None
    file: str | None = None
    symbol: str | None = None
    name: str | None = None


class CodeEvidence(Shape):
    source: CodeSource
    confidence: Share | None = None
    location: Location | None = None
    note: Annotated[str, Meta(max_length=2000)] | None = None
    extractor_version: Annotated[str, Meta(max_length=200)] | None = None


class Edge(Shape):
    """What every relationship may have. `validTo` missing: it still holds."""

    created: Time | None = None
    last_modified: Time | None = None
    version: Count | None = None
    metadata: Free | None = None
    site_id: str | None = None
    site_hash: str | None = None
    valid_from: Time | None = None
    valid_to: Time | None = None

    def __post_init__(self) -> None:
        start, end = self.valid_from, self.valid_to
        if start is not None and end is not None and end < start:
            raise ValueError("`validTo` is before `validFrom`")


class Structural(Edge, kw_only=True):
    import_type: Literal["default", "named", "namespace", "wildcard", "side-effect"] | None = None
    import_alias: str | None = None
    import_depth: Count | None = None
    is_namespace: bool | None = None
    is_re_export: bool | None = None
    re_export_target: str | None = None
    language: str | None = None
    symbol_kind: str | None = None
    module_path: str | None = None
    resolution_state: Literal["resolved", "unresolved", "partial"] | None = None
    confidence: Share | None = None
    scope: CodeScope | None = None
    first_seen_at: Time | None = None
    last_seen_at: Time | None = None


class Code(Edge, kw_only=True):
    """`occurrencesRecent` may be a fraction: old occurrences can count less.

    `strength` is the older name of `confidence`; `edges.normalised` folds it in.
    """

    strength: float | None = None
    context: str | None = None
    confidence: Share | None = None
    inferred: bool | None = None
    resolved: bool | None = None
    source: CodeSource | None = None
    kind: CodeKind | None = None
    location: Location | None = None
    used_type_checker: bool | None = None
    is_exported: bool | None = None
    active: bool | None = None
    occurrences_scan: Count | None = None
    occurrences_total: Count | None = None
    occurrences_recent: Amount | None = None
    evidence: list[CodeEvidence] | None = None
    locations: list[Location] | None = None
    sites: Many[str] | None = None
    why: str | None = None
    callee: str | None = None
    param_name: str | None = None
    import_depth: Count | None = None
    import_alias: str | None = None
    is_method: bool | None = None
    resolution: Literal["direct", "via-import", "type-checker", "heuristic"] | None = None
    scope: CodeScope | None = None
    access_path: str | None = None
    ambiguous: bool | None = None
    candidate_count: Count | None = None
    arity: Count | None = None
    awaited: bool | None = None
    receiver_type: str | None = None
    dynamic_dispatch: bool | None = None
    overload_index: Count | None = None
    generic_arguments: list[str] | None = None
    operator: str | None = None
    data_flow_id: str | None = None
    purity: Literal["pure", "impure", "unknown"] | None = None
    from_ref: Reference | None = None
    to_ref: Reference | None = None
    to_ref_kind: str | None = field(name="to_ref_kind", default=None)
    to_ref_file: str | None = field(name="to_ref_file", default=None)
    to_ref_symbol: str | None = field(name="to_ref_symbol", default=None)
    to_ref_name: str | None = field(name="to_ref_name", default=None)
    from_ref_kind: str | None = field(name="from_ref_kind", default=None)
    from_ref_file: str | None = field(name="from_ref_file", default=None)
    from_ref_symbol: str | None = field(name="from_ref_symbol", default=None)
    from_ref_name: str | None = field(name="from_ref_name", default=None)
    first_seen_at: Time | None = None
    last_seen_at: Time | None = None


class Testing(Edge, kw_only=True):
    test_type: TestType | None = None
    coverage: float | None = None


class Specifying(Edge, kw_only=True):
    impact_level: Level | None = None
    priority: Level | None = None


class Versioning(Edge, kw_only=True):
    change_type: ChangeType | None = None
    author: str | None = None
    commit_hash: str | None = None


class DocumentationEvidence(Shape):
    type: Literal["heading", "snippet", "link"]
    value: str


class Documenting(Edge, kw_only=True):
    confidence: Share | None = None
    inferred: bool | None = None
    source: DocumentationSource | None = None
    doc_intent: DocumentationIntent | None = None
    section_anchor: str | None = None
    section_title: str | None = None
    summary: str | None = None
    doc_version: str | None = None
    doc_hash: str | None = None
    documentation_quality: Literal["complete", "partial", "outdated"] | None = None
    coverage_scope: Literal["api", "behavior", "operational", "security", "compliance"] | None = (
        None
    )
    evidence: list[DocumentationEvidence] | None = None
    tags: Many[str] | None = None
    stakeholders: Many[str] | None = None
    domain_path: str | None = None
    taxonomy_version: str | None = None
    updated_from_doc_at: Time | None = None
    last_validated: Time | None = None
    strength: float | None = None
    similarity_score: float | None = None
    cluster_version: str | None = None
    role: Literal["core", "supporting", "entry-point", "integration"] | None = None
    doc_evidence_id: str | None = None
    doc_anchor: str | None = None
    embedding_version: str | None = None
    policy_type: Literal["adr", "runbook", "compliance", "manual", "decision-log"] | None = None
    effective_from: Time | None = None
    expires_at: Time | None = None
    relationship_type: str | None = None
    doc_locale: str | None = None


class Security(Edge, kw_only=True):
    severity: SecuritySeverity | None = None
    status: SecurityStatus | None = None
    cvss_score: CvssScore | None = None


class Interval(Shape):
    lower: float | None = None
    upper: float | None = None


class Sample(Shape):
    value: float
    timestamp: Time | None = None
    run_id: str | None = None
    environment: str | None = None
    unit: str | None = None


class Performance(Edge, kw_only=True):
    metric_id: Name
    scenario: str | None = None
    environment: str | None = None
    baseline_value: float | None = None
    current_value: float | None = None
    unit: str | None = None
    delta: float | None = None
    percent_change: float | None = None
    sample_size: Count | None = None
    confidence_interval: Interval | None = None
    trend: Literal["regression", "improvement", "neutral"] | None = None
    severity: Level | None = None
    risk_score: float | None = None
    run_id: str | None = None
    policy_id: str | None = None
    detected_at: Time | None = None
    resolved_at: Time | None = None
    metrics_history: list[Sample] | None = None
    evidence: list[CodeEvidence] | None = None


class CheckpointDetails(Shape):
    reason: CheckpointReason | None = None
    hop_count: Count | None = None
    attempts: Count | None = None
    seed_entity_ids: list[str] | None = None
    job_id: str | None = None
    error: str | None = None
    updated_at: Time | None = None


class ChangeInfo(Shape, kw_only=True):
    element_type: Literal["function", "class", "import", "test"]
    element_name: str
    operation: Literal["added", "modified", "deleted", "renamed"]
    semantic_hash: str | None = None
    affected_lines: Count | None = None


class CriticalChange(Shape, kw_only=True):
    entity_id: str
    before_snippet: str | None = None
    after_snippet: str | None = None


class StateTransition(Shape, kw_only=True):
    from_: State = field(name="from")
    to: State
    verified_by: Literal["test", "build", "manual"]
    confidence: Share
    critical_change: CriticalChange | None = None


class Impact(Shape, kw_only=True):
    severity: Literal["high", "medium", "low"]
    tests_failed: list[str] | None = None
    tests_fixed: list[str] | None = None
    build_error: str | None = None
    performance_impact: float | None = None


class SessionEdge(Edge, kw_only=True):
    session_id: Name
    timestamp: Time
    sequence_number: Count
    event_id: str | None = None
    actor: str | None = None
    annotations: list[str] | None = None
    impact_severity: Level | None = None
    state_transition_to: State | None = None
    checkpoint_id: str | None = None
    checkpoint_status: Literal["pending", "completed", "failed", "manual_intervention"] | None = (
        None
    )
    checkpoint_details: CheckpointDetails | None = None
    change_info: ChangeInfo | None = None
    state_transition: StateTransition | None = None
    impact: Impact | None = None


class Covering(Edge, kw_only=True):
    """Of `COVERAGE_PROVIDES`, which has no shape in the older format: `lines` are those covered."""

    coverage: float | None = None
    lines: list[Count] | None = None


class Including(Edge, kw_only=True):
    """Of `CHECKPOINT_INCLUDES`, which has no shape in the older format."""

    checkpoint_id: str | None = None
    hops: Count | None = None


class Said(Edge, kw_only=True):
    """A relationship learnt from a conversation. `role` says as what ("tenant", "agent")."""

    role: str | None = None
    confidence: Share | None = None
    status: str | None = None
    details: Any = None
