"""The watchdog: barks at a silent loop, and only then."""

import threading
from collections.abc import Callable, Iterator

import pytest

from colloquy.ops import Watchdog


class Kennel:
    """A watchdog with its own time: each wait lasts what the script says."""

    def __init__(self, script: Iterator[float | Callable[[], None]]) -> None:
        self.now = 0.0
        self.barks: list[float] = []
        self.stacks: list[bytes] = []
        self._script = script
        self.dog = Watchdog(
            10.0,
            action=lambda: self.barks.append(self.now),
            write=self.stacks.append,
            clock=lambda: self.now,
            wait=self._wait,
        )

    def _wait(self, seconds: float) -> bool:
        for step in self._script:
            if callable(step):
                step()
            else:
                self.now += step
                return False
        return True


def test_a_silent_loop_is_noticed_after_its_time():
    kennel = Kennel(iter([1.0] * 30))
    kennel.dog.watch()
    assert kennel.barks == [10.0]
    assert b"test_watchdog" in b"".join(kennel.stacks)


def test_a_loop_that_beats_is_left_alone():
    def script() -> Iterator[float | Callable[[], None]]:
        for _ in range(20):
            yield from [1.0] * 9
            yield kennel.dog.beat

    kennel = Kennel(script())
    kennel.dog.watch()
    assert kennel.barks == []


def test_a_process_that_was_stopped_is_not_a_loop_that_hangs():
    # Ten minutes pass within one wait: the whole process slept.
    def script() -> Iterator[float | Callable[[], None]]:
        yield from [1.0, 600.0, 1.0]
        yield kennel.dog.beat
        yield from [1.0] * 9

    kennel = Kennel(script())
    kennel.dog.watch()
    assert kennel.barks == []


def test_a_report_that_cannot_be_written_does_not_stop_the_action(monkeypatch):
    monkeypatch.setattr("colloquy.ops.watchdog.REPORT_S", 0.01)
    stuck, barked = threading.Event(), threading.Event()
    dog = Watchdog(0.05, action=barked.set, write=lambda _data: stuck.wait(30) and None)
    dog.start()
    assert barked.wait(10)
    stuck.set()
    dog.stop()
    for thread in threading.enumerate():
        if thread.name == "watchdog-report":
            thread.join()


def test_it_starts_once_and_stops():
    dog = Watchdog(1000.0, action=lambda: None)
    dog.start()
    with pytest.raises(RuntimeError, match="running"):
        dog.start()
    dog.stop()
    assert not any(thread.name == "watchdog" for thread in threading.enumerate())
