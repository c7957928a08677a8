"""`POST /v2/messages`: receipts for one and for many, replies on demand."""

from __future__ import annotations

import socket
from uuid import uuid4

import httpx
import pytest

from support.server import QUICK_REPLIES, Server


def message(**fields: object) -> dict[str, object]:
    return {"conversation": f"c-{uuid4().hex}", "text": "hello", **fields}


def test_one_message_gets_a_receipt(admin: httpx.Client) -> None:
    response = admin.post("/v2/messages", json=message(id="mine"))
    assert response.status_code == 202
    receipt = response.json()
    assert receipt["status"] == "stored"
    assert receipt["id"] == "mine"
    state = admin.get(f"/v2/messages/{receipt['message_id']}").json()
    assert state["message_id"] == receipt["message_id"]


def test_the_same_message_again_gets_the_first_receipt(admin: httpx.Client) -> None:
    body = message(id="mine")
    first = admin.post("/v2/messages", json=body).json()
    second = admin.post("/v2/messages", json=body)
    assert second.status_code == 202
    assert second.json() == {**first, "status": "duplicate"}


def test_another_message_under_the_same_id_is_refused(admin: httpx.Client) -> None:
    body = message(id="mine")
    admin.post("/v2/messages", json=body)
    response = admin.post("/v2/messages", json={**body, "text": "something else"})
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == "message_id_reused"
    assert response.json()["field"] == "id"


def test_waiting_brings_the_replies(admin: httpx.Client) -> None:
    response = admin.post("/v2/messages?wait=10", json=message(text="how are you?"))
    assert response.status_code == 200
    (reply,) = response.json()["replies"]
    assert reply["text"] == "You said: how are you?"
    assert reply["quick_replies"] == QUICK_REPLIES
    assert reply["conversation_id"] == response.json()["receipt"]["conversation_id"]


def test_waiting_again_for_a_repeated_message_brings_the_same_reply(admin: httpx.Client) -> None:
    body = message(id="mine")
    first = admin.post("/v2/messages?wait=10", json=body).json()
    second = admin.post("/v2/messages?wait=10", json=body).json()
    assert second["replies"] == first["replies"]
    assert second["receipt"]["status"] == "duplicate"


def test_not_in_time_is_a_receipt_without_replies(own_server: Server) -> None:
    with own_server.client() as admin:
        response = admin.post("/v2/messages?wait=0", json=message(text="slow"))
    assert response.status_code == 202
    assert response.json().keys() == {"receipt"}


def test_a_batch_keeps_its_order(admin: httpx.Client) -> None:
    batch = [message(id=f"m{number}") for number in range(20)]
    response = admin.post("/v2/messages", json={"messages": batch})
    assert response.status_code == 202
    assert [result["id"] for result in response.json()["results"]] == [m["id"] for m in batch]


def test_a_bad_item_leaves_the_rest_unharmed(admin: httpx.Client) -> None:
    same = message(id="one")
    batch = [same, {"conversation": "c", "text": 7}, {"text": "nobody"}, message(id="two")]
    response = admin.post("/v2/messages", json={"messages": [*batch, {**same, "text": "other"}]})
    assert response.status_code == 202
    first, mistyped, incomplete, last, reused = response.json()["results"]
    assert first["status"] == last["status"] == "stored"
    assert (mistyped["error"]["code"], mistyped["error"]["field"]) == ("invalid_input", "text")
    assert incomplete["error"]["field"] == "conversation"
    assert reused["error"]["code"] == "message_id_reused"


def test_a_batch_of_only_bad_items_is_a_problem_with_all_of_them(admin: httpx.Client) -> None:
    response = admin.post("/v2/messages", json={"messages": [{"text": "a"}, {"text": 1}]})
    assert response.status_code == 422
    problem = response.json()
    assert problem["code"] == "invalid_input"
    assert [item["error"]["status"] for item in problem["results"]] == [422, 422]


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert('x')</script>",
        "\"quotes\" and 'quotes'",
        "a\x00b",
        "😀👩‍👩‍👧",
        "‮right to left",
    ],
)
def test_any_text_is_taken_as_it_is(admin: httpx.Client, text: str) -> None:
    response = admin.post("/v2/messages?wait=10", json=message(text=text))
    assert response.json()["replies"][0]["text"] == f"You said: {text}"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=UTF-8",
        'Application/JSON;charset="utf-8"',
        "application/vnd.colloquy.v2+json",
    ],
)
def test_content_types_of_this_version(admin: httpx.Client, content_type: str) -> None:
    body = b'{"conversation":"c","text":"hello"}'
    response = admin.post("/v2/messages", content=body, headers={"content-type": content_type})
    assert response.status_code == 202


def test_a_body_in_pieces(admin: httpx.Client) -> None:
    def pieces() -> list[bytes]:
        return [b'{"conversation":"c",', b'"text":"hello"}']

    headers = {"content-type": "application/json"}
    response = admin.post("/v2/messages", content=iter(pieces()), headers=headers)
    assert response.status_code == 202


def test_a_long_text_is_kept_whole_in_history_only(admin: httpx.Client) -> None:
    long = message(text="x" * 10_001)
    assert admin.post("/v2/messages", json=long).json()["code"] == "too_large"
    response = admin.post("/v2/import", json={"messages": [long, {"text": 1}]})
    assert response.status_code == 202
    receipt, refused = response.json()["results"]
    assert refused["error"]["code"] == "invalid_input"
    assert receipt["status"] == "stored"


def test_too_many_in_one_conversation_may_come_again_later(own_server: Server) -> None:
    most = own_server.runtime.settings.accept.max_per_conversation
    batch = [{"conversation": "c", "text": "slow", "id": str(n)} for n in range(most + 2)]
    with own_server.client("send") as client:
        results = client.post("/v2/messages", json={"messages": batch}).json()["results"]
        codes = [item.get("error", {}).get("code") for item in results]
        assert codes == [None] * most + ["conversation_overloaded"] * 2
        again = client.post("/v2/messages", json={"messages": batch[-1:]})
        assert again.status_code == 429
        assert int(again.headers["retry-after"]) >= 1
        assert again.json()["results"][0]["error"]["code"] == "conversation_overloaded"


def test_a_stopping_server_answers_who_waits(own_server: Server) -> None:
    key = own_server.key("send")
    body = b'{"conversation":"c","text":"slow"}'
    host, port = own_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v2/messages?wait=30 HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"authorization: Bearer %s\r\ncontent-length: %d\r\n\r\n%s"
            % (key.encode(), len(body), body)
        )
        while not own_server.runtime.admission.messages:  # until it is stored
            own_server.run(_turn_of_the_loop())
        own_server.stop()
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 202")
    assert b'"receipt"' in answer


async def _turn_of_the_loop() -> None:
    return None
