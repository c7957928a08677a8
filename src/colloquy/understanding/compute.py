"""Compute processes: understanding outside the process that owns the database (engine decision 1).

Bytes in, bytes out: a frame is a 4-byte little-endian length and that many bytes of msgpack. The
child reads a list of `Item` and answers with the time it was busy, its counters and a list of
`Understood`. Batches are answered in order, so when a child dies, the batch it was working on is
the first one not answered: only that one fails, those behind it move to another child.

A child ends when its standard input closes or its parent dies. It ignores SIGINT and SIGTERM, so
that a signal to the whole group lets the parent finish its batches first.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import os
import signal
import struct
import sys
from collections import Counter, deque
from pathlib import Path
from time import perf_counter_ns
from typing import Any, BinaryIO

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput, Overloaded, Transient, Unavailable
from .analyse import Analyser, Item, Understood
from .intent import IntentModel
from .pack import load_pack

MAX_FRAME = 256 * 1024 * 1024
"""Bytes of one frame; more means that the stream is broken."""
MAX_WAITING = 1_024
"""Batches that may wait for a free process; more are refused."""

_LENGTH = struct.Struct("<I")
_PR_SET_PDEATHSIG = 1
_REAP_TIMEOUT_S = 5.0
"""A process that SIGKILL does not end in this time hangs in the kernel: leave it there."""


class ComputeCrashed(Transient):
    """The compute process died (or did not answer in time) while this batch was in it.

    Another batch is not affected. The caller may try again, and cut the batch in two to find the
    text that does it.
    """

    code = "compute_crashed"
    title = "Compute process died"


class Answer(Struct, array_like=True, frozen=True):
    """What a child sends back for one batch."""

    busy_us: int
    counters: dict[str, int]
    results: list[Understood]


class Hello(Struct, array_like=True, frozen=True):
    """The first frame of a child: which versions it runs, or why it cannot."""

    version: str
    error: str | None = None
    field: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode_items = msgspec.msgpack.Decoder(list[Item]).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode
_decode_hello = msgspec.msgpack.Decoder(Hello).decode


def load_analyser(pack_path: Path | None, model_path: Path | None) -> Analyser:
    """Reads pack and model. Raises NotFound or InvalidInput."""
    pack = load_pack(pack_path) if pack_path is not None else None
    model = IntentModel.load(model_path) if model_path is not None else None
    return Analyser(pack, model)


def encode_items(items: list[Item]) -> bytes:
    """The msgpack of a batch; lone surrogates, which have no UTF-8, become U+FFFD one for one."""
    try:
        return _encode(items)
    except UnicodeEncodeError:
        return _encode(
            [
                msgspec.structs.replace(
                    item,
                    text=item.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
                )
                for item in items
            ]
        )


# -- the parent's side ------------------------------------------------------------------------


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
    """One slot of the pool: a process, the batches in it, and what it did."""

    def __init__(self, number: int) -> None:
        self.number = number
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
        timeout_s: float = 30.0,
        start_timeout_s: float = 20.0,
        depth: int = 2,
        backoff_s: float = 0.05,
        max_backoff_s: float = 5.0,
    ) -> None:
        if processes < 1:
            raise ValueError("a pool needs at least one process")
        self._pack_path = pack_path
        self._model_path = model_path
        self._timeout_s = timeout_s
        self._start_timeout_s = start_timeout_s
        self._depth = depth
        self._backoff_s = backoff_s
        self._max_backoff_s = max_backoff_s
        self._children = [_Child(number) for number in range(processes)]
        self._waiting: deque[_Batch] = deque()
        self._stopping = False
        self._started = False
        self._crashed = 0
        self._counters: Counter[str] = Counter()
        self.version = ""

    async def start(self) -> None:
        """Starts all children and waits until each is loaded.

        Raises InvalidInput when pack or model are wrong, ComputeCrashed when a child dies at once.
        """
        loop = asyncio.get_running_loop()
        self._started = True
        ready: list[asyncio.Future[None]] = []
        for child in self._children:
            first: asyncio.Future[None] = loop.create_future()
            ready.append(first)
            child.task = loop.create_task(self._keep(child, first), name=f"compute-{child.number}")
        done = await asyncio.gather(*ready, return_exceptions=True)
        problem = next((found for found in done if isinstance(found, BaseException)), None)
        if problem is not None:
            await self.stop()
            raise problem

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
        tasks = [child.task for child in self._children if child.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stats(self) -> dict[str, Any]:
        """Counts since the start; `counters` are the analysers' own (see `Analyser.counters`)."""
        children = [
            {
                "pid": child.process.pid if child.process is not None else None,
                "alive": child.alive,
                "restarts": max(0, child.starts - 1),
                "batches": child.batches,
                "items": child.items,
                "busy_s": child.busy_us / 1e6,
            }
            for child in self._children
        ]
        return {
            "restarts": sum(child["restarts"] for child in children),
            "crashed_batches": self._crashed,
            "batches": sum(child["batches"] for child in children),
            "items": sum(child["items"] for child in children),
            "busy_s": sum(child["busy_s"] for child in children),
            "waiting": len(self._waiting),
            "counters": dict(self._counters),
            "processes": children,
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
            child.process.stdin.write(_LENGTH.pack(len(batch.frame)))
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
            if child.batches > before:
                delay = self._backoff_s
            await asyncio.sleep(delay)
            delay = min(delay * 2, self._max_backoff_s)

    async def _run(self, child: _Child, first: asyncio.Future[None]) -> None:
        """One life of a process; returns when it has ended. Raises InvalidInput if it refused."""
        child.starts += 1
        child.timed_out = False
        process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            limit=1 << 20,
        )
        child.process = process
        try:
            assert process.stdout is not None
            frame = await asyncio.wait_for(_read_frame(process.stdout), self._start_timeout_s)
            hello = _decode_hello(frame)
            if hello.error is not None:
                raise InvalidInput(hello.error, field=hello.field)
            self.version = hello.version
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
        answer = _decode_answer(frame)
        batch = child.in_flight.popleft()
        batch.stop_timer()
        self._watch(child)
        child.batches += 1
        child.items += batch.items
        child.busy_us += answer.busy_us
        self._counters.update(answer.counters)
        if not batch.future.done():
            batch.future.set_result(answer.results)
        self._dispatch()

    def _abandon(self, child: _Child) -> None:
        """The child is gone: its current batch fails, those behind it go back to the front."""
        batches = list(child.in_flight)
        child.in_flight.clear()
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

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "colloquy.understanding.compute"]
        command += ["--parent", str(os.getpid())]
        if self._pack_path is not None:
            command += ["--pack", str(self._pack_path)]
        if self._model_path is not None:
            command += ["--model", str(self._model_path)]
        return command


class InlineCompute:
    """The pool's interface without processes: the analyser runs where it is called."""

    def __init__(self, analyser: Analyser) -> None:
        self._analyser = analyser
        self._batches = 0
        self._items = 0
        self._busy_ns = 0
        self.version = analyser.version

    async def start(self) -> None:
        """Nothing to start."""

    async def analyse(self, items: list[Item]) -> list[Understood]:
        began = perf_counter_ns()
        results = self._analyser.analyse(items)
        self._busy_ns += perf_counter_ns() - began
        self._batches += 1
        self._items += len(items)
        return results

    async def stop(self) -> None:
        """Nothing to stop."""

    def stats(self) -> dict[str, Any]:
        return {
            "restarts": 0,
            "crashed_batches": 0,
            "batches": self._batches,
            "items": self._items,
            "busy_s": self._busy_ns / 1e9,
            "waiting": 0,
            "counters": dict(self._analyser.counters),
            "processes": [],
        }


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
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    if length > MAX_FRAME:
        raise msgspec.DecodeError(f"a frame of {length} bytes")
    return await stream.readexactly(length)


# -- the child's side -------------------------------------------------------------------------


def serve(analyser: Analyser, source: BinaryIO, sink: BinaryIO) -> None:
    """Answers batches until the source ends."""
    while True:
        header = source.read(_LENGTH.size)
        if len(header) < _LENGTH.size:
            return
        (length,) = _LENGTH.unpack(header)
        body = source.read(length)
        if len(body) < length:
            return
        began = perf_counter_ns()
        results = analyser.analyse(_decode_items(body))
        busy_us = (perf_counter_ns() - began) // 1000
        _send(sink, Answer(busy_us, dict(analyser.counters), results))
        analyser.counters.clear()


def _send(sink: BinaryIO, message: Any) -> None:
    body = _encode(message)
    sink.write(_LENGTH.pack(len(body)) + body)
    sink.flush()


def _die_with_parent(parent: int) -> None:
    """Asks Linux for SIGKILL when the parent ends; elsewhere the closed input must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:  # it ended before we asked
        raise SystemExit(1)


def main(arguments: list[str] | None = None) -> None:
    """The child process: `python -m colloquy.understanding.compute`."""
    parser = argparse.ArgumentParser(description="A compute process; its pool starts it.")
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args(arguments)
    _die_with_parent(options.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whatever a library prints must not end up among the frames.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        analyser = load_analyser(options.pack, options.model)
    except ColloquyError as error:
        _send(sink, Hello("", error.detail, error.field))
        raise SystemExit(2) from None
    # What is loaded lives for ever: keep the collector from walking it again and again.
    gc.collect()
    gc.freeze()
    _send(sink, Hello(analyser.version))
    # The first phone number loads 70 ms of metadata: better now than in somebody's message.
    analyser.analyse([Item("call +1 415 555 2671", 0, None)])
    analyser.counters.clear()
    serve(analyser, sys.stdin.buffer, sink)


if __name__ == "__main__":
    main()
