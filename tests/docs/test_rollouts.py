"""The page about roll-outs: its bounds are the guard's, its figures hold, its requests are sent."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from colloquy.evolution.guard import Guard, Limits
from colloquy.evolution.guard.window import RECENT
from colloquy.evolution.levels import changes_of
from colloquy.flags import Decision
from colloquy.model.rollouts import STEPS, WEEK_S, Level
from support.curls import curls, play
from support.markdown import ROOT
from support.server import Server

PAGE = (ROOT / "docs" / "rollouts.md").read_text(encoding="utf-8")
ON = {"shiny": Decision(True, "rollout")}
OFF = {"shiny": Decision(False, "default")}
ROWS = re.findall(r"^\| (\d+) % \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", PAGE, re.M)
RUNS = 8


def test_the_bounds_are_those_of_the_guard() -> None:
    limits = Limits()
    for said in (
        f"| errors of the last {RECENT} turns with the value | {limits.warn_error:.0%}",
        f"| successes of the same | below {1 - limits.warn_error:.0%}",
        f"| errors of the same | {limits.worst_error:.0%}, with evidence",
        f"| {limits.worst_response_s:g} s, with evidence",
        f"| {limits.worst_memory:.0%} for {limits.memory_for_s:g} s",
        f"Fewer than {limits.minimum} turns decide nothing",
        f"worth {1 / limits.alpha:,.0f}",
    ):
        assert said.replace("%", " %") in PAGE, said
    assert limits.times_baseline == 2
    assert [step.percentage for step in STEPS] == [5, 25, 75, 100]
    assert (STEPS[0].hold_s, STEPS[0].minimum) == (WEEK_S, 100)


def test_every_level_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE, re.M)
    assert tuple(rows) == Level.__args__  # type: ignore[attr-defined]
    assert changes_of.__module__ == "colloquy.evolution.levels"


@pytest.mark.parametrize("row", ROWS, ids=[f"{row[0]}-percent" for row in ROWS])
def test_it_is_caught_as_soon_as_the_page_says(row: tuple[str, ...]) -> None:
    share, _, most, _, most_after = (int(cell) for cell in row)
    rng = np.random.default_rng(5)
    for good, bound in ((0, most), (1000, most_after)):
        found = [_caught(rng, share / 100, good) for _ in range(RUNS)]
        # Of fewer runs the worst is rarely worse than that of many.
        assert max(found) <= 1.5 * bound, found


def _caught(rng: np.random.Generator, share: float, good: int) -> int:
    """Turns with the value from when it fails one in five until it is taken back."""
    now = [0.0]
    guard = Guard(clock=lambda: now[0])
    guard.watch("shiny", True)
    served = 0
    while guard.verdict("shiny").judgement != "roll_back":
        now[0] += 1
        new = int(rng.binomial(20, share))
        rate = 0.2 if served >= good else 0.01
        for ok in (rng.random(new) >= rate).tolist():
            guard.add("v2", ON, ok, 0.1)
        for ok in (rng.random(20 - new) >= 0.01).tolist():
            guard.add("v2", OFF, ok, 0.1)
        served += new
        guard.look()
    return served - good


def test_its_requests_are_answered_as_it_says(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        values = {"URL": server.url, "AUTH": f"Authorization: Bearer {server.key('admin')}"}
        server.run(play(curls(PAGE), values))
