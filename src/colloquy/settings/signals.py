"""How the processes on one database tell each other news: the settings, and the server in them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote, urlsplit

from msgspec import Meta, Struct

SCHEMES = {"redis": 6379, "rediss": 6379, "nats": 4222, "tls": 4222}
"""Each with its usual port; `rediss` and `tls` (of NATS) are encrypted."""


SignalUrl = Annotated[str, Meta(max_length=2000)]


class SignalServer(Struct, frozen=True):
    """What `signals.url` says. `token` is a user without a password, which NATS takes for one."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = None
    token: str | None = None

    @property
    def is_redis(self) -> bool:
        return self.scheme in ("redis", "rediss")

    @property
    def is_encrypted(self) -> bool:
        return self.scheme in ("rediss", "tls")

    @property
    def place(self) -> str:
        """The URL without user, password and token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class SignalSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The way between the processes on one PostgreSQL database (docs/operations.md)."""

    url: Annotated[
        SignalUrl | None,
        Meta(
            description="`redis://`, `rediss://`, `nats://` or `tls://` (NATS), with user and "
            "password; by default PostgreSQL's own `NOTIFY`.",
        ),
    ] = None
    prefix: Annotated[
        str,
        Meta(
            max_length=40,
            pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$(?!\n)",
            description="What the names of channels begin with on a server of signals.",
        ),
    ] = "colloquy"

    @property
    def server(self) -> SignalServer | None:
        """None for the database's own. Raises ValueError."""
        return None if self.url is None else signal_server(self.url)


def signal_server(url: str) -> SignalServer:
    """The server that a URL names. Raises ValueError, which repeats nothing of the URL but its
    scheme: the rest may be a password."""
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("has characters that a URL cannot have")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is no URL: is the password percent-encoded?") from None
    if parts.scheme not in SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in SCHEMES)
        raise ValueError(f"has the scheme {parts.scheme!r}, which is none of {known}")
    if not host or port == 0:
        raise ValueError("names no host and port")
    is_redis = parts.scheme.startswith("redis")
    if parts.query or parts.fragment or not _is_path(parts.path, is_redis):
        raise ValueError("has more than a server in it: is the password percent-encoded?")
    user, password = _plain(parts.username), _plain(parts.password)
    token = None
    if password is None and user is not None:
        if is_redis:
            raise ValueError("names a user without a password")
        user, token = None, user
    if not is_redis and password is not None and user is None:
        raise ValueError("has a password without a user")
    return SignalServer(parts.scheme, host, port or SCHEMES[parts.scheme], user, password, token)


def _is_path(path: str, is_redis: bool) -> bool:
    """Whether nothing is lost: signals do not ask for the number of one of Redis' databases."""
    return path in ("", "/") or (is_redis and path[1:].isdigit())


def _plain(text: str | None) -> str | None:
    return unquote(text) if text else None
