"""Entities: which kinds there are, and the check of one entity or one attribute.

    check_entity(Entity("flat-12", "product", {"name": "Flat 12", "category": "property"}))

Attributes that a kind does not know are kept; known ones must have their type.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from ..model.errors import InvalidInput
from . import code_kinds, conversation_kinds
from .values import Shape, checked, checked_one, plain

MAX_ID = 1024
"""Characters of an entity's id: ids of symbols hold a path and a name."""

SHAPES: dict[str, type[Shape]] = {**code_kinds.SHAPES, **conversation_kinds.SHAPES}
"""Every kind of entity by its name on the wire."""


class Entity(Struct, frozen=True):
    """Something that is known. `type` is a key of `SHAPES`; attributes are plain JSON values."""

    id: str
    type: str
    attributes: dict[str, Any] = {}


def check_entity(entity: Entity) -> Entity:
    """The entity with its attributes in their normal form. Raises InvalidInput with the field."""
    check_id(entity.id, "id")
    shape = shape_of(entity.type, entity.attributes)
    for name in ("id", "type"):
        if name in entity.attributes:
            raise InvalidInput(f"`{name}` is no attribute", field=name)
    return Entity(entity.id, entity.type, checked(entity.attributes, shape))


def check_id(value: Any, field: str) -> str:
    """Raises InvalidInput unless it is text of 1 to `MAX_ID` characters."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID:
        raise InvalidInput(f"`{field}` must be text of 1 to {MAX_ID} characters", field=field)
    if not value.isascii():
        plain(value, field)
    return value


def shape_of(type_: str, attributes: Mapping[str, Any] | None = None) -> type[Shape]:
    """The shape of a kind; that of a symbol follows from its `kind`. Raises InvalidInput."""
    shape = SHAPES.get(type_)
    if shape is None:
        known = ", ".join(sorted(SHAPES))
        raise InvalidInput(f"unknown kind {type_[:64]!r}; known: {known}", field="type")
    if type_ == "symbol" and attributes is not None:
        kind = attributes.get("kind")
        if isinstance(kind, str):
            return code_kinds.SYMBOL_SHAPES.get(kind, shape)
    return shape


def check_attribute(type_: str, name: str, value: Any) -> Any:
    """The value of one attribute in its normal form, for a fact. Raises InvalidInput.

    Of a set (`is_single_valued` is false) it is one member, not the list.
    """
    types = _attributes(type_)
    if name not in types:
        return plain(value, name)
    known, many = types[name]
    return checked_one(value, known.__args__[0] if many else known, name)


def is_single_valued(type_: str, name: str) -> bool:
    """Whether an entity has one value of it at a time; so is an attribute nobody declared."""
    known = _attributes(type_).get(name)
    return known is None or not known[1]


def needed_sets(type_: str, attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """The sets that such an entity must have, be they empty. Raises InvalidInput."""
    return _needed_sets(type_, shape_of(type_, attributes))


@cache
def _needed_sets(type_: str, shape: type[Shape]) -> tuple[str, ...]:
    # Looking at a shape's fields takes most of a millisecond.
    return tuple(
        field.encode_name
        for field in msgspec.structs.fields(shape)
        if field.required and not is_single_valued(type_, field.encode_name)
    )


@cache
def _attributes(type_: str) -> dict[str, tuple[Any, bool]]:
    # The type and "is a set" of each attribute; of a symbol, those of all its kinds.
    shapes = [shape_of(type_)]
    if type_ == "symbol":
        shapes = [*code_kinds.SYMBOL_SHAPES.values(), *shapes]
    result = {}
    for shape in shapes:
        for field in msgspec.structs.fields(shape):
            kind = _without_none(field.type)
            extra = getattr(kind, "__metadata__", ())
            many = any((meta.extra or {}).get("many") for meta in extra)
            result[field.encode_name] = (kind.__origin__ if many else kind, many)
    return result


def _without_none(type_: Any) -> Any:
    options = [one for one in getattr(type_, "__args__", ()) if one is not type(None)]
    is_optional = type(None) in getattr(type_, "__args__", ())
    return options[0] if is_optional and len(options) == 1 else type_
