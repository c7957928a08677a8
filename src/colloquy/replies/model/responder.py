"""Answers turns by a language model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from msgspec.structs import replace

from ...model.errors import ModelFailed
from ...model.reply import Reply
from ...model.turn import Turn
from ...model.usage import ModelUse
from ...settings.model import ModelSettings
from ...telemetry import Metrics
from ..prompt import Assemble, compose, known_blocks
from ..tools import Toolbox
from .answering import Answering
from .endpoint import Endpoint


class ModelResponder:
    """See `replies.responder.Responder`. What it did is in `turn.model_use`, also where it failed.

    After some turns failed in a row it rests: turns fail at once, so that nobody waits for an
    endpoint that is away.
    """

    def __init__(
        self,
        settings: ModelSettings,
        toolbox: Toolbox,
        metrics: Metrics,
        *,
        tone: Callable[[Turn], str],
        limit_s: float,
        assemble: Assemble = known_blocks,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`limit_s`: longest turn. Raises SettingsError where the client is not installed."""
        self._settings = settings
        self._toolbox = toolbox
        self._metrics = metrics
        self._tone = tone
        self._limit_s = limit_s
        self._assemble = assemble
        self._now = now
        self._endpoint = Endpoint(settings)
        self._room = asyncio.Semaphore(settings.max_concurrent)
        self._failures = 0
        self._rests_until = 0.0

    async def close(self) -> None:
        self._toolbox.close()
        await self._endpoint.close()

    async def respond(self, turn: Turn) -> list[Reply]:
        """Raises ModelFailed. Stops at once when somebody takes the conversation over, or the
        visitor stops the answer."""
        work = asyncio.create_task(self._respond(turn))
        turn.on_withdrawn(work.cancel)
        try:
            text = await work
        except ModelFailed as error:
            self._metrics.model_turns.of(error.reason).inc()
            raise
        except asyncio.CancelledError:
            if turn.is_interrupted:
                self._metrics.model_turns.of("interrupted").inc()
                turn.answered_by = f"model:{self._settings.name}"
            task = asyncio.current_task()
            if not turn.is_withdrawn or (task is not None and task.cancelling()):
                raise
            # What it says would not be committed: the conversation is somebody else's.
            self._metrics.model_turns.of("withdrawn").inc()
            return []
        self._metrics.model_turns.of("answered").inc()
        turn.answered_by = f"model:{self._settings.name}"
        return [Reply(text=text)]

    async def _respond(self, turn: Turn) -> str:
        if self._now() < self._rests_until:
            detail = "the model failed several times in a row and is left alone for a while"
            turn.model_use = ModelUse(self._settings.name, failed="resting", detail=detail)
            raise ModelFailed(detail, reason="resting")
        try:
            text = await self._in_time(turn)
        except ModelFailed as error:
            self._failures += 1
            if self._failures >= self._settings.rest_after:
                self._failures = 0
                self._rests_until = self._now() + self._settings.rest_s
            use = turn.model_use or ModelUse(self._settings.name)
            turn.model_use = replace(use, failed=error.reason, detail=error.detail[:300])
            raise
        self._failures = 0
        return text

    async def _in_time(self, turn: Turn) -> str:
        deadline = asyncio.get_running_loop().time() + self._limit_s
        answering: Answering | None = None
        try:
            async with asyncio.timeout_at(deadline), self._room:
                known = await self._assemble(turn, self._settings.context_tokens)
                answering = Answering(
                    turn,
                    compose(self._settings, turn, known, self._tone(turn)),
                    self._endpoint,
                    self._toolbox,
                    self._settings,
                    self._metrics,
                    deadline,
                )
                return (await answering.text()).strip()
        except TimeoutError:
            raise ModelFailed(
                f"the model did not answer within {self._limit_s:g} s", reason="timeout"
            ) from None
        finally:
            if answering is not None:
                turn.model_use = answering.use
