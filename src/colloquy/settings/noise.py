"""Settings that keep noise out of what the graph is taught (docs/graph.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Severity = Literal["info", "low", "medium", "high", "critical"]
_Share = Annotated[float, Meta(ge=0, le=1)]


class NoiseSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How sure an inferred relationship of code is that does not say so, and what is too weak to be
    learned. Shares run from 0 to 1. No figure for the boosts has been measured: they are 0."""

    min_inferred_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Least confidence of an inferred relationship of code.")
    ] = 0.4
    min_name_length: Annotated[
        int, Meta(ge=1, le=32, description="Least characters of a bare name that code points to.")
    ] = 3
    stoplist_extra: Annotated[
        tuple[str, ...], Meta(description="Bare names that no inferred relationship may point to.")
    ] = ()
    confidence_external: Annotated[
        float, Meta(ge=0, le=1, description="Confidence of what points outside, `external:x`.")
    ] = 0.4
    confidence_file: Annotated[
        float, Meta(ge=0, le=1, description="Confidence of what points to a file.")
    ] = 0.6
    confidence_concrete: Annotated[
        float, Meta(ge=0, le=1, description="Confidence of what points to an entity.")
    ] = 0.9
    confidence_placeholder: Annotated[
        float, Meta(ge=0, le=1, description="Confidence of a name without a place, `function:f`.")
    ] = 0.4
    boost_same_file: Annotated[
        float, Meta(ge=0, le=1, description="Added where both ends are in one file.")
    ] = 0.0
    boost_typecheck: Annotated[
        float, Meta(ge=0, le=1, description="Added where a type checker was used.")
    ] = 0.0
    boost_exported: Annotated[
        float, Meta(ge=0, le=1, description="Added where the target is exported.")
    ] = 0.0
    step_name_length: Annotated[
        float,
        Meta(
            ge=0, le=1, description="Added for each character of a name from the 4th to the 13th."
        ),
    ] = 0.0
    penalty_import_depth: Annotated[
        float, Meta(ge=0, le=1, description="Taken off for each step of imports between.")
    ] = 0.0
    confidence_multiplier: Annotated[
        float, Meta(ge=0, description="Times this, after boosts and penalty.")
    ] = 1.0
    confidence_min: Annotated[_Share | None, Meta(description="Not below this, at the end.")] = None
    confidence_max: Annotated[
        _Share | None, Meta(description="Not above this; it wins over the least.")
    ] = None
    security_min_severity: Annotated[
        Severity, Meta(description="Least severity of a security issue that is learned.")
    ] = "medium"
    security_min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Least confidence of a security issue that is learned.")
    ] = 0.6
