"""What is too weak to be learned: guessed edges of code, findings of security tools.

The bounds are settings (`graph.noise`). What says that it was not guessed is never noise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

from ..settings.noise import NoiseSettings, Severity
from .references import read_reference

Reason = Literal["unsure", "too_short", "stop_word", "minor"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
"""The least first."""

_BARE = ("placeholder", "external", "import")
"""Forms of a target that say a name and no place."""


def edge_refusal(edge: Mapping[str, Any], noise: NoiseSettings) -> Reason | None:
    """Why a code edge in its normal form, with its confidence, is not learned; None if it may be.

    Only of edges that were inferred.
    """
    if not edge.get("inferred"):
        return None
    if edge["confidence"] < noise.min_inferred_confidence:
        return "unsure"
    target = read_reference(edge.get("toRef"), edge["toEntityId"])
    if target.form not in _BARE or not target.name:
        return None
    if len(target.name) < noise.min_name_length:
        return "too_short"
    stopped = {word.strip().casefold() for word in noise.stoplist_extra}
    return "stop_word" if target.name.casefold() in stopped else None


def entity_refusal(kind: str, attributes: Mapping[str, Any], noise: NoiseSettings) -> Reason | None:
    """Why a security issue in its normal form is not learned; None for it if it may be, and for
    entities of other kinds."""
    if kind != "securityIssue":
        return None
    if SEVERITIES.index(attributes["severity"]) < SEVERITIES.index(noise.security_min_severity):
        return "minor"
    return "unsure" if attributes["confidence"] < noise.security_min_confidence else None
