"""`colloquy trace`: where a message is and everything that happened to it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from ..model.views import Trace
from .options import Reach, command
from .output import console, print_json, shortened
from .target import reached


def register(root: typer.Typer) -> None:
    @command(root, "trace")
    def trace(
        reach: Reach,
        message_id: Annotated[str, typer.Argument(help="The message_id of its receipt.")],
    ) -> None:
        """Shows where a message is and everything that happened to it, oldest first."""

        async def work() -> Trace:
            async with reached(reach) as target:
                return await target.trace(message_id)

        found = asyncio.run(work())
        if reach.json:
            print_json(found)
        else:
            print_trace(found)


def print_trace(trace: Trace) -> None:
    """A line per step, with the time since the step before."""
    from rich.text import Text

    out = console()
    state = trace.state
    head = Text.assemble(("message ", "dim"), state.message_id, "  ", (state.state, "bold"))
    if state.why:
        head.append(f" — {state.why}")
    if state.due_at:
        head.append(f", due {state.due_at}")
    out.print(head)
    if state.conversation_id:
        event = f", event {state.seq}" if state.seq is not None else ""
        out.print(Text(f"conversation {state.conversation_id}{event}", "dim"))
    former: datetime | None = None
    for step in trace.steps:
        at = datetime.fromisoformat(step.at)
        passed = "" if former is None else _passed((at - former).total_seconds())
        former = at
        line = Text.assemble(
            (step.at[11:26], "dim"), f"  {passed:>10}  ", (f"{step.what:20}", "cyan"), " "
        )
        line.append("  ".join(f"{name}={_value(value)}" for name, value in step.detail.items()))
        out.print(line)
    for reply in state.replies:
        said = Text.assemble(("reply ", "dim"), f"{reply.author}: ", (reply.text or "", "green"))
        out.print(said)


def _passed(seconds: float) -> str:
    if seconds < 1:
        return f"+{seconds * 1000:.1f} ms"
    return f"+{seconds:.2f} s"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return shortened(text, 80)
