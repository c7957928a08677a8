"""What a conversion would lose: the fields in which a thing differs from its rebuilt likeness.

A difference travels in the metadata of the other format. Taken with what the other format shows it
gives the thing back exactly; fields that both formats have are never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

_canonical = msgspec.json.Encoder(order="deterministic")


class Difference(Struct, omit_defaults=True, forbid_unknown_fields=True):
    """`set`: fields with another value, or that are missing in the likeness. `unset`: fields that
    only the likeness has. `kept`: what stood in the metadata under the very key that the difference
    travels under."""

    set: dict[str, Any] = {}
    unset: list[str] = []
    kept: Any | UnsetType = UNSET

    def __bool__(self) -> bool:
        return bool(self.set or self.unset) or self.kept is not UNSET

    def tree(self) -> dict[str, Any]:
        """As JSON, the same for the same difference."""
        tree: dict[str, Any] = msgspec.to_builtins(self)
        return tree


def differ(thing: Mapping[str, Any], likeness: Mapping[str, Any]) -> Difference:
    """How to make the thing of its likeness."""
    changed = {
        name: thing[name]
        for name in sorted(thing)
        if name not in likeness or not same(thing[name], likeness[name])
    }
    return Difference(changed, sorted(name for name in likeness if name not in thing))


def apply(likeness: Mapping[str, Any], difference: Difference) -> dict[str, Any]:
    """The thing of which `differ` said how it differs."""
    made = {name: value for name, value in likeness.items() if name not in difference.unset}
    made.update(difference.set)
    return made


def read(metadata: Mapping[str, Any], key: str) -> Difference | None:
    """The difference under a key of the metadata; None where nothing there is one."""
    if key not in metadata:
        return None
    try:
        return msgspec.convert(metadata[key], Difference)
    except msgspec.ValidationError:
        return None


def same(one: Any, other: Any) -> bool:
    """Whether they are the same JSON. To Python 1, 1.0 and True are equal."""
    if one is other:
        return True
    if type(one) is str:
        return bool(one == other)
    return bool(one == other) and _canonical.encode(one) == _canonical.encode(other)
