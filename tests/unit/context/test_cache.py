"""A cache bounded by age, number and bytes, whose figures are what happened."""

from __future__ import annotations

import asyncio
import random
import threading
import tracemalloc

import pytest

from colloquy.context.cache import CLEANED_TO, ENTRY_BYTES, CacheStatistics, TTLCache
from colloquy.model.errors import InvalidInput


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def cache_of(
    clock: Clock, *, ttl_s: float = 300, max_entries: int = 1000, max_bytes: int = 1_000_000
) -> TTLCache[str, bytes]:
    return TTLCache(
        size=len, ttl_s=ttl_s, max_entries=max_entries, max_bytes=max_bytes, clock=clock
    )


def test_hits_and_misses_are_what_was_asked(clock: Clock) -> None:
    cache = cache_of(clock)
    assert cache.get("a") is None and cache.statistics.hit_rate == 0.0
    cache.put("a", b"1234")
    assert [cache.get(key) for key in ("a", "a", "b")] == [b"1234", b"1234", None]
    assert cache.statistics == CacheStatistics(
        entries=1, bytes=4 + ENTRY_BYTES, hits=2, misses=2, loads=0, evicted=0, expired=0
    )
    assert cache.statistics.hit_rate == 0.5


def test_an_entry_expires_at_its_age_however_often_it_is_used(clock: Clock) -> None:
    cache = cache_of(clock, ttl_s=300)
    cache.put("a", b"1")
    clock.now = 100
    cache.put("b", b"2")
    clock.now = 299.9
    assert cache.get("a") == b"1"
    clock.now = 300
    assert cache.get("a") is None and cache.get("b") == b"2"
    clock.now = 400
    cache.sweep()
    assert (len(cache), cache.statistics.bytes) == (0, 0)
    assert (cache.statistics.expired, cache.statistics.evicted) == (2, 0)


def test_an_entry_that_is_put_again_is_new(clock: Clock) -> None:
    cache = cache_of(clock, ttl_s=300)
    cache.put("a", b"1")
    clock.now = 200
    cache.put("a", b"23")
    clock.now = 450
    assert cache.get("a") == b"23"
    assert cache.statistics.bytes == 2 + ENTRY_BYTES


def test_the_one_used_longest_ago_goes_first(clock: Clock) -> None:
    cache = cache_of(clock, max_entries=10)
    for number in range(10):
        cache.put(str(number), b"")
    cache.get("0")
    cache.put("new", b"")
    assert len(cache) == 10 * CLEANED_TO
    assert cache.get("0") is not None and cache.get("new") is not None
    assert cache.get("1") is None and cache.get("4") is not None
    assert cache.statistics.evicted == 3


def test_bytes_are_cleaned_up_to_a_share_of_the_bound(clock: Clock) -> None:
    cache = cache_of(clock, max_bytes=100_000)
    for number in range(100):
        cache.put(str(number), bytes(10_000 - ENTRY_BYTES))
        assert cache.statistics.bytes <= 100_000
    assert cache.statistics.bytes >= CLEANED_TO * 100_000
    assert cache.get("99") is not None


def test_what_is_larger_than_the_bound_is_not_kept_and_takes_nothing_with_it(clock: Clock) -> None:
    cache = cache_of(clock, max_bytes=10_000)
    cache.put("a", b"1")
    cache.put("large", bytes(10_000))
    assert cache.get("a") == b"1" and cache.get("large") is None
    cache.put("a", bytes(10_000))
    assert cache.get("a") is None, "nor is what was there before"


def test_one_large_entry_stays(clock: Clock) -> None:
    cache = cache_of(clock, max_bytes=10_000)
    cache.put("a", bytes(5_000))
    cache.put("b", bytes(9_000))
    assert cache.get("a") is None and cache.get("b") is not None


def test_what_is_dropped_is_gone(clock: Clock) -> None:
    cache = cache_of(clock)
    cache.put("a", b"1")
    cache.put("b", b"2")
    cache.drop("a")
    cache.drop("unknown")
    assert cache.get("a") is None and cache.get("b") == b"2"
    cache.clear()
    assert (len(cache), cache.statistics.bytes, cache.statistics.evicted) == (0, 0, 0)


def test_memory_is_flat(clock: Clock) -> None:
    """50 times as much as fits passes through; what is held stays within the bound."""
    bound = 2_000_000
    cache = cache_of(clock, max_bytes=bound)
    chance = random.Random(7)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(20_000):
            clock.now += 0.001
            cache.put(f"conversation {number}", bytes(chance.randrange(1_000, 9_000)))
        held, peak = (figure - before for figure in tracemalloc.get_traced_memory())
    finally:
        tracemalloc.stop()
    assert cache.statistics.evicted > 19_000
    assert CLEANED_TO * bound * 0.9 < held <= bound, "the size that is counted is the true one"
    assert peak <= bound * 1.1
    held_by_count = cache.statistics.bytes
    assert held_by_count <= bound


def test_threads_do_not_spoil_the_figures(clock: Clock) -> None:
    cache = cache_of(clock, max_entries=50)
    wrong: list[bytes] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(3_000):
            key = str(chance.randrange(100))
            found = cache.get(key)
            if found is None:
                cache.put(key, key.encode())
            elif found != key.encode():
                wrong.append(found)
            if chance.random() < 0.05:
                cache.drop(key)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    statistics = cache.statistics
    assert not wrong
    assert statistics.hits + statistics.misses == 12_000
    assert len(cache) == statistics.entries <= 50
    kept = [key for key in map(str, range(100)) if cache.get(key) is not None]
    assert statistics.bytes == sum(len(key) + ENTRY_BYTES for key in kept)


async def test_many_who_ask_at_once_cause_one_load(clock: Clock) -> None:
    cache = cache_of(clock)
    go_on = asyncio.Event()
    made: list[str] = []

    async def make() -> bytes:
        made.append("a")
        await go_on.wait()
        return b"1"

    asking = [asyncio.create_task(cache.load("a", make)) for _ in range(5)]
    await asyncio.sleep(0)
    go_on.set()
    assert await asyncio.gather(*asking) == [b"1"] * 5 and made == ["a"]
    assert await cache.load("a", make) == b"1" and made == ["a"]
    statistics = cache.statistics
    assert (statistics.hits, statistics.misses, statistics.loads) == (1, 5, 1)


async def test_what_a_load_raises_reaches_all_and_is_not_kept(clock: Clock) -> None:
    cache = cache_of(clock)

    async def fail() -> bytes:
        await asyncio.sleep(0)
        raise ValueError("away")

    async def make() -> bytes:
        return b"1"

    results = await asyncio.gather(
        cache.load("a", fail), cache.load("a", fail), return_exceptions=True
    )
    assert [str(result) for result in results] == ["away", "away"]
    assert await cache.load("a", make) == b"1"


async def test_who_stops_waiting_does_not_stop_the_others(clock: Clock) -> None:
    cache = cache_of(clock)
    go_on = asyncio.Event()

    async def make() -> bytes:
        await go_on.wait()
        return b"1"

    first = asyncio.create_task(cache.load("a", make))
    second = asyncio.create_task(cache.load("a", make))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    go_on.set()
    assert await second == b"1" and first.cancelled()
    assert cache.get("a") == b"1"


async def test_what_was_dropped_while_it_loaded_is_not_kept(clock: Clock) -> None:
    cache = cache_of(clock)
    go_on = asyncio.Event()

    async def make() -> bytes:
        await go_on.wait()
        return b"erased meanwhile"

    async def make_anew() -> bytes:
        return b"new"

    for drop in (lambda: cache.drop("a"), cache.clear):
        go_on.clear()
        asking = asyncio.create_task(cache.load("a", make))
        await asyncio.sleep(0)
        drop()
        assert await cache.load("a", make_anew) == b"new", "nobody waits for the old one any more"
        go_on.set()
        assert await asking == b"erased meanwhile"
        assert cache.get("a") == b"new"
        cache.drop("a")


@pytest.mark.parametrize("bounds", [{"ttl_s": 0}, {"max_entries": 0}, {"max_bytes": -1}], ids=str)
def test_bounds_out_of_bounds(clock: Clock, bounds: dict[str, int]) -> None:
    with pytest.raises(InvalidInput):
        cache_of(clock, **bounds)
