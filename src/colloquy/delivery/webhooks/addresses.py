"""Where a webhook may lead: the guard against requests forged into our own network (SSRF; OWASP
Server-Side Request Forgery Prevention).

A URL is checked twice: its form when it is stored, its addresses at every single attempt. The
addresses that were checked are the ones connected to, so that a name which answers differently a
moment later (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from ...model.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses as texts, the preferred one first. Raises OSError."""

RESOLVER_THREADS = 16
"""Names that are looked up at once; slow name servers hold up webhooks and nothing else."""
FIRST_FREE_PORT = 1024
"""Below it only the ports of HTTP: others belong to services that are not to be talked into."""
HIGHEST_PORT = 65_535
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is routed in public (RFC 4291)."""
_ALSO_SPECIAL = [
    ipaddress.ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20")
]
"""Special by IANA's registries, but global to some versions of Python."""
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 behind a translator (RFC 6052), which Python counts as global whatever is inside."""


_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
"""What a host is made of once it is encoded; others make programs disagree on what it is."""


class Refused(Exception):
    """The URL leads where webhooks may not go."""


class SystemResolver:
    """The operating system's resolver, in threads of its own.

    A name that is being looked up is not asked for again: however many deliveries wait for a slow
    name server, they take one thread. `look_up` is `socket.getaddrinfo`, or what a test puts there.
    """

    def __init__(self, look_up: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "colloquy-names")
        self._asked: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def __call__(self, host: str, port: int) -> list[str]:
        place = (host, port)
        answer = self._asked.get(place)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = loop.run_in_executor(self._threads, self._addresses, host, port)
            self._asked[place] = answer
            answer.add_done_callback(lambda done: self._answered(place, done))
        # Whoever gives up waiting leaves the look-up to the others.
        return await asyncio.shield(answer)

    def close(self) -> None:
        """Waits for nobody: a look-up cannot be stopped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = self._look_up(host, port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # a label that is empty or too long
            raise OSError(f"{host} is no name: {error}") from None
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def _answered(self, place: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._asked[place]
        if not done.cancelled():
            done.exception()  # it was raised to whoever still waited


class AddressGuard:
    """Which URLs and addresses webhooks may reach."""

    def __init__(self, *, allow_http: bool, allow_networks: Sequence[str]) -> None:
        self._schemes = ("https", "http") if allow_http else ("https",)
        self._allowed: list[Network] = [ipaddress.ip_network(text) for text in allow_networks]

    def checked_url(self, text: str) -> httpx.URL:
        """The URL if its form will do. Raises InvalidInput."""
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL as error:
            raise _invalid(f"is no URL: {error}") from None
        if url.scheme not in self._schemes:
            raise _invalid(f"must begin with {' or '.join(f'{one}://' for one in self._schemes)}")
        if not _HOST.fullmatch(url.raw_host.decode("ascii")):
            raise _invalid("names no host")
        if url.userinfo:
            raise _invalid("may hold no user name or password")
        if url.fragment:
            raise _invalid("may hold no fragment (#…), which is never sent")
        port = url.port
        if port not in (None, 80, 443) and not FIRST_FREE_PORT <= port <= HIGHEST_PORT:
            raise _invalid(f"may use the ports 80, 443 and from {FIRST_FREE_PORT} on")
        try:
            address = ipaddress.ip_address(url.host)
        except ValueError:
            return url
        if not self.allows(address):
            raise _invalid(f"leads to {address}, which is not public")
        return url

    async def addresses(self, url: httpx.URL, resolve: Resolver) -> list[Address]:
        """Where to connect for this URL, the preferred address first.

        Raises Refused when one of its addresses is not allowed, OSError when there is none.
        """
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        found = [ipaddress.ip_address(text) for text in await resolve(host.strip("[]"), port)]
        if not found:
            raise OSError(f"{host} has no address")
        for address in found:
            if not self.allows(address):
                raise Refused(f"{host} leads to {address}, which is not public")
        return found

    def allows(self, address: Address) -> bool:
        """Whether it is public, or in a network that the settings allow."""
        real = _embedded(address)
        if any(real in network for network in self._allowed):
            return True
        if isinstance(real, ipaddress.IPv6Address) and real not in _UNICAST:
            return False
        special = any(real in network for network in _ALSO_SPECIAL)
        return real.is_global and not (special or real.is_multicast or real.is_reserved)


def _embedded(address: Address) -> Address:
    """The IPv4 address inside one that only wraps it: what will be talked to in the end."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _invalid(why: str) -> InvalidInput:
    return InvalidInput(f"the URL {why}", field="url")
