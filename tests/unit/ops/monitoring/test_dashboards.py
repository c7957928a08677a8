"""A dashboard's queue is bounded; what it misses is counted and told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from colloquy.model.errors import Unavailable
from colloquy.ops.monitoring import dashboards
from colloquy.ops.monitoring.adapters import SIGNAL_BYTES, packed
from colloquy.ops.monitoring.dashboards import Dashboard, Hub
from colloquy.storage.signals.envelope import PAYLOAD_BYTES, encode


async def taken(dashboard: Dashboard) -> list[Any]:
    """All frames until it is over."""
    return [json.loads(one) async for one in dashboard.frames() if one is not None]


async def test_one_that_never_reads_keeps_the_newest_and_costs_no_more() -> None:
    hub = Hub(most=2, queue_size=3)
    with hub.join() as slow, hub.join() as other:
        for number in range(100):
            hub.send([b"%d" % number])
            assert slow.waiting <= 3
        assert hub.dropped == 2 * 97
        assert hub.view().connected == 2
        frames = slow.frames()
        told = json.loads(await anext(frames) or b"")
        assert (told["type"], told["data"]) == ("dropped", {"count": 97})
        assert [await anext(frames) for _ in range(3)] == [b"97", b"98", b"99"]
        hub.send([b"100"])
        assert await anext(frames) == b"100", "after the gap it goes on as before"
        assert other.waiting == 3
    assert hub.view().connected == 0
    hub.send([b"101"])
    assert slow.waiting == 0


async def test_there_is_a_bound_on_dashboards() -> None:
    hub = Hub(most=1, queue_size=1)
    with hub.join(), pytest.raises(Unavailable, match="1 dashboards"):
        hub.join()
    with hub.join() as again:
        hub.end()
        assert await taken(again) == []


async def test_a_quiet_line_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "KEEP_ALIVE_S", 0.001)
    with Hub(most=1, queue_size=1).join() as dashboard:
        assert await anext(dashboard.frames()) is None


def frame(size: int) -> bytes:
    data = {"text": 'a"' * (size // 2)}
    body = {"type": "app", "at": "t", "source": "s", "data": data, "errors": ["e" * 9000]}
    return json.dumps(body if size > 9000 else {**body, "errors": []}).encode()


def test_events_are_packed_into_signals_that_fit() -> None:
    small, large = frame(400), frame(12_000)
    texts = packed([small] * 30 + [large] + [small])
    for text in texts:
        assert len(encode("monitoring", text)) <= PAYLOAD_BYTES
    found = [one for text in texts for one in json.loads(text)]
    assert len(found) == 32
    assert found[0] == json.loads(small)
    assert (found[30]["data"], found[30]["truncated"]) == (None, True)
    assert len(texts) < 8, "many go together"
    assert packed([]) == []
    assert SIGNAL_BYTES < PAYLOAD_BYTES
