"""What carries signals: a connection to a server that passes on what is sent to everybody who
listens on the same channel, oneself included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ...model.errors import ExtraMissing, SettingsError
from ...settings import SignalServer

CARRIER_S = 5.0
"""The longest a carrier takes to connect, to send, or to be told that it cannot."""
GOODBYE_S = 2.0
"""The longest that closing waits for a server."""


class Carrier(Protocol):
    """One way between processes. Nothing in it remembers or repeats: `Signals` does."""

    @property
    def place(self) -> str:
        """Where the server is, without passwords: for messages."""

    async def open(
        self, channel: str, heard: Callable[[bytes], None], lost: Callable[[str], None]
    ) -> None:
        """Connects and listens; the connection that there was before is let go.

        From then on `heard` is called in the event loop with each payload on the channel, and
        `lost`, with the reason, when the connection is gone or something was not heard. Raises
        SettingsError when it is refused for what the URL says, else Unavailable.
        """

    async def send(self, payloads: Sequence[bytes]) -> None:
        """Returns when the server has them, each at most PAYLOAD_BYTES of UTF-8 without NUL. Raises
        what `open` raises."""

    async def close(self) -> None:
        """Lets go, within GOODBYE_S, whatever the server does. May be called at any time."""


def carrier_to(server: SignalServer) -> Carrier:
    """Raises ExtraMissing."""
    try:
        if server.is_redis:
            from .redis import RedisCarrier

            return RedisCarrier(server)
        from .nats import NatsCarrier

        return NatsCarrier(server)
    except ImportError:
        extra, package = ("redis", "redis") if server.is_redis else ("nats", "nats-py")
        said = f"needs the package {package}: pip install 'colloquy[{extra}]'"
        raise ExtraMissing(
            f"signals.url ({server.place}) {said}", problems=[_problem(said)]
        ) from None


def refused(server: SignalServer, reason: str) -> SettingsError:
    """The server is there, and does not want us as the URL says."""
    said = f"is refused by {server.place}: {reason}"
    return SettingsError(f"signals.url {said}", problems=[_problem(said)])


def _problem(detail: str) -> dict[str, str]:
    return {"setting": "signals.url", "source": "", "detail": detail}
