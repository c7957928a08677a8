"""Sinks inside the process: the log, and a bounded list for the console and the API."""

from __future__ import annotations

from collections import deque

from ....model.alerts import NoticePage, Severity
from ....model.errors import InvalidInput
from ....telemetry import get_logger
from ..notices import RESOLVED, Notice
from ..notifier import Attempt

log = get_logger(__name__)


class LogSink:
    """One line for each notice; data stay out, they may hold anything."""

    name = "log"
    secrets = ()

    async def send(self, notice: Notice) -> Attempt:
        is_good = notice.severity is Severity.INFO or notice.type == RESOLVED
        is_critical = notice.severity is Severity.CRITICAL and not is_good
        write = log.info if is_good else log.error if is_critical else log.warning
        write(
            "notice",
            type=notice.type,
            name=notice.name,
            severity=str(notice.severity),
            message=notice.message,
            labels=dict(notice.labels),
        )
        return Attempt(True)

    async def close(self) -> None:
        """Nothing is open."""


class ConsoleSink:
    """The newest `keep` notices."""

    name = "console"
    secrets = ()

    def __init__(self, keep: int) -> None:
        self._notices: deque[tuple[int, Notice]] = deque(maxlen=keep)
        self._number = 0

    async def send(self, notice: Notice) -> Attempt:
        self._number += 1
        self._notices.append((self._number, notice))
        return Attempt(True)

    async def close(self) -> None:
        """Nothing is open."""

    def page(self, cursor: str | None, limit: int) -> NoticePage:
        """Newest first. Raises InvalidInput for a cursor that is none."""
        if cursor is not None and not (cursor.isascii() and cursor.isdecimal()):
            raise InvalidInput("this is no cursor of a page of notices", field="cursor")
        before = self._number + 1 if cursor is None else int(cursor)
        found = [one for one in reversed(self._notices) if one[0] < before]
        page = found[:limit]
        following = str(page[-1][0]) if len(found) > limit else None
        return NoticePage([notice.view() for _, notice in page], following)
