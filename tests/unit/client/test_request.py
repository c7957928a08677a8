"""Calls and their attempts: what is sent, what is tried again, what is raised."""

from __future__ import annotations

import httpx
import pytest

from colloquy.client.operations import Operations
from colloquy.client.request import Ask, Call, Exchange, Retries, json, nothing
from colloquy.model.errors import ColloquyError, NotFound, Overloaded, Unavailable
from colloquy.model.message import Message

URL = "http://server"


def call_of(method: str, **more: object) -> Call[dict[str, int]]:
    return Call.of(method, "/x/{name}", Ask(json(dict[str, int]), path={"name": "a/b"}, **more))  # type: ignore[arg-type]


def test_what_goes_into_the_path_stays_in_its_place() -> None:
    assert call_of("GET").path == "/x/a%2Fb"
    assert call_of("GET", query={"wait": 1.5, "unread": True, "q": None}).query == {
        "wait": 1.5,
        "unread": "true",
    }


def test_a_post_without_an_id_of_its_own_has_a_key_that_all_its_attempts_share() -> None:
    first, second = call_of("POST", body={"a": 1}), call_of("POST", body={"a": 1})
    keys = {call.headers["idempotency-key"] for call in (first, second)}
    assert len(keys) == 2
    exchange = Exchange(first, Retries(), URL)
    exchange.failed(httpx.ConnectError("gone"))
    assert exchange.request["headers"]["idempotency-key"] in keys
    assert "idempotency-key" not in call_of("POST", body={}, has_id=True).headers
    assert "idempotency-key" not in call_of("GET").headers


def test_the_id_given_to_a_message_is_in_its_body() -> None:
    content = Operations.send.call(Message(conversation="ann", text="Hello")).content
    assert content is not None
    assert b'"id":"' in content
    assert b'"id":"m-1"' in (
        Operations.send.call(Message(conversation="ann", text="Hello", id="m-1")).content or b""
    )


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_when_it_says_so(status: int) -> None:
    exchange = Exchange(call_of("POST"), Retries(most=2), URL)
    busy = httpx.Response(status, headers={"retry-after": "3"}, json={"code": "overloaded"})
    assert exchange.pause_s(busy) == 3.0
    assert exchange.pause_s(busy) == 3.0
    assert exchange.pause_s(busy) is None, "the third attempt was the last"
    with pytest.raises(Overloaded):
        exchange.answer(busy)


def test_a_wait_beyond_the_clients_patience_is_an_error_now() -> None:
    exchange = Exchange(call_of("GET"), Retries(longest_s=10.0), URL)
    assert exchange.pause_s(httpx.Response(503, headers={"retry-after": "60"})) is None


def test_an_answer_that_says_no_is_not_asked_again() -> None:
    exchange = Exchange(call_of("GET"), Retries(), URL)
    missing = httpx.Response(
        404, json={"code": "not_found", "detail": "no"}, headers={"x-request-id": "r-1"}
    )
    assert exchange.pause_s(missing) is None
    with pytest.raises(NotFound) as error:
        exchange.answer(missing)
    assert error.value.request_id == "r-1"


def test_a_broken_connection_is_tried_again_and_then_raised() -> None:
    exchange = Exchange(call_of("GET"), Retries(most=1), URL)
    assert exchange.failed(httpx.ConnectError("refused")) <= 0.2
    with pytest.raises(Unavailable, match="no answer from http://server: refused"):
        exchange.failed(httpx.ConnectError("refused"))


def test_who_waited_the_whole_time_out_does_not_wait_again() -> None:
    with pytest.raises(Unavailable):
        Exchange(call_of("GET"), Retries(), URL).failed(httpx.ReadTimeout("late"))


def test_a_deletion_whose_answer_was_lost_has_succeeded() -> None:
    call = Call.of("DELETE", "/x", Ask(nothing))
    gone = httpx.Response(404, json={"code": "not_found"})
    exchange = Exchange(call, Retries(), URL)
    with pytest.raises(NotFound):
        exchange.answer(gone)
    exchange.failed(httpx.RemoteProtocolError("closed"))
    exchange.answer(gone)


def test_back_off_doubles_up_to_its_bound() -> None:
    retries = Retries(most=9, first_s=0.5, longest_s=3.0)
    assert [retries.pause_s(tried, None, 1.0) for tried in (1, 2, 3, 4, 9, 10)] == [
        0.5,
        1.0,
        2.0,
        3.0,
        3.0,
        None,
    ]
    assert retries.pause_s(1, None, 0.25) == 0.125
    assert retries.pause_s(1, 2.0, 0.25) == 2.0, "never sooner than the server asks"


def test_an_answer_of_another_shape_is_named() -> None:
    with pytest.raises(ColloquyError, match="was not understood"):
        Exchange(call_of("GET"), Retries(), URL).answer(httpx.Response(200, text="<html>"))


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (502, "<html>", Unavailable),
        (504, '{"message": "time-out"}', Unavailable),
        (418, "<html>", ColloquyError),
    ],
)
def test_an_error_page_of_a_proxy_is_an_error(
    status: int, body: str, error: type[ColloquyError]
) -> None:
    with pytest.raises(error, match=f"the server answered {status}") as caught:
        Exchange(call_of("GET"), Retries(), URL).answer(httpx.Response(status, text=body))
    assert type(caught.value) is error
