"""A compute process, and what it says to the pool that started it.

Bytes in, bytes out: a frame is a 4-byte little-endian length and that many bytes of msgpack. The
child reads a list of `Item` and answers with the time it was busy, its counters and a list of
`Understood`. It ends when its standard input closes or its parent dies. It ignores SIGINT and
SIGTERM, so that a signal to the whole group lets the parent finish its batches first.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import signal
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import BinaryIO

from ..model.errors import ColloquyError
from ..privacy.masking import mask
from ..telemetry import configure
from .analyse import Analyser
from .loading import load
from .shadow import Shadow
from .wire import LENGTH, Answer, Hello, Item, Models, decode_items, encode

_PR_SET_PDEATHSIG = 1


def serve(
    analyser: Analyser, source: BinaryIO, sink: BinaryIO, shadow: Shadow | None = None
) -> None:
    """Answers batches until the source ends. The shadow looks when the answer is on its way; what
    it counts goes with the next one."""
    while True:
        header = source.read(LENGTH.size)
        if len(header) < LENGTH.size:
            return
        (length,) = LENGTH.unpack(header)
        body = source.read(length)
        if len(body) < length:
            return
        began = perf_counter_ns()
        items = decode_items(body)
        results = analyser.analyse(items)
        busy_us = (perf_counter_ns() - began) // 1000
        _send(sink, Answer(busy_us, dict(analyser.counters), results, dict(analyser.errors)))
        analyser.counters.clear()
        analyser.errors.clear()
        if shadow is not None:
            shadow.look(items, results, analyser.counters)


def _send(sink: BinaryIO, message: Answer | Hello) -> None:
    body = encode(message)
    sink.write(LENGTH.pack(len(body)) + body)
    sink.flush()


def _die_with_parent(parent: int) -> None:
    """Asks Linux for SIGKILL when the parent ends; elsewhere the closed input must do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent and os.getppid() != parent:  # it ended before we asked
        raise SystemExit(1)


def main(arguments: list[str] | None = None) -> None:
    """The child process: `python -m colloquy.understanding.compute_child`."""
    parser = argparse.ArgumentParser(description="A compute process; its pool starts it.")
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--pack", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--shadow-pack", type=Path)
    parser.add_argument("--shadow-model", type=Path)
    parser.add_argument("--names", type=Path)
    parser.add_argument("--extension", action="append", default=[])
    parser.add_argument("--shadow-share", type=float, default=0.0)
    options = parser.parse_args(arguments)
    _die_with_parent(options.parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Whatever a library prints must not end up among the frames.
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    # Without this, tracebacks in the log would show local variables: what people wrote.
    configure("warning", mask=mask)
    try:
        analyser, shadow = load(
            Models(
                options.pack,
                options.model,
                options.shadow_pack,
                options.shadow_model,
                options.shadow_share,
                tuple(options.extension),
                options.names,
            )
        )
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
    serve(analyser, sys.stdin.buffer, sink, shadow)


if __name__ == "__main__":
    main()
