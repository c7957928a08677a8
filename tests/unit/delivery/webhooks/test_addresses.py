"""Which URLs and addresses webhooks may reach, and that names cannot get around it."""

from __future__ import annotations

import asyncio
import ipaddress
import threading
from collections.abc import Sequence

import httpx
import pytest

from colloquy.delivery.webhooks.addresses import (
    AddressGuard,
    Refused,
    Resolver,
    SystemResolver,
)
from colloquy.model.errors import InvalidInput

PUBLIC = "93.184.216.34"
STRICT = AddressGuard(allow_http=False, allow_networks=())
LOOSE = AddressGuard(allow_http=True, allow_networks=("10.1.0.0/16", "fd00:1::/32"))

NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


def answering(*addresses: str) -> Resolver:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    return resolve


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_what_is_not_public_is_refused(text: str) -> None:
    assert not STRICT.allows(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_public_is_allowed(text: str) -> None:
    assert STRICT.allows(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"])
def test_settings_allow_networks(text: str) -> None:
    assert LOOSE.allows(ipaddress.ip_address(text))
    assert not STRICT.allows(ipaddress.ip_address(text))
    assert not LOOSE.allows(ipaddress.ip_address("10.2.0.1"))
    assert not LOOSE.allows(ipaddress.ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "begin with https"),
        ("ftp://example.com/", "begin with https"),
        ("file:///etc/passwd", "begin with https"),
        ("//example.com/", "begin with https"),
        ("example.com", "begin with https"),
        ("https://", "no host"),
        ("https:///path", "no host"),
        ("https://exa mple.com/", "no host"),
        ("https://%31%32%37.0.0.1/", "no host"),
        ("https://me@example.com/", "user name"),
        ("https://me:word@example.com/", "user name"),
        ("https://127.0.0.1\\@example.com/", "user name"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com:22/", "ports"),
        ("https://example.com:0/", "ports"),
        ("https://example.com:99999/", "ports"),
        ("https://127.0.0.1/", "not public"),
        ("https://0.0.0.0/", "not public"),
        ("https://[::]/", "not public"),
        ("https://[::1]:8443/", "not public"),
        ("https://[::ffff:127.0.0.1]/", "not public"),
        ("https://[fe80::1%25eth0]/", "no host"),
        ("https://0177.0.0.1/", "no URL"),
        ("https://①②⑦.0.0.1/", "no URL"),
    ],
)
def test_urls_of_a_wrong_form_are_refused(url: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        STRICT.checked_url(url)
    assert caught.value.field == "url"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://example.com:8443/a?b=c",
        "https://exämple.com/ä",
        f"https://{PUBLIC}/",
        "https://[2606:4700::1111]/",
    ],
)
def test_urls_of_the_right_form_pass(url: str) -> None:
    assert STRICT.checked_url(url).scheme == "https"


def test_http_only_where_it_is_allowed() -> None:
    assert LOOSE.checked_url("http://example.com/").scheme == "http"


@pytest.mark.parametrize(
    "url",
    [
        "https://localhost/",
        "https://LOCALHOST:8443/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://127.1/",
        "https://0/",
    ],
)
async def test_other_spellings_of_this_machine_are_refused_once_resolved(url: str) -> None:
    resolve = SystemResolver()
    try:
        with pytest.raises(Refused, match="not public"):
            await STRICT.addresses(STRICT.checked_url(url), resolve)
    finally:
        resolve.close()


async def test_one_private_address_among_many_spoils_the_name() -> None:
    url = httpx.URL("https://example.com/")
    for answer in ([PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::ffff:127.0.0.1"]):
        with pytest.raises(Refused):
            await STRICT.addresses(url, answering(*answer))


async def test_a_name_gives_its_addresses_in_order() -> None:
    url = httpx.URL("https://example.com/")
    found = await STRICT.addresses(url, answering("2606:4700::1111", PUBLIC))
    assert [str(one) for one in found] == ["2606:4700::1111", PUBLIC]


async def test_a_name_without_an_address_is_an_error() -> None:
    resolve = SystemResolver()
    try:
        for host in ("colloquy.invalid", "a..b", "x" * 70 + ".com"):
            with pytest.raises(OSError):
                await STRICT.addresses(httpx.URL(f"https://{host}/"), resolve)
    finally:
        resolve.close()
    with pytest.raises(OSError, match="no address"):
        await STRICT.addresses(httpx.URL("https://example.com/"), answering())


async def test_a_slow_name_takes_one_thread_however_many_ask() -> None:
    asked: list[str] = []
    go_on = threading.Event()

    def look_up(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host == "slow.example":
            assert go_on.wait(20)
        return [(2, 1, 6, "", (PUBLIC, port))]

    resolve = SystemResolver(look_up)
    try:
        waiting = [asyncio.create_task(resolve("slow.example", 443)) for _ in range(100)]
        assert await resolve("quick.example", 443) == [PUBLIC]
        waiting[0].cancel()
        go_on.set()
        assert await asyncio.gather(*waiting[1:]) == [[PUBLIC]] * 99
        assert sorted(asked) == ["quick.example", "slow.example"]
        assert await resolve("slow.example", 443) == [PUBLIC]
        assert asked.count("slow.example") == 2  # an answer is not kept
    finally:
        resolve.close()
