"""A cache that forgets by age, by number and by size, and counts truly.

contexts = TTLCache(size=bytes_of, max_bytes=16 * 1024 * 1024)
context = await contexts.load((conversation, position, budget), put_together)
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Generic, TypeVar

from msgspec import Struct

from ..model.errors import InvalidInput

TTL_S = 300.0
MAX_ENTRIES = 10_000
MAX_BYTES = 100 * 1024 * 1024
CLEANED_TO = 0.8
"""Share of a bound that is left in use once it was reached."""
ENTRY_BYTES = 400
"""Of an entry beside its value, about."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CacheStatistics(Struct, frozen=True, kw_only=True):
    """`misses`: also those that waited for a load under way. `evicted`: for want of room;
    `expired`: for their age. `bytes`: by the size function."""

    entries: int
    bytes: int
    hits: int
    misses: int
    loads: int
    evicted: int
    expired: int

    @property
    def hit_rate(self) -> float:
        """0 to 1; 0 while nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class _Entry(Generic[V]):
    __slots__ = ("expires", "nbytes", "value")

    def __init__(self, value: V, nbytes: int, expires: float) -> None:
        self.value = value
        self.nbytes = nbytes
        self.expires = expires


class TTLCache(Generic[K, V]):
    """Safe for threads; `load` waits for others of the same event loop only.

    Values are handed out as they are: what may be changed by its readers does not belong here.
    """

    def __init__(
        self,
        *,
        size: Callable[[V], int],
        ttl_s: float = TTL_S,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`size`: bytes of a value, about. `clock`: seconds. Raises InvalidInput."""
        if not (ttl_s > 0 and max_entries > 0 and max_bytes > 0):
            raise InvalidInput("a cache has room, and keeps things for a while")
        self._size = size
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._used: OrderedDict[K, _Entry[V]] = OrderedDict()
        """The one used longest ago first."""
        self._aged: OrderedDict[K, None] = OrderedDict()
        """The oldest first."""
        self._loading: dict[tuple[int, K], asyncio.Task[V]] = {}
        self._bytes = 0
        self._hits = self._misses = self._loads = self._evicted = self._expired = 0

    def __len__(self) -> int:
        return len(self._used)

    @property
    def statistics(self) -> CacheStatistics:
        with self._lock:
            return CacheStatistics(
                entries=len(self._used),
                bytes=self._bytes,
                hits=self._hits,
                misses=self._misses,
                loads=self._loads,
                evicted=self._evicted,
                expired=self._expired,
            )

    def get(self, key: K) -> V | None:
        with self._lock:
            self._expire()
            entry = self._used.get(key)
            if entry is None:
                self._misses += 1
                return None
            self._hits += 1
            self._used.move_to_end(key)
            return entry.value

    def put(self, key: K, value: V) -> None:
        """Keeps it, unless it alone is larger than the bound."""
        nbytes = self._size(value) + ENTRY_BYTES
        with self._lock:
            self._put(key, value, nbytes)

    def drop(self, key: K) -> None:
        """Forgets it: who asks from now on gets what is made from now on."""
        with self._lock:
            self._forget(key)
            for flight in [one for one in self._loading if one[1] == key]:
                del self._loading[flight]

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._used.clear()
            self._aged.clear()
            self._loading.clear()
            self._bytes = 0

    def sweep(self) -> None:
        """Forgets what is too old, without waiting for the next use."""
        with self._lock:
            self._expire()

    async def load(self, key: K, make: Callable[[], Awaitable[V]]) -> V:
        """What is kept, or else what `make` gives; those who ask meanwhile wait for the same.

        Raises what `make` raises, to all who wait; nothing is kept then. Who stops waiting does
        not stop the others.
        """
        found = self.get(key)
        if found is not None:
            return found
        flight = (id(asyncio.get_running_loop()), key)
        with self._lock:
            task = self._loading.get(flight)
            if task is None:
                self._loads += 1
                task = self._loading[flight] = asyncio.create_task(self._load(flight, make))
                task.add_done_callback(partial(self._landed, flight))
        return await asyncio.shield(task)

    async def _load(self, flight: tuple[int, K], make: Callable[[], Awaitable[V]]) -> V:
        value = await make()
        nbytes = self._size(value) + ENTRY_BYTES
        with self._lock:
            if self._loading.get(flight) is asyncio.current_task():
                self._put(flight[1], value, nbytes)
        return value

    def _landed(self, flight: tuple[int, K], task: asyncio.Task[V]) -> None:
        with self._lock:
            if self._loading.get(flight) is task:
                del self._loading[flight]
        if not task.cancelled():
            # Looked at, so that nobody complains if all who waited have gone.
            task.exception()

    def _put(self, key: K, value: V, nbytes: int) -> None:
        self._forget(key)
        self._expire()
        if nbytes > self._max_bytes:
            return
        self._used[key] = _Entry(value, nbytes, self._clock() + self._ttl_s)
        self._aged[key] = None
        self._bytes += nbytes
        if self._bytes > self._max_bytes or len(self._used) > self._max_entries:
            self._make_room()

    def _make_room(self) -> None:
        """Somewhat more than is needed, so that it is not done at each entry."""
        while len(self._used) > 1 and (
            self._bytes > self._max_bytes * CLEANED_TO
            or len(self._used) > self._max_entries * CLEANED_TO
        ):
            self._evicted += 1
            self._forget(next(iter(self._used)))

    def _expire(self) -> None:
        now = self._clock()
        while self._aged:
            oldest = next(iter(self._aged))
            if self._used[oldest].expires > now:
                return
            self._expired += 1
            self._forget(oldest)

    def _forget(self, key: K) -> None:
        entry = self._used.pop(key, None)
        if entry is not None:
            del self._aged[key]
            self._bytes -= entry.nbytes
