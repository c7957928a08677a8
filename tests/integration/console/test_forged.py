"""Requests that another site makes a browser send: none of them changes anything."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from support.console import Console
from support.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("forged")) as server:
        yield server


@pytest.fixture(scope="module")
def console(server: Server) -> Iterator[Console]:
    with Console(server, server.key()) as client:
        yield client


FORM: dict[str, str] = {"name": "made", "scopes": "send"}


def names(server: Server) -> list[str]:
    return [key.name for key in server.run(server.runtime.list_keys())]


@pytest.mark.parametrize("token", ["", "0" * 64, "ä", None])
def test_without_its_token_a_form_is_refused(
    server: Server, console: Console, token: str | None
) -> None:
    fields = FORM if token is None else {**FORM, "csrf": token}
    answer = console.post("/console/keys", data=fields)
    assert answer.status_code == 403
    assert "reload" in answer.text
    assert "made" not in names(server)


def test_the_token_of_another_session_is_refused(server: Server, console: Console) -> None:
    with Console(server, server.key()) as other:
        assert other.csrf != console.csrf
        answer = console.post("/console/keys", data={**FORM, "csrf": other.csrf})
    assert answer.status_code == 403
    assert "made" not in names(server)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
    ],
)
def test_another_site_is_refused_even_with_the_token(
    server: Server, console: Console, headers: dict[str, str]
) -> None:
    fields = {**FORM, "csrf": console.csrf}
    assert console.post("/console/keys", data=fields, headers=headers).status_code == 403
    login = console.post("/console/login", data={"key": server.key()}, headers=headers)
    assert login.status_code == 403
    assert "made" not in names(server)


def test_the_token_may_come_in_a_header(server: Server, console: Console) -> None:
    answer = console.post("/console/keys", data=FORM, headers={"x-csrf-token": console.csrf})
    assert answer.status_code == 201
    assert "made" in names(server)


def test_every_action_needs_the_token(server: Server, console: Console) -> None:
    """Asks the application for its routes, so that a new one cannot be forgotten."""
    refused = []
    for route in server.app.litestar.routes:
        if not isinstance(route, HTTPRoute) or not route.path.startswith("/console"):
            continue
        unsafe = set(route.methods) - {"GET", "HEAD", "OPTIONS"}
        for method in unsafe:
            path = route.path_format.replace("{", "").replace("}", "")
            path = path.replace("number", "1")
            answer = console.request(method, path, data={"key": "cq_x"})
            if route.path == "/console/login":
                assert answer.status_code == 401
            else:
                assert answer.status_code == 403, (method, path, answer.text)
                refused.append(path)
    assert len(refused) >= 8


def test_no_get_changes_anything(server: Server, console: Console) -> None:
    before = server.contents()
    keys = names(server)
    paths = [
        *("/console", "/console/keys", "/console/keys/new", "/console/webhooks"),
        *("/console/settings", "/console/doctor", "/console/doctor/checks", "/console/logout"),
        *("/console/keys/x/revoke", "/console/statistics"),
    ]
    for path in paths:
        console.get(path)
    assert console.get("/console").status_code == 200  # still logged in
    assert (server.contents(), names(server)) == (before, keys)


def test_other_kinds_of_bodies_are_refused(console: Console) -> None:
    headers = {"x-csrf-token": console.csrf}
    answer = console.post("/console/keys", json=FORM, headers=headers)
    assert answer.status_code == 415
    answer = console.post("/console/keys", data={"name": "x" * 300_000}, headers=headers)
    assert answer.status_code == 413
