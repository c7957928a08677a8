"""Points that are made by themselves when a conversation passes from one owner to another.

Each follows the commit that changed the owner, beside the pipeline: nobody waits for one, and one
that cannot be made fails nothing else. What still waits when the process is killed is not made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ...model.errors import ColloquyError
from ...model.session import Owner
from ...telemetry import get_logger

log = get_logger(__name__)

Make = Callable[[str, str, str], Awaitable[object]]
"""Makes a point: a conversation's id, the actor, the point's name."""

MAX_WAITING = 1000
"""Conversations for which one is to be made; beyond that some are left out."""
NAMES = {
    Owner.ASSISTANT: "given back to the assistant",
    Owner.AGENT: "handed over to an agent",
    Owner.HUMAN: "handed over to a person",
    Owner.TEAM: "handed over to a team",
}


class _Wanted(NamedTuple):
    actor: str
    name: str


class Checkpoints:
    """Those of one process. Of several changes of one conversation while it waits, the newest gives
    the point its name."""

    def __init__(self, make: Make, *, is_on: bool) -> None:
        self._make = make
        self._is_on = is_on
        self._waiting: dict[bytes, _Wanted] = {}
        self._wake = asyncio.Event()

    def passed(self, conversation: bytes, owner: str, actor: str) -> None:
        """A conversation has another owner; never waits."""
        if not self._is_on:
            return
        if len(self._waiting) >= MAX_WAITING and conversation not in self._waiting:
            log.warning("checkpoint_left_out", conversation=conversation.hex())
            return
        self._waiting[conversation] = _Wanted(actor, NAMES[Owner(owner)])
        self._wake.set()

    async def run(self) -> None:
        """Makes them one by one until cancelled: a task for the supervisor."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.settle()

    async def settle(self) -> None:
        """Makes those that wait now."""
        while self._waiting:
            conversation = next(iter(self._waiting))
            wanted = self._waiting.pop(conversation)
            try:
                await self._make(conversation.hex(), wanted.actor, wanted.name)
            except ColloquyError as error:
                log.warning(
                    "checkpoint_failed", conversation=conversation.hex(), detail=error.detail
                )
