"""What tests of the stored graph share: a clock, and the graph's tables as comparable values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

from msgspec import structs

from colloquy.graph.evidence import Evidence
from colloquy.graph.graph import Graph, Report
from colloquy.graph.kinds import Entity
from colloquy.graph.learning import of_entity, of_relationship
from colloquy.graph.relationships import Relationship
from colloquy.graph.statements import Assertion, Merge
from colloquy.storage.store import Store

START = 1_700_000_000_000_000


def ticking() -> Callable[[], int]:
    """A clock that is a microsecond later each time."""
    ticks = count(START)
    return lambda: next(ticks)


def says(
    subject: str,
    predicate: str,
    value: Any = None,
    *,
    to: str | None = None,
    said: int = 1,
    since: int | None = None,
    until: int | None = None,
    single: bool = True,
    event: int | None = None,
    sure: float | None = None,
) -> Assertion:
    """A short way to write an assertion."""
    evidence = None
    if event is not None or sure is not None:
        evidence = Evidence("message", sure, event=event)
    return Assertion(
        subject=subject, predicate=predicate, value=value, target=to, learned=said,
        valid_from=since, valid_to=until, single=single, evidence=evidence,
    )  # fmt: skip


def renamed(statements: Sequence[Assertion | Merge], mark: str) -> list[Assertion | Merge]:
    """The same about entities of their own, whose ids begin with `mark`."""
    made: list[Assertion | Merge] = []
    for one in statements:
        if isinstance(one, Merge):
            made.append(structs.replace(one, kept=mark + one.kept, other=mark + one.other))
        else:
            target = None if one.target is None else mark + one.target
            made.append(structs.replace(one, subject=mark + one.subject, target=target))
    return made


async def values(graph: Graph, mark: str = "") -> dict[str, bytes]:
    """The ledger's slots as they are now, of entities whose ids begin with `mark`."""
    rows = await graph.store.select(
        "SELECT c.key, c.after FROM changes c WHERE c.collection = 'graph' AND c.after IS NOT NULL"
        " AND c.position = (SELECT max(m.position) FROM changes m"
        " WHERE m.collection = c.collection AND m.key = c.key)"
    )
    return {key: after for key, after in rows if key.startswith(mark)}


async def head(store: Store) -> int:
    return int((await store.query("ledger_head"))[0][0])


async def known(graph: Graph, as_of: int | None = None, mark: str = "") -> list[tuple[Any, ...]]:
    """Every fact that is known, by ids, without positions; sorted."""
    test, parameters = "f.learned_to IS NULL", ()
    if as_of is not None:
        test = "f.learned_from <= $1 AND (f.learned_to IS NULL OR f.learned_to > $1)"
        parameters = (as_of,)
    rows = await graph.store.select(
        "SELECT s.id, f.predicate, f.single, t.id, f.value, f.valid_from, f.valid_to,"
        " f.confidence, f.support FROM graph_facts f"
        " JOIN graph_entities s ON s.number = f.subject"
        f" LEFT JOIN graph_entities t ON t.number = f.target WHERE {test}",
        *parameters,
    )
    return _sorted(rows, mark)


async def described(graph: Graph, mark: str = "") -> list[tuple[Any, ...]]:
    """Every entity as lists show it, with the one that stands for it."""
    rows = await graph.store.select(
        "SELECT e.id, e.kind, e.name, s.id FROM graph_entities e"
        " LEFT JOIN graph_entities s ON s.number = e.stands"
    )
    return _sorted(rows, mark)


async def contested(graph: Graph, mark: str = "") -> list[tuple[Any, ...]]:
    """Every contradiction that is recorded, without positions."""
    rows = await graph.store.select(
        "SELECT e.id, c.predicate, c.kind, c.chosen, c.other, c.chosen_key, c.other_key"
        " FROM graph_contradictions c JOIN graph_entities e ON e.number = c.subject"
    )
    return _sorted(rows, mark)


def _sorted(rows: list[tuple[Any, ...]], mark: str) -> list[tuple[Any, ...]]:
    return sorted((row for row in rows if row[0].startswith(mark)), key=repr)


async def tell(graph: Graph, what: Entity | Relationship, actor: str, said: int = 1) -> Report:
    """Learns it whole."""
    made = of_entity(what, said) if isinstance(what, Entity) else of_relationship(what, said)
    return await graph.learn(made, actor)
