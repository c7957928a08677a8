"""Who is at the other end of a request: behind proxies that are trusted, whom they name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

MAX_HOPS = 20
"""Entries of X-Forwarded-For that are looked at, from the nearest on."""
_SITE = 64
"""Bits of an IPv6 address that name a subscriber's network (RFC 6177): limits go by it, because one
subscriber has 2^64 addresses."""


def networks(texts: Iterable[str]) -> Networks:
    """Raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def client_address(scope: Any, trusted: Networks) -> str:
    """The address that a request came from; `unknown` when the connection has none.

    When the peer is a trusted proxy, that is the last entry of X-Forwarded-For that is not trusted
    itself: what stands before it is only what somebody claims.
    """
    found = _peer(scope)
    if found is None:
        return "unknown"
    if trusted and _is_in(found, trusted):
        for text in reversed(_listed(scope, b"x-forwarded-for")[-MAX_HOPS:]):
            nearer = _parsed(text)
            if nearer is None:
                break
            found = nearer
            if not _is_in(found, trusted):
                break
    if found.version == 6:
        return str(ipaddress.ip_network((found, _SITE), strict=False))
    return str(found)


def is_https(scope: Any, trusted: Networks) -> bool:
    """Whether the client came over TLS, by the connection or by the word of a trusted proxy."""
    if scope.get("scheme") in ("https", "wss"):
        return True
    if not trusted:
        return False
    peer = _peer(scope)
    if peer is None or not _is_in(peer, trusted):
        return False
    return _listed(scope, b"x-forwarded-proto")[-1:] == ["https"]


def _peer(scope: Any) -> Address | None:
    client = scope.get("client")
    return _parsed(client[0]) if client else None


def _listed(scope: Any, header: bytes) -> list[str]:
    """The entries of a header that each proxy adds to."""
    values = [value for name, value in scope["headers"] if name == header]
    entries = b",".join(values).decode("latin-1").split(",") if values else []
    return [entry.strip() for entry in entries]


def _parsed(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    # An IPv4 client of a socket that listens on both.
    return getattr(found, "ipv4_mapped", None) or found


def _is_in(address: Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
