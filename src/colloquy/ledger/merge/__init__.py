"""Three-way merge, the conflicts that remain, and what to do about them.

    outcome = merge(base, ours, theirs)
    for conflict in outcome.conflicts:
        explain(conflict)

Values are those of `colloquy.ledger.values`; nothing here does I/O.
"""

from .choices import (
    intersection,
    largest,
    max_confidence,
    newest,
    newest_by,
    smallest,
    sum_of_changes,
    text_lines,
    union,
)
from .conflicts import MISSING, ConflictKind, Missing, PathConflict, Severity, classify, severity_of
from .explain import Explanation, Option, explain
from .policies import ConflictPolicy
from .resolvers import NO_RESOLVERS, Choice, Resolver, Resolvers, Rule, rule
from .three_way import Merged, merge

__all__ = [
    "MISSING",
    "NO_RESOLVERS",
    "Choice",
    "ConflictKind",
    "ConflictPolicy",
    "Explanation",
    "Merged",
    "Missing",
    "Option",
    "PathConflict",
    "Resolver",
    "Resolvers",
    "Rule",
    "Severity",
    "classify",
    "explain",
    "intersection",
    "largest",
    "max_confidence",
    "merge",
    "newest",
    "newest_by",
    "rule",
    "severity_of",
    "smallest",
    "sum_of_changes",
    "text_lines",
    "union",
]
