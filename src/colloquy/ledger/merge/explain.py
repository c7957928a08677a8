"""A conflict for a person: how bad it is, what can be done, and both sides line by line."""

from __future__ import annotations

import msgspec

from colloquy.ledger.diff.render import Limits, brief, text_of
from colloquy.ledger.diff.side_by_side import SideBySide, side_by_side
from colloquy.ledger.values import Value

from .conflicts import MISSING, ConflictKind, PathConflict, Severity, severity_of
from .measure import is_small, share_of_side, similarity
from .policies import NOT_ABOUT_VALUES, ConflictPolicy
from .resolvers import NO_RESOLVERS, Resolvers
from .three_way import Merged, merge

ENOUGH = 70.0
"""Confidence from which on a merge that resolves is recommended (the reference's threshold)."""

_NEEDS_A_PERSON = {
    ConflictKind.TYPE_MISMATCH: "the two values are of different types",
    ConflictKind.PERMISSION_DENIED: "whoever asks may not change it; somebody who may decides",
    ConflictKind.DEPENDENCY_CONFLICT: "something that the value needs is not there",
}


class Option(msgspec.Struct, frozen=True):
    """Something that can be done. A person who edits by hand begins with what ours has."""

    policy: ConflictPolicy
    name: str
    confidence: float
    """0 to 100: how much of what both sides changed would be in the value; 0 for what would be
    refused. Of editing by hand: what the best of the others leaves out."""
    preview: str


class Explanation(msgspec.Struct, frozen=True):
    """What a person needs to decide."""

    severity: Severity
    recommended: ConflictPolicy
    reason: str
    similarity: float
    """0 to 100, of ours and theirs; 100 for the same."""
    options: tuple[Option, ...]
    """The recommended one first, the others by falling confidence."""
    sides: SideBySide
    """Left what ours has, right what theirs has."""


def explain(
    conflict: PathConflict,
    *,
    resolvers: Resolvers = NO_RESOLVERS,
    limits: Limits = Limits(),  # noqa: B008
) -> Explanation:
    """Weighs a conflict. To merge is an option only where a trial merge leaves none.

    It is recommended if the conflict is no worse than medium and the merge's confidence at least
    `ENOUGH`. Otherwise a removal against a change is left as it is, which destroys nothing; all
    else is for a person.
    """
    ours, theirs = conflict.ours, conflict.theirs
    alike = similarity(ours, theirs)
    small = is_small(ours) and is_small(theirs)
    severity = severity_of(conflict.kind, alike, small=small)
    trial = None
    if conflict.kind not in NOT_ABOUT_VALUES:
        outcome = merge(conflict.base, ours, theirs, resolvers=resolvers, path=conflict.path)
        trial = None if outcome.conflicts else outcome
    recommended, reason = _recommended(conflict, severity, alike, trial)
    options = sorted(
        _options(conflict, trial, limits),
        key=lambda option: (option.policy is not recommended, -option.confidence),
    )
    return Explanation(
        severity,
        recommended,
        reason,
        alike,
        tuple(options),
        side_by_side(_text(ours), _text(theirs), limits),
    )


def _recommended(
    conflict: PathConflict, severity: Severity, alike: float, trial: Merged | None
) -> tuple[ConflictPolicy, str]:
    mild = severity in (Severity.LOW, Severity.MEDIUM)
    if trial and mild and trial.confidence >= ENOUGH:
        return (
            ConflictPolicy.MERGE,
            f"a merge keeps {trial.confidence:.0f} % of what both sides changed",
        )
    if conflict.kind is ConflictKind.MISSING_TARGET:
        if conflict.ours is MISSING:
            return ConflictPolicy.SKIP, "it was removed here, and the other side changed it"
        return ConflictPolicy.SKIP, "it was changed here, and the other side removes it"
    reason = _NEEDS_A_PERSON.get(conflict.kind)
    if reason is None:
        reason = f"both sides changed it and are {alike:.0f} % alike"
        reason += f"; a merge keeps {trial.confidence:.0f} %" if trial else "; no merge resolves it"
    if conflict.error:
        reason += f" ({conflict.error})"
    return ConflictPolicy.ASK_USER, reason


def _options(conflict: PathConflict, trial: Merged | None, limits: Limits) -> list[Option]:
    base, ours, theirs = conflict.base, conflict.ours, conflict.theirs
    # Who has no permission can keep what is there, and nothing else.
    refused = conflict.kind is ConflictKind.PERMISSION_DENIED
    take = 0.0 if refused else share_of_side(base, theirs, ours)
    found = [
        Option(
            ConflictPolicy.SKIP,
            "keep what is there",
            share_of_side(base, ours, theirs),
            _preview(ours, limits),
        ),
        Option(ConflictPolicy.OVERWRITE, "take the other", take, _preview(theirs, limits)),
    ]
    if trial:
        preview = _preview(trial.value, limits)
        found.append(Option(ConflictPolicy.MERGE, "merge both", trial.confidence, preview))
    best = max(option.confidence for option in found)
    by_hand = Option(ConflictPolicy.ASK_USER, "edit by hand", 100.0 - best, _preview(ours, limits))
    return [*found, by_hand]


def _preview(value: Value, limits: Limits) -> str:
    return "nothing" if value is MISSING else brief(value, limits)


def _text(value: Value) -> str | None:
    return None if value is MISSING else text_of(value)
