"""What is counted: events by kind since the start, and in the window that is not written yet."""

from __future__ import annotations

from msgspec import Struct

from ...model.ids import uuid7
from ...model.monitoring import KindFigures, ValidationFigures
from .validation import Checked

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
SPANS = {"hour": HOUR_US, "day": DAY_US}


class Sums(Struct):
    """Of one kind of event."""

    total: int = 0
    failed: int = 0
    errors: int = 0
    warnings: int = 0
    seconds: float = 0.0

    def add(self, checked: Checked) -> None:
        self.total += 1
        self.failed += not checked.is_valid
        self.errors += len(checked.errors)
        self.warnings += len(checked.warnings)
        self.seconds += checked.seconds

    def view(self) -> KindFigures:
        """Of at least one event."""
        passed = self.total - self.failed
        return KindFigures(
            total=self.total,
            passed=passed,
            failed=self.failed,
            pass_rate=round(passed / self.total, 6),
            avg_validation_time_ms=round(self.seconds * 1000 / self.total, 6),
            errors=self.errors,
            warnings=self.warnings,
        )


class Window(Struct, frozen=True):
    """Events of one kind between two flushes. `closed_at`: microseconds since 1970. The id is what
    makes writing it twice harmless."""

    id: str
    kind: str
    sums: Sums
    closed_at: int

    def row(self, now: int) -> tuple[object, ...]:
        """For statement `validation_window_put`."""
        sums, passed = self.sums, self.sums.total - self.sums.failed
        mean_ms = sums.seconds * 1000 / sums.total
        return (
            self.id, self.kind, sums.total, passed, sums.failed, passed / sums.total, mean_ms,
            sums.errors, sums.warnings, self.closed_at, now,
        )  # fmt: skip


class Figures:
    """Counters by kind of event, of one process."""

    def __init__(self) -> None:
        self._since_start: dict[str, Sums] = {}
        self._since_flush: dict[str, Sums] = {}

    def add(self, checked: Checked) -> None:
        for sums in (self._since_start, self._since_flush):
            sums.setdefault(checked.counted, Sums()).add(checked)

    def view(self) -> ValidationFigures:
        kinds = {kind: sums.view() for kind, sums in sorted(self._since_start.items())}
        return ValidationFigures(kinds, sum(one.total for one in kinds.values()))

    @property
    def unwritten(self) -> int:
        """Events of the windows that are still open."""
        return sum(sums.total for sums in self._since_flush.values())

    def close(self, now: int) -> list[Window]:
        """Ends the windows and begins new ones."""
        closed, self._since_flush = self._since_flush, {}
        return [Window(uuid7().hex(), kind, sums, now) for kind, sums in sorted(closed.items())]

    def discard(self) -> None:
        """Forgets the open windows: nobody wants them written."""
        self._since_flush = {}


def rollup_rows(windows: list[Window]) -> list[tuple[object, ...]]:
    """What these windows add to the roll-ups, each hour and day of a kind once, in the order of
    the key: rows of statement `validation_rollup_add`."""
    found: dict[tuple[str, int, str], Sums] = {}
    for window in windows:
        for span, length in SPANS.items():
            begins = window.closed_at - window.closed_at % length
            into = found.setdefault((span, begins, window.kind), Sums())
            into.total += window.sums.total
            into.failed += window.sums.failed
            into.errors += window.sums.errors
            into.warnings += window.sums.warnings
            into.seconds += window.sums.seconds
    return [
        (*key, one.total, one.total - one.failed, one.failed, one.seconds * 1000, one.errors,
         one.warnings)
        for key, one in sorted(found.items())
    ]  # fmt: skip
