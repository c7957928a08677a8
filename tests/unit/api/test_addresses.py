"""Whose request it is, with and without proxies."""

from __future__ import annotations

import pytest

from colloquy.api.addresses import client_address, is_https, networks

TRUSTED = networks(["10.0.0.0/8", "fd00::/8"])


def scope(peer: str | None, *forwarded: str) -> dict[str, object]:
    return {
        "client": (peer, 1) if peer is not None else None,
        "headers": [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),  # nobody asked it to speak for others
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),  # 1.1.1.1 is a claim
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["10.2.2.2, 10.3.3.3"], "10.2.2.2"),
        ("10.0.0.1", ["198.51.100.1, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["é"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        (None, [], "unknown"),
        ("a socket's path", [], "unknown"),
    ],
)
def test_whose_request(peer: str | None, forwarded: list[str], address: str) -> None:
    assert client_address(scope(peer, *forwarded), TRUSTED) == address


def test_without_trusted_proxies_the_peer_counts() -> None:
    assert client_address(scope("10.0.0.1", "198.51.100.1"), ()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("scheme", "peer", "forwarded", "secure"),
    [
        ("https", "203.0.113.5", [], True),
        ("http", "203.0.113.5", [], False),
        ("http", "203.0.113.5", [b"https"], False),
        ("http", "10.0.0.1", [b"https"], True),
        ("http", "10.0.0.1", [b"https, http"], False),
        ("http", "10.0.0.1", [b"http", b"https"], True),
        ("http", "10.0.0.1", [], False),
    ],
)
def test_over_tls(scheme: str, peer: str, forwarded: list[bytes], secure: bool) -> None:
    headers = [(b"x-forwarded-proto", value) for value in forwarded]
    asked = {"scheme": scheme, "client": (peer, 1), "headers": headers}
    assert is_https(asked, TRUSTED) is secure


def test_a_long_chain_is_cut() -> None:
    chain = ", ".join(["198.51.100.1"] + ["10.0.0.2"] * 10_000)
    assert client_address(scope("10.0.0.1", chain), TRUSTED) == "10.0.0.2"
