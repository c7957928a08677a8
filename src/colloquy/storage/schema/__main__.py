"""Writes the rendered schema files."""

from __future__ import annotations

from pathlib import Path

from . import DIALECTS, render

if __name__ == "__main__":
    for dialect in DIALECTS:
        Path(__file__).with_name(f"{dialect}.sql").write_text(render(dialect), encoding="utf-8")
