"""JSON Schema as a type to decode into, for tools that come with a schema and no signature.

What is understood: type, properties, required, additionalProperties, items, enum, const, nullable
types, and the bounds of numbers, texts and arrays. What is not (`$ref`, `oneOf`, …) lets anything
through: the tool sees it and may refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType, defstruct

from ...model.errors import InvalidInput

_PLAIN: dict[str, Any] = {"string": str, "integer": int, "number": float, "boolean": bool}
_BOUNDS = {
    "minimum": "ge",
    "exclusiveMinimum": "gt",
    "maximum": "le",
    "exclusiveMaximum": "lt",
    "multipleOf": "multiple_of",
    "pattern": "pattern",
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
}
_BOUNDED = {
    "string": ("pattern", "minLength", "maxLength"),
    "integer": ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    "number": ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"),
    "array": ("minItems", "maxItems"),
}


def type_of(schema: Mapping[str, Any], name: str = "arguments") -> Any:
    """The type that values of this schema are decoded into. Raises InvalidInput."""
    try:
        return _type(schema, name)
    except (TypeError, ValueError, AttributeError, re.error) as error:
        raise InvalidInput(f"the schema of {name} cannot be used: {error}") from error


def _type(schema: Mapping[str, Any], name: str) -> Any:
    if "const" in schema or "enum" in schema:
        return _choice(schema)
    kind = schema.get("type")
    if isinstance(kind, list):
        several = [_type({**schema, "type": one}, name) for one in kind if one != "null"]
        found: Any = several[0] if len(several) == 1 else Any
        return found | None if "null" in kind and found is not Any else found
    if kind == "object":
        return _object(schema, name)
    if kind == "array":
        items = _type(schema.get("items") or {}, f"{name}_item")
        return _bounded(list[items], schema, "array")  # type: ignore[valid-type]
    if kind in _PLAIN:
        return _bounded(_PLAIN[kind], schema, kind)
    return Any


def _choice(schema: Mapping[str, Any]) -> Any:
    values = [schema["const"]] if "const" in schema else list(schema["enum"])
    if not all(value is None or type(value) in (str, int) for value in values):
        return Any
    return Literal[tuple(values)]


def _bounded(kind: Any, schema: Mapping[str, Any], name: str) -> Any:
    bounds = {_BOUNDS[key]: schema[key] for key in _BOUNDED.get(name, ()) if key in schema}
    return Annotated[kind, Meta(**bounds)] if bounds else kind


def _object(schema: Mapping[str, Any], name: str) -> Any:
    properties = schema.get("properties") or {}
    if not properties:
        return dict[str, Any]
    required = set(schema.get("required") or ())
    # The names of fields in Python need not be those of the properties.
    fields: list[Any] = []
    for number, (key, inner) in enumerate(properties.items()):
        kind = _type(inner, f"{name}_{number}")
        if key in required:
            fields.append((f"f{number}", kind, msgspec.field(name=key)))
        else:
            optional = Any if kind is Any else kind | UnsetType
            fields.append((f"f{number}", optional, msgspec.field(default=UNSET, name=key)))
    strict = schema.get("additionalProperties") is False
    return defstruct(_word(name), fields, kw_only=True, forbid_unknown_fields=strict)


def _word(name: str) -> str:
    return re.sub(r"\W", "_", name)
