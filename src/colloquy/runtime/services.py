"""The health of the four services that can be switched off: what each did, and how well."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..context.contexts import FEELING, SUMMARY, VALIDATION, Contexts
from ..context.memory import Memories
from ..telemetry.services import OFF, Service, ServiceReport, status_of
from .surface import FEEDBACK

_PAGE = os.sysconf("SC_PAGE_SIZE")


class Services:
    """`is_on` tells of a flag; `understood` are the figures of what understands."""

    def __init__(
        self,
        *,
        is_on: Callable[[str], bool],
        contexts: Contexts,
        memories: Memories,
        feedback: Service,
        understood: Callable[[], dict[str, Any]],
    ) -> None:
        self._is_on = is_on
        self._contexts = contexts
        self._memories = memories
        self._feedback = feedback
        self._understood = understood

    def reports(self) -> dict[str, ServiceReport]:
        """By name; one that is switched off says so and nothing else."""
        return {
            name: report() if self._is_on(flag) else OFF
            for name, flag, report in (
                ("emotion", FEELING, self._emotion),
                ("context_compression", SUMMARY, self._compression),
                ("context_validation", VALIDATION, self._validation),
                ("feedback", FEEDBACK, self._feedback.report),
            )
        }

    def _emotion(self) -> ServiceReport:
        """Of all messages since the start, in the processes that understand."""
        figures = self._understood()
        counters = figures.get("counters", {})
        failed = counters.get("failed_emotion", 0)
        calls = counters.get("felt", 0) + failed
        error_rate = failed / calls if calls else 0.0
        return ServiceReport(
            status=status_of(error_rate),
            calls=calls,
            failed=failed,
            error_rate=round(error_rate, 4),
            mean_ms=round(counters.get("emotion_ns", 0) / calls / 1e6, 3) if calls else None,
            memory_bytes=_resident(figures),
            last_error=figures.get("errors", {}).get("emotion"),
        )

    def _compression(self) -> ServiceReport:
        """Summaries that were moved on, and the lines and indexes that they are made of."""
        return self._memories.service.report(self._memories.statistics.bytes)

    def _validation(self) -> ServiceReport:
        """`failed` counts rules that raised or hung: a context may meet several."""
        found = self._contexts.validator.health()
        return ServiceReport(
            status=found.status,
            calls=found.validations,
            failed=sum(rule.failures for rule in self._contexts.validator.statistics),
            refused=found.invalid,
            error_rate=round(found.error_rate, 4),
            mean_ms=round(found.mean_ms, 3) if found.validations else None,
            last_error=found.last_error,
        )


def _resident(figures: dict[str, Any]) -> int | None:
    """Memory of the processes that understand, or of this one where it does so itself; None where
    the system does not tell."""
    pids = [child["pid"] for child in figures.get("processes", ()) if child["pid"] is not None]
    try:
        texts = [Path(f"/proc/{pid}/statm").read_text() for pid in pids or [os.getpid()]]
    except OSError:
        return None
    return sum(int(text.split()[1]) * _PAGE for text in texts)
