"""Signatures of webhooks: the published example, and everything that must not pass."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.webhooks import (
    InvalidSignature,
    decode_secret,
    encode_secret,
    new_key,
    sign,
    verify,
)

# The worked example of the Standard Webhooks reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
TIMESTAMP = 1614265330
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": str(TIMESTAMP),
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}


def at(seconds: float) -> Any:
    return lambda: seconds


def test_the_published_example_is_signed_and_verified() -> None:
    assert sign([decode_secret(SECRET)], HEADERS["webhook-id"], TIMESTAMP, BODY) == HEADERS
    assert verify(SECRET, HEADERS, BODY, clock=at(TIMESTAMP)) == {"test": 2432232314}
    assert verify(SECRET, HEADERS, BODY.decode(), clock=at(TIMESTAMP)) == {"test": 2432232314}


def test_names_of_headers_come_in_any_case_and_the_prefix_may_be_missing() -> None:
    headers = {name.title(): value for name, value in HEADERS.items()}
    assert verify(SECRET.removeprefix("whsec_"), headers, BODY, clock=at(TIMESTAMP))


@given(st.binary(min_size=24, max_size=64), st.dictionaries(st.text(), st.integers()))
def test_what_was_signed_is_verified(key: bytes, event: dict[str, int]) -> None:
    body = json.dumps(event).encode()
    headers = sign([new_key(), key], "msg_1", TIMESTAMP, body)
    assert verify(encode_secret(key), headers, body, clock=at(TIMESTAMP)) == event


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-id", "msg_other"),
        ("webhook-timestamp", str(TIMESTAMP + 1)),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "१६"),
        ("webhook-signature", ""),
        ("webhook-signature", "v1,"),
        ("webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF="),
        ("webhook-signature", "v1,ü"),
    ],
)
def test_a_changed_header_is_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidSignature):
        verify(SECRET, HEADERS | {name: value}, BODY, clock=at(TIMESTAMP))


@pytest.mark.parametrize("name", list(HEADERS))
def test_a_missing_header_is_named(name: str) -> None:
    headers = {key: value for key, value in HEADERS.items() if key != name}
    with pytest.raises(InvalidSignature, match=name):
        verify(SECRET, headers, BODY, clock=at(TIMESTAMP))


def test_another_body_or_secret_is_refused() -> None:
    with pytest.raises(InvalidSignature, match="no signature fits"):
        verify(SECRET, HEADERS, BODY + b" ", clock=at(TIMESTAMP))
    with pytest.raises(InvalidSignature, match="no signature fits"):
        verify(encode_secret(new_key()), HEADERS, BODY, clock=at(TIMESTAMP))


@pytest.mark.parametrize("away", [-301, 301])
def test_an_old_request_and_one_from_the_future_are_refused(away: int) -> None:
    with pytest.raises(InvalidSignature, match="300 s away"):
        verify(SECRET, HEADERS, BODY, clock=at(TIMESTAMP + away))
    assert verify(SECRET, HEADERS, BODY, 302, clock=at(TIMESTAMP + away))


@pytest.mark.parametrize("size", [0, 23, 65])
def test_a_secret_has_24_to_64_bytes(size: int) -> None:
    secret = "whsec_" + base64.b64encode(b"x" * size).decode()
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        verify(secret, HEADERS, BODY, clock=at(TIMESTAMP))


def test_a_secret_is_base64() -> None:
    with pytest.raises(ValueError, match="base64"):
        decode_secret("whsec_" + "!" * 40)


def test_both_secrets_of_a_change_are_good() -> None:
    old, new = new_key(), new_key()
    headers = sign([new, old], "msg_1", TIMESTAMP, BODY)
    assert len(headers["webhook-signature"].split(" ")) == 2
    for key in (old, new):
        assert verify(encode_secret(key), headers, BODY, clock=at(TIMESTAMP))
