"""The entities that one transaction meets: their numbers, and which of them are one.

What reads is steps as in `storage/commit.py`: generators that yield (statement name, rows).
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from ..ledger.collections import Steps


class Node(Struct, gc=False):
    """A row of `graph_entities`."""

    id: str
    number: int
    stands: int | None
    kind: str | None = None
    name: str | None = None

    @property
    def representative(self) -> int:
        """The number of the entity that holds the facts of this one."""
        return self.number if self.stands is None else self.stands


class Nodes:
    def __init__(self) -> None:
        self.by_id: dict[str, Node] = {}
        self.by_number: dict[int, Node] = {}
        self._asked: set[int] = set()
        self._behind: dict[int, list[Node]] = {}
        self.any_merged = True
        """Whether some entities are one with others; known once `find_behind` has looked."""

    def find(self, ids: Iterable[str]) -> Steps:
        """Reads those that exist."""
        wanted = sorted({id_ for id_ in ids if id_ not in self.by_id})
        if wanted:
            self._take((yield "graph_entities_by_id", [(id_,) for id_ in wanted]))

    def find_numbers(self, numbers: Iterable[int]) -> Steps:
        wanted = sorted({number for number in numbers if number not in self.by_number})
        if wanted:
            self._take((yield "graph_entities_by_number", [(number,) for number in wanted]))

    def find_behind(self, numbers: Iterable[int]) -> Steps:
        """Reads, for these representatives, all for which they stand, and themselves."""
        wanted = sorted(set(numbers) - self._asked)
        if wanted:
            self._asked.update(wanted)
            yield from self.find_numbers(wanted)
            self.any_merged = bool((yield "graph_is_merged", [()]))
            if self.any_merged:
                self._take((yield "graph_entities_behind", [(one,) for one in wanted]))

    def add(self, node: Node) -> None:
        self.by_id[node.id] = self.by_number[node.number] = node
        if node.stands is not None:
            self._behind.setdefault(node.stands, []).append(node)

    def place(self, node: Node, representative: int | None) -> None:
        """From now on that one stands for it."""
        if node.stands is not None:
            self._behind[node.stands].remove(node)
        node.stands = representative
        self.add(node)

    def one_with(self, representative: int) -> list[Node]:
        """All that this one stands for, itself first; `find_behind` must have read them."""
        return [self.by_number[representative], *self._behind.get(representative, ())]

    def is_merged(self, node: Node) -> bool:
        return node.stands is not None or bool(self._behind.get(node.number))

    def _take(self, rows: list[tuple[object, ...]]) -> None:
        for id_, number, stands, kind, name in rows:
            if number not in self.by_number:
                self.add(Node(id_, number, stands, kind, name))  # type: ignore[arg-type]
