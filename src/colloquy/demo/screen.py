"""Draws the feed: live on a terminal, as plain lines anywhere else."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .feed import Feed, Figures, Line

REFRESH_PER_S = 8
FIGURES_WIDTH = 34
FRAME_LINES = 5
"""Lines of the terminal that hold no conversation: headings, borders, the act."""


class PlainScreen:
    """Every line as it comes."""

    def __init__(self, out: TextIO = sys.stdout) -> None:
        self._out = out
        self.feed = Feed(self._show)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            print(file=self._out)
            for value, label in figure_rows(self.feed.figures):
                print(f"{value:>8} {label}", file=self._out)
        self._out.flush()

    def _show(self, line: Line) -> None:
        print(plain(line), file=self._out, flush=True)


class LiveScreen:
    """Conversations on the left, figures on the right, redrawn a few times a second."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self.feed = Feed()
        self._live = Live(
            get_renderable=self.render,
            console=self._console,
            refresh_per_second=REFRESH_PER_S,
            screen=False,
            transient=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def render(self) -> RenderableType:
        height = max(8, self._console.height - FRAME_LINES)
        table = Table.grid(expand=True)
        table.add_column(ratio=1)
        table.add_column(width=FIGURES_WIDTH)
        table.add_row(
            Panel(
                last_lines(self.feed.lines, height, self._console.width - FIGURES_WIDTH - 4),
                title="conversations",
                title_align="left",
                border_style="dim",
                height=height + 2,
            ),
            Panel(
                figures_table(self.feed.figures),
                title="so far",
                title_align="left",
                border_style="dim",
                height=height + 2,
            ),
        )
        return Group(table, Text.assemble((" ▸ ", "bold cyan"), (self.feed.act, "bold")))


def last_lines(lines: list[Line], height: int, width: int) -> Group:
    """The newest lines that fit, each cut to one row (and one more for what was understood)."""
    rows: list[Text] = []
    for line in reversed(lines):
        drawn = draw(line)
        if len(rows) + len(drawn) > height:
            break
        rows[:0] = drawn
    for row in rows:
        row.truncate(max(20, width), overflow="ellipsis")
        row.no_wrap = True
    return Group(*rows)


def draw(line: Line) -> list[Text]:
    """A line of the feed in colours."""
    if line.kind == "note":
        return [Text(f"  — {line.text}", "yellow")]
    if line.kind == "out":
        head = Text.assemble((f"{line.who:>8} ◂ ", "cyan"), line.text)
        if line.detail:
            head.append(f"  {line.detail}", "dim")
        return [head]
    return [
        Text.assemble((f"{line.who:>8} ▸ ", "bold magenta"), (line.text, "bold")),
        Text(f"{'':11}{line.detail}", "green"),
    ]


def plain(line: Line) -> str:
    """A line of the feed as text."""
    if line.kind == "note":
        return f"— {line.text}"
    arrow = "▸" if line.kind == "in" else "◂"
    detail = f"  [{line.detail}]" if line.detail else ""
    return f"{line.who:>8} {arrow} {line.text}{detail}"


def figures_table(figures: Figures) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", style="bold", width=8)
    table.add_column(style="dim")
    for value, label in figure_rows(figures):
        table.add_row(value, label)
    return table


def figure_rows(figures: Figures) -> list[tuple[str, str]]:
    """(figure, what it counts); figures of acts that have not been yet are left out."""
    rows = [
        (f"{figures.accepted:,}", "accepted, on disk"),
        (f"{figures.understood:,}", "with a clear intent"),
        (f"{figures.answered:,}", "answers"),
        (f"{figures.duplicates:,}", "repeats caught"),
        (f"{figures.reordered:,}", "put back in order"),
        (f"{figures.handed_over:,}", "passed to a person"),
        (f"{figures.dead_letters:,}", "dead letters"),
    ]
    for share, name in ((0.50, "p50"), (0.99, "p99")):
        value = figures.percentile_ms(share)
        if value is not None:
            rows.append((f"{value:.0f} ms", f"{name} to the answer"))
    if figures.crowd_per_s:
        rows.append((f"{figures.crowd_per_s:,.0f}/s", "crowd, kill included"))
    if figures.kills:
        rows += [
            (f"{figures.kills}", "server killed (-9)"),
            (f"{figures.away_s:.1f} s", "until it was back"),
            (f"{figures.lost}", "lost"),
            (f"{figures.doubled}", "doubled"),
            (f"{figures.inverted}", "out of order"),
        ]
    return rows
