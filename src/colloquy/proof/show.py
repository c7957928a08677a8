"""Progress bars and tables for people; JSON never passes here."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol


class Bar(Protocol):
    """Moves one bar: how much of its total is done, and a remark beside it."""

    def __call__(self, done: float, remark: str = "") -> None: ...


class Stage(Protocol):
    """Opens a bar: `with stage("sending", total) as bar: bar(done)`."""

    def __call__(self, label: str, total: float) -> contextlib.AbstractContextManager[Bar]: ...


@contextlib.contextmanager
def silent(label: str, total: float) -> Iterator[Bar]:
    """No bar at all."""

    def bar(done: float, remark: str = "") -> None:
        return None

    yield bar


@contextlib.contextmanager
def stages(*, enabled: bool) -> Iterator[Stage]:
    """Bars on standard error, one below the other; none when that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, highlight=False)
    if not (enabled and console.is_terminal):
        yield silent
        return
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.fields[remark]}"),
    )
    # Few redraws: the machine is busy with what is being measured.
    with Progress(*columns, console=console, refresh_per_second=4) as progress:

        @contextlib.contextmanager
        def stage(label: str, total: float) -> Iterator[Bar]:
            task = progress.add_task(label, total=total, remark="")

            def bar(done: float, remark: str = "") -> None:
                progress.update(task, completed=min(done, total), remark=remark)

            yield bar
            progress.update(task, completed=total)

        yield stage


Row = tuple[str, object, str]
"""Name, value, remark."""


def print_rows(title: str, rows: Sequence[Row], *, alarming: Callable[[str], bool]) -> None:
    """A table on standard output; the rows whose name is `alarming` stand out."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, show_header=False, padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for name, value, remark in rows:
        style = "bold red" if alarming(name) else ""
        table.add_row(Text(name, style), Text(shown(value), style), Text(remark))
    Console(highlight=False).print(table)


def shown(value: object) -> str:
    """A figure for people: 12,345 or 0.123."""
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)
