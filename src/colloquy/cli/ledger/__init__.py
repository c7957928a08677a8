"""`colloquy ledger`: the history of every record, rollback points, rollbacks and conflicts."""

from __future__ import annotations

import typer

from . import conflicts, keeping, operations, points, reading, rollback

app = typer.Typer(
    no_args_is_help=True, help="The ledger: who changed what, points in it, and the way back."
)
reading.register(app)
rollback.register(app)
keeping.register(app)
app.add_typer(points.app, name="points")
app.add_typer(operations.app, name="operations")
app.add_typer(conflicts.app, name="conflicts")

__all__ = ["app"]
