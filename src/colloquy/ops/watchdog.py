"""Restarts a process whose event loop hangs (engine 5): a thread that misses the loop's beat.

It writes the stacks of all threads first, so that the cause can be found. Limit: a call into C code
that keeps the interpreter's lock stops this thread as well; against that only an outer supervisor
(systemd's WatchdogSec, a container's liveness probe) helps.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable

from colloquy.telemetry import get_logger

_log = get_logger("ops.watchdog")

TICKS = 10
"""Looks per `block_s`: the loop is found hanging at most a tenth late."""
REPORT_S = 2.0
"""Longest wait for the report to be written."""


def restart_process() -> None:
    """Replace this process by a fresh one with the same arguments; the process id stays.

    Files and sockets are closed by the kernel (Python opens them close-on-exec), so locks are free
    and what was not committed never happened. Ends the process if even that fails.
    """
    # No flushing of streams: a loop that hangs in a write to a full pipe holds their locks.
    # A blocked signal would stay blocked in the new program.
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    try:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    except OSError as error:
        _log.critical("cannot restart", error=str(error))
        os._exit(70)  # EX_SOFTWARE: an outer supervisor may still start us again


class Watchdog:
    """Calls `action` once when no beat came for `block_s`.

        watchdog = Watchdog(30.0)
        watchdog.start()
        ...                       # Pulse(beat=watchdog.beat) on the loop
        watchdog.stop()

    Only time in which this thread itself was awake counts. A process that was stopped for a minute
    (SIGSTOP, a suspended machine) finds its beat a minute old, and that must not restart it.
    """

    def __init__(
        self,
        block_s: float = 30.0,
        *,
        action: Callable[[], None] = restart_process,
        write: Callable[[bytes], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        """`write` gets the stacks; standard error by default. `wait` is for tests: it sleeps so
        many seconds and says whether to end."""
        self._block_s = block_s
        self._tick_s = block_s / TICKS
        self._action = action
        self._write = write or _to_standard_error
        self._clock = clock
        self._ended = threading.Event()
        self._wait = wait or self._ended.wait
        self._beats = 0
        self._thread: threading.Thread | None = None

    def beat(self) -> None:
        """The loop is alive. Called on the loop."""
        self._beats += 1

    def start(self) -> None:
        """Start watching. Raises RuntimeError when it is watching already."""
        if self._thread is not None:
            raise RuntimeError("the watchdog is running")
        self._thread = threading.Thread(target=self.watch, name="watchdog", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop watching; returns when the thread is gone."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def watch(self) -> None:
        """The thread's work: returns when stopped, or after the action was called."""
        seen = self._beats
        silent_s = 0.0
        before = self._clock()
        while not self._wait(self._tick_s):
            now = self._clock()
            awake_s = min(now - before, 2 * self._tick_s)
            before = now
            if self._beats != seen:
                seen = self._beats
                silent_s = 0.0
                continue
            silent_s += awake_s
            if silent_s >= self._block_s:
                self._bark(silent_s)
                return

    def _bark(self, silent_s: float) -> None:
        # In a thread of its own: the loop may hang because nobody reads our output any more, and
        # then this write hangs too. The action must not depend on it.
        report = threading.Thread(
            target=self._report, args=(silent_s,), name="watchdog-report", daemon=True
        )
        report.start()
        report.join(REPORT_S)
        self._action()

    def _report(self, silent_s: float) -> None:
        # Through a file, because faulthandler keeps the interpreter's lock while it writes.
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            stacks = file.read()
        self._write(stacks)
        _log.critical("event loop hangs", silent_s=round(silent_s, 3))


def _to_standard_error(data: bytes) -> None:
    while data:
        data = data[os.write(2, data) :]
