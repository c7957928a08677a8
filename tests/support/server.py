"""A real server for tests: the whole engine behind HTTP, in a thread with a loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import apsw
import httpx

from colloquy import Colloquy, Reply, Turn
from colloquy.runtime import Runtime
from colloquy.server.application import Application, build_asgi
from colloquy.server.run import serve
from colloquy.telemetry import configure

T = TypeVar("T")

# Every table that a request can write to, spelled out: a read over HTTP must change none of them.
WRITTEN = ("inbox", "message_keys", "sessions", "events", "outbox", "dead_letters", "changes")

QUICK_REPLIES = ["Book a viewing", "Talk to a human"]


def assistant() -> Colloquy:
    """Answers everything; a few words make it behave in ways that tests need."""
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> Reply | None:
        text = turn.text
        if "poison" in text:
            raise ValueError("this text cannot be handled")
        if "human" in text:
            return turn.hand_over("human", text="I am passing you on to a colleague.")
        if "slow" in text:
            await asyncio.sleep(30)
        if "silence" in text:
            return Reply()
        return Reply(f"You said: {text}", quick_replies=QUICK_REPLIES)

    return app


async def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    """Waits for something in the server's thread. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - no event crosses threads
            await asyncio.sleep(0.001)


class Server:
    """A context manager. `app` makes the assistant; other keyword arguments are settings by dotted
    name."""

    def __init__(
        self, folder: Path, app: Callable[[], Colloquy] = assistant, **settings: str
    ) -> None:
        self.folder = folder
        self._make_app = app
        self.settings = settings
        self.url = ""
        self.runtime: Runtime
        self.app: Application
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None

    def __enter__(self) -> Server:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, port: int = 0) -> Server:
        """Returns when requests are taken."""
        self._ready.clear()
        self._thread = threading.Thread(target=self._main, args=(port,), daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    def _main(self, port: int) -> None:
        try:
            asyncio.run(self._serve(port))
        except BaseException as error:
            self._error = error
        finally:
            self._ready.set()

    async def _serve(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        app = self._make_app()
        overrides = {
            "preset": "test",
            "database_url": f"sqlite:///{self.folder / 'test.db'}",
            **self.settings,
        }
        resolution = app.resolution(overrides)
        configure(resolution.settings.log_level, resolution.settings.log_format)
        self.runtime = Runtime(app, resolution)
        self.app = build_asgi(self.runtime)

        def ready(url: str) -> None:
            self.url = url
            self._ready.set()

        await serve(self.runtime, "127.0.0.1", port, app=self.app, on_ready=ready, stop=self._stop)

    # -- what tests do with it ----------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float = 60.0) -> T:
        """Runs a coroutine in the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def key(self, *scopes: str) -> str:
        """The secret of a new key."""
        return self.run(self.runtime.create_key("test", list(scopes or ("admin",)))).secret

    def client(self, *scopes: str) -> httpx.Client:
        """A client with a key of these scopes (admin by default)."""
        headers = {"authorization": f"Bearer {self.key(*scopes)}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60.0, trust_env=False)

    def contents(self) -> tuple[object, ...]:
        """The rows of every table that a request could have written to, once nothing that came
        before is still at work."""
        runtime = self.runtime
        self.run(until(lambda: runtime.worker.is_idle and runtime.delivery.is_idle))
        database = apsw.Connection(str(self.folder / "test.db"), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            return tuple(
                (table, database.execute(f"SELECT count(*) FROM {table}").get) for table in WRITTEN
            )
        finally:
            database.close()
