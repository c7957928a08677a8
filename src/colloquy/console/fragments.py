"""Parts of pages that many viewers ask for at the same moment: made once, kept for a moment.

Only for what is the same for everybody who may see it. When something happens, every open inbox
asks for its rows within a second; a hundred of them would cost the pipeline a core.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

HOLD_S = 0.2
"""How old a part may be. What it shows is at most this much later than the list itself."""
MOST = 256
"""Different parts that are remembered; a further one pushes out the oldest."""


class Fragments:
    """Rendered parts by name, of one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._made: dict[str, tuple[float, asyncio.Task[bytes]]] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """The part, as `make` returns it. Who asks while it is made waits for the same one; an
        error goes to all of them and is not kept."""
        now = self._clock()
        known = self._made.get(name)
        if known is None or (now >= known[0] + HOLD_S and known[1].done()):
            self._made.pop(name, None)
            while len(self._made) >= MOST:
                del self._made[next(iter(self._made))]
            known = self._made[name] = now, asyncio.ensure_future(_run(make))
        try:
            # One viewer that leaves must not take the part from the others.
            return await asyncio.shield(known[1])
        except Exception:
            if self._made.get(name) is known:
                del self._made[name]
            raise


async def _run(make: Callable[[], Awaitable[bytes]]) -> bytes:
    return await make()
