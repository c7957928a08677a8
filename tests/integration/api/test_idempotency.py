"""`Idempotency-Key`: the same request twice is one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from support.server import Server

NEW_KEY = {"name": "website", "scopes": ["read"]}


def keyed(key: str | None = None) -> dict[str, str]:
    return {"idempotency-key": key or uuid4().hex}


def test_a_repeat_gets_the_first_answer(admin: httpx.Client) -> None:
    headers, name = keyed(), uuid4().hex
    body = {"name": name, "scopes": ["read"]}
    first = admin.post("/v2/keys", json=body, headers=headers)
    again = admin.post("/v2/keys", json=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()  # the secret too
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert [key["name"] for key in admin.get("/v2/keys").json()["keys"]].count(name) == 1


def test_another_body_is_refused(admin: httpx.Client) -> None:
    headers = keyed()
    admin.post("/v2/keys", json=NEW_KEY, headers=headers)
    answer = admin.post("/v2/keys", json={**NEW_KEY, "name": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert answer.json()["field"] == "Idempotency-Key"


def test_keys_belong_to_their_caller_and_route(server: Server, admin: httpx.Client) -> None:
    headers = keyed()
    first = admin.post("/v2/keys", json=NEW_KEY, headers=headers).json()
    with server.client("admin") as other:
        answer = other.post("/v2/keys", json=NEW_KEY, headers=headers)
        assert "idempotency-replayed" not in answer.headers
        assert answer.json()["key"]["id"] != first["key"]["id"]
    answer = admin.post(
        "/v2/dead-letters/retry", json={"conversation_id": "0" * 32}, headers=headers
    )
    assert (answer.status_code, answer.json()) == (200, {"numbers": []})


def test_who_may_not_is_told_so_and_gets_no_answer_of_others(server: Server) -> None:
    with server.client("read") as reader:
        for _ in range(2):
            answer = reader.post("/v2/keys", json=NEW_KEY, headers=keyed("same"))
            assert answer.status_code == 403
    assert httpx.post(f"{server.url}/v2/keys", json=NEW_KEY, headers=keyed()).status_code == 401


def test_a_failed_request_frees_its_key(admin: httpx.Client) -> None:
    headers = keyed()
    assert admin.post("/v2/keys", json={"name": "a"}, headers=headers).status_code == 422
    assert admin.post("/v2/keys", json=NEW_KEY, headers=headers).status_code == 201


@pytest.mark.parametrize("value", [b"", b"a b", b"x" * 256, b"\xff"])
def test_a_key_that_is_none(admin: httpx.Client, value: bytes) -> None:
    answer = admin.post("/v2/keys", json=NEW_KEY, headers=[(b"idempotency-key", value)])
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


def test_answers_are_not_stored_in_clear(server: Server, admin: httpx.Client) -> None:
    body = {"name": "found in the file", "scopes": ["read"]}
    secret = admin.post("/v2/keys", json=body, headers=keyed()).json()["secret"]
    # The log first: what moves over into the file meanwhile is seen there.
    stored = b"".join((server.folder / name).read_bytes() for name in ("test.db-wal", "test.db"))
    assert b"found in the file" in stored
    assert secret.encode() not in stored


def test_of_many_at_once_one_runs(server: Server, admin: httpx.Client) -> None:
    headers = {**keyed(), "authorization": admin.headers["authorization"]}
    name = uuid4().hex

    def make(_: int) -> httpx.Response:
        body = {"name": name, "scopes": ["read"]}
        return httpx.post(f"{server.url}/v2/keys", json=body, headers=headers)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, range(8)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.json()["key"]["id"] for answer in made}) == 1
    for answer in answers:
        if answer.status_code == 409:
            assert answer.json()["code"] == "conflict"
            assert int(answer.headers["retry-after"]) >= 1
    assert [key["name"] for key in admin.get("/v2/keys").json()["keys"]].count(name) == 1


def test_while_the_first_runs_the_second_waits_outside(
    own_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = own_server.runtime
    create = runtime.create_key
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: object) -> object:
        begun.set()
        await go_on.wait()
        return await create(*arguments)  # type: ignore[arg-type]

    async def wait_and_release() -> None:
        go_on.set()

    with own_server.client() as admin, ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(runtime, "create_key", slow)
        headers = keyed()
        first = pool.submit(admin.post, "/v2/keys", json=NEW_KEY, headers=headers)
        own_server.run(begun.wait())
        second = admin.post("/v2/keys", json=NEW_KEY, headers=headers)
        assert (second.status_code, second.json()["code"]) == (409, "conflict")
        own_server.run(wait_and_release())
        assert first.result().status_code == 201


def test_two_servers_on_one_database(tmp_path: Path, postgres_url: str) -> None:
    """What one process answered the other repeats; of two at once one runs."""
    settings = {"database_url": postgres_url, "data_dir": str(tmp_path)}
    with Server(tmp_path, **settings) as one, Server(tmp_path, **settings) as two:
        secret = one.key("admin")
        two.run(two.runtime.list_keys())  # hears of the key
        headers = {**keyed(), "authorization": f"Bearer {secret}"}

        def make(server: Server) -> httpx.Response:
            return httpx.post(f"{server.url}/v2/keys", json=NEW_KEY, headers=headers)

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(make, [one, two] * 4))
        assert {answer.status_code for answer in answers} <= {201, 409}
        made = {a.json()["key"]["id"] for a in answers if a.status_code == 201}
        assert len(made) == 1
        for server in (one, two):
            again = make(server)
            assert again.headers["idempotency-replayed"] == "true"
            assert {again.json()["key"]["id"]} == made
        keys = one.run(one.runtime.list_keys())
        assert [key.name for key in keys].count("website") == 1
