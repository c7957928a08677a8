"""Writes windows of figures, and keeps those that could not be written until they are.

A flush is one transaction: windows, and what they add to the hours and days. A window has an id, so
that one whose flush failed without anybody knowing how far it came is stored once. While some wait,
the windows after them stay open and grow: what waits is bounded by the number of kinds. What cannot
be written when the process stops goes into a file beside the database, which the next start reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ...model.cursors import decode_cursor, encode_cursor
from ...model.errors import Unavailable
from ...model.monitoring import FlushView, ValidationHistory, ValidationRecord
from ...model.monitoring import Span as RecordSpan
from ...model.times import Clock, rfc3339
from ...settings import MonitoringSettings
from ...storage.commit import Rows
from ...storage.store import Store
from ...telemetry import get_logger
from .figures import DAY_US, HOUR_US, Figures, Window, rollup_rows

log = get_logger(__name__)

RETRIES_S = (1.0, 5.0, 15.0, 60.0)
"""Pauses after a flush that failed; then the last one again and again."""
FORGET_LIMIT = 500
"""Windows deleted in one transaction."""
_FUTURE = 2**62


class Keeper:
    """`leftovers`: the file of windows that a former process could not write. `name` tells its own
    file from those of other processes."""

    def __init__(
        self,
        store: Store,
        figures: Figures,
        settings: MonitoringSettings,
        *,
        leftovers: Path,
        name: str,
        clock: Clock,
    ) -> None:
        self._store = store
        self._figures = figures
        self._settings = settings
        self._leftovers = leftovers
        self._own = leftovers.with_name(f"{leftovers.name}-{name}")
        self._clock = clock
        self._waiting: list[Window] = []
        self._read: list[Path] = []
        self._flushing = asyncio.Lock()
        self._forgot_at = 0
        self.last_flush: int | None = None
        self.last_error: str | None = None

    @property
    def waiting(self) -> int:
        """Windows whose flush failed."""
        return len(self._waiting)

    # -- writing ------------------------------------------------------------------------------

    async def flush(self) -> FlushView:
        """Writes what waits and, if that went well, what was counted since. Raises Unavailable;
        then all of it is kept."""
        async with self._flushing:
            written = 0
            try:
                if self._waiting:
                    written += await self._write()
                self._waiting = self._figures.close(self._clock())
                if self._waiting:
                    written += await self._write()
            except Unavailable as error:
                self.last_error = error.detail
                log.warning("monitoring_not_flushed", windows=self.waiting, detail=error.detail)
                raise
            now = self.last_flush = self._clock()
            self.last_error = None
            return FlushView(written, rfc3339(now))

    async def _write(self) -> int:
        windows, now = list(self._waiting), self._clock()
        stored: int = await self._store.transact(lambda: _steps(windows, now))
        self._waiting = []
        for file in self._read:
            with contextlib.suppress(OSError):
                file.unlink()
        self._read = []
        return stored

    async def try_flush(self) -> bool:
        """Whether it went well."""
        try:
            await self.flush()
        except Unavailable:
            return False
        return True

    def pause_s(self, failures: int) -> float:
        """After so many flushes in a row that failed."""
        return RETRIES_S[min(failures, len(RETRIES_S)) - 1]

    # -- the file -----------------------------------------------------------------------------

    def recall(self) -> None:
        """Takes up what former processes could not write. Several that do so at once write it
        once."""
        for file in sorted(self._leftovers.parent.glob(f"{self._leftovers.name}-*")):
            try:
                found = msgspec.json.decode(file.read_bytes(), type=list[Window])
            except (OSError, msgspec.MsgspecError) as error:
                log.error("monitoring_leftovers_unreadable", file=str(file), detail=str(error))
                continue
            self._waiting += found
            self._read.append(file)

    def leave(self) -> None:
        """Puts what is not written into the file; nothing where there is none."""
        left = [*self._waiting, *self._figures.close(self._clock())]
        if not left:
            return
        self._waiting = left
        part = self._own.with_name(f".{self._own.name}.part")
        try:
            self._own.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as out:
                out.write(msgspec.json.encode(left))
                out.flush()
                os.fsync(out.fileno())
            part.replace(self._own)
        except OSError as error:
            log.error("monitoring_lost", windows=len(left), detail=str(error))
            return
        log.warning("monitoring_left_in_file", file=str(self._own), windows=len(left))

    # -- forgetting ---------------------------------------------------------------------------

    async def forget(self) -> int:
        """Deletes what is older than the settings say, at most once an hour; how many rows. Raises
        Unavailable."""
        now = self._clock()
        if now - self._forgot_at < HOUR_US:
            return 0
        settings, deleted = self._settings, 0
        oldest = now - settings.keep_windows_days * DAY_US
        while True:
            gone = len(
                await self._store.change_one("validation_windows_forget", oldest, FORGET_LIMIT)
            )
            deleted += gone
            if gone < FORGET_LIMIT:
                break
        for span, days in (("hour", settings.keep_hours_days), ("day", settings.keep_days_days)):
            rows = await self._store.change_one(
                "validation_rollups_forget", span, now - days * DAY_US
            )
            deleted += len(rows)
        self._forgot_at = now
        return deleted

    # -- reading ------------------------------------------------------------------------------

    async def history(
        self, span: RecordSpan, kind: str | None, cursor: str | None, limit: int
    ) -> ValidationHistory:
        """Newest first. Raises InvalidInput, Unavailable."""
        until, skip = decode_cursor(cursor, 2) if cursor is not None else (_FUTURE, 0)
        wanted = kind or ""
        if span is RecordSpan.WINDOW:
            rows = await self._store.query("validation_windows", until, wanted, limit + 1, skip)
        else:
            rows = await self._store.query(
                "validation_rollups", str(span), until, wanted, limit + 1, skip
            )
        shown = rows[:limit]
        return ValidationHistory(
            [_record(row) for row in shown],
            _following(shown, until, skip) if len(rows) > limit else None,
        )


def _steps(windows: list[Window], now: int) -> Generator[tuple[str, Rows], Rows, int]:
    stored = yield "validation_window_put", [window.row(now) for window in windows]
    new = {row[0] for row in stored}
    added = rollup_rows([window for window in windows if window.id in new])
    if added:
        yield "validation_rollup_add", added
    return len(new)


def _following(shown: Sequence[Any], until: int, skip: int) -> str:
    """Where the next page begins: at the last row's time, behind those of that time."""
    last = int(shown[-1][1])
    same = sum(row[1] == last for row in shown)
    return encode_cursor(last, same + (skip if last == until else 0))


def _record(row: Sequence[Any]) -> ValidationRecord:
    kind, at, total, passed, failed, ms, errors, warnings = row
    return ValidationRecord(
        event_type=kind,
        at=rfc3339(at),
        total_events=total,
        passed_events=passed,
        failed_events=failed,
        pass_rate=round(passed / total, 6),
        avg_validation_time_ms=round(ms / total, 6),
        total_errors=errors,
        total_warnings=warnings,
    )
