"""`colloquy rollout`: roll-outs that go on by themselves, and rollbacks by level."""

from __future__ import annotations

import typer

from . import levels, plans

app = typer.Typer(
    no_args_is_help=True,
    help="Roll-outs that go on by themselves under a guard, and the way back by level.",
)
plans.register(app)
levels.register(app)

__all__ = ["app"]
