"""How sure something is: of an edge that was inferred, and of what several pieces of evidence say.

Evidence of different origins adds up (noisy-or: all of them would have to be wrong); of one origin
the surest counts. So a retraction lowers the confidence, and that of the last evidence leaves 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from msgspec import Struct

from ..model.errors import InvalidInput
from ..settings.noise import NoiseSettings
from . import normalise
from .evidence import Evidence
from .references import read_id, read_reference

UNSTATED = 0.5
"""Of evidence that does not say how sure it is: as likely right as wrong."""
_SHORT_NAME = 3
_LONGEST_STEP = 10
_BASES = {
    "external": "confidence_external",
    "placeholder": "confidence_placeholder",
    "import": "confidence_placeholder",
}
_DEFAULTS = NoiseSettings()


class Features(Struct, frozen=True, kw_only=True):
    """What is known of an inferred edge. `name_length` in characters of the target's name."""

    to_id: str
    from_file: str | None = None
    used_type_checker: bool = False
    is_exported: bool = False
    name_length: int = 0
    import_depth: int = 0


def score_inferred(features: Features, noise: NoiseSettings = _DEFAULTS) -> float:
    """The confidence of an inferred edge, 0 to 1. Raises InvalidInput for a negative figure.

    A base by what the edge points to, plus boosts, less a penalty; then the multiplier, the floor
    and the cap, which wins where the two cross.
    """
    for field in ("name_length", "import_depth"):
        if getattr(features, field) < 0:
            raise InvalidInput(f"`{field}` must be at least 0", field=field)
    target = read_id(features.to_id)
    is_file = features.to_id.startswith("file:") and target.form in ("file", "symbol")
    base = "confidence_file" if is_file else _BASES.get(target.form, "confidence_concrete")
    score: float = getattr(noise, base)
    if is_file and target.name and features.from_file is not None:
        is_same = normalise.path(features.from_file) == target.path
        score += noise.boost_same_file * is_same
    score += noise.boost_typecheck * features.used_type_checker
    score += noise.boost_exported * features.is_exported
    score += noise.step_name_length * min(_LONGEST_STEP, max(0, features.name_length - _SHORT_NAME))
    score -= noise.penalty_import_depth * features.import_depth
    score *= noise.confidence_multiplier
    if noise.confidence_min is not None:
        score = max(score, noise.confidence_min)
    if noise.confidence_max is not None:
        score = min(score, noise.confidence_max)
    return min(1.0, max(0.0, score))


def scored(edge: Mapping[str, Any], noise: NoiseSettings = _DEFAULTS) -> dict[str, Any]:
    """A normalised code edge; one that was inferred and does not say how surely gets a confidence
    from what is known of it."""
    if not edge.get("inferred") or edge.get("confidence") is not None:
        return dict(edge)
    place = edge.get("location") or {}
    features = Features(
        to_id=edge["toEntityId"],
        from_file=place.get("path"),
        used_type_checker=bool(edge.get("usedTypeChecker")),
        is_exported=bool(edge.get("isExported")),
        name_length=len(read_reference(edge.get("toRef"), edge["toEntityId"]).name),
        import_depth=edge.get("importDepth") or 0,
    )
    return {**edge, "confidence": score_inferred(features, noise)}


def combined(evidence: Iterable[Evidence]) -> float:
    """The confidence that all this evidence gives together, 0 to 1; 0 without any.

    The order and repeats do not matter, to the last bit.
    """
    entries = list(evidence)
    if len(entries) == 1:
        return 1.0 - (1.0 - _stated(entries[0]))
    by_origin = groupby(sorted(entries, key=_origin), key=_origin)
    best = sorted(max(_stated(entry) for entry in same) for _, same in by_origin)
    return 1.0 - math.prod(1.0 - confidence for confidence in best) if best else 0.0


def _origin(entry: Evidence) -> tuple[str, str, int]:
    return entry.origin


def _stated(entry: Evidence) -> float:
    return UNSTATED if entry.confidence is None else min(1.0, max(0.0, entry.confidence))
