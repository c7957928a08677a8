"""What pages say of a plan: its steps with the time that is left, the line of its share."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from ...evolution.guard.plan import MAX_MOVES
from ...model.rollouts import RolloutStep, RolloutView
from ...model.times import now_us, rfc3339
from .words import duration_text

WIDTH, HEIGHT = 1000, 100
"""Of the drawing, which is stretched to the width of the page."""


class Step(Struct, frozen=True):
    """A step in the strip. `left`: what the present one waits for."""

    percentage: float
    hold: str
    minimum: int
    place: Literal["done", "now", "next"]
    left: str = ""


class Line(Struct, frozen=True):
    """The share over time as a line of SVG, with its first and last moment."""

    points: str
    first: str
    last: str
    says: str


def steps_of(view: RolloutView) -> list[Step]:
    """The strip of a plan as it stands."""
    found = []
    for number, step in enumerate(view.steps):
        place: Literal["done", "now", "next"] = "next"
        if number < view.step or view.state == "completed":
            place = "done"
        elif number == view.step and view.state in ("running", "paused"):
            place = "now"
        left = _left(view, step) if place == "now" else ""
        hold = duration_text(step.hold_s)
        found.append(Step(step.percentage, hold, step.minimum, place, left))
    return found


def line_of(view: RolloutView) -> Line:
    """From the first move that is known in a row to now, or to the move that ended the plan."""
    # Where moves were left out the first one says nothing of what came after it.
    moves = view.moves[1:] if len(view.moves) == MAX_MOVES else view.moves
    is_open = view.state in ("running", "paused")
    first = moves[0].at
    last = rfc3339(now_us()) if is_open else moves[-1].at
    begin, end = _seconds(first), _seconds(last)
    points, height = [(0, 0.0)], 0.0
    for move in moves:
        across = WIDTH * (_seconds(move.at) - begin) / max(end - begin, 1e-6)
        points += [(round(across), height), (round(across), move.percentage)]
        height = move.percentage
    points.append((WIDTH, height))
    drawn = " ".join(f"{across},{HEIGHT - share * HEIGHT / 100:g}" for across, share in points)
    told = ", ".join(f"{move.percentage:g} %" for move in moves)
    return Line(drawn, first, last, told)


def _left(view: RolloutView, step: RolloutStep) -> str:
    """What has to come before the next step."""
    if view.due_at is None:
        return "paused"
    verdict = view.verdict
    if verdict is not None and verdict.judgement != "ok":
        return "held while something is wrong"
    seconds = _seconds(view.due_at) - now_us() / 1e6
    if seconds > 0:
        return f"{duration_text(max(seconds, 1))} left"
    missing = step.minimum - view.seen
    if missing > 0:
        return f"held long enough: waits for {missing:,} more turn{'' if missing == 1 else 's'}"
    return "held long enough: goes on any moment"


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
