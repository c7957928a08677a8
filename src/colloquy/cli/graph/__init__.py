"""`colloquy graph`: what is known, why, what leads where; and what is taught and taken back."""

from __future__ import annotations

import typer

from . import checkpoints, reading, teaching, walking

app = typer.Typer(no_args_is_help=True, help="The knowledge graph: what is known, since when, why.")
for module in (reading, walking, teaching):
    module.register(app)
app.add_typer(checkpoints.app, name="checkpoint")

__all__ = ["app"]
