"""What a service tells of itself: times, rates, errors, and what is no error of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from colloquy.model.errors import ColloquyError, NotFound, StoreUnavailable
from colloquy.telemetry.services import LATELY, MAX_ERROR, Service


def ticking(step_s: float) -> Iterator[float]:
    now = 0.0
    while True:
        yield now
        now += step_s


def service(step_s: float = 0.002) -> Service:
    """Each call takes `step_s`; it is 2026-06-01."""
    return Service(timer=ticking(step_s).__next__, clock=lambda: 1_780_315_200_000_000)


def run(service: Service, error: BaseException | None = None) -> None:
    with service.watched():
        if error is not None:
            raise error


def test_nothing_was_asked_yet() -> None:
    report = service().report()
    assert (report.status, report.calls, report.mean_ms) == ("healthy", 0, None)


def test_what_works() -> None:
    found = service()
    for _ in range(3):
        run(found)
    report = found.report(memory_bytes=7)
    assert (report.status, report.calls, report.failed) == ("healthy", 3, 0)
    assert report.mean_ms == pytest.approx(2.0)
    assert (report.memory_bytes, report.last_error) == (7, None)


@pytest.mark.parametrize("error", [ValueError("nothing works"), StoreUnavailable("away")])
def test_what_fails(error: Exception) -> None:
    found = service()
    with pytest.raises(type(error)):
        run(found, error)
    report = found.report()
    assert (report.status, report.failed, report.error_rate) == ("degraded", 1, 1.0)
    assert report.last_error == f"{type(error).__name__}: {error}"
    assert report.last_error_at == "2026-06-01T12:00:00.000000Z"


def test_a_caller_who_is_wrong_is_refused() -> None:
    found = service()
    with pytest.raises(ColloquyError):
        run(found, NotFound("no such reply"))
    report = found.report()
    assert (report.status, report.calls, report.refused, report.failed) == ("healthy", 1, 1, 0)
    assert report.last_error is None


def test_being_cancelled_is_nothing() -> None:
    found = service()
    with pytest.raises(asyncio.CancelledError):
        run(found, asyncio.CancelledError())
    assert found.report().calls == 0


def test_it_is_healthy_again_once_the_failures_are_old() -> None:
    found = service()
    for _ in range(6):
        with pytest.raises(ValueError):
            run(found, ValueError("x" * 1000))
    for _ in range(LATELY - 6):
        run(found)
    assert found.report().status == "degraded"
    run(found)
    report = found.report()
    assert (report.status, report.failed, report.error_rate) == ("healthy", 6, 0.05)
    assert report.last_error is not None and len(report.last_error) == MAX_ERROR
