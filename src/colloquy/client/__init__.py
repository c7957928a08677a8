"""The client of a running server: `Client` waits for answers, `AsyncClient` awaits them.

    with Client("http://127.0.0.1:8420", key) as client:
        answer = client.send(Message(conversation="ann", text="Are you open?"), wait_s=10)

Both have one method for each operation of the API, with the same parameters, typed with the
structs that the server answers with. What may be repeated without harm is repeated when the server
is busy, restarts or cannot be reached; everything can be, since messages carry an id and other
POSTs an `Idempotency-Key`, given by the client where the caller gave none. Then methods raise
`Unavailable` when nobody answers, else the server's own error out of `colloquy.model.errors`.
"""

from __future__ import annotations

from .address import Address, server_of
from .messages import Answer
from .operations import Operations
from .problems import error_of
from .request import Retries
from .transport import AsyncTransport, SyncTransport


class Client(SyncTransport, Operations):
    """A client whose methods return their answers; use it as a context manager.

    `url` is the server's address, `key` an API key. `timeout_s` bounds each attempt, `retries` says
    how often it is repeated, `connections` are kept open. Threads may share one.
    """


class AsyncClient(AsyncTransport, Operations):
    """A client whose methods are awaited; use it as an async context manager.

    The parameters are those of `Client`.
    """


__all__ = ["Address", "Answer", "AsyncClient", "Client", "Retries", "error_of", "server_of"]
