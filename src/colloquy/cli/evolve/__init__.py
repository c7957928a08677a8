"""`colloquy evolve`: a table of V1 messages is moved while it is in use; what was changed is taken
back by level."""

from __future__ import annotations

import typer

from ..options import command
from ..rollout.levels import rollback
from . import comparing, moving, steps

app = typer.Typer(
    no_args_is_help=True,
    help="Moving a table of V1 messages, step by step; taking a change back by level.",
)

steps.register(app)
moving.register(app)
comparing.register(app)
command(app, "rollback")(rollback)

__all__ = ["app"]
