"""Understanding without processes of its own."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import Any

from .analyse import Analyser
from .loading import load
from .shadow import Shadow
from .wire import Item, Models, Understood


class InlineCompute:
    """The pool's interface without processes: the analyser runs where it is called."""

    def __init__(self, analyser: Analyser, shadow: Shadow | None = None) -> None:
        self._analyser = analyser
        self._shadow = shadow
        self._batches = 0
        self._items = 0
        self._busy_ns = 0
        self.version = analyser.version

    async def start(self) -> None:
        """Nothing to start."""

    async def analyse(self, items: list[Item]) -> list[Understood]:
        began = perf_counter_ns()
        results = self._analyser.analyse(items)
        self._busy_ns += perf_counter_ns() - began
        self._batches += 1
        self._items += len(items)
        if self._shadow is not None:
            self._shadow.look(items, results, self._analyser.counters)
        return results

    async def switch(self, models: Models) -> None:
        """As `ComputePool.switch`; what is loaded is loaded in a thread."""
        self._analyser, self._shadow = await asyncio.to_thread(load, models)
        self.version = self._analyser.version

    async def stop(self) -> None:
        """Nothing to stop."""

    def stats(self) -> dict[str, Any]:
        return {
            "restarts": 0,
            "crashed_batches": 0,
            "batches": self._batches,
            "items": self._items,
            "busy_s": self._busy_ns / 1e9,
            "waiting": 0,
            "counters": dict(self._analyser.counters),
            "errors": dict(self._analyser.errors),
            "processes": [],
        }
