"""What the demo has seen so far: lines to show and figures to add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from msgspec import Struct, field

from ..model.understanding import Understanding

KEPT_LINES = 200


class Line(NamedTuple):
    """One line of the show. `kind`: in (a contact wrote), out (an answer), note (what happened)."""

    kind: Literal["in", "out", "note"]
    who: str
    text: str
    detail: str = ""


class Figures(Struct):
    """Totals of the whole demo. Latencies are seconds from sending to the answer, over HTTP."""

    accepted: int = 0
    answered: int = 0
    understood: int = 0
    duplicates: int = 0
    reordered: int = 0
    handed_over: int = 0
    dead_letters: int = 0
    kills: int = 0
    away_s: float = 0.0
    lost: int = 0
    doubled: int = 0
    inverted: int = 0
    crowd_per_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)

    def percentile_ms(self, share: float) -> float | None:
        """The latency that this share of the answers kept below; None while there are none."""
        if not self.latencies_s:
            return None
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    def report(self) -> dict[str, object]:
        """The figures as they are printed with `--json`."""
        return {
            "accepted": self.accepted,
            "answered": self.answered,
            "understood": self.understood,
            "duplicates": self.duplicates,
            "reordered": self.reordered,
            "handed_over": self.handed_over,
            "dead_letters": self.dead_letters,
            "kills": self.kills,
            "away_s": round(self.away_s, 3),
            "lost": self.lost,
            "doubled": self.doubled,
            "inverted": self.inverted,
            "crowd_per_s": round(self.crowd_per_s),
            "latency_ms": {
                name: None if value is None else round(value, 1)
                for name, value in (
                    ("p50", self.percentile_ms(0.50)),
                    ("p99", self.percentile_ms(0.99)),
                )
            },
        }

    @property
    def kept_its_promises(self) -> bool:
        return not (self.lost or self.doubled or self.inverted)


class Feed:
    """Collects lines and figures; `shown` is told of each new line."""

    def __init__(self, shown: Callable[[Line], None] | None = None) -> None:
        self.lines: list[Line] = []
        self.figures = Figures()
        self.act = "starting the server"
        self._shown = shown

    def add(self, line: Line) -> None:
        self.lines.append(line)
        del self.lines[:-KEPT_LINES]
        if self._shown is not None:
            self._shown(line)

    def note(self, text: str) -> None:
        self.add(Line("note", "", text))

    def begin(self, act: str) -> None:
        """The next part of the demo."""
        self.act = act
        self.note(act)


def understood(understanding: Understanding | None) -> str:
    """`book_viewing 0.97 · datetime tomorrow at 5pm`, or why there is nothing to say."""
    if understanding is None:
        return "not understood yet"
    name = understanding.intent
    if name is None:
        guess = f", nearest {understanding.guess}" if understanding.guess else ""
        said = [f"no intent ({understanding.confidence:.2f}{guess})"]
    else:
        said = [f"{name} {understanding.confidence:.2f}"]
    said += [f"{entity.label} “{entity.text}”" for entity in understanding.entities]
    if understanding.urgent:
        said.append("urgent")
    return " · ".join(said)
