"""Draws what `colloquy bench ledger|graph|diff --json` printed, as one SVG.

    python benchmarks/plot.py ledger.json graph.json diff.json > figures.svg

A dot is a figure, a bar across the line its budget. The scale is logarithmic: from a point in
microseconds to ten thousand changes in seconds.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

WIDTH = 720
LABEL = 230
VALUE = 90
LINE = 24
"""Pixels: the whole, the names on the left, the numbers on the right, the height of a row."""

ROLLBACK_BUDGET_MS = {"sqlite": 2000.0, "postgresql": 4000.0}
LOOP_FACTOR = 3
"""A difference may take so many times what the loop by hand takes."""


class Row(NamedTuple):
    label: str
    value: float
    budget: float | None = None


class Panel(NamedTuple):
    """Rows on one scale."""

    title: str
    unit: str
    rows: list[Row]


def panels_of(report: dict[str, Any]) -> list[Panel]:
    """Raises ValueError for what none of the benchmarks printed."""
    if "rollback_10k_s" in report:
        return [_ledger(report)]
    if "three_hop_ms" in report:
        return _graph(report)
    if "hand_loop_ms" in report:
        return [_diff(report)]
    raise ValueError("these are no figures of bench ledger, graph or diff")


def _ledger(report: dict[str, Any]) -> Panel:
    budget = ROLLBACK_BUDGET_MS.get(report["database"])
    rows = [
        Row("a point", report["point_ms"], 1.0),
        Row("10,000 changes: preview", report["preview_10k_s"] * 1000),
        Row("the next page of it", report["preview_next_page_ms"]),
        Row("rollback", report["rollback_10k_s"] * 1000, budget),
        Row("rollback, processor time", report["rollback_10k_cpu_s"] * 1000),
        Row("rollback, verified", report["rollback_10k_safe_s"] * 1000),
        Row("undo of it", report["undo_10k_s"] * 1000),
    ]
    return Panel(f"Ledger of {report['records']:,} records, {report['database']}", "ms", rows)


def _graph(report: dict[str, Any]) -> list[Panel]:
    title = f"Graph of {report['relationships']:,} relationships, {report['database']}"
    queries = [
        Row("three hops", report["three_hop_ms"]["median"], 50.0),
        Row("three hops, 95 of 100", report["three_hop_ms"]["p95"]),
        Row("hybrid search", report["hybrid_search_ms"]["median"], 100.0),
        Row("hybrid search, 95 of 100", report["hybrid_search_ms"]["p95"]),
    ]
    return [
        Panel(title, "ms", queries),
        Panel("Facts learned in bulk", "per s", [Row("ingest", report["ingest_per_s"], 20_000.0)]),
    ]


def _diff(report: dict[str, Any]) -> Panel:
    loop = report["hand_loop_ms"]
    names = {"ours_ms": "Colloquy", "hand_loop_ms": "loop by hand", "dictdiffer_ms": "dictdiffer",
             "jsonpatch_ms": "jsonpatch", "deepdiff_ms": "deepdiff"}  # fmt: skip
    rows = [
        Row(label, report[name], loop * LOOP_FACTOR if name == "ours_ms" else None)
        for name, label in names.items()
        if report[name] is not None
    ]
    return Panel(f"Difference of two states of {report['entities']:,} entities", "ms", rows)


def svg(panels: list[Panel]) -> str:
    body: list[str] = []
    top = 0
    for panel in panels:
        body += _drawn(panel, top)
        top += (len(panel.rows) + 2) * LINE
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}"'
            ' font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>',
            *body,
            "</svg>",
            "",
        ]
    )


def _drawn(panel: Panel, top: int) -> Iterator[str]:
    shown = [value for row in panel.rows for value in (row.value, row.budget) if value]
    # Whole powers of ten around all that is shown.
    low = math.floor(math.log10(min(shown)))
    high = max(low + 1, math.ceil(math.log10(max(shown))))
    left, right = LABEL, WIDTH - VALUE

    def x(value: float) -> str:
        part = (math.log10(value) - low) / (high - low) if value > 0 else 0.0
        return f"{left + part * (right - left):.1f}"

    yield _text(8, top + 17, f"{panel.title} ({panel.unit})", weight="bold")
    bottom = top + (len(panel.rows) + 1) * LINE
    for power in range(low, high + 1):
        at = x(10.0**power)
        yield f'<path d="M{at} {top + LINE}V{bottom}" stroke="#ddd"/>'
        yield _text(at, bottom + 14, f"{10.0**power:,g}", anchor="middle", colour="#777")
    for index, row in enumerate(panel.rows, 1):
        y = top + index * LINE + LINE // 2
        yield _text(8, y + 4, row.label)
        yield f'<path d="M{left} {y}H{x(row.value)}" stroke="#9bbcd8" stroke-width="2"/>'
        yield f'<circle cx="{x(row.value)}" cy="{y}" r="5" fill="#1f6fb2"/>'
        if row.budget is not None:
            at = x(row.budget)
            yield f'<path d="M{at} {y - 9}V{y + 9}" stroke="#c0392b" stroke-width="2"/>'
        number = f"{row.value:,.0f}" if row.value >= 1000 else f"{row.value:.4g}"
        yield _text(WIDTH - 8, y + 4, number, anchor="end")


def _text(
    x: float | str, y: float, text: str, *, anchor: str = "start", weight: str = "normal",
    colour: str = "#222",
) -> str:  # fmt: skip
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, help="what `--json` printed")
    panels: list[Panel] = []
    for file in parser.parse_args(arguments).files:
        try:
            panels += panels_of(json.loads(file.read_text()))
        except (OSError, ValueError, KeyError) as error:
            parser.error(f"{file}: {error}")
    sys.stdout.write(svg(panels))


if __name__ == "__main__":
    main()
