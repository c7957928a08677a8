"""One attempt at one delivery: an HTTP POST to an address that was checked just before.

No proxies, no redirects, no cookies; the whole attempt, from the name to the last byte looked at,
has one time-out; of the answer's body only the beginning is read.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import NamedTuple

import httpx

from ...model.errors import InvalidInput
from ...model.times import now_us, to_us
from .addresses import Address, AddressGuard, Refused, Resolver

BODY_BYTES = 4096
"""Of an answer, so much is read at most."""
DETAIL_CHARACTERS = 500
ADDRESSES_TRIED = 3
"""Of a name with many addresses; each has its share of the time to be connected to."""
TRANSPORTS = 128
"""Origins whose connections are kept open."""
KEEP_ALIVE_S = 30.0
_ORIGIN_CONNECTIONS = 100
_RETRY_AFTER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)

_Origin = tuple[str, str, int | None]


class Answer(NamedTuple):
    """What an attempt met. Without a status nothing was answered, and `detail` says why."""

    status_code: int | None
    detail: str
    duration_ms: int
    retry_after_s: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300


class Poster:
    """Posts to receivers, each over connections of its own origin.

    `trust`: whose certificates are good, by default those of the authorities that httpx ships.
    """

    def __init__(
        self,
        guard: AddressGuard,
        resolve: Resolver,
        timeout_s: float,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._transports: OrderedDict[_Origin, httpx.AsyncHTTPTransport] = OrderedDict()
        self._trust = trust

    async def close(self) -> None:
        while self._transports:
            _, transport = self._transports.popitem()
            await transport.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Tries once; everything that goes wrong out there is an Answer, nothing is raised."""
        started = time.perf_counter()
        status, detail, retry_after_s = None, "", None
        try:
            async with asyncio.timeout(self._timeout_s):
                checked = self._guard.checked_url(url)
                addresses = await self._guard.addresses(checked, self._resolve)
                response = await self._send(checked, addresses, headers, body)
                status = response.status_code
                if status in _RETRY_AFTER:
                    retry_after_s = retry_after(response.headers.get("retry-after", ""), now_us())
                try:
                    detail = await _beginning(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            detail = detail if status is not None else f"no answer within {self._timeout_s:g} s"
        except InvalidInput as error:
            detail = error.detail
        except (httpx.HTTPError, OSError, Refused) as error:
            # Once there is a status, it counts, whatever happens to the rest of the answer.
            detail = f"{error}" or type(error).__name__
        duration_ms = round((time.perf_counter() - started) * 1000)
        return Answer(status, detail[:DETAIL_CHARACTERS], duration_ms, retry_after_s)

    async def _send(
        self,
        url: httpx.URL,
        addresses: Sequence[Address],
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        """To the first address that can be connected to."""
        transport = await self._transport(url)
        tried = addresses[:ADDRESSES_TRIED]
        for address in tried:
            request = httpx.Request(
                "POST",
                url.copy_with(host=str(address)),
                headers={
                    "host": url.netloc.decode("ascii"),
                    "user-agent": "Colloquy",
                    "content-type": "application/json",
                    "accept-encoding": "identity",
                    **headers,
                },
                content=body,
                extensions={
                    # The certificate must be that of the name, although an address is called.
                    "sni_hostname": url.raw_host.decode("ascii").strip("[]"),
                    "timeout": {"connect": self._timeout_s / ADDRESSES_TRIED},
                },
            )
            try:
                return await transport.handle_async_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address is tried[-1]:
                    raise
        raise AssertionError("the guard gives at least one address")

    async def _transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        """Of this origin only: a connection whose certificate was checked for one name must not
        carry requests to another name at the same address."""
        origin = (url.scheme, url.host, url.port)
        transport = self._transports.get(origin)
        if transport is None:
            if self._trust is None:  # reading the authorities takes a while
                self._trust = await asyncio.to_thread(httpx.create_ssl_context, trust_env=False)
            transport = self._transports[origin] = httpx.AsyncHTTPTransport(
                verify=self._trust,
                trust_env=False,
                limits=httpx.Limits(
                    max_connections=_ORIGIN_CONNECTIONS, keepalive_expiry=KEEP_ALIVE_S
                ),
            )
        self._transports.move_to_end(origin)
        while len(self._transports) > TRANSPORTS:
            _, oldest = self._transports.popitem(last=False)
            await oldest.aclose()
        return transport


def retry_after(text: str, now: int) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110, 10.2.3): a number, or a date."""
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
        return max(0.0, (to_us(moment) - now) / 1e6)
    except ValueError:
        return None


async def _beginning(response: httpx.Response) -> str:
    """The first bytes of the body as a text without control characters."""
    found = bytearray()
    with contextlib.suppress(httpx.HTTPError):
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) >= BODY_BYTES:
                break
    text = bytes(found[:BODY_BYTES]).decode("utf-8", "replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
