"""The shadow: which messages it sees, and what it counts."""

from __future__ import annotations

from collections import Counter

import pytest
import structlog

from colloquy.model.errors import InvalidInput
from colloquy.understanding.analyse import Analyser
from colloquy.understanding.pack import pack_from_examples
from colloquy.understanding.shadow import Shadow
from colloquy.understanding.wire import Item, Understood

NOW = 1_795_273_200_000_000
ITEMS = [Item(f"message {number}", NOW, None) for number in range(400)]
PLAIN = Analyser()


def looked(shadow: Shadow, items: list[Item]) -> Counter[str]:
    counters = Counter[str]()
    shadow.look(items, PLAIN.analyse(items), counters)
    return counters


def test_its_share_is_chosen_by_text_alone() -> None:
    counts = [looked(Shadow(PLAIN, share), ITEMS)["shadow_messages"] for share in (0, 0.25, 0.5, 1)]
    assert counts[0] == 0 and counts[3] == 400
    assert 60 < counts[1] < 140 < counts[2] < 260
    shadow = Shadow(PLAIN, 0.25)
    alone = sum(looked(shadow, [item])["shadow_messages"] for item in reversed(ITEMS))
    assert alone == counts[1]


def test_what_differs_is_counted() -> None:
    other = Analyser(pack_from_examples({"hours": ["when do you open"]}))
    items = [Item("when do you open", NOW, None), Item("message 5", NOW, None)]
    counters = looked(Shadow(other, 1.0), items)
    assert (counters["shadow_messages"], counters["shadow_same"]) == (2, 1)
    assert counters["shadow_intent"] == 1
    assert counters["shadow_confidence_millis"] > 0


def test_one_that_raises_is_counted_and_nobody_elses_trouble() -> None:
    class Broken(Analyser):
        def analyse(self, items: list[Item]) -> list[Understood]:
            raise ValueError("no")

    with structlog.testing.capture_logs() as logs:
        counters = looked(Shadow(Broken(), 1.0), ITEMS[:3])
    assert counters == {"shadow_failed": 3}
    assert logs[0]["exc_info"]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(InvalidInput):
        Shadow(PLAIN, share)
