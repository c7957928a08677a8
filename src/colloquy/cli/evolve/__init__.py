"""`colloquy evolve`: a table of V1 messages is moved while it is in use."""

from __future__ import annotations

import typer

from . import comparing, moving, steps

app = typer.Typer(no_args_is_help=True, help="Moving a table of V1 messages, step by step.")

steps.register(app)
moving.register(app)
comparing.register(app)

__all__ = ["app"]
