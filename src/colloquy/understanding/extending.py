"""Runs users' extractors and classifiers over a batch, without trusting them.

What one of them does wrong never reaches the rest of a result: an exception costs its own results
of the texts it raises for, a span that does not fit its text is dropped. One that is too slow or
fails, batch after batch, is left out for a while (a circuit breaker; Nygard, "Release It!", 2007):
budgets are per batch, and never decide about one message [engine 37]. Results say who failed or was
left out; running history again runs without budgets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter_ns

import msgspec
from msgspec import Struct

from ..model.understanding import Entity, Label
from ..telemetry import get_logger
from .extension import Context, Extension, Extractor

BUDGET_MS = 50.0
"""Milliseconds that a batch may take in one extension, unless it has a `budget_ms` of its own."""
STRIKES = 3
"""Batches in a row, over budget or failed, that open the breaker."""
REST = 50
"""Batches that are then left out; one more strike after that opens it again."""
MAX_RESULTS = 100
"""Entities or labels that one extension gives to one text; the first ones are kept."""

_log = get_logger(__name__)


class Added(Struct):
    """What extensions found in one text.

    `extra` are the labels of classifiers by the extension's name. `failed` names extensions that
    raised for this text, `rested` those whose breaker was open.
    """

    entities: list[Entity]
    extra: dict[str, list[Label]]
    failed: list[str]
    rested: list[str]


class _Slot:
    """One extension with its breaker."""

    def __init__(self, extension: Extension) -> None:
        self.extension = extension
        self.name = extension.name
        self.budget_ns = int(1e6 * float(getattr(extension, "budget_ms", BUDGET_MS)))
        self.strikes = 0
        self.rest = 0
        self.told: set[str] = set()


class Extensions:
    """All extensions of a process. Not safe for two threads at once.

    `version` names them ("orders@1"), for results. Without `limited` there are no budgets and no
    breakers. `counters` grows: per extension nanoseconds ("ext_orders_ns"), texts that it raised
    for ("ext_orders_failed"), results dropped ("…_dropped"), batches over budget ("…_slow") and
    left out ("…_rested"). `clock` counts nanoseconds.
    """

    def __init__(
        self,
        extensions: Sequence[Extension] = (),
        *,
        limited: bool = True,
        clock: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self._slots = [_Slot(one) for one in extensions]
        self._limited = limited
        self._clock = clock
        self.version = ";".join(f"{one.name}@{one.version}" for one in extensions)
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._slots)

    def run(self, texts: Sequence[str], contexts: Sequence[Context]) -> list[Added]:
        """One result for each text, in the same order. Never raises."""
        added = [Added([], {}, [], []) for _ in texts]
        for slot in self._slots if texts else ():
            if slot.rest > 0:
                slot.rest -= 1
                self.counters[f"ext_{slot.name}_rested"] += 1
                for one in added:
                    one.rested.append(slot.name)
                continue
            began = self._clock()
            failures = self._run(slot, texts, contexts, added)
            spent = self._clock() - began
            self.counters[f"ext_{slot.name}_ns"] += spent
            self._judge(slot, spent, failures, len(texts))
        return added

    def _judge(self, slot: _Slot, spent: int, failures: int, texts: int) -> None:
        """Counts a strike, or forgets them: half the texts failing is the extension's fault."""
        slow = spent > slot.budget_ns
        if slow:
            self.counters[f"ext_{slot.name}_slow"] += 1
        if not self._limited:
            return
        if not slow and 2 * failures < texts:
            slot.strikes = 0
            return
        slot.strikes += 1
        if slot.strikes >= STRIKES:
            slot.rest = REST
            slot.strikes = STRIKES - 1
            _log.warning(
                "extension_rests",
                extension=slot.name,
                batches=REST,
                last_ms=round(spent / 1e6, 1),
                failed=failures,
            )

    def _run(
        self,
        slot: _Slot,
        texts: Sequence[str],
        contexts: Sequence[Context],
        added: Sequence[Added],
    ) -> int:
        """Fills in what the extension finds; how many texts it failed for."""
        try:
            self._call(slot, texts, contexts, added)
            return 0
        except Exception:
            _log.exception("extension_failed", extension=slot.name, texts=len(texts))
            if len(texts) == 1:
                self._failed(slot, added[0])
                return 1
        failures = 0
        for text, context, one in zip(texts, contexts, added, strict=True):
            try:
                self._call(slot, [text], [context], [one])
            except Exception:
                if failures == 0:  # the others of this batch hardly say anything new
                    _log.exception("extension_failed", extension=slot.name, texts=1)
                self._failed(slot, one)
                failures += 1
        return failures

    def _failed(self, slot: _Slot, one: Added) -> None:
        one.failed.append(slot.name)
        self.counters[f"ext_{slot.name}_failed"] += 1

    def _call(
        self,
        slot: _Slot,
        texts: Sequence[str],
        contexts: Sequence[Context],
        added: Sequence[Added],
    ) -> None:
        """One call over these texts. All or nothing; raises whatever the extension raises."""
        extension = slot.extension
        given, circumstances = list(texts), list(contexts)
        found: object = (
            extension.extract(given, circumstances)
            if isinstance(extension, Extractor)
            else extension.classify(given, circumstances)
        )
        rows = _rows(found, len(texts))
        if isinstance(extension, Extractor):
            entities = [
                self._entities(slot, text, row) for text, row in zip(texts, rows, strict=True)
            ]
            for one, kept in zip(added, entities, strict=True):
                one.entities += kept
            return
        for one, row in zip(added, rows, strict=True):
            labels = self._labels(slot, row)
            if labels:
                one.extra[slot.name] = labels

    def _entities(self, slot: _Slot, text: str, row: Sequence[object]) -> list[Entity]:
        kept = []
        for entity in row[:MAX_RESULTS]:
            problem = _problem(entity, text)
            if problem is None and isinstance(entity, Entity):
                span = text[entity.start : entity.end]
                kept.append(msgspec.structs.replace(entity, text=span, extractor=slot.name))
            else:
                self._drop(slot, problem or "no Entity")
        return kept

    def _labels(self, slot: _Slot, row: Sequence[object]) -> list[Label]:
        kept = []
        for label in row[:MAX_RESULTS]:
            if isinstance(label, Label) and _is_name(label.name) and _is_share(label.confidence):
                kept.append(label)
            else:
                self._drop(slot, "no Label with a name and a confidence from 0 to 1")
        return kept

    def _drop(self, slot: _Slot, why: str) -> None:
        self.counters[f"ext_{slot.name}_dropped"] += 1
        if why not in slot.told:
            slot.told.add(why)
            _log.warning("extension_result_dropped", extension=slot.name, why=why)


def with_entities(
    entities: Sequence[Entity], candidates: Sequence[Entity], added: Sequence[Entity]
) -> tuple[list[Entity], list[Entity]]:
    """Entities and candidates with further ones, without overlaps: the surest wins, then the
    longest, then the one that was there before."""
    if not added:
        return list(entities), list(candidates)
    rivals = [*entities, *added]
    rivals.sort(key=lambda one: (-one.confidence, one.start - one.end))  # stable
    kept: list[Entity] = []
    lost: list[Entity] = []
    for rival in rivals:
        free = all(rival.end <= one.start or one.end <= rival.start for one in kept)
        (kept if free else lost).append(rival)
    kept.sort(key=lambda one: one.start)
    ordered = sorted(
        [*candidates, *lost], key=lambda one: (-one.confidence, one.start, one.end, one.label)
    )
    return kept, ordered


def _rows(found: object, texts: int) -> list[Sequence[object]]:
    """A list of lists, one for each text. Raises TypeError, ValueError."""
    if not isinstance(found, list | tuple):
        raise TypeError(f"a batch method returns a list of lists, not {type(found).__name__}")
    if len(found) != texts:
        raise ValueError(f"{len(found)} results for {texts} texts")
    for row in found:
        if not isinstance(row, list | tuple):
            raise TypeError(f"the result of a text is a list, not {type(row).__name__}")
    return list(found)


def _problem(entity: object, text: str) -> str | None:
    """Why it is no entity of this text."""
    if not isinstance(entity, Entity) or not _is_name(entity.label):
        return "no Entity with a label"
    start, end = entity.start, entity.end
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        return "its span is not in the text"
    if entity.text and entity.text != text[start:end]:
        return "its text is not text[start:end]"
    if not _is_share(entity.confidence):
        return "its confidence is not from 0 to 1"
    try:
        msgspec.json.encode((entity.label, entity.value, entity.role, entity.group))
    except Exception:
        # TypeError, UnicodeEncodeError, RecursionError, or what a user's own type raises.
        return "its value cannot be written as JSON"
    return None


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= 200 and _is_unicode(name)


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _is_share(number: object) -> bool:
    return (
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and math.isfinite(number)
        and 0.0 <= number <= 1.0
    )
