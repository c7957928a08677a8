"""Conditions on the attributes of a relationship, and the reading of a filter as it travels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from ...model.errors import InvalidInput
from ..ids import NORMAL
from ..older_ids import spellings
from ..values import canonical, plain

MAX_VALUES = 500


class Condition(Struct, frozen=True, kw_only=True):
    """That one of an attribute's values is among `any_of`, begins with one of `prefixes`, and lies
    from `least` to `most`, both inclusive: numbers, or times as text (RFC 3339).

    Where text may be written in several ways (`ids.NORMAL`), `any_of` compares normal forms.
    """

    name: str
    any_of: tuple[Any, ...] = ()
    prefixes: tuple[str, ...] = ()
    least: float | str | None = None
    most: float | str | None = None


def check_condition(condition: Condition) -> None:
    """Raises InvalidInput with the attribute as its field."""
    name = condition.name
    if not name:
        raise InvalidInput("a condition needs the name of an attribute", field="attributes")
    if len(condition.any_of) + len(condition.prefixes) > MAX_VALUES:
        raise InvalidInput(f"`{name}` has more than {MAX_VALUES} values", field=name)
    if not all(isinstance(prefix, str) for prefix in condition.prefixes):
        raise InvalidInput(f"`{name}` begins with text", field=name)
    plain(list(condition.any_of), name)
    if name in NORMAL:
        _check_texts(name, condition.any_of)
    for bound in (condition.least, condition.most):
        if bound is not None and _size(bound) is None:
            raise InvalidInput(f"`{name}` is compared with a number or a time", field=name)


def passes(attributes: Mapping[str, Sequence[Any]], conditions: Sequence[Condition]) -> bool:
    """Whether the attributes, each with all its values, meet every condition."""
    return all(
        any(_meets(value, condition) for value in attributes.get(condition.name, ()))
        for condition in conditions
    )


def _check_texts(name: str, values: Sequence[Any]) -> None:
    for value in values:
        if not isinstance(value, str):
            raise InvalidInput(f"`{name}` is text", field=name)
        normal = NORMAL[name](value)
        is_nothing = normal == "unknown" and value.strip().casefold() != "unknown"
        if not normal or (name == "environment" and is_nothing):
            raise InvalidInput(f"`{name}` has no letter or digit", field=name)


def _meets(value: Any, condition: Condition) -> bool:
    if condition.any_of:
        wanted = {_comparable(condition.name, one) for one in condition.any_of}
        if _comparable(condition.name, value) not in wanted:
            return False
    if condition.prefixes and not (isinstance(value, str) and value.startswith(condition.prefixes)):
        return False
    return _reaches(condition.least, value) and _reaches(value, condition.most)


def _comparable(name: str, value: Any) -> bytes:
    is_told = name in NORMAL and isinstance(value, str)
    return canonical(NORMAL[name](value.strip()) if is_told else value)


def _reaches(lower: Any, upper: Any) -> bool:
    if lower is None or upper is None:
        return True
    least, most = _size(lower), _size(upper)
    return least is not None and most is not None and least[0] == most[0] and least <= most


def _size(value: Any) -> tuple[str, float] | None:
    """A number or a time to compare by; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return "number", float(value)
    if isinstance(value, str):
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            return None
        return ("time", time.timestamp()) if time.tzinfo is not None else None
    return None


_SAME = (
    "docIntent", "docLocale", "coverageScope", "embeddingVersion", "clusterVersion", "domainPath",
    "metricId", "environment", "severity", "trend", "kind", "source", "resolution", "scope",
    "inferred", "resolved", "active", "siteHash", "awaited", "isMethod", "operator", "callee",
    "importAlias", "importType", "isNamespace", "language", "symbolKind", "modulePath",
    "sessionId", "sequenceNumber", "actor", "impactSeverity", "stateTransitionTo",
    *(f"{end}_ref_{part}" for end in ("to", "from") for part in ("kind", "file", "symbol", "name")),
)  # fmt: skip
_RENAMED = {
    "stakeholder": "stakeholders", "tag": "tags", "sessionIds": "sessionId", "arityEq": "arity",
}  # fmt: skip
_PREFIXES = {"domainPrefix": "domainPath", "modulePathPrefix": "modulePath"}
_LEAST = {
    "lastValidatedAfter": "lastValidated", "detectedAfter": "detectedAt",
    "resolvedAfter": "resolvedAt", "firstSeenSince": "firstSeenAt", "lastSeenSince": "lastSeenAt",
    "arityMin": "arity", "importDepthMin": "importDepth", "sequenceNumberMin": "sequenceNumber",
    "timestampFrom": "timestamp",
}  # fmt: skip
_MOST = {
    "lastValidatedBefore": "lastValidated", "detectedBefore": "detectedAt",
    "resolvedBefore": "resolvedAt", "arityMax": "arity", "importDepthMax": "importDepth",
    "sequenceNumberMax": "sequenceNumber", "timestampTo": "timestamp",
}  # fmt: skip

_Make = Callable[[str, Any], Condition]
_MAKERS: tuple[tuple[Mapping[str, str], _Make], ...] = (
    (
        dict(zip(_SAME, _SAME, strict=True)) | _RENAMED,
        lambda name, value: Condition(name=name, any_of=listed(value)),
    ),
    (
        {"olderId": "olderId"},
        lambda name, value: Condition(
            name=name, any_of=tuple(text for one in listed(value) for text in spellings(one))
        ),
    ),
    (_PREFIXES, lambda name, value: Condition(name=name, prefixes=listed(value))),
    (_LEAST, lambda name, value: Condition(name=name, least=value)),
    (_MOST, lambda name, value: Condition(name=name, most=value)),
)


def read_conditions(wire: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions that a filter of the wire format states. A value of null does not filter.

    Raises InvalidInput for a name that is none.
    """
    found = []
    for key, value in wire.items():
        makers = [(names[key], make) for names, make in _MAKERS if key in names]
        if not makers:
            raise InvalidInput(f"there is no filter `{key[:64]}`", field=key)
        if value is None:
            continue
        ((name, make),) = makers
        condition = make(name, value)
        check_condition(condition)
        found.append(condition)
    return tuple(found)


def listed(value: Any) -> tuple[Any, ...]:
    """One value, or a list of them."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)
