"""What watchers cost: console viewers and chat visitors beside a pipeline at work.

    .venv/bin/python benchmarks/surface.py [--viewers 100] [--visitors 200] [--json]

A real server; the audience lives in a process of its own on the same machine. Viewers are logged
in to the console: half look at the overview, half at the inbox, whose list they fetch anew when
the live feed says that something changed, as the page does. Visitors have the chat open and write
every ten seconds.

1. Throughput: `--messages` as fast as the server takes them, without and with the audience, in
   turns (`--rounds` of each); the ratio of the medians counts. The audience takes its CPU from the
   same machine: `audience_cpu_share` says how much of a core, `server_cpu_ms` what a message costs
   the server's main process without and with it.
2. Updates, at half of that rate: from a visitor's message to the reply in the chat, and to the
   inbox list of a viewer that shows it.

The quiet period of the chat is off here: it is a declared wait, not a cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import re
import statistics
import sys
import tempfile
import time
from datetime import datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec import json as codec

from colloquy.proof.dialogue import made_up
from colloquy.proof.load import Feed, Load
from colloquy.proof.sampling import look, percentile
from colloquy.proof.server import HOST, Server
from colloquy.proof.wire import Pool, request_bytes, stream

SETTINGS = {
    "COLLOQUY_LOG_LEVEL": "warning",
    "COLLOQUY_CHANNELS_WEB_QUIET_S": "0",
    # One address plays hundreds of people.
    "COLLOQUY_LIMITS_CHAT_ADDRESS_PER_S": "0",
}
CONNECTIONS = 4
BATCH = 50
LIST = "/console/inbox/rows?channel=web"
"""What the viewers look at: the visitors' conversations, not the thousands of the load."""
PAUSE_S = 10.0
"""Between two messages of one visitor."""
PACE_S = 0.5
"""The inbox page gathers changes for so long, then fetches its list (`PACE_MS` of inbox.js)."""
UPDATES_S = 20.0
SETTLE_S = 3.0

_ROW = re.compile(rb'data-key="(\w+)" data-at="([^"]+)"')


# -- the audience: its own process ----------------------------------------------------------------


class Audience:
    """Viewers and visitors of one server, and how long they waited."""

    def __init__(self, port: int, key: str, viewers: int, visitors: int) -> None:
        self.port = port
        self.key = key
        self.viewers = viewers
        self.visitors = visitors
        self.sent: dict[str, float] = {}
        """Conversation → when its visitor last wrote."""
        self.replies: list[float] = []
        self.lists: list[float] = []
        self.fetches = 0
        self.failures = 0
        self.open = 0

    async def run(self, pipe: Pipe) -> None:
        """Until the parent says "stop"; "begin" forgets, "end" answers with the figures."""
        cookie = await self._log_in()
        tasks = [
            asyncio.create_task(self._viewer(cookie, inbox=number % 2 == 0))
            for number in range(self.viewers)
        ]
        tasks += [asyncio.create_task(self._visitor(number)) for number in range(self.visitors)]
        while True:
            if pipe.poll():
                word = pipe.recv()
                if word == "stop":
                    break
                if word == "begin":
                    self.replies.clear()
                    self.lists.clear()
                    self.fetches = 0
                pipe.send(
                    {
                        "open": self.open,
                        "replies": self.replies,
                        "lists": self.lists,
                        "fetches": self.fetches,
                        "failures": self.failures,
                        "cpu_s": time.process_time(),
                    }
                )
            await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _log_in(self) -> str:
        body = urlencode({"key": self.key}).encode()
        request = (
            f"POST /console/login HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        pool = Pool(HOST, self.port)
        answer = await pool.request(request)
        pool.close()
        cookie = answer.headers.get(b"set-cookie", b"").partition(b";")[0].decode()
        if not cookie:
            raise SystemExit(f"the console let nobody in: {answer.status} {answer.body[:200]!r}")
        return cookie

    async def _viewer(self, cookie: str, *, inbox: bool) -> None:
        """The overview only listens; the inbox fetches its list when the feed names a change."""
        await asyncio.sleep(random.uniform(0, 2))
        pool = Pool(HOST, self.port)
        wanted = asyncio.Event()
        fetcher = asyncio.create_task(self._fetch(pool, cookie, wanted)) if inbox else None
        self.open += 1
        try:
            async for event in stream(HOST, self.port, self._get("/console/live", cookie)):
                if event.event == "conversations":
                    wanted.set()
            self.failures += 1  # it ended
        finally:
            self.open -= 1
            if fetcher is not None:
                fetcher.cancel()
            pool.close()

    async def _fetch(self, pool: Pool, cookie: str, wanted: asyncio.Event) -> None:
        """Fetches the list as the page does, and notes which messages it is the first to show."""
        shown: dict[str, float] = {}
        while True:
            await wanted.wait()
            await asyncio.sleep(PACE_S)
            wanted.clear()
            answer = await pool.request(self._get(LIST, cookie))
            self.fetches += 1
            if answer.status != 200:
                self.failures += 1
            now = time.time()
            for match in _ROW.finditer(answer.body):
                conversation = match[1].decode()
                sent = self.sent.get(conversation)
                active = datetime.fromisoformat(match[2].decode()).timestamp()
                if sent is not None and active >= sent and shown.get(conversation) != sent:
                    shown[conversation] = sent
                    self.lists.append(now - sent)

    async def _visitor(self, number: int) -> None:
        pool = Pool(HOST, self.port)
        answer = await pool.request(self._post("/chat/session", b"{}", ""))
        session = codec.decode(answer.body)
        self.open += 1
        writer = asyncio.create_task(self._write(pool, session, number))
        path = f"/chat/stream?after={session['after']}"
        try:
            async for event in stream(HOST, self.port, self._get(path, "", session["token"])):
                if event.event == "reply" or b'"kind":"reply"' in event.data:
                    sent = self.sent.get(session["conversation_id"])
                    if sent is not None:
                        self.replies.append(time.time() - sent)
            self.failures += 1
        finally:
            self.open -= 1
            writer.cancel()
            pool.close()

    async def _write(self, pool: Pool, session: dict[str, Any], number: int) -> None:
        await asyncio.sleep(random.uniform(0, PAUSE_S))
        count = 0
        while True:
            count += 1
            body = codec.encode(
                {
                    "id": f"m{count}",
                    "stream": "tab",
                    "sequence": count,
                    "text": f"When do you open on day {number} of week {count}?",
                }
            )
            self.sent[session["conversation_id"]] = time.time()
            answer = await pool.request(self._post("/chat/messages", body, session["token"]))
            if answer.status != 202:
                self.failures += 1
            await asyncio.sleep(PAUSE_S)

    def _get(self, path: str, cookie: str, token: str | None = None) -> bytes:
        request = request_bytes("GET", path, host=f"{HOST}:{self.port}", token=token)
        return request[:-2] + f"Cookie: {cookie}\r\n\r\n".encode() if cookie else request

    def _post(self, path: str, body: bytes, token: str) -> bytes:
        return request_bytes(
            "POST", path, host=f"{HOST}:{self.port}", token=token or None, body=body
        )


def attend(port: int, key: str, viewers: int, visitors: int, pipe: Pipe) -> None:
    asyncio.run(Audience(port, key, viewers, visitors).run(pipe))


# -- the measurement ------------------------------------------------------------------------------


class Show:
    """An audience in a process of its own, there while the `with` lasts."""

    def __init__(self, server: Server, viewers: int, visitors: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=attend, args=(server.port, server.token, viewers, visitors, other), daemon=True
        )
        self._expected = viewers + visitors

    async def __aenter__(self) -> Show:
        self._process.start()
        for _ in range(600):
            if (await self.ask("begin"))["open"] == self._expected:
                await asyncio.sleep(SETTLE_S)
                return self
            await asyncio.sleep(0.1)
        raise SystemExit("the audience did not get in")

    async def __aexit__(self, *_: object) -> None:
        self._pipe.send("stop")
        await asyncio.to_thread(self._process.join, 20)
        self._process.kill()

    async def ask(self, word: str) -> dict[str, Any]:
        if not self._process.is_alive():
            raise SystemExit("the audience left")
        self._pipe.send(word)
        found: dict[str, Any] = await asyncio.to_thread(self._pipe.recv)
        return found


async def idle(load: Load) -> None:
    while True:
        stats = await load.stats()
        if not (stats["pending"] or stats["outbox"]):
            return
        await asyncio.sleep(0.05)


async def throughput(load: Load, messages: int, name: str) -> float:
    """Messages per second, from the first request to the last turn."""
    feed = Feed(made_up(1), 1, f"{name}-")
    started = time.perf_counter()
    await load.push(feed, messages, connections=CONNECTIONS, batch=BATCH)
    # Visitors go on writing, so the pipeline may never be quite empty: the load's turns count.
    while (await load.stats())["pending"] > BATCH:  # noqa: ASYNC110 - another process tells
        await asyncio.sleep(0.02)
    return messages / (time.perf_counter() - started)


async def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    server = Server(folder, settings=SETTINGS)
    await server.prepare()
    await server.start()
    load = Load(server)
    alone: list[float] = []
    watched: list[float] = []
    cpu: dict[str, list[float]] = {"alone": [], "watched": [], "audience": []}
    try:
        await throughput(load, 1000, "warm")
        for number in range(arguments.rounds):
            say(f"round {number + 1} of {arguments.rounds}: alone")
            before = look(server)
            alone.append(await throughput(load, arguments.messages, f"alone{number}"))
            cpu["alone"].append(look(server).main_cpu_s - before.main_cpu_s)
            await idle(load)
            say(f"round {number + 1} of {arguments.rounds}: watched")
            async with Show(server, arguments.viewers, arguments.visitors) as show:
                before, seen = look(server), await show.ask("begin")
                watched.append(await throughput(load, arguments.messages, f"watched{number}"))
                cpu["watched"].append(look(server).main_cpu_s - before.main_cpu_s)
                used = (await show.ask("end"))["cpu_s"] - seen["cpu_s"]
                cpu["audience"].append(used * watched[-1] / arguments.messages)
        rate = statistics.median(alone) / 2
        say(f"updates at {rate:.0f} messages/s")
        async with Show(server, arguments.viewers, arguments.visitors) as show:
            feed = Feed(made_up(2), 2, "half-")
            pacing = load.pace(feed, rate, UPDATES_S + 2, connections=CONNECTIONS, batch=10)
            pushed = asyncio.create_task(pacing)
            await asyncio.sleep(2)
            await show.ask("begin")
            await asyncio.sleep(UPDATES_S)
            seen = await show.ask("end")
            await pushed
    finally:
        await server.stop()
    ratio = statistics.median(watched) / statistics.median(alone)
    return {
        "viewers": arguments.viewers,
        "visitors": arguments.visitors,
        "alone_per_s": [round(value, 1) for value in alone],
        "watched_per_s": [round(value, 1) for value in watched],
        "ratio": round(ratio, 3),
        "server_cpu_ms": {
            name: round(statistics.median(cpu[name]) * 1000 / arguments.messages, 4)
            for name in ("alone", "watched")
        },
        "audience_cpu_share": round(statistics.median(cpu["audience"]), 3),
        "updates_at_per_s": round(rate, 1),
        "reply_ms": quantiles(seen["replies"]),
        "list_ms": quantiles(seen["lists"]),
        "list_fetches": seen["fetches"],
        "failures": seen["failures"],
    }


def quantiles(times_s: list[float]) -> dict[str, float]:
    times = sorted(times_s)
    found = {f"p{share}": round(percentile(times, share) * 1000, 1) for share in (50, 95, 99)}
    return {"count": len(times), **found}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--visitors", type=int, default=200)
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="colloquy-surface-") as folder:
        report = asyncio.run(measure(arguments, Path(folder)))
    if arguments.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
