"""What the graph knows as clients see it: times as text, positions as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import UNSET

from ...graph import views as graph_views
from ...graph.evidence import Evidence
from ...graph.graph import Report
from ...graph.queries.relationships import Found
from ...graph.queries.steps import Edge
from ...graph.queries.timelines import Version
from ...graph.queries.traversal import Path, Reached
from ...graph.slots import entry_of
from ...graph.statements import Assertion
from ...graph.values import canonical
from ...model.graph import (
    AssertionView,
    ContradictionView,
    EdgeView,
    EvidenceSource,
    EvidenceView,
    FactView,
    LearnedView,
    LocationView,
    PathView,
    ReachedView,
    RefusedView,
    RelationshipView,
    Value,
    VersionView,
)
from ...model.times import rfc3339

_SOURCES: dict[str, EvidenceSource] = {name: name for name in get_args(EvidenceSource)}


def moment_text(us: int | None) -> str | None:
    return None if us is None else rfc3339(us)


def value_view(value: Any) -> Value:
    return UNSET if value is None else msgspec.Raw(canonical(value))


def evidence_view(evidence: Evidence | None) -> EvidenceView | None:
    if evidence is None:
        return None
    place = evidence.location
    return EvidenceView(
        source=_SOURCES.get(evidence.source, "heuristic"),
        confidence=evidence.confidence,
        location=None if place is None else LocationView(place.path, place.line, place.column),
        event=evidence.event,
        note=evidence.note,
        extractor_version=evidence.extractor_version,
    )


def assertion_view(one: Assertion) -> AssertionView:
    return AssertionView(
        key=entry_of(one).key,
        said=rfc3339(one.learned),
        value=value_view(one.value),
        target=one.target,
        valid_from=moment_text(one.valid_from),
        valid_to=moment_text(one.valid_to),
        evidence=evidence_view(one.evidence),
    )


def fact_view(fact: graph_views.FactView) -> FactView:
    return FactView(
        number=fact.number,
        subject=fact.subject,
        predicate=fact.predicate,
        single=fact.single,
        value=value_view(fact.value),
        target=fact.target,
        valid_from=moment_text(fact.valid_from),
        valid_to=moment_text(fact.valid_to),
        learned_from=fact.learned_from,
        learned_to=fact.learned_to,
        confidence=fact.confidence,
        support=fact.support,
        assertions=[assertion_view(one) for one in fact.assertions],
    )


def version_view(one: Version) -> VersionView:
    return VersionView(
        fact=one.fact,
        subject=one.subject,
        predicate=one.predicate,
        value=value_view(one.value),
        target=one.target,
        valid_from=moment_text(one.valid_from),
        valid_to=moment_text(one.valid_to),
        learned_from=one.learned_from,
        learned_to=one.learned_to,
        learned_at=moment_text(one.learned_at),
        closed_at=moment_text(one.closed_at),
        confidence=one.confidence,
        support=one.support,
    )


def contradiction_view(one: graph_views.ContradictionView) -> ContradictionView:
    return ContradictionView(
        number=one.number,
        subject=one.subject,
        predicate=one.predicate,
        kind=one.kind,
        chosen=assertion_view(one.chosen),
        other=assertion_view(one.other),
        learned_from=one.learned_from,
    )


def learned_view(report: Report, refused: Sequence[RefusedView] = ()) -> LearnedView:
    return LearnedView(
        report.new, report.repeated, report.opened, report.closed, report.contradictions,
        report.position, list(refused),
    )  # fmt: skip


def edge_view(edge: Edge) -> EdgeView:
    end = moment_text(edge.valid_to)
    return EdgeView(edge.source, edge.type, edge.target, edge.confidence, edge.fact, end)


def reached_view(one: Reached) -> ReachedView:
    return ReachedView(one.id, one.kind, one.name, one.hops)


def path_view(path: Path) -> PathView:
    return PathView(path.entities, [edge_view(edge) for edge in path.relationships], path.length)


def relationship_view(found: Found) -> RelationshipView:
    edge = found.edge
    return RelationshipView(
        source=edge.source,
        type=edge.type,
        target=edge.target,
        confidence=edge.confidence,
        fact=edge.fact,
        learned_from=found.learned_from,
        learned_to=found.learned_to,
        valid_from=moment_text(found.valid_from),
        valid_to=moment_text(found.valid_to),
        identity=found.identity,
        attributes=found.attributes,
    )
