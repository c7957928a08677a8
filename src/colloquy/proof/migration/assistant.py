"""The assistant of the server under fire: one reply to each message, which names it.

It has no pack, so that the server is soon back."""

from __future__ import annotations

from colloquy import Colloquy, Reply, Turn

app = Colloquy()


@app.on_message
async def answer(turn: Turn) -> Reply:
    """The same for the same message, in the same place of its conversation."""
    count = turn.state["count"] = turn.state.get("count", 0) + 1
    return Reply(text=f"{count}: {turn.text}"[:200], metadata={"about": turn.message_id})
