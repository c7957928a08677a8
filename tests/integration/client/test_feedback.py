"""Feedback over HTTP through both clients: typed answers, files, the server's own errors."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
import pytest

from colloquy import Message
from colloquy.client import AsyncClient, Client
from colloquy.model.errors import Forbidden, InvalidInput, NotFound
from colloquy.model.feedback import FeedbackFilter, FeedbackRow, SignalsRow
from colloquy.model.views import FeedbackRequest
from support.server import Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("feedback")) as running:
        yield running


@pytest.fixture(scope="module")
def conversation(served: Server) -> str:
    """One that was rated with 2."""
    with Client(served.url, served.key("admin")) as client:
        message = Message(conversation="+4917012345", text="Are you open?", channel="sms")
        answer = client.send(message, wait_s=20)
        assert answer.replies
        found = answer.receipt.conversation_id
        rating = FeedbackRequest(answer.replies[0].reply_id, 2, "=SUM(1)", "tone")
        client.feedback(found, rating)
        return found


@pytest.fixture
def client(served: Server) -> Iterator[Client]:
    with Client(served.url, served.key("read")) as found:
        yield found


def test_figures_and_signals(client: Client, conversation: str) -> None:
    found = client.feedback_analytics(FeedbackFilter(channel="sms"), refresh=True)
    assert (found.filter, found.privacy) == ({"channel": "sms"}, "pseudonymous")
    assert (found.period.total_feedback, found.period.average_rating) == (1, 2)
    assert found.period.ratings == {"1": 0, "2": 1, "3": 0, "4": 0, "5": 0}
    kept = client.feedback_analytics(FeedbackFilter(channel="sms"))
    assert kept.at == found.at
    advice = client.feedback_recommendations(FeedbackFilter(channel="sms"))
    assert (advice.at, advice.recommendations) == (found.at, [])
    signals = client.feedback_signals(conversation).signals
    assert signals is not None
    assert (signals.messages, signals.outcome) == (1, "open")


def test_files(client: Client, conversation: str) -> None:
    (row,) = msgspec.json.decode(client.export_feedback(), type=list[FeedbackRow])
    assert (row.score, row.category, row.comment, row.channel) == (2, "tone", "=SUM(1)", "sms")
    assert "4917012345" not in row.person
    assert row.conversation != conversation
    table = client.export_feedback(format="csv").decode()
    (cells,) = csv.DictReader(io.StringIO(table, newline=""))
    assert cells["comment"] == "'=SUM(1)"
    signals = msgspec.json.decode(client.export_feedback(kind="signals"), type=list[SignalsRow])
    assert [one.conversation for one in signals] == [row.conversation]


def test_a_file_comes_piece_by_piece(served: Server, client: Client, conversation: str) -> None:
    assert b"".join(client.feedback_file()) == client.export_feedback()

    async def load() -> bytes:
        async with AsyncClient(served.url, served.key("read")) as other:
            return b"".join([chunk async for chunk in other.feedback_file(kind="signals")])

    assert asyncio.run(load()) == client.export_feedback(kind="signals")
    with Client(served.url, served.key("send")) as other, pytest.raises(Forbidden):
        next(other.feedback_file())


def test_how_far_figures_are(client: Client, conversation: str) -> None:
    other = FeedbackFilter(channel="mail")
    assert client.feedback_progress(other).state == "idle"
    client.feedback_analytics(other)
    assert client.feedback_progress(other).state == "ready"


def test_the_awaited_client_has_the_same_methods(served: Server, conversation: str) -> None:
    async def ask() -> int:
        async with AsyncClient(served.url, served.key("read")) as client:
            return (await client.feedback_analytics(refresh=True)).period.total_feedback

    assert asyncio.run(ask()) == 1


def test_what_cannot_be_is_refused(served: Server, client: Client) -> None:
    now = datetime.now(UTC)
    with pytest.raises(InvalidInput, match="366 days"):
        client.feedback_analytics(FeedbackFilter(since=now - timedelta(days=367)))
    with pytest.raises(InvalidInput, match="comes before"):
        client.export_feedback(FeedbackFilter(since=now + timedelta(days=1)))
    with pytest.raises(NotFound):
        client.feedback_signals("0" * 32)
    with (
        Client(served.url, served.key("send")) as other,
        pytest.raises(Forbidden),
    ):
        other.feedback_analytics()


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("analytics?since=yesterday", "since"),
        ("analytics?since=2026-13-01T00:00:00Z", "since"),
        ("analytics?until=9999-12-31T23:59:59Z&since=9999-12-31T00:00:00Z", "until"),
        ("analytics?refresh=perhaps", "refresh"),
        ("recommendations?intent=%00", "intent"),
        ("export?format=xls", "format"),
        ("export?kind=people", "kind"),
        ("signals", None),
        ("signals?conversation_id=x", "conversation_id"),
    ],
)
def test_bad_parameters_are_named(served: Server, query: str, field: str | None) -> None:
    with served.client("read") as http:
        answer: httpx.Response = http.get(f"/v2/feedback/{query}")
    assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text
