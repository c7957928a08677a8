"""A real MCP server over Streamable HTTP, in a thread."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from mcp.server import MCPServer


@contextmanager
def serving(server: MCPServer) -> Iterator[str]:
    """The URL of this server while the block runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    # `log_config=None`: uvicorn's own would stay with the process's loggers for all later tests.
    web = uvicorn.Server(uvicorn.Config(server.streamable_http_app(), log_config=None))
    thread = threading.Thread(target=web.run, args=([listener],), daemon=True)
    thread.start()
    while not web.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    finally:
        web.should_exit = True
        thread.join(20)
        listener.close()
