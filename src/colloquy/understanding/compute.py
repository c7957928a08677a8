"""Compute processes: understanding outside the process that owns the database (engine decision 1).

Batches are answered in order, so when a child (`compute_child.py`) dies, the batch it was working
on is the first one not answered: only that one fails, those behind it move to another child.

`ComputePool.switch` goes over to other models without a pause: new processes are started one after
the other beside the old ones, and only when all of them are loaded do they take over; each old one
answers what it was given, then ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter, deque
from pathlib import Path
from typing import Any

import msgspec

from ..model.errors import ColloquyError, InvalidInput, Overloaded, Transient, Unavailable
from .wire import LENGTH, Item, Models, Understood, decode_answer, decode_hello, encode_items

MAX_FRAME = 256 * 1024 * 1024
"""Bytes of one frame; more means that the stream is broken."""
MAX_WAITING = 1_024
"""Batches that may wait for a free process; more are refused."""

_REAP_TIMEOUT_S = 5.0
"""A process that SIGKILL does not end in this time hangs in the kernel: leave it there."""


_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class ComputeCrashed(Transient):
    """The compute process died (or did not answer in time) while this batch was in it.

    Another batch is not affected. The caller may try again, and cut the batch in two to find the
    text that does it.
    """

    code = "compute_crashed"
    title = "Compute process died"


class _Batch:
    __slots__ = ("frame", "future", "items", "timer")

    def __init__(self, frame: bytes, items: int, future: asyncio.Future[list[Understood]]) -> None:
        self.frame = frame
        self.items = items
        self.future = future
        self.timer: asyncio.TimerHandle | None = None

    def stop_timer(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class _Child:
    """One slot of the pool: a process, the batches in it, and what it did.

    A child that is `leaving` gets no more batches and is not started again; `empty` is set once it
    has answered what it had.
    """

    def __init__(self, number: int, models: Models) -> None:
        self.number = number
        self.models = models
        self.version = ""
        self.leaving = False
        self.empty = asyncio.Event()
        self.process: asyncio.subprocess.Process | None = None
        self.alive = False
        self.timed_out = False
        self.in_flight: deque[_Batch] = deque()
        self.starts = 0
        self.batches = 0
        self.items = 0
        self.busy_us = 0
        self.task: asyncio.Task[None] | None = None


class ComputePool:
    """N supervised child processes.

    Args:
        processes: how many, at least 1.
        pack_path: pack for dictionary entities and thresholds (`.toml` or `.json`), or None.
        model_path: intent model file, or None for no intents.
        models: instead of these two, all files.
        timeout_s: a child that needs longer for one batch is killed; a batch that finds no free
            child for this long fails with Unavailable.
        start_timeout_s: the same for a child's start.
        depth: batches sent to one child at a time; the second hides the way there and back.
        backoff_s: wait before a crashed child is started again; doubled up to 5 s while no batch
            succeeds in between.
    """

    def __init__(
        self,
        processes: int,
        pack_path: Path | None = None,
        model_path: Path | None = None,
        *,
        models: Models | None = None,
        timeout_s: float = 30.0,
        start_timeout_s: float = 20.0,
        depth: int = 2,
        backoff_s: float = 0.05,
        max_backoff_s: float = 5.0,
    ) -> None:
        if processes < 1:
            raise ValueError("a pool needs at least one process")
        self._models = Models(pack_path, model_path) if models is None else models
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._depth = depth
        self._backoff_s = backoff_s
        self._max_backoff_s = max_backoff_s
        self._children = [_Child(number, self._models) for number in range(processes)]
        self._leaving: set[_Child] = set()
        self._farewells: set[asyncio.Task[None]] = set()
        self._gone = Counter[str]()
        self._switching = asyncio.Lock()
        self._waiting: deque[_Batch] = deque()
        self._stopping = False
        self._started = False
        self._crashed = 0
        self._counters: Counter[str] = Counter()
        self._errors: dict[str, str] = {}

    @property
    def version(self) -> str:
        """The versions that answer now; "" before the start."""
        return self._children[0].version

    async def start(self) -> None:
        """Starts all children and waits until each is loaded.

        Raises InvalidInput when pack or model are wrong, ComputeCrashed when a child dies at once.
        """
        self._started = True
        ready = [self._begin(child) for child in self._children]
        done = await asyncio.gather(*ready, return_exceptions=True)
        problem = next((found for found in done if isinstance(found, BaseException)), None)
        if problem is not None:
            await self.stop()
            raise problem

    async def switch(self, models: Models) -> None:
        """Goes over to other files while batches go on; returns when the last of the old processes
        has ended. No batch is lost, and none sees two versions.

        All or nothing: what a process raises that cannot start with these files (as from `start`)
        leaves the old ones at work. Raises Unavailable when the pool is not running. For its length
        there are up to twice as many processes.
        """
        async with self._switching:
            if self._stopping or not self._started:
                raise Unavailable("the compute processes are not running")
            fresh = [_Child(child.number, models) for child in self._children]
            try:
                for child in fresh:  # one after the other: the old ones need the processor too
                    await self._begin(child)
                    if self._stopping:
                        raise Unavailable("the compute processes are stopping")
            except BaseException:
                await self._end(fresh)
                raise
            old, self._children, self._models = self._children, fresh, models
            self._leaving.update(old)
            for child in old:
                child.leaving = True
                if not child.in_flight:
                    child.empty.set()
            self._dispatch()
            loop = asyncio.get_running_loop()
            farewells = [loop.create_task(self._see_off(child)) for child in old]
            self._farewells.update(farewells)
            # A caller that goes away leaves them their work.
            await asyncio.shield(asyncio.gather(*farewells))
            self._farewells.difference_update(farewells)

    async def _see_off(self, child: _Child) -> None:
        """Ends a child that is leaving, when it has answered."""
        await child.empty.wait()
        await self._end([child])
        self._leaving.discard(child)
        self._gone.update(self._done_by(child))

    def _begin(self, child: _Child) -> asyncio.Future[None]:
        """Starts a child; the future is done when it has loaded, or has what kept it from that."""
        loop = asyncio.get_running_loop()
        first: asyncio.Future[None] = loop.create_future()
        child.task = loop.create_task(self._keep(child, first), name=f"compute-{child.number}")
        return first

    async def _end(self, children: list[_Child]) -> None:
        tasks = [child.task for child in children if child.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def analyse(self, items: list[Item]) -> list[Understood]:
        """The results of one batch, in order.

        Raises ComputeCrashed when the child died on this batch, Unavailable when the pool is
        stopped or no child became free in time, Overloaded when too many batches wait.
        """
        if self._stopping or not self._started:
            raise Unavailable("the compute processes are not running")
        if not items:
            return []
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded("too many batches wait for a compute process", retry_after_s=1.0)
        loop = asyncio.get_running_loop()
        batch = _Batch(encode_items(items), len(items), loop.create_future())
        batch.timer = loop.call_later(self._timeout_s, self._give_up, batch)
        self._waiting.append(batch)
        self._dispatch()
        return await batch.future

    async def stop(self) -> None:
        """Ends all children; batches still in them or waiting fail with Unavailable."""
        self._stopping = True
        while self._waiting:
            self._fail(self._waiting.popleft(), Unavailable("the compute processes are stopping"))
        await self._end([*self._children, *self._leaving])
        for child in self._leaving:
            child.empty.set()
        await asyncio.gather(*self._farewells)

    def stats(self) -> dict[str, Any]:
        """Counts since the start; `counters` are the analysers' own (see `Analyser.counters`)."""
        total = self._gone.copy()
        for child in (*self._children, *self._leaving):
            total.update(self._done_by(child))
        children = [
            {
                "pid": child.process.pid if child.process is not None else None,
                "alive": child.alive,
                "version": child.version,
                "restarts": max(0, child.starts - 1),
                "batches": child.batches,
                "items": child.items,
                "busy_s": child.busy_us / 1e6,
            }
            for child in self._children
        ]
        return {
            "restarts": total["restarts"],
            "crashed_batches": self._crashed,
            "batches": total["batches"],
            "items": total["items"],
            "busy_s": total["busy_us"] / 1e6,
            "waiting": len(self._waiting),
            "counters": dict(self._counters),
            "errors": dict(self._errors),
            "processes": children,
        }

    def _done_by(self, child: _Child) -> dict[str, int]:
        return {
            "restarts": max(0, child.starts - 1),
            "batches": child.batches,
            "items": child.items,
            "busy_us": child.busy_us,
        }

    # -- dispatch

    def _dispatch(self) -> None:
        """Gives waiting batches to the least busy children that have room."""
        while self._waiting:
            free = [
                child
                for child in self._children
                if child.alive and len(child.in_flight) < self._depth
            ]
            if not free:
                return
            batch = self._waiting.popleft()
            if batch.future.done():  # the caller gave up, or its wait timed out
                batch.stop_timer()
                continue
            child = min(free, key=lambda one: sum(sent.items for sent in one.in_flight))
            assert child.process is not None and child.process.stdin is not None
            batch.stop_timer()
            child.in_flight.append(batch)
            if len(child.in_flight) == 1:
                self._watch(child)
            child.process.stdin.write(LENGTH.pack(len(batch.frame)))
            child.process.stdin.write(batch.frame)

    def _watch(self, child: _Child) -> None:
        """Starts the clock of the batch the child is working on now."""
        if child.in_flight:
            loop = asyncio.get_running_loop()
            child.in_flight[0].timer = loop.call_later(self._timeout_s, self._kill_slow, child)

    def _kill_slow(self, child: _Child) -> None:
        child.timed_out = True
        _kill(child.process)

    def _give_up(self, batch: _Batch) -> None:
        self._fail(
            batch, Unavailable(f"no compute process became free within {self._timeout_s:g} s")
        )

    def _fail(self, batch: _Batch, error: ColloquyError) -> None:
        batch.stop_timer()
        if not batch.future.done():
            batch.future.set_exception(error)

    # -- supervision

    async def _keep(self, child: _Child, first: asyncio.Future[None]) -> None:
        """Runs the child's process again and again, until stopped."""
        delay = self._backoff_s
        while True:
            before = child.batches
            try:
                await self._run(child, first)
                problem: ColloquyError = ComputeCrashed("the compute process ended while starting")
            except InvalidInput as error:
                problem = error
            except (TimeoutError, OSError) as error:
                problem = ComputeCrashed(f"the compute process could not be started: {error!r}")
            if not first.done():
                first.set_exception(problem)
                return
            if child.leaving:
                return
            if child.batches > before:
                delay = self._backoff_s
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._max_backoff_s)

    async def _run(self, child: _Child, first: asyncio.Future[None]) -> None:
        """One life of a process; returns when it has ended. Raises InvalidInput if it refused."""
        child.starts += 1
        child.timed_out = False
        process = await asyncio.create_subprocess_exec(
            *self._command(child),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | _ENVIRONMENT | _import_path(child.models),
            limit=1 << 20,
        )
        child.process = process
        try:
            assert process.stdout is not None
            frame = await asyncio.wait_for(_read_frame(process.stdout), self._start_timeout_s)
            hello = decode_hello(frame)
            if hello.error is not None:
                raise InvalidInput(hello.error, field=hello.field)
            child.version = hello.version
            child.alive = True
            if not first.done():
                first.set_result(None)
            self._dispatch()
            while True:
                # No time-out here: the clock of `_watch` kills a child that is slow.
                self._received(child, await _read_frame(process.stdout))
        except (asyncio.IncompleteReadError, msgspec.DecodeError):
            pass  # it died, or wrote nonsense: `finally` ends it and fails its batch
        finally:
            child.alive = False
            _kill(process)
            self._abandon(child)
            await _reap(process)

    def _received(self, child: _Child, frame: bytes) -> None:
        answer = decode_answer(frame)
        batch = child.in_flight.popleft()
        batch.stop_timer()
        self._watch(child)
        child.batches += 1
        child.items += batch.items
        child.busy_us += answer.busy_us
        self._counters.update(answer.counters)
        self._errors.update(answer.errors)
        if not batch.future.done():
            batch.future.set_result(answer.results)
        if child.leaving and not child.in_flight:
            child.empty.set()
        self._dispatch()

    def _abandon(self, child: _Child) -> None:
        """The child is gone: its current batch fails, those behind it go back to the front."""
        batches = list(child.in_flight)
        child.in_flight.clear()
        if child.leaving:
            child.empty.set()
        if self._stopping:
            for batch in batches:
                self._fail(batch, Unavailable("the compute processes are stopping"))
            return
        if batches:
            self._crashed += 1
            why = f"did not answer within {self._timeout_s:g} s" if child.timed_out else "died"
            self._fail(batches[0], ComputeCrashed(f"the compute process {why} on this batch"))
        loop = asyncio.get_running_loop()
        for batch in reversed(batches[1:]):
            batch.timer = loop.call_later(self._timeout_s, self._give_up, batch)
            self._waiting.appendleft(batch)
        self._dispatch()

    def _command(self, child: _Child) -> list[str]:
        command = [sys.executable, "-m", "colloquy.understanding.compute_child"]
        return [*command, "--parent", str(os.getpid()), *child.models.arguments()]


def _import_path(models: Models) -> dict[str, str]:
    """What was imported here, from beside an assistant's file, can be imported by a child too."""
    if not models.extensions:
        return {}
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _kill(process: asyncio.subprocess.Process | None) -> None:
    if process is not None and process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            return  # it ended by itself in between


async def _reap(process: asyncio.subprocess.Process) -> None:
    """Waits for a killed process and its pipes, also when the caller is being cancelled."""
    assert process.stdin is not None
    process.stdin.close()
    ending = asyncio.ensure_future(process.communicate())
    try:
        await asyncio.wait({ending}, timeout=_REAP_TIMEOUT_S)
    except asyncio.CancelledError:
        await asyncio.wait({ending}, timeout=_REAP_TIMEOUT_S)
        raise


async def _read_frame(stream: asyncio.StreamReader) -> bytes:
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    if length > MAX_FRAME:
        raise msgspec.DecodeError(f"a frame of {length} bytes")
    return await stream.readexactly(length)
