"""The tests' assistant as a process of its own: `python -m support.serving DATABASE PORT`."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


class ServerProcess:
    """A server on one database and, after the first start, one port."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns when requests are taken."""
        port = self.url.rpartition(":")[2] or "0"
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.serving", str(self.database), port],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the server did not start"

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def rest(self) -> str:
        """What it still says, once it has ended."""
        assert self._process is not None
        return self._process.communicate(timeout=60)[0]

    @property
    def status(self) -> int | None:
        assert self._process is not None
        return self._process.wait(60)

    def kill(self) -> None:
        """As a power cut does it."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


async def _main(database: str, port: int) -> None:
    from colloquy.runtime import Runtime
    from colloquy.server.run import serve
    from colloquy.telemetry import configure

    from .server import assistant

    configure("warning")
    app = assistant()
    settings = app.settings({"preset": "test", "database_url": f"sqlite:///{database}"})
    await serve(Runtime(app, settings), port=port, on_ready=lambda url: print(url, flush=True))
    print("stopped", flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
