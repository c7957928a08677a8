"""Logging in to the console: sessions, their ends, cookies, where one goes, who may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from support.console import Console, token_of
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("login")) as server:
        yield server


def test_pages_lead_to_the_log_in_and_back(server: Server) -> None:
    with Console(server) as client:
        answer = client.get("/console/settings?q=port")
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert where == "/console/login?next=/console/settings%3Fq%3Dport"
        assert 'name="next" value="/console/settings?q=port"' in client.get(where).text
        answer = client.log_in(server.key(), next="/console/settings?q=port")
        assert answer.headers["location"] == "/console/settings?q=port"
        assert client.get("/console/login").headers["location"] == "/console"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example/console",
        "/console\\..\\..",
        "javascript:alert(1)",
        "/chat",
        "/consoleevil",
        "/console/\r\nset-cookie: a=b",
    ],
)
def test_nobody_is_sent_elsewhere(server: Server, elsewhere: str) -> None:
    with Console(server) as client:
        answer = client.log_in(server.key(), next=elsewhere)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/console"


def test_every_log_in_has_a_new_token_and_ends_the_one_before(server: Server) -> None:
    with Console(server) as client:
        client.cookies.set("colloquy_console", "planted")
        client.log_in(server.key())
        first = client.cookies.get("colloquy_console", domain="127.0.0.1")
        assert first is not None
        assert len(first) > 40
        client.cookies.clear()
        client.cookies.set("colloquy_console", first)
        answer = client.log_in(server.key())
        assert first not in answer.headers["set-cookie"]
    with Console(server) as thief:
        thief.cookies.set("colloquy_console", first)
        assert thief.get("/console").status_code == 303


def test_the_cookie_is_for_nobody_but_this_server(server: Server) -> None:
    with Console(server) as client:
        plain = client.log_in(server.key()).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(plain.split("; "))
        assert "Secure" not in plain
        host = server.url.removeprefix("http://")
        # The browser says that it speaks https, behind a proxy that ends TLS.
        secure = client.post(
            "/console/login",
            data={"key": server.key()},
            headers={"origin": f"https://{host}", "sec-fetch-site": "same-origin"},
        ).headers["set-cookie"]
        assert secure.startswith("__Host-colloquy_console=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(secure.split("; "))
        assert "domain" not in secure.lower()


def test_nothing_that_can_log_in_is_in_the_database(server: Server) -> None:
    with Console(server) as client:
        client.log_in(server.key())
        token = next(iter(client.cookies.jar)).value
    assert token is not None
    files = [file.read_bytes() for file in server.folder.glob("test.db*") if file.is_file()]
    assert not any(token.encode() in file for file in files)


def test_logging_out_ends_the_session(server: Server) -> None:
    with Console(server, server.key()) as client:
        token = next(iter(client.cookies.jar)).value
        left = client.act("/console/logout")
        assert left.headers["location"].startswith("/console/login")
        assert left.headers["clear-site-data"] == '"cache", "storage"'
        client.cookies.set("colloquy_console", str(token))
        assert client.get("/console").status_code == 303


def test_a_revoked_key_ends_its_sessions_at_once(server: Server) -> None:
    made = server.run(server.runtime.create_key("mia", ["admin"]))
    with Console(server, made.secret) as client:
        assert client.get("/console/keys").status_code == 200
        server.run(server.runtime.revoke_key(made.key.id))
        assert client.get("/console/keys").status_code == 303
        part = client.get("/console/overview/health", headers={"hx-request": "true"})
        assert (part.status_code, part.headers["hx-refresh"]) == (401, "true")
        assert client.act("/console/keys", name="x", scopes="admin").status_code == 401


def test_bad_keys_are_refused_without_saying_why(server: Server) -> None:
    revoked = server.run(server.runtime.create_key("gone", ["admin"]))
    server.run(server.runtime.revoke_key(revoked.key.id))
    local = server.runtime.keys.make_local()
    with Console(server) as client:
        for key in ("", "x", "cq_" + "a" * 300, revoked.secret, local):
            answer = client.log_in(key)
            assert answer.status_code == 401
            assert "This key is not valid" in answer.text
            assert not client.cookies
            assert key not in answer.text or not key.strip("x")


def test_a_key_that_may_only_send_cannot_log_in(server: Server) -> None:
    with Console(server) as client:
        answer = client.log_in(server.key("send"))
        assert answer.status_code == 403
        assert "opens no page here" in answer.text
        assert not client.cookies


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    limits = {"limits.login_per_s": "0.01", "limits.login_burst": "3"}
    with Server(tmp_path, **limits) as server, Console(server) as client:
        statuses = [client.log_in("cq_guess").status_code for _ in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert client.log_in(server.key()).status_code == 303


def test_sessions_end_when_nobody_uses_them_and_in_any_case(tmp_path: Path) -> None:
    now = 1_000_000_000_000_000
    with Server(tmp_path, **{"console.idle_s": "100", "console.session_s": "250"}) as server:
        logins = server.app.litestar.state.logins
        logins._clock = lambda: now
        with Console(server, server.key()) as client:
            for _ in range(2):
                now += 90_000_000
                assert client.get("/console").status_code == 200
            now += 60_000_000
            # What a page asks for by itself keeps no session alive.
            quiet = {"sec-fetch-mode": "cors"}
            assert client.get("/console/statistics", headers=quiet).status_code == 200
            now += 20_000_000
            assert client.get("/console").status_code == 303  # 260 s after the log-in
        with Console(server, server.key()) as client:
            now += 60_000_000
            assert client.get("/console/statistics", headers=quiet).status_code == 200
            now += 60_000_000
            assert client.get("/console").status_code == 303


def test_a_local_browser_needs_no_key_in_development(tmp_path: Path) -> None:
    with Server(tmp_path, **{"security.trust_loopback": "true"}) as server:
        with Console(server) as client:
            page = client.get("/console/keys")
            assert page.status_code == 200
            assert "This machine" in page.text
            assert "/console/logout" not in page.text
            # Not for a page of another site, nor under another name (DNS rebinding).
            forged = client.post("/console/keys", data={"name": "x", "scopes": "admin"})
            assert forged.status_code == 403
            client.csrf = token_of(page.text)
            assert client.act("/console/keys", name="mine", scopes="send").status_code == 201
            rebound = client.get("/console/keys", headers={"host": "evil.example"})
            assert rebound.status_code == 303
        names = [key.name for key in server.run(server.runtime.list_keys())]
        assert names == ["mine"]


def test_scopes_decide_what_is_shown_and_done(server: Server) -> None:
    with Console(server) as client:
        assert client.log_in(server.key("operate")).headers["location"] == "/console"
        page = client.get("/console").text
        assert "Overview" in page
        assert 'href="/console/keys"' not in page
        for path in ("/console/keys", "/console/webhooks", "/console/settings", "/console/doctor"):
            assert client.get(path).status_code == 403, path
    with Console(server) as client:
        assert client.log_in(server.key("read")).headers["location"] == "/console/inbox"
        assert client.get("/console").headers["location"] == "/console/inbox"
        for path in ("/console/statistics", "/console/overview/health"):
            assert client.get(path).status_code == 403, path


def test_the_overview_cannot_be_asked_for_without_a_key(server: Server) -> None:
    for path in ("/console/statistics", "/console/live", "/console/doctor/checks"):
        answer = httpx.get(f"{server.url}{path}", trust_env=False)
        assert answer.status_code == 303, path
