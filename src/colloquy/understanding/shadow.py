"""A new version of the models beside the one that answers, on a share of the messages.

It decides nothing: its results are compared and forgotten. Which messages it sees depends on their
text alone, so that every process, and a second run, chooses the same.
"""

from __future__ import annotations

from collections import Counter
from time import perf_counter_ns
from zlib import crc32

import msgspec

from ..model.errors import InvalidInput
from ..model.understanding import Understanding
from ..telemetry import get_logger
from .analyse import Analyser
from .comparing import KINDS, facets
from .wire import Item, Understood

_log = get_logger(__name__)
_decode = msgspec.json.Decoder(Understanding).decode


class Shadow:
    """Compares another analyser's results with those that count.

    Counts, in the counters that `look` is given: "shadow_messages", "shadow_same" (nothing
    differs), "shadow_intent" and so on for each kind that differs (`comparing.KINDS`),
    "shadow_confidence_millis" (the sum of new less old confidence, in thousandths), "shadow_ns"
    and "shadow_failed" (messages of batches that it raised for).
    """

    def __init__(self, analyser: Analyser, share: float) -> None:
        """`share` of the messages, 0 to 1. Raises InvalidInput outside of that."""
        if not 0.0 <= share <= 1.0:
            raise InvalidInput("a share is from 0 to 1", field="understanding.shadow_share")
        self._analyser = analyser
        self._below = round(share * 2**32)

    @property
    def version(self) -> str:
        return self._analyser.version

    def look(self, items: list[Item], results: list[Understood], counters: Counter[str]) -> None:
        """Understands its share of a batch again. Never raises: nobody waits for its opinion."""
        chosen = [
            (item, result)
            for item, result in zip(items, results, strict=True)
            if crc32(item.text.encode("utf-8", "replace")) < self._below
        ]
        if not chosen:
            return
        began = perf_counter_ns()
        try:
            found = self._analyser.analyse([item for item, _ in chosen])
        except Exception:
            _log.exception("shadow_failed", messages=len(chosen))
            counters["shadow_failed"] += len(chosen)
            return
        for (_, old), new in zip(chosen, found, strict=True):
            before, after = facets(_decode(old.raw)), facets(_decode(new.raw))
            differing = [kind for kind in KINDS if before[kind] != after[kind]]
            for kind in differing:
                counters[f"shadow_{kind}"] += 1
            counters["shadow_same"] += not differing
            counters["shadow_confidence_millis"] += round(1000 * (new.confidence - old.confidence))
        counters["shadow_messages"] += len(chosen)
        counters["shadow_ns"] += perf_counter_ns() - began
