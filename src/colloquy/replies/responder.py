"""Who answers what no handler and no template does."""

from __future__ import annotations

from typing import Protocol

from ..model.reply import Reply
from ..model.turn import Turn


class Responder(Protocol):
    """Something that answers turns."""

    async def respond(self, turn: Turn) -> list[Reply] | None:
        """What is said; [] is silence, None leaves the turn to the rules. It names itself in
        `turn.answered_by`. Raises Transient where the turn is to be tried again later."""
        ...
