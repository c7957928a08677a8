"""One attempt against a real receiver: what is sent, what counts, and what it may not do to us."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from colloquy.delivery.webhooks.addresses import AddressGuard
from colloquy.delivery.webhooks.posting import DETAIL_CHARACTERS, Answer, Poster
from support.receiver import Reaction, Receiver

PATIENCE_S = 60.0
TIMEOUT_S = 2.0


class Names:
    """A name server: each name has a list of answers, of which the last one lasts."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        known = self.answers.get(host.partition(".")[0], [[host]])
        return known.pop(0) if len(known) > 1 else known[0]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def poster(names: Names) -> AsyncIterator[Poster]:
    made = Poster(local(), names, PATIENCE_S)
    yield made
    await made.close()


@pytest.fixture
async def impatient(names: Names) -> AsyncIterator[Poster]:
    made = Poster(local(), names, TIMEOUT_S)
    yield made
    await made.close()


def local() -> AddressGuard:
    return AddressGuard(allow_http=True, allow_networks=["127.0.0.1/32"])


async def post(poster: Poster, url: str) -> Answer:
    return await poster.post(url, {"webhook-id": "msg_1"}, b'{"a":1}')


async def test_body_and_headers_arrive(poster: Poster, receiver: Receiver) -> None:
    answer = await post(poster, f"{receiver.url}?a=b")
    assert (answer.status_code, answer.detail, answer.is_success) == (200, "ok", True)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hook?a=b", b'{"a":1}')
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"] == "Colloquy"
    assert got.headers["webhook-id"] == "msg_1"


async def test_a_connection_is_kept_for_the_next_request(
    poster: Poster, receiver: Receiver
) -> None:
    for _ in range(3):
        assert (await post(poster, receiver.url)).is_success
    assert receiver.connections == 1


async def test_environment_proxies_are_not_used(
    poster: Poster, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await post(poster, receiver.url)).is_success


async def test_cookies_are_not_kept(poster: Poster, receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(headers=(("set-cookie", "a=b"),)))
    await post(poster, receiver.url)
    await post(poster, receiver.url)
    assert "cookie" not in receiver.received[1].headers


async def test_a_redirect_is_not_followed(poster: Poster, receiver: Receiver) -> None:
    with Receiver() as elsewhere:
        receiver.reactions.append(Reaction(307, (("location", elsewhere.url),)))
        answer = await post(poster, receiver.url)
        assert (answer.status_code, answer.is_success) == (307, False)
        assert elsewhere.received == []


async def test_a_receiver_that_hangs_is_left(impatient: Poster, receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(hang="before"))
    answer = await post(impatient, receiver.url)
    assert answer.status_code is None
    assert answer.detail == "no answer within 2 s"


async def test_the_status_counts_when_the_body_hangs(impatient: Poster, receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(202, hang="after"))
    answer = await post(impatient, receiver.url)
    assert (answer.status_code, answer.is_success) == (202, True)


async def test_a_body_without_end_is_not_read(poster: Poster, receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(500, body=b"", hang="never"))
    answer = await post(poster, receiver.url)
    assert answer.status_code == 500
    assert answer.detail == "x" * DETAIL_CHARACTERS


async def test_control_characters_do_not_reach_the_list(poster: Poster, receiver: Receiver) -> None:
    receiver.reactions.append(Reaction(500, body=b"\x1b[31mred\x00\r\n\xff bell\x07"))
    answer = await post(poster, receiver.url)
    assert answer.detail == "[31mred \ufffd bell"


async def test_retry_after_is_read_where_it_has_a_meaning(
    poster: Poster, receiver: Receiver
) -> None:
    later = (("retry-after", "90"),)
    receiver.reactions.extend(Reaction(status, later) for status in (429, 503, 500))
    asked = [(await post(poster, receiver.url)).retry_after_s for _ in range(3)]
    assert asked == [90.0, 90.0, None]


async def test_a_closed_port_is_an_answer_of_its_own(poster: Poster, receiver: Receiver) -> None:
    with Receiver() as gone:
        url = gone.url
    answer = await post(poster, url)
    assert answer.status_code is None
    assert "connect" in answer.detail.lower()


async def test_the_name_goes_into_the_request_although_the_address_is_called(
    poster: Poster, names: Names, receiver: Receiver
) -> None:
    names.answers["hooks"] = [["127.0.0.1"]]
    assert (await post(poster, f"http://hooks.example.com:{receiver.port}/a")).is_success
    assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"


async def test_a_name_that_changes_its_answer_gains_nothing(
    poster: Poster, names: Names, receiver: Receiver
) -> None:
    """DNS rebinding: allowed when it is checked, ours a moment later."""
    names.answers["rebinding"] = [["127.0.0.1"], ["127.0.0.2"]]
    url = f"http://rebinding.example.com:{receiver.port}/"
    assert (await post(poster, url)).is_success
    assert names.asked == 1  # what was checked is what was connected to
    answer = await post(poster, url)
    assert answer.status_code is None
    assert "127.0.0.2, which is not public" in answer.detail
    assert len(receiver.received) == 1


async def test_one_private_answer_spoils_the_name(
    poster: Poster, names: Names, receiver: Receiver
) -> None:
    names.answers["mixed"] = [["127.0.0.1", "10.0.0.1"]]
    answer = await post(poster, f"http://mixed.example.com:{receiver.port}/")
    assert "10.0.0.1, which is not public" in answer.detail
    assert receiver.received == []


async def test_the_next_address_is_tried_when_one_is_dead(names: Names, receiver: Receiver) -> None:
    names.answers["two"] = [["127.0.0.2", "127.0.0.1"]]
    guard = AddressGuard(allow_http=True, allow_networks=["127.0.0.0/8"])
    poster = Poster(guard, names, PATIENCE_S)
    try:
        assert (await post(poster, f"http://two.example.com:{receiver.port}/")).is_success
    finally:
        await poster.close()


async def test_the_form_of_the_url_is_checked_at_every_attempt(receiver: Receiver) -> None:
    """It may have been stored under other settings."""
    strict = Poster(AddressGuard(allow_http=False, allow_networks=[]), Names(), PATIENCE_S)
    answer = await post(strict, receiver.url)
    assert answer.status_code is None
    assert "must begin with https://" in answer.detail
    await strict.close()
    assert receiver.received == []


async def test_a_certificate_must_be_that_of_the_name(tmp_path: Path, names: Names) -> None:
    """The address is called, but TLS is about the name; a certificate nobody vouches for fails."""
    with Receiver() as receiver:
        receiver.use_tls("hooks.example.com", tmp_path)
        names.answers["hooks"] = [["127.0.0.1"]]
        names.answers["other"] = [["127.0.0.1"]]
        guard = AddressGuard(allow_http=False, allow_networks=["127.0.0.1/32"])
        unknown = Poster(guard, names, PATIENCE_S)
        answer = await post(unknown, f"https://hooks.example.com:{receiver.port}/")
        assert "CERTIFICATE_VERIFY_FAILED" in answer.detail
        await unknown.close()

        trusting = Poster(guard, names, PATIENCE_S, trust=receiver.trust())
        right = await post(trusting, f"https://hooks.example.com:{receiver.port}/")
        assert right.is_success, right
        wrong = await post(trusting, f"https://other.example.com:{receiver.port}/")
        assert "Hostname mismatch" in wrong.detail
        await trusting.close()
        assert len(receiver.received) == 1
