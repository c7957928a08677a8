"""What another version of the models understands differently of messages that are in the log."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct

from ..model.understanding import Entity, Understanding

MAX_EXAMPLES = 20
"""Changed messages of one kind that are kept to be looked at."""
KINDS = ("intent", "entities", "emotion", "polarity", "language", "act", "urgent")


class Change(Struct, frozen=True):
    """One message that is understood differently: the kind, what was found, what is found now."""

    kind: str
    message_id: str
    before: str
    after: str
    text: str | None = None


class Comparison(Struct, kw_only=True):
    """Messages that were compared, how many changed in each kind, and some of them.

    `same` are those without any change. `versions` counts the pairs of versions "old → new".
    """

    messages: int = 0
    same: int = 0
    changed: dict[str, int] = {}
    versions: dict[str, int] = {}
    examples: list[Change] = []

    @property
    def agreement(self) -> float:
        """The share of messages in which nothing changed."""
        return self.same / self.messages if self.messages else 1.0


class Comparer:
    """Counts the differences of pairs."""

    def __init__(self) -> None:
        self._changed: Counter[str] = Counter()
        self._versions: Counter[str] = Counter()
        self._examples: list[Change] = []
        self._messages = self._same = 0

    def add(self, message_id: str, text: str, old: Understanding, new: Understanding) -> None:
        """One message under both."""
        self._messages += 1
        self._versions[f"{old.model or 'none'} → {new.model}"] += 1
        before, after = facets(old), facets(new)
        kinds = [kind for kind in KINDS if before[kind] != after[kind]]
        self._same += not kinds
        for kind in kinds:
            self._changed[kind] += 1
            if self._changed[kind] <= MAX_EXAMPLES:
                self._examples.append(Change(kind, message_id, before[kind], after[kind], text))

    def result(self, *, show_text: bool) -> Comparison:
        """All that was counted; texts only on request, as they are people's."""
        examples = sorted(self._examples, key=lambda one: KINDS.index(one.kind))
        if not show_text:
            examples = [Change(one.kind, one.message_id, one.before, one.after) for one in examples]
        return Comparison(
            messages=self._messages,
            same=self._same,
            changed={kind: self._changed[kind] for kind in KINDS if self._changed[kind]},
            versions=dict(self._versions.most_common()),
            examples=examples,
        )


def facets(found: Understanding) -> dict[str, str]:
    """What is compared, as words: sure things only, no figures that move with every version."""
    return {
        "intent": ", ".join(sorted(one.name for one in found.intents)) or found.intent or "none",
        "entities": ", ".join(sorted(map(_entity, found.entities))) or "none",
        "emotion": found.emotion.label,
        "polarity": found.feeling,
        "language": found.language or "unknown",
        "act": found.act or "none",
        "urgent": "yes" if found.urgent else "no",
    }


def _entity(one: Entity) -> str:
    role = f"/{one.role}" if one.role else ""
    return f"{one.label}{role}@{one.start}-{one.end}"
