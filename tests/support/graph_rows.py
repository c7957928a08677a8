"""Fills the graph's tables row by row, with the numbers and positions that a test wants."""

from __future__ import annotations

from typing import Any

from colloquy.graph.values import canonical
from colloquy.storage.commit import Steps
from colloquy.storage.statement import insert
from colloquy.storage.statements import STATEMENTS
from colloquy.storage.store import Store

_CHANGE = insert(
    "support_change",
    "changes",
    "position:int at:int actor:text operation:text collection:text key:text",
    "ON CONFLICT DO NOTHING",
)
AT = 1_700_000_000_000_000
"""Position p of the ledger was written p seconds after this."""


class GraphRows:
    """Rows to be written. Entities get numbers as they are first named, above `base`, and so do
    facts: with another base another graph fits into the same tables, if its ids are others."""

    def __init__(self, base: int = 0) -> None:
        self.base = base
        self.numbers: dict[str, int] = {}
        self._entities: dict[str, tuple[str | None, str | None, str | None, int]] = {}
        self._facts: list[tuple[Any, ...]] = []
        self._positions: set[int] = set()

    def number(self, id_: str) -> int:
        return self.numbers.setdefault(id_, self.base + len(self.numbers) + 1)

    def entity(
        self,
        id_: str,
        kind: str | None = None,
        *,
        stands: str | None = None,
        changed: int = 1,
        **attributes: Any,
    ) -> GraphRows:
        """With a fact for its kind and each attribute; a list is a set."""
        self.number(id_)
        name = attributes.get("name")
        self._entities[id_] = (kind, name, stands, changed)
        if kind is not None:
            self.value(id_, "type", kind)
        for predicate, value in attributes.items():
            for one in value if isinstance(value, list) else [value]:
                self.value(id_, predicate, one, single=not isinstance(value, list))
        return self

    def value(self, subject: str, predicate: str, value: Any, **times: Any) -> GraphRows:
        return self._fact(subject, predicate, None, canonical(value), **times)

    def edge(self, subject: str, predicate: str, target: str, **times: Any) -> GraphRows:
        return self._fact(subject, predicate, target, None, **times)

    def _fact(
        self,
        subject: str,
        predicate: str,
        target: str | None,
        value: bytes | None,
        *,
        learned: int = 1,
        closed: int | None = None,
        valid: tuple[int | None, int | None] = (None, None),
        confidence: float = 1.0,
        single: bool = False,
    ) -> GraphRows:
        other = None if target is None else self.number(target)
        self._facts.append(
            (self.base + len(self._facts) + 1, self.number(subject), predicate, int(single), other,
             value, *valid, learned, confidence, 1, closed)
        )  # fmt: skip
        self._positions |= {learned} | ({closed} if closed is not None else set())
        return self

    async def write(self, store: Store) -> GraphRows:
        STATEMENTS.setdefault(_CHANGE.name, _CHANGE)
        entities = []
        for id_, number in self.numbers.items():
            kind, name, stands, changed = self._entities.get(id_, (None, None, None, 1))
            other = None if stands is None else self.numbers[stands]
            entities.append((number, id_, kind, name, other, changed))
        changes = [
            (position, AT + position * 1_000_000, "test", "set", "graph", f"key-{position}")
            for position in sorted(self._positions)
        ]

        def steps() -> Steps:
            yield "graph_entity_insert", entities
            if self._facts:
                yield "graph_fact_insert", [row[:-1] for row in self._facts]
                closed = [(row[0], row[-1]) for row in self._facts if row[-1] is not None]
                if closed:
                    yield "graph_fact_close", closed
                yield _CHANGE.name, changes

        await store.transact(steps)
        return self
