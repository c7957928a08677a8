"""`serve --reload`: a server in a child process, started anew when a source file changes."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

from ..model.errors import Unavailable
from .app import app_folder, chosen_app
from .options import Where
from .output import note

SUFFIXES = (".py", ".toml")
LOOK_MS = 500
STOP_S = 30.0


def watch(
    where: Where,
    *,
    app: str | None,
    host: str | None,
    port: int | None,
    workers: int | None,
    dev: bool,
    as_json: bool,
) -> int:
    """Runs `serve` until a signal ends it. Raises Unavailable without the extra `reload`."""
    try:
        from watchfiles import DefaultFilter, watch
    except ImportError:
        raise Unavailable("--reload needs watchfiles: pip install 'colloquy[reload]'") from None

    class Sources(DefaultFilter):
        def __call__(self, change: object, path: str) -> bool:
            return path.endswith(SUFFIXES) and super().__call__(change, path)  # type: ignore[arg-type]

    command = [sys.executable, "-m", "colloquy.cli", "serve"]
    if app is not None:
        command += ["--app", app]
    if where.config is not None:
        command += ["--config", str(where.config)]
    if where.database_url is not None:
        command += ["--database-url", where.database_url]
    for text in where.set or []:
        command += ["--set", text]
    for option, value in (("--host", host), ("--port", port), ("--workers", workers)):
        if value is not None:
            command += [option, str(value)]
    command += ["--dev"] * dev + ["--json"] * as_json
    folders = [app_folder(chosen_app(app, where))]
    if where.config is not None:
        folders.append(where.config.absolute().parent)

    # Without this the server would outlive a watcher that is told to stop.
    signal.signal(signal.SIGTERM, _interrupt)
    child = subprocess.Popen(command)
    try:
        for changes in watch(
            *folders, watch_filter=Sources(), rust_timeout=LOOK_MS, yield_on_timeout=True
        ):
            if changes:
                names = sorted({Path(path).name for _, path in changes})
                note(f"{', '.join(names)} changed: restarting")
                _stop(child)
                child = subprocess.Popen(command)
            elif child.poll() == 0:
                return 0
            # A server that failed to start stays down until the next change mends it.
    except KeyboardInterrupt:
        pass
    finally:
        _stop(child)
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
