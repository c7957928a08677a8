"""The graph's walks the plain way, on everything in memory: what the real ones are held against."""

from __future__ import annotations

from itertools import count
from typing import NamedTuple

from hypothesis import strategies as st

from colloquy.graph.queries.sql import Moment
from support.graph_rows import GraphRows

TYPES = ("CALLS", "DEPENDS_ON", "KNOWS")
_graphs = count(1)


class Line(NamedTuple):
    """A relationship of a drawn graph; ends are numbers from 0."""

    source: int
    type: str
    target: int
    confidence: float
    learned: int
    closed: int | None
    valid: tuple[int | None, int | None]

    def holds(self, moment: Moment) -> bool:
        start, end = self.valid
        at = moment.at_us
        if at is not None and not (start is None or start <= at) & (end is None or end > at):
            return False
        if moment.as_of is None:
            return self.closed is None
        return self.learned <= moment.as_of and (self.closed is None or self.closed > moment.as_of)


class Drawn(NamedTuple):
    """A graph of `size` entities."""

    size: int
    lines: list[Line]

    def at(self, moment: Moment) -> list[Line]:
        return [line for line in self.lines if line.holds(moment)]


@st.composite
def graphs(draw: st.DrawFn, size: int = 8, most: int = 20) -> Drawn:
    times = st.none() | st.integers(0, 3)
    lines = []
    for _ in range(draw(st.integers(0, most))):
        start = draw(times)
        end = draw(st.none() | st.integers(4, 6))
        learned = draw(st.integers(1, 4))
        closed = draw(st.none() | st.none() | st.integers(learned + 1, 6))
        lines.append(
            Line(
                draw(st.integers(0, size - 1)), draw(st.sampled_from(TYPES)),
                draw(st.integers(0, size - 1)), draw(st.sampled_from([0.25, 0.5, 1.0])),
                learned, closed, (start, end),
            )
        )  # fmt: skip
    return Drawn(size, lines)


moments = st.builds(Moment, st.none() | st.integers(0, 6), st.none() | st.integers(0, 6))
directions = st.sampled_from(["outgoing", "incoming", "both"])


class Stored(NamedTuple):
    """The rows of a drawn graph, beside those of others in the same tables."""

    rows: GraphRows
    name: str

    def id(self, entity: int) -> str:
        return f"{self.name}-{entity}"

    def entity(self, id_: str) -> int:
        return int(id_.rpartition("-")[2])


def rows_of(drawn: Drawn) -> Stored:
    number = next(_graphs)
    stored = Stored(GraphRows(number * 1000), f"g{number}")
    for entity in range(drawn.size):
        stored.rows.entity(stored.id(entity))
    for line in drawn.lines:
        stored.rows.edge(
            stored.id(line.source), line.type, stored.id(line.target), learned=line.learned,
            closed=line.closed, valid=line.valid, confidence=line.confidence,
        )  # fmt: skip
    return stored


def neighbours(lines: list[Line], entity: int, direction: str) -> set[int]:
    found = set()
    if direction != "incoming":
        found |= {line.target for line in lines if line.source == entity}
    if direction != "outgoing":
        found |= {line.source for line in lines if line.target == entity}
    return found


def hops(lines: list[Line], start: int, direction: str, most: int) -> dict[int, int]:
    """Entity → the fewest relationships to it."""
    found = {start: 0}
    for level in range(1, most + 1):
        for entity in [one for one, at in found.items() if at == level - 1]:
            for other in neighbours(lines, entity, direction):
                found.setdefault(other, level)
    return found


def simple_paths(
    lines: list[Line], start: int, end: int | None, direction: str, most: int
) -> list[tuple[int, ...]]:
    """Every simple path as its entities; one that differs only in a relationship counts again."""
    found = []

    def go(path: tuple[int, ...]) -> None:
        if len(path) > 1 and end in (None, path[-1]):
            found.append(path)
        if path[-1] == end or len(path) > most:
            return
        for line in lines:
            for here, there, way in (
                (line.source, line.target, "outgoing"), (line.target, line.source, "incoming")
            ):  # fmt: skip
                if here == path[-1] and there not in path and direction in ("both", way):
                    go((*path, there))

    go((start,))
    return sorted(found)


def touched(lines: list[Line], start: int, most: int) -> list[dict[int, float]]:
    """Per level who depends on it, with the greatest product of confidences on a shortest way."""
    levels = [{start: 1.0}]
    seen = {start}
    for _ in range(most):
        level: dict[int, float] = {}
        for line in lines:
            if line.target in levels[-1] and line.source not in seen:
                known = levels[-1][line.target] * line.confidence
                level[line.source] = max(level.get(line.source, 0.0), known)
        if not level:
            break
        seen |= level.keys()
        levels.append(level)
    return levels[1:]
