"""What the server has after a run, read from its database once it has stopped."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ..model.errors import NotFound
from ..settings import Settings
from .records import Dead, Log, Logged


async def read_log(
    settings: Settings, receipted: Collection[str], effects: Path | None = None
) -> Log:
    """The whole log of a database that no server holds. Raises StoreLocked if one does.

    `receipted` are the messages that must be somewhere: those in neither log nor dead letters are
    looked up, so that one which still waits is told from one that is gone.
    """
    from ..app import Colloquy
    from ..runtime import Runtime

    runtime = Runtime(Colloquy(), settings, worker=False)
    await runtime.start()
    try:
        events = [logged(row) async for row in runtime.export()]
        dead: list[Dead] = []
        for status in ("dead", "discarded"):
            cursor: str | None = None
            while True:
                page = await runtime.dead_letters(cursor, 500, status)
                dead += [
                    Dead(one.message_id, one.conversation_id, one.status)
                    for one in page.dead_letters
                ]
                cursor = page.next
                if cursor is None:
                    break
        dead += [retried for retried in map(_retried, events) if retried is not None]
        there = {event.message_id for event in events if event.kind == "message"}
        there |= {letter.message_id for letter in dead if letter.status != "retried"}
        unfinished = []
        for message in receipted:
            if message not in there:
                try:
                    state = await runtime.message(message)
                except NotFound:
                    continue
                if state.state not in ("done", "dead"):
                    unfinished.append(message)
    finally:
        await runtime.stop()
    lines = effects.read_text().splitlines() if effects is not None and effects.exists() else []
    return Log(events, dead, unfinished, lines)


def logged(row: dict[str, Any]) -> Logged:
    """One row of the exported log as the checker wants it."""
    kind = row["kind"]
    body = row["body"]
    metadata = body.get("metadata", {}) if kind == "reply" else {}
    return Logged(
        position=row["position"],
        conversation_id=row["conversation_id"],
        seq=row["seq"],
        kind=kind,
        turn_id=row["turn_id"],
        message_id=body["message_id"] if kind in ("message", "dead_letter_retried") else None,
        reply_id=body["reply_id"] if kind == "reply" else None,
        about=metadata.get("about"),
        count=metadata.get("count"),
        late=kind == "message" and bool(body.get("late")),
        timer_of=body["data"].get("of") if kind == "timer_fired" else None,
    )


def _retried(event: Logged) -> Dead | None:
    if event.kind != "dead_letter_retried" or event.message_id is None:
        return None
    return Dead(event.message_id, event.conversation_id, "retried")
