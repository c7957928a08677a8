"""What the command line prints: JSON or text on standard output, errors and progress on the other.

Rich is imported only where something is drawn, so that a command that prints JSON starts fast.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from ..model.errors import ColloquyError

if TYPE_CHECKING:
    from rich.console import Console

Advance = Callable[[int], None]


def print_json(value: Any) -> None:
    """One JSON document on one line."""
    sys.stdout.flush()
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def print_error(error: ColloquyError, *, as_json: bool = False) -> None:
    """One line on standard error: `error: CODE: DETAIL`, or the problem document as JSON."""
    if as_json:
        line = msgspec.json.encode(error.problem()).decode()
    else:
        field = f"{error.field}: " if error.field else ""
        line = f"error: {error.code}: {field}{' '.join(error.detail.split())}"
    print(line, file=sys.stderr)


def note(text: str) -> None:
    """A remark for people, on standard error."""
    print(text, file=sys.stderr)


def console(*, stderr: bool = False) -> Console:
    """A console for tables and coloured text; plain when the output is no terminal."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Rows under headings; `empty` is said instead of an empty table."""
    from rich.table import Table
    from rich.text import Text

    if not rows:
        print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not str: square brackets in what people wrote are not markup.
        table.add_row(*(Text("" if value is None else str(value)) for value in row))
    out = console()
    if not out.is_terminal:
        out.width = 10_000
    out.print(table)


@contextlib.contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Advance]:
    """A bar on standard error for work that may take over a second; call it with what was done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = [
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    ]
    out = console(stderr=True)
    with Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task(label, total=total)
        yield lambda count: bar.advance(task, count)


def clock_time(moment: str) -> str:
    """`2026-01-31T10:00:00.123456Z` → `2026-01-31 10:00:00`, still UTC."""
    return moment[:19].replace("T", " ")


def shortened(text: str, width: int = 60) -> str:
    """One line of at most `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"
