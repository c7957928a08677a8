"""Who is at the other end of a request: behind proxies that are trusted, whom they name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

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
    client = scope.get("client")
    found = _parsed(client[0]) if client else None
    if found is None:
        return "unknown"
    if trusted and _is_in(found, trusted):
        for text in reversed(_forwarded(scope)[-MAX_HOPS:]):
            nearer = _parsed(text)
            if nearer is None:
                break
            found = nearer
            if not _is_in(found, trusted):
                break
    if found.version == 6:
        return str(ipaddress.ip_network((found, _SITE), strict=False))
    return str(found)


def _forwarded(scope: Any) -> list[str]:
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return b",".join(values).decode("latin-1").split(",") if values else []


def _parsed(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    # An IPv4 client of a socket that listens on both.
    return getattr(found, "ipv4_mapped", None) or found


def _is_in(address: ipaddress.IPv4Address | ipaddress.IPv6Address, trusted: Networks) -> bool:
    return any(address in network for network in trusted)
