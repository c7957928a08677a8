"""Which entities are one: a pure function of the merges that hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from .statements import Merge


def representatives(merges: Iterable[Merge]) -> dict[str, str]:
    """The entity that stands for each merged one; an entity that is not in it stands for itself.

    Of those that are one, it is the one that no merge gave up; where there are several (two were
    kept by merges that a third joined) or none (a circle), the first by id. Order does not matter.
    """
    parent: dict[str, str] = {}
    given_up: set[str] = set()

    def root(entity: str) -> str:
        parent.setdefault(entity, entity)
        while parent[entity] != entity:
            parent[entity] = parent[parent[entity]]
            entity = parent[entity]
        return entity

    for merge in merges:
        given_up.add(merge.other)
        parent[root(merge.other)] = root(merge.kept)
    groups: dict[str, list[str]] = defaultdict(list)
    for entity in list(parent):
        groups[root(entity)].append(entity)
    result = {}
    for members in groups.values():
        chosen = min(members, key=lambda entity: (entity in given_up, entity))
        result.update(dict.fromkeys(members, chosen))
    return result
