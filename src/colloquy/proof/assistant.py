"""The torture's assistant. What a message asks for stands in its metadata (see `traffic.KINDS`):

- plain: answered at once
- slow: the handler sleeps, so the turn is parked
- transient: the first attempts fail with Transient
- once: an effect outside, a line in a file, must happen at most once
- later: a timer is set, which must fire once
- sick: fails until it is retried as a dead letter
- poison: always fails

Each message that does not die gets exactly one reply, which names the message and carries a
counter out of the conversation's state: a state that is lost or written twice shows.
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

from colloquy import Colloquy, Reply, Turn
from colloquy.model.errors import Transient

EFFECTS_VARIABLE = "TORTURE_EFFECTS"
"""Environment variable with the file that effects are written to."""

app = Colloquy(pack="property")


@app.on_message
async def answer(turn: Turn) -> Reply:
    """Does what the message asks for and answers with its id."""
    order: dict[str, Any] = turn.message.metadata.get("torture", {})
    kind = order.get("kind")
    if kind == "slow":
        await asyncio.sleep(order["seconds"])
    elif kind == "transient":
        if turn.attempt <= order["failures"]:
            raise Transient("not yet")
    elif kind == "once":
        await turn.once("line", write_line, turn.message_id)
    elif kind == "later":
        turn.later(order["seconds"], "tick", {"of": turn.message_id})
    elif kind == "poison" or (kind == "sick" and not turn.late):
        raise RuntimeError(f"{kind} message")
    count = turn.state["count"] = turn.state.get("count", 0) + 1
    return Reply(
        text=f"{count}: {turn.text}"[:200], metadata={"about": turn.message_id, "count": count}
    )


@app.on_timer("tick")
async def tick(turn: Turn) -> Reply:
    """A timer's turn answers, too."""
    assert turn.fired is not None
    return Reply(text="tick", metadata={"timer_of": turn.fired.data["of"]})


def write_line(message_id: str) -> None:
    """The effect outside: one write, so that lines of several processes do not mix."""
    file = os.open(os.environ[EFFECTS_VARIABLE], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(file, f"{message_id}\n".encode())
    finally:
        os.close(file)
