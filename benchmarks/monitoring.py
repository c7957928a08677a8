"""What monitoring costs, and how soon it answers while the server is at work.

    .venv/bin/python benchmarks/monitoring.py [--messages 20000] [--rounds 3] [--asks 300] [--json]

A real server in a process of its own.

1. `look_us`: one look of the monitoring task, in this process, with an engine that did something
   since the last one (`busy`) and one that did not (`idle`), no dashboard connected.
2. Throughput: `--messages` as fast as the server takes them, in turns without a dashboard, and with
   one that reads and one that never does; the ratio of the medians, and what a message costs the
   server's main process.
3. Answers of the four endpoints, `--asks` of each in turn, at half of that rate: milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from colloquy import Colloquy, Message
from colloquy.proof.dialogue import made_up
from colloquy.proof.load import Feed, Load
from colloquy.proof.sampling import look, percentile
from colloquy.proof.server import HOST, Server
from colloquy.proof.wire import Pool, request_bytes
from colloquy.runtime import Runtime
from colloquy.telemetry import configure

SETTINGS = {"COLLOQUY_LOG_LEVEL": "warning", "COLLOQUY_MONITORING_INTERVAL_S": "0.05"}
"""Ten times as many looks as by default: what they cost is easier to see."""
ENDPOINTS = (
    ("GET", "/metrics/validation"),
    ("GET", "/metrics/adapter"),
    ("GET", "/flags/status"),
    ("POST", "/metrics/flush"),
)
CONNECTIONS = 4
BATCH = 50
LOOKS = 2000


async def looks(folder: Path) -> dict[str, float]:
    """Microseconds of one look: the median."""
    configure("error")
    app = Colloquy()
    overrides = {
        "preset": "test",
        "database_url": f"sqlite:///{folder / 'look.db'}",
        "monitoring.interval_s": "3600",
    }
    runtime = Runtime(app, app.settings(overrides))
    await runtime.start()
    try:
        await runtime.accept([Message(conversation="a", text="hello")])
        metrics = runtime.metrics
        found: dict[str, list[float]] = {"idle": [], "busy": []}
        for kind, times in found.items():
            for _ in range(LOOKS):
                if kind == "busy":
                    metrics.accepted.of("stored").inc(50)
                    metrics.committed_turns.inc(50)
                    metrics.end_to_end_seconds.observe_many([0.02] * 50)
                    metrics.delivered.of("api").inc(50)
                started = time.perf_counter()
                await runtime.monitoring.look()
                times.append((time.perf_counter() - started) * 1e6)
        return {kind: round(statistics.median(times), 1) for kind, times in found.items()}
    finally:
        await runtime.stop()


@asynccontextmanager
async def dashboards(server: Server) -> AsyncIterator[list[int]]:
    """One that reads, one that never does; yields how many events the first has seen."""
    seen = [0]
    headers = {"authorization": f"Bearer {server.token}"}
    url = f"ws://{HOST}:{server.port}/v2/monitoring/ws"

    async def read() -> None:
        async with connect(url, additional_headers=headers, proxy=None) as connection:
            async for _ in connection:
                seen[0] += 1

    reading = asyncio.create_task(read())
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(deaf.connect, (HOST, server.port))
        deaf.sendall(
            f"GET /v2/monitoring/ws HTTP/1.1\r\nhost: {HOST}:{server.port}\r\n"
            f"authorization: {headers['authorization']}\r\n"
            "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        try:
            yield seen
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def throughput(server: Server, load: Load, messages: int, name: str) -> tuple[float, float]:
    """Messages per second, and milliseconds of the main process's CPU for one."""
    before = look(server)
    started = time.perf_counter()
    await load.push(Feed(made_up(1), 1, f"{name}-"), messages, connections=CONNECTIONS, batch=BATCH)
    while (await load.stats())["pending"]:  # noqa: ASYNC110 - another process tells
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    cpu_ms = (look(server).main_cpu_s - before.main_cpu_s) * 1000 / messages
    return messages / seconds, cpu_ms


async def answers(server: Server, asks: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each endpoint."""
    pool = Pool(HOST, server.port)
    times: dict[str, list[float]] = {path: [] for _, path in ENDPOINTS}
    for _ in range(asks):
        for method, path in ENDPOINTS:
            body = b"" if method == "POST" else None
            host = f"{HOST}:{server.port}"
            request = request_bytes(method, path, host=host, token=server.token, body=body)
            started = time.perf_counter()
            answer = await pool.request(request)
            times[path].append((time.perf_counter() - started) * 1000)
            if answer.status != 200:
                raise SystemExit(f"{path}: {answer.status} {answer.body[:200]!r}")
    pool.close()
    return {
        path: {
            "p50": round(percentile(sorted(found), 50), 2),
            "p99": round(percentile(sorted(found), 99), 2),
            "max": round(max(found), 2),
        }
        for path, found in times.items()
    }


async def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    look_us = await looks(folder)
    server = Server(folder, settings=SETTINGS)
    await server.prepare()
    await server.start()
    load = Load(server)
    alone: list[tuple[float, float]] = []
    watched: list[tuple[float, float]] = []
    events = 0
    try:
        await throughput(server, load, 1000, "warm")
        for number in range(arguments.rounds):
            say(f"round {number + 1} of {arguments.rounds}")
            alone.append(await throughput(server, load, arguments.messages, f"alone{number}"))
            async with dashboards(server) as seen:
                name = f"watched{number}"
                watched.append(await throughput(server, load, arguments.messages, name))
                events += seen[0]
        rate = statistics.median(rate for rate, _ in alone) / 2
        say(f"answers at {rate:.0f} messages/s")
        pacing = asyncio.create_task(
            load.pace(Feed(made_up(2), 2, "half-"), rate, 600, connections=CONNECTIONS, batch=10)
        )
        await asyncio.sleep(2)
        answers_ms = await answers(server, arguments.asks)
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    finally:
        await server.stop()
    return {
        "look_us": look_us,
        "alone_per_s": [round(rate, 1) for rate, _ in alone],
        "watched_per_s": [round(rate, 1) for rate, _ in watched],
        "ratio": round(
            statistics.median(rate for rate, _ in watched)
            / statistics.median(rate for rate, _ in alone),
            3,
        ),
        "server_cpu_ms": {
            "alone": round(statistics.median(cpu for _, cpu in alone), 4),
            "watched": round(statistics.median(cpu for _, cpu in watched), 4),
        },
        "events_read": events,
        "answers_at_per_s": round(rate, 1),
        "answers_ms": answers_ms,
    }


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asks", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="colloquy-monitoring-") as folder:
        report = asyncio.run(measure(arguments, Path(folder)))
    if arguments.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
