"""`colloquy bench diff`: the difference of two states, beside a loop by hand and other libraries.

Two dictionaries of entities with eight fields, a hundred entities changed in two of them, each
state read from JSON of its own so that nothing is shared. Each contender runs in a process of its
own, all on the same states; times are the best of several runs, in milliseconds, sizes the changes
and the bytes of the script in JSON. The loop by hand knows the shape of the states and does not
tell 1 from True.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

from msgspec import Struct

from .show import stages

CHANGED = 100
FASTEST_OF = {"ours": 40, "hand_loop": 40, "dictdiffer": 5, "jsonpatch": 5, "deepdiff": 3}

State = dict[str, Any]


class Size(Struct, frozen=True):
    """Of an edit script."""

    changes: int
    bytes: int


class DiffReport(Struct, frozen=True, kw_only=True):
    """Milliseconds; None where the peer is not installed. `ratios` are of each to ours."""

    entities: int
    changed: int
    ours_ms: float
    hand_loop_ms: float
    deepdiff_ms: float | None
    dictdiffer_ms: float | None
    jsonpatch_ms: float | None
    ratios: dict[str, float]
    script_sizes: dict[str, Size]
    missing: dict[str, str]


def states(entities: int) -> tuple[State, State]:
    chance = random.Random(1)
    old = {
        f"entity-{number}": {
            "id": f"entity-{number}",
            "name": f"unit {number}",
            "price": chance.randrange(10**6),
            "area": chance.random() * 100,
            "active": number % 2 == 0,
            "city": "Berlin",
            "note": None,
            "rooms": number % 5,
        }
        for number in range(entities)
    }
    new = json.loads(json.dumps(old))
    for key in chance.sample(sorted(new), min(CHANGED, entities)):
        new[key]["price"] += 1
        new[key]["name"] += "x"
    return json.loads(json.dumps(old)), new


def by_hand(old: State, new: State) -> list[Any]:
    found = []
    for key, entity in old.items():
        other = new[key]
        if entity != other:
            for field, value in entity.items():
                if other[field] != value:
                    found.append((key, field, value, other[field]))
    return found


def contender(name: str) -> tuple[Callable[[State, State], Any], Callable[[Any], tuple[int, int]]]:
    """What compares two states, and what tells the changes and bytes of its answer.

    Raises ImportError where the library is not installed.
    """
    if name == "ours":
        from colloquy.ledger.diff import diff, encode

        return diff, lambda script: (len(script), len(encode(script)))
    if name == "deepdiff":
        from deepdiff import DeepDiff

        return DeepDiff, lambda found: (
            sum(map(len, found.values())),
            len(found.to_json().encode()),
        )
    if name == "dictdiffer":
        import dictdiffer

        return (lambda old, new: list(dictdiffer.diff(old, new))), _rows
    if name == "jsonpatch":
        import jsonpatch

        return (lambda old, new: jsonpatch.make_patch(old, new).patch), _rows
    return by_hand, _rows


def _rows(rows: list[Any]) -> tuple[int, int]:
    return len(rows), len(json.dumps(rows, separators=(",", ":")).encode())


def measure(name: str, entities: int) -> dict[str, Any]:
    try:
        compare, size = contender(name)
    except ImportError as error:
        return {"ms": None, "reason": str(error)}
    old, new = states(entities)
    times = []
    found = None
    for _ in range(FASTEST_OF[name]):
        begun = perf_counter()
        found = compare(old, new)
        times.append(perf_counter() - begun)
    changes, octets = size(found)
    return {"ms": min(times) * 1000, "changes": changes, "bytes": octets}


def bench_diff(entities: int = 10_000, *, progress: bool = True) -> DiffReport:
    """Measures all of them, ours and the loop by hand also once more at the end.

    Peers that are not installed (extra `bench`) are named in `missing`.
    """
    found: dict[str, dict[str, Any]] = {}
    with stages(enabled=progress) as stage:
        order = [*FASTEST_OF, "ours", "hand_loop"]
        with stage("comparing", len(order)) as bar:
            for done, name in enumerate(order):
                bar(done, name)
                row = _apart(name, entities)
                if name in found:
                    row["ms"] = min(row["ms"], found[name]["ms"])
                found[name] = row
    times = {name: row["ms"] for name, row in found.items()}
    return DiffReport(
        entities=entities,
        changed=min(CHANGED, entities),
        ours_ms=times["ours"],
        hand_loop_ms=times["hand_loop"],
        deepdiff_ms=times["deepdiff"],
        dictdiffer_ms=times["dictdiffer"],
        jsonpatch_ms=times["jsonpatch"],
        ratios={
            name: round(ms / times["ours"], 2)
            for name, ms in times.items()
            if ms is not None and name != "ours"
        },
        script_sizes={
            name: Size(row["changes"], row["bytes"])
            for name, row in found.items()
            if row["ms"] is not None
        },
        missing={name: row["reason"] for name, row in found.items() if row["ms"] is None},
    )


def _apart(name: str, entities: int) -> dict[str, Any]:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", __name__, name, str(entities)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def show_diff(report: DiffReport) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "ms", "times ours", "changes", "bytes")
    for name in FASTEST_OF:
        ms = getattr(report, f"{name}_ms")
        if ms is None:
            table.add_row(name, f"not measured: {report.missing[name]}")
            continue
        size = report.script_sizes[name]
        ratio = report.ratios.get(name, 1.0)
        table.add_row(name, f"{ms:.2f}", f"{ratio:.2f}", str(size.changes), str(size.bytes))
    Console().print(table)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
