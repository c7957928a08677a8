"""Who may call what: scopes, keys that are no more, other sites, this machine."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from support.server import Server

ID = "0" * 32
SEND = ("POST", "/v2/messages", {"conversation": "c", "text": "hello"})
ROUTES = {
    "send": [SEND],
    "read": [
        ("GET", f"/v2/messages/{ID}", None),
        ("GET", f"/v2/messages/{ID}/trace", None),
        ("GET", "/v2/conversations", None),
        ("GET", f"/v2/conversations/{ID}", None),
        ("GET", f"/v2/conversations/{ID}/events", None),
    ],
    "operate": [
        ("POST", "/v2/import", {"conversation": "c", "text": "hello"}),
        ("POST", f"/v2/conversations/{ID}/replies", {"text": "hello"}),
        ("POST", f"/v2/conversations/{ID}/owner", {"owner": "human"}),
        ("GET", "/v2/dead-letters", None),
        ("GET", "/v2/dead-letters/1", None),
        ("POST", "/v2/dead-letters/retry", {"numbers": [1]}),
        ("POST", "/v2/dead-letters/discard", {"numbers": [1]}),
        ("GET", "/v2/health", None),
        ("GET", "/metrics", None),
    ],
    "admin": [
        ("GET", "/v2/keys", None),
        ("GET", "/v2/settings", None),
        ("POST", "/v2/keys", {"name": "a", "scopes": ["read"]}),
        ("DELETE", "/v2/keys/nobody", None),
    ],
}
ALL = [(scope, *route) for scope, routes in ROUTES.items() for route in routes]


@pytest.fixture(scope="module")
def clients(server: Server) -> dict[str, httpx.Client]:
    return {scope: server.client(scope) for scope in ROUTES}


@pytest.mark.parametrize(("scope", "method", "path", "body"), ALL)
def test_each_route_wants_its_scope(
    clients: dict[str, httpx.Client], scope: str, method: str, path: str, body: object
) -> None:
    for held, client in clients.items():
        response = client.request(method, path, json=body)
        if held in (scope, "admin"):
            assert response.status_code not in (401, 403), held
        else:
            assert (response.status_code, response.json()["code"]) == (403, "forbidden"), held


@pytest.mark.parametrize(("scope", "method", "path", "body"), ALL)
def test_nothing_without_a_key(
    server: Server, scope: str, method: str, path: str, body: object
) -> None:
    response = httpx.request(method, server.url + path, json=body)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_requests_run_in_the_loop_and_in_no_other_thread(admin: httpx.Client) -> None:
    for _, method, path, body in ALL:
        admin.request(method, path, json=body)
    assert [thread.name for thread in threading.enumerate() if "AnyIO" in thread.name] == []


def test_open_routes_tell_nothing(server: Server) -> None:
    assert httpx.get(f"{server.url}/health").json().keys() == {"status"}
    assert httpx.get(f"{server.url}/ready").json() == {"ready": True}


@pytest.mark.parametrize(
    "value",
    [
        *("", "Bearer", "Bearer x", "Basic dTpw", "cq_1_2", "Bearer cq_unknown_secret"),
        "Bearer cq_" + "x" * 5000,
        b"Bearer cq_\xff\xfe",
    ],
)
def test_a_wrong_key(server: Server, value: str | bytes) -> None:
    method, path, body = SEND
    headers = [(b"authorization", value if isinstance(value, bytes) else value.encode())]
    response = httpx.request(method, server.url + path, json=body, headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "path", ["/v2/conversations", f"/v2/conversations/{'0' * 32}/stream", "/console/live"]
)
def test_a_key_in_an_address_is_none(server: Server, path: str) -> None:
    response = httpx.get(f"{server.url}{path}?token={server.key('read')}")
    assert response.status_code in (303, 401)


def test_a_revoked_key_is_refused_at_once(server: Server, admin: httpx.Client) -> None:
    made = admin.post("/v2/keys", json={"name": "short", "scopes": ["read"]}).json()
    headers = {"authorization": f"Bearer {made['secret']}"}
    assert httpx.get(f"{server.url}/v2/conversations", headers=headers).status_code == 200
    assert admin.delete(f"/v2/keys/{made['key']['id']}").status_code == 204
    response = httpx.get(f"{server.url}/v2/conversations", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_an_expired_key_is_refused(server: Server, admin: httpx.Client) -> None:
    past = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    body = {"name": "old", "scopes": ["read"], "expires_at": past}
    made = admin.post("/v2/keys", json=body).json()
    headers = {"authorization": f"Bearer {made['secret']}"}
    response = httpx.get(f"{server.url}/v2/conversations", headers=headers)
    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


def test_the_secret_of_a_key_is_shown_once(admin: httpx.Client) -> None:
    secret = admin.post("/v2/keys", json={"name": "shy", "scopes": ["read"]}).json()["secret"]
    listed = admin.get("/v2/keys").text
    assert "shy" in listed
    assert secret not in listed
    assert secret.split("_", 2)[2] not in listed


def test_without_auth_everything_is_allowed_but_other_sites(tmp_path: Path) -> None:
    with Server(tmp_path, **{"security.auth": "false"}) as server:
        url = f"{server.url}/v2/conversations"
        assert httpx.get(url).status_code == 200
        own = {"origin": server.url}
        assert httpx.get(url, headers=own).status_code == 200
        other = {"origin": "https://evil.example"}
        assert httpx.get(url, headers=other).json()["code"] == "forbidden"


def test_this_machine_may_be_trusted(tmp_path: Path) -> None:
    with Server(tmp_path, **{"security.trust_loopback": "true"}) as server:
        url = f"{server.url}/v2/keys"
        port = server.url.rpartition(":")[2]
        assert httpx.get(url).status_code == 200
        assert httpx.get(url, headers={"host": f"localhost:{port}"}).status_code == 200
        for foreign in (
            {"host": f"rebound.example:{port}"},  # a foreign name that points here
            {"x-forwarded-for": "203.0.113.7"},  # a proxy here speaks for somebody else
            {"authorization": "Bearer cq_wrong"},  # a key is looked at where there is one
        ):
            assert httpx.get(url, headers=foreign).status_code == 401
        other = {"origin": "https://evil.example"}
        assert httpx.get(url, headers=other).status_code == 403
