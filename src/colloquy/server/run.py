"""Runs the engine behind a listening socket until a signal says stop.

Stopping takes three steps, so that no request meets a closed database: the socket closes and
streams end, requests under way are answered, then the engine finishes its work.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import uvicorn

from ..model.errors import InvalidInput
from ..telemetry import get_logger
from .protocol import BoundedHttpProtocol

if TYPE_CHECKING:
    from ..runtime import Runtime
    from .application import Application

BACKLOG = 2048
KEEP_ALIVE_S = 75.0
"""Longer than the idle time of usual proxies, which must not meet a connection just closed."""
UNACKNOWLEDGED_S = 60.0
"""A connection whose client has taken no byte for so long is dropped by the kernel."""
PING_S = 20.0
MAX_FRAME = 128 * 1024
"""Bytes of one message of a WebSocket client: the longest text, with every character escaped."""


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to `serve`."""
        yield


async def serve(
    runtime: Runtime,
    host: str | None = None,
    port: int | None = None,
    *,
    app: Application | None = None,
    log: Any = None,
    on_ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Starts the runtime, serves it on `host`:`port` (by default those of its settings; port 0 lets
    the system choose), returns after SIGTERM, SIGINT or `stop`, when everything has stopped.

    `app` is one made before by `build_asgi` for this runtime. `on_ready` is called with the address
    once requests are taken. A second signal does not wait for
    requests under way. Raises InvalidInput when it cannot listen there, and what `start` raises.
    """
    log = log if log is not None else get_logger(__name__)
    stop = stop if stop is not None else asyncio.Event()
    settings = runtime.settings
    listener = _listener(
        host if host is not None else settings.host, port if port is not None else settings.port
    )
    # Loading the API takes as long as starting what understands, in processes of its own.
    making = asyncio.create_task(asyncio.to_thread(_made, runtime)) if app is None else None
    try:
        await runtime.start()
    except BaseException:
        listener.close()
        if making is not None:
            await asyncio.wait((making,))
        raise
    try:
        if making is not None:
            app = await making
        assert app is not None
        server = _Server(_config(app, settings.shutdown.grace_s))
        with _signals(stop, server):
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            stopping = asyncio.create_task(stop.wait())
            listening = asyncio.create_task(server.listening.wait())
            try:
                await asyncio.wait((listening, serving), return_when=asyncio.FIRST_COMPLETED)
                if serving.done():
                    await serving
                url = address(listener)
                runtime.announce(url)
                log.info("ready", url=url)
                if on_ready is not None:
                    on_ready(url)
                await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                log.info("stopping")
                app.close()
                # uvicorn would close their connections in its own words otherwise.
                await app.streams.ended()
                server.should_exit = True
                stopping.cancel()
                listening.cancel()
                await serving
                app.release()
    finally:
        listener.close()
        await runtime.stop()


def _made(runtime: Runtime) -> Application:
    from .application import build_asgi

    return build_asgi(runtime)


def address(listener: socket.socket) -> str:
    """The address of a listening socket, as a client on this machine would use it."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; connections inherit it
            milliseconds = int(UNACKNOWLEDGED_S * 1000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listener.setblocking(False)
        listener.bind(where)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from None
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> InvalidInput:
    return InvalidInput(f"cannot listen on {host}:{port}: {error.strerror}", field="port")


def _config(app: Any, grace_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=int(KEEP_ALIVE_S),
        timeout_graceful_shutdown=max(1, math.ceil(grace_s)),
    )


@contextlib.contextmanager
def _signals(stop: asyncio.Event, server: uvicorn.Server) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`; a second one does not wait for requests under way."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def heard() -> None:
        if stop.is_set():
            server.force_exit = True
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
