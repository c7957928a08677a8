"""Servers that carry signals, for the tests: those we are told of, the machine's, or private ones.

A test that stops its server starts a private one, on a port that is free, and starts it again on
the same port.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from support.postgres import free_port

PORTS = {"redis": 6379, "nats": 4222}
PROGRAMS = {"redis": "redis-server", "nats": "nats-server"}
START_S = 30.0


@contextmanager
def server(kind: str) -> Iterator[str]:
    """The URL of a server of this kind, `redis` or `nats`. Raises RuntimeError when there is
    none."""
    variable = f"COLLOQUY_TEST_{kind.upper()}_URL"
    told = os.environ.get(variable)
    machine = f"{kind}://127.0.0.1:{PORTS[kind]}"
    if told:
        if not answers(told):
            raise RuntimeError(f"{variable} does not answer")
        yield told
    elif answers(machine):
        yield machine
    else:
        with PrivateServer(kind) as private:
            yield private.url


class PrivateServer:
    """One of our own, which may be killed, held up and started again. `options` are of its
    configuration file, a line each."""

    def __init__(self, kind: str, options: Sequence[str] = ()) -> None:
        program = _program(kind)
        if program is None:
            raise RuntimeError(
                f"These tests need {PROGRAMS[kind]} and none was found: set "
                f"COLLOQUY_TEST_{kind.upper()}_URL, or let one answer at 127.0.0.1:{PORTS[kind]}, "
                f"or install the package (apt-get install {PROGRAMS[kind]})."
            )
        self.kind = kind
        self.port = free_port()
        self.url = f"{kind}://127.0.0.1:{self.port}"
        self._folder = Path(tempfile.mkdtemp(prefix=f"colloquy-{kind}-"))
        lines = {
            "redis": [f"port {self.port}", "bind 127.0.0.1", 'save ""', f"dir {self._folder}"],
            "nats": [f"port: {self.port}", "host: 127.0.0.1"],
        }[kind]
        configuration = self._folder / "server.conf"
        configuration.write_text("\n".join([*lines, *options]) + "\n")
        flag = [] if kind == "redis" else ["-c"]
        self._command = [program, *flag, str(configuration)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> PrivateServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self.go_on()
            self.kill()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Returns when it answers."""
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=output)
        deadline = time.monotonic() + START_S
        while not answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self._command} did not start: {log.read_text()}")
            time.sleep(0.01)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def hold_up(self) -> None:
        """It keeps its connections and does nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


def _program(kind: str) -> str | None:
    """Debian has nats-server where only root's PATH leads."""
    return shutil.which(PROGRAMS[kind], path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def answers(url: str) -> bool:
    """Whether a server of the URL's kind is there, whoever it lets in."""
    parts = urlsplit(url)
    kind = "redis" if parts.scheme.startswith("redis") else "nats"
    with contextlib.suppress(OSError):
        address = (parts.hostname or "", parts.port or PORTS[kind])
        with socket.create_connection(address, timeout=3) as line:
            line.settimeout(3)
            if kind == "redis" and parts.scheme == "redis":
                line.sendall(b"PING\r\n")
            if parts.scheme == "rediss":
                return True
            return line.recv(4).startswith((b"+PON", b"-NOA", b"INFO"))
    return False
