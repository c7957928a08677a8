"""A responder, and the rules where it does not answer.

The rules themselves (templates, fallback) are the pipeline's and need no wrapping: a turn that
nobody answered here is answered by them.
"""

from __future__ import annotations

from collections.abc import Callable

from ..model.errors import ModelFailed
from ..model.reply import Reply
from ..model.turn import Turn
from ..telemetry import get_logger
from .responder import Responder

log = get_logger(__name__)


class Chain:
    """Asks another responder; None, for the rules, where that one is off or failed."""

    def __init__(
        self, first: Responder, *, is_on: Callable[[Turn], bool], patience: int = 0
    ) -> None:
        """`patience`: so many attempts at a turn are given up and made again later, before the
        rules answer; 0 answers at once."""
        self._first = first
        self._is_on = is_on
        self._patience = patience

    async def respond(self, turn: Turn) -> list[Reply] | None:
        """Raises ModelFailed where the turn is to be tried again later."""
        if not self._is_on(turn):
            return None
        try:
            return await self._first.respond(turn)
        except ModelFailed as error:
            if not error.lasting and turn.attempt <= self._patience:
                raise
            log.warning("model_failed", reason=error.reason, detail=error.detail[:200])
            return None
