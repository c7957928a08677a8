"""A script as JSON Patch (RFC 6902), for readers that know nothing of ledgers."""

from __future__ import annotations

from typing import Any

from colloquy.ledger.values import Value, to_wire

from .apply import Target
from .changes import Add, Move, Remove, Replace, Script, Shift, Splice


def json_patch(state: Value, script: Script) -> list[dict[str, Any]]:
    """Operations that do to the state what the script does; identities have become indexes.

    Values are in the form of `values.to_wire`, since JSON has no datetime. What the operations
    replace is not in them, so they cannot be turned round. Raises Conflict as `apply` does.
    """
    target = Target(state)
    found: list[dict[str, Any]] = []
    for change in script.changes:
        # The last step of what is added or moved to is not there yet.
        here = _pointer(target.resolve(change.path[:-1])) if change.path else ""
        if change.path and not isinstance(change, (Splice, Shift)):
            last = change.path[-1]
            step = last if isinstance(change, Add) else target.resolve(change.path)[-1]
            here += _pointer((step,))  # type: ignore[arg-type]
        match change:
            case Add(_, new):
                found.append({"op": "add", "path": here, "value": to_wire(new)})
            case Remove():
                found.append({"op": "remove", "path": here})
            case Replace(_, _, new):
                found.append({"op": "replace", "path": here, "value": to_wire(new)})
            case Move(_, to, _):
                there = _pointer((*target.resolve(to[:-1]), to[-1]))  # type: ignore[arg-type]
                found.append({"op": "move", "from": here, "path": there})
            case Splice(path, index, removed, added):
                here = _pointer(target.resolve(path))
                found += [{"op": "remove", "path": f"{here}/{index}"} for _ in removed]
                found += [
                    {"op": "add", "path": f"{here}/{place}", "value": to_wire(item)}
                    for place, item in enumerate(added, index)
                ]
            case Shift(path, start, stop):
                here = _pointer(target.resolve(path))
                found.append({"op": "move", "from": f"{here}/{start}", "path": f"{here}/{stop}"})
        target.apply(change)
    return found


def _pointer(steps: tuple[str | int, ...]) -> str:
    """RFC 6901."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
