"""A lesson: the assertions that one unit brings, gathered message by message."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from msgspec import Struct

from ..graph.admission import Known, Limits, Slot
from ..graph.evidence import Evidence
from ..graph.learner import Learned
from ..graph.learning import TYPE
from ..graph.statements import Assertion
from ..graph.values import canonical
from ..model.turn import Incoming

DEFINED = Evidence("index", confidence=1.0)
"""Of what follows from a thing's own id or from the dictionary."""


_SCALARS = (str, int, float, bool)

Taught = dict[Slot, Hashable]
"""What the works of one commit teach together: the same twice is written once."""


class Lesson(Struct):
    """What one unit teaches, and what was not admitted, by reason."""

    assertions: list[Assertion] = []
    learned: list[Learned] = []
    """The same, checked and encoded, for the commit."""
    slots: list[tuple[Slot, Hashable]] = []
    offered: int = 0
    forgotten: int = 0
    """How often the memory of what is known had been cleared when it was made."""
    refused: list[str] = []


class Notebook:
    """Collects a lesson. `source` is the inbox number that statements rest on from now on."""

    __slots__ = (
        "_batch",
        "_evidence",
        "_known",
        "_now",
        "_said",
        "_source",
        "lesson",
        "limits",
    )

    def __init__(self, known: Known, limits: Limits, batch: Taught, now: int) -> None:
        self._known = known
        self._batch = batch
        self._now = now
        self._evidence: dict[float, Evidence] = {}
        self._source = 0
        self._said = 0
        self.limits = limits
        self.lesson = Lesson()

    def turn_to(self, incoming: Incoming) -> None:
        """What follows was said in this message."""
        self._source, self._said = incoming.inbox_id, incoming.received_at
        if self._evidence:
            self._evidence.clear()

    def refuse(self, reason: str) -> None:
        self.lesson.offered += 1
        self.lesson.refused.append(reason)

    def tell(
        self,
        subject: str,
        predicate: str,
        value: Any,
        confidence: float,
        *,
        since_ever: bool = False,
    ) -> None:
        """A value that holds from this message on, which closes what held before; or since ever,
        as far as nothing else is said."""
        mark = value if type(value) in _SCALARS else canonical(value)
        if self._is_new((subject, predicate, None), mark):
            self._add(
                Assertion(
                    subject=subject, predicate=predicate, value=value, learned=self._said,
                    valid_from=None if since_ever or predicate == TYPE else self._said,
                    evidence=self._because(confidence),
                )
            )  # fmt: skip

    def join(self, subject: str, predicate: str, target: str, confidence: float) -> bool:
        """A relationship that holds from this message on; whether it is new. What the target is
        was told when it was new."""
        if not self._is_new((subject, predicate, target), True):
            return False
        self._add(
            Assertion(
                subject=subject, predicate=predicate, target=target, learned=self._said,
                valid_from=self._said, single=False, evidence=self._because(confidence),
            )
        )  # fmt: skip
        return True

    def define(self, subject: str, kind: str, name: str) -> None:
        """What a shared thing is, whoever speaks of it."""
        for predicate, value in ((TYPE, kind), ("name", name)):
            if self._is_new((subject, predicate, None), value):
                self._add(
                    Assertion(
                        subject=subject, predicate=predicate, value=value, learned=0,
                        evidence=DEFINED,
                    )
                )  # fmt: skip

    def holds(self, subject: str, predicate: str, target: str | None = None) -> bool:
        """Whether it is remembered that something stands there."""
        slot = (subject, predicate, target)
        return slot in self._batch or self._known.value(slot, self._now) is not None

    def _is_new(self, slot: Slot, mark: Hashable) -> bool:
        lesson = self.lesson
        lesson.offered += 1
        before = self._batch.get(slot)
        if (self._known.value(slot, self._now) if before is None else before) == mark:
            lesson.refused.append("known")
            return False
        self._batch[slot] = mark
        lesson.slots.append((slot, mark))
        return True

    def _add(self, assertion: Assertion) -> None:
        self.lesson.assertions.append(assertion)

    def _because(self, confidence: float) -> Evidence:
        confidence = round(confidence, 3)
        found = self._evidence.get(confidence)
        if found is None:
            found = self._evidence[confidence] = Evidence(
                "message", confidence=confidence, event=self._source
            )
        return found
