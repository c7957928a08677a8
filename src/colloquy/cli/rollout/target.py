"""The roll-outs of a running server or of a closed database, by the same methods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from ...model.rollouts import (
    LevelPage,
    LevelPlan,
    LevelRequest,
    LevelView,
    RolloutNote,
    RolloutPage,
    RolloutRequest,
    RolloutView,
)
from ..options import Reach
from ..target import ACTOR, Local, reached

if TYPE_CHECKING:
    from ...client import AsyncClient
    from ...runtime import Runtime

T = TypeVar("T")


class LocalRollouts:
    """Of a database opened in this process; the methods of `AsyncClient` that commands use.

    Nothing goes on by itself here: that takes a server, whose turns are judged.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._desk = runtime.rollouts

    async def rollout_page(self, cursor: str | None, limit: int) -> RolloutPage:
        return self._desk.page(cursor, limit)

    async def rollout(self, flag: str) -> RolloutView:
        return self._desk.show(flag)

    async def start_rollout(self, request: RolloutRequest) -> RolloutView:
        return await self._desk.begin(request, ACTOR)

    async def pause_rollout(self, flag: str, note: RolloutNote) -> RolloutView:
        return await self._desk.pause(flag, note, ACTOR)

    async def resume_rollout(self, flag: str, note: RolloutNote) -> RolloutView:
        return await self._desk.resume(flag, note, ACTOR)

    async def cancel_rollout(self, flag: str, note: RolloutNote) -> RolloutView:
        return await self._desk.cancel(flag, note, ACTOR)

    async def rollback_page(self, cursor: str | None, limit: int) -> LevelPage:
        return await self._desk.levels.page(cursor, limit)

    async def take_back(self, request: LevelRequest) -> LevelView:
        return await self._desk.levels.back(request, ACTOR)

    async def preview_taking_back(self, request: LevelRequest) -> LevelPlan:
        return await self._desk.levels.preview(request)

    async def undo_level_rollback(self, rollback_id: str) -> LevelView:
        return await self._desk.levels.undo(rollback_id, ACTOR)


if TYPE_CHECKING:
    Target = LocalRollouts | AsyncClient


def asked(reach: Reach, ask: Callable[[Target], Awaitable[T]]) -> T:
    """What the server, or else the database, answers."""

    async def work() -> T:
        async with reached(reach) as target:
            return await ask(LocalRollouts(target.runtime) if isinstance(target, Local) else target)

    return asyncio.run(work())
