"""A real `colloquy serve` as a child process: started, watched, stopped, killed.

It runs in a process group of its own, in a folder of its own, on a port that stays the same over
restarts, with none of the caller's settings.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..model.errors import Unavailable
from ..model.views import NewKey
from .processes import Status, children_of, members_of
from .wire import Answer, Pool, request_bytes

HOST = "127.0.0.1"
START_S = 60.0
"""A server that is not ready by then is broken; a start takes about a second."""
STOP_S = 60.0
"""Longest graceful stop: its own grace period is 20 s."""
_POLL_S = 0.02
_LOG_LINES = 20


class Server:
    """One server over its starts and ends: `prepare` once, then `launch` as often as needed."""

    def __init__(
        self,
        folder: Path,
        *,
        app: str | None = None,
        database_url: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`settings` by environment name, such as COLLOQUY_WORKERS. `app` as in `serve --app`."""
        self.folder = folder
        self.database_url = database_url or f"sqlite:///{folder / 'colloquy.db'}"
        self.port = free_port()
        self.token = ""
        self.log = folder / "server.log"
        self.process: asyncio.subprocess.Process | None = None
        self.pool = Pool(HOST, self.port)
        self._app = app
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")
        }
        self._environment |= {
            "COLLOQUY_DATABASE_URL": self.database_url,
            "COLLOQUY_DATA_DIR": str(folder),
            "COLLOQUY_HOST": HOST,
            "COLLOQUY_PORT": str(self.port),
            **(settings or {}),
        }

    async def prepare(self) -> None:
        """Makes the database and an API key that may do everything. Raises Unavailable."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "colloquy.cli"),
            *("keys", "create", "proof", "--scope", "admin", "--json"),
            cwd=self.folder,
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        if process.returncode:
            raise Unavailable(f"cannot make an API key: {err.decode(errors='replace').strip()}")
        self.token = msgspec.json.decode(out, type=NewKey).secret

    # -- life ---------------------------------------------------------------------------------

    async def launch(self) -> None:
        """Starts the process; it may not be ready yet."""
        command = [sys.executable, "-m", "colloquy.cli", "serve"]
        if self._app is not None:
            command += ["--app", self._app]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self.folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def start(self, timeout_s: float = START_S) -> float:
        """Launches it and waits until it is ready; returns the seconds that took."""
        started = time.perf_counter()
        await self.launch()
        await self.ready(timeout_s)
        return time.perf_counter() - started

    async def ready(self, timeout_s: float = START_S) -> None:
        """Returns once `/ready` says so. Raises Unavailable if it ends before or is too slow."""
        request = request_bytes("GET", "/ready", host=HOST)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if not self.is_running:
                raise Unavailable(f"the server ended at once:\n{self.last_words()}")
            try:
                if (await self.pool.request(request, timeout_s=2.0)).status == 200:
                    return
            except (OSError, TimeoutError):
                pass  # not listening yet
            await asyncio.sleep(_POLL_S)
        raise Unavailable(f"the server is not ready after {timeout_s} s:\n{self.last_words()}")

    async def stop(self) -> int:
        """Stops it the graceful way and returns its exit code. Raises Unavailable if it hangs."""
        assert self.process is not None
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                return await self.process.wait()
        except TimeoutError:
            self.kill_group()
            await self.process.wait()
            raise Unavailable(f"no graceful stop within {STOP_S} s") from None
        finally:
            self.pool.close()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group, too."""
        assert self.process is not None
        return self.process.pid

    def last_words(self) -> str:
        """The end of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-_LOG_LINES:])

    # -- harm ---------------------------------------------------------------------------------

    def kill_server(self) -> bool:
        """SIGKILL to the server alone. False when it was gone already."""
        return self.is_running and _signal(os.kill, self.pid, signal.SIGKILL)

    def kill_group(self) -> bool:
        """SIGKILL to the server and everything that it started."""
        return self.process is not None and _signal(os.killpg, self.pid, signal.SIGKILL)

    def kill_compute(self, which: int) -> bool:
        """SIGKILL to one compute process. False when there is none at the moment."""
        found = self.compute()
        return bool(found) and _signal(os.kill, found[which % len(found)].pid, signal.SIGKILL)

    def pause(self) -> bool:
        """SIGSTOP to the whole group."""
        return self.is_running and _signal(os.killpg, self.pid, signal.SIGSTOP)

    def go_on(self) -> bool:
        """SIGCONT to the whole group."""
        return self.process is not None and _signal(os.killpg, self.pid, signal.SIGCONT)

    def compute(self) -> list[Status]:
        """Its compute processes."""
        return children_of(self.pid) if self.is_running else []

    def remains(self) -> list[Status]:
        """What still lives of the group, after its end too."""
        return members_of(self.pid) if self.process is not None else []

    # -- requests -----------------------------------------------------------------------------

    async def get(self, path: str, timeout_s: float = 10.0) -> Answer:
        """One GET with the key. Raises OSError or TimeoutError."""
        request = request_bytes("GET", path, host=HOST, token=self.token)
        return await self.pool.request(request, timeout_s)

    def post_bytes(self, path: str, body: bytes) -> bytes:
        """A POST with the key, ready to be written."""
        return request_bytes("POST", path, host=HOST, token=self.token, body=body)


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _signal(send: object, target: int, number: signal.Signals) -> bool:
    try:
        send(target, number)  # type: ignore[operator]
    except ProcessLookupError:
        return False
    return True
