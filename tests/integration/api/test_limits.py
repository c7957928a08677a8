"""Rate limits over HTTP: per key, per visitor, per address; failed log-ins; proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.server import Server

MESSAGE = {"conversation": "c", "text": "hello"}
SLOW = "0.001"
"""A rate that gives nothing back while a test runs."""


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server with these settings."""
    running: list[Server] = []

    def start(**settings: str) -> Server:
        named = {name.replace("__", "."): value for name, value in settings.items()}
        running.append(Server(tmp_path, **named).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


def check_refused(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["retry_after_s"] > 0


def test_a_key_has_its_quota(limited: Callable[..., Server]) -> None:
    server = limited(limits__api_per_s=SLOW, limits__api_burst="3")
    with server.client("admin") as one, server.client("admin") as other:
        first = one.get("/v2/conversations")
        assert first.headers["ratelimit-policy"] == '"api";q=3;w=3000'
        assert first.headers["ratelimit"] == '"api";r=2;t=1000'
        second = one.post("/v2/messages", json=MESSAGE)  # the door counts too
        assert second.status_code == 202
        assert second.headers["ratelimit"].startswith('"api";r=1;')
        assert one.get("/v2/conversations").status_code == 200
        for refused in (one.get("/v2/conversations"), one.post("/v2/messages", json=MESSAGE)):
            check_refused(refused)
            assert refused.headers["ratelimit"].startswith('"api";r=0;')
        assert other.get("/v2/conversations").status_code == 200
        assert httpx.get(f"{server.url}/health").status_code == 200


def test_a_key_with_an_idempotency_key_is_counted_once(limited: Callable[..., Server]) -> None:
    server = limited(limits__api_per_s=SLOW, limits__api_burst="3")
    with server.client("admin") as client:
        body = {"name": "a", "scopes": ["read"]}
        answer = client.post("/v2/keys", json=body, headers={"idempotency-key": "k"})
        assert answer.headers["ratelimit"].startswith('"api";r=2;')


def test_failed_logins_are_limited_and_valid_keys_are_not(limited: Callable[..., Server]) -> None:
    server = limited(limits__login_per_s=SLOW, limits__login_burst="3")
    wrong = {"authorization": "Bearer cq_guess_guess"}
    for _ in range(3):
        answer = httpx.get(f"{server.url}/v2/conversations", headers=wrong)
        assert answer.status_code == 401
    check_refused(httpx.get(f"{server.url}/v2/conversations", headers=wrong))
    check_refused(httpx.post(f"{server.url}/v2/messages", json=MESSAGE, headers=wrong))
    visitor = {"authorization": "Bearer cv_guess"}
    check_refused(httpx.get(f"{server.url}/chat/history?before=1", headers=visitor))
    # From the same address, with a key that is valid, or with none at all.
    with server.client("read") as client:
        assert client.get("/v2/conversations").status_code == 200
    assert httpx.get(f"{server.url}/v2/conversations").status_code == 401


def test_others_behind_the_proxy_are_not_locked_out(limited: Callable[..., Server]) -> None:
    server = limited(
        limits__login_per_s=SLOW,
        limits__login_burst="1",
        security__trusted_proxies="127.0.0.0/8, 10.0.0.0/8",
    )

    def guess(forwarded: str) -> httpx.Response:
        headers = {"authorization": "Bearer cq_guess", "x-forwarded-for": forwarded}
        return httpx.get(f"{server.url}/v2/conversations", headers=headers)

    assert guess("203.0.113.1").status_code == 401
    check_refused(guess("203.0.113.1"))
    check_refused(guess("198.51.100.7, 203.0.113.1, 10.0.0.3"))  # who claims another origin
    assert guess("203.0.113.2").status_code == 401


def test_without_a_trusted_proxy_the_header_counts_for_nothing(
    limited: Callable[..., Server],
) -> None:
    server = limited(limits__login_per_s=SLOW, limits__login_burst="1")
    url = f"{server.url}/v2/conversations"
    for address, status in (("203.0.113.1", 401), ("203.0.113.2", 429)):
        headers = {"authorization": "Bearer cq_guess", "x-forwarded-for": address}
        assert httpx.get(url, headers=headers).status_code == status


def test_a_visitor_has_a_quota_and_so_has_the_address(limited: Callable[..., Server]) -> None:
    server = limited(
        limits__chat_per_s=SLOW,
        limits__chat_burst="2",
        limits__chat_address_per_s=SLOW,
        limits__chat_address_burst="6",
    )

    def visit() -> dict[str, str]:
        token = httpx.post(f"{server.url}/chat/session").json()["token"]
        return {"authorization": f"Bearer {token}"}

    def look(headers: dict[str, str]) -> httpx.Response:
        return httpx.get(f"{server.url}/chat/history?before=1", headers=headers)

    one, other = visit(), visit()
    answer = look(one)
    assert answer.headers["ratelimit-policy"] == ('"chat";q=2;w=2000, "chat_address";q=6;w=6000')
    assert look(one).status_code == 200
    check_refused(look(one))
    assert look(other).status_code == 200
    assert look(other).status_code == 200
    check_refused(httpx.post(f"{server.url}/chat/session"))


def test_networks_that_are_none_are_refused_at_the_start(limited: Callable[..., Server]) -> None:
    from colloquy.model.errors import SettingsError

    with pytest.raises(SettingsError, match=r"security\.trusted_proxies"):
        limited(security__trusted_proxies="10.0.0.1/8")
