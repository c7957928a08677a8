"""Both clients against a real server: every operation, paging, streams that resume."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy.client import AsyncClient, Client, Retries
from colloquy.client.operation import Operation, Streaming
from colloquy.client.operations import Operations
from colloquy.model.chat import ChatMessage
from colloquy.model.errors import Forbidden, InvalidInput, NotFound, Unavailable
from colloquy.model.feedback import FeedbackFilter
from colloquy.model.graph import RelationshipFilter
from colloquy.model.message import Message, Sender
from colloquy.model.views import (
    ConversationFilter,
    FeedbackRequest,
    NoteRequest,
    OwnerRequest,
    Receipt,
    ReplyRequest,
)
from support.server import Server

WAIT_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("client")) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, server.key()) as client:
        yield client


def said(key: str, text: str, **fields: Any) -> Message:
    return Message(conversation=key, text=text, **fields)


def test_every_operation_of_the_api_has_a_method(server: Server) -> None:
    document = httpx.get(f"{server.url}/v2/openapi.json", trust_env=False).json()
    wanted = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    members = [member for _, member in inspect.getmembers(Operations)]
    found = {
        (member.method, member.route)
        for member in members
        if isinstance(member, Operation | Streaming)
    }
    assert found == wanted


def test_parameters_of_the_api_are_parameters_of_the_methods(server: Server) -> None:
    """A parameter that the client does not know is one that its users cannot use."""
    document = httpx.get(f"{server.url}/v2/openapi.json", trust_env=False).json()
    for name, member in inspect.getmembers(Operations):
        if not isinstance(member, Operation):
            continue
        described = document["paths"][member.route][member.method.lower()]
        offered = {
            parameter["name"]
            for parameter in described.get("parameters", ())
            if parameter.get("in") in ("path", "query")  # shared ones are headers
        }
        takes = set(inspect.signature(member.describe).parameters)
        if "filter" in takes:
            takes |= {
                *ConversationFilter.__struct_fields__,
                *FeedbackFilter.__struct_fields__,
                *RelationshipFilter.__struct_fields__,
            }
        if "start" in takes:  # `from` is no name in Python
            takes |= {"from", "to"}
        if "wait_s" in takes or name == "send_many":  # a batch cannot be waited for
            takes.add("wait")
        assert offered <= takes, name


def test_a_message_its_answer_and_where_it_is(client: Client) -> None:
    answer = client.send(said("ann", "Hello", id="m-1"), WAIT_S)
    assert [reply.text for reply in answer.replies or []] == ["You said: Hello"]
    message_id = answer.receipt.message_id
    assert client.message(message_id).state == "done"
    assert client.trace(message_id).steps
    assert client.send(said("ann", "Hello", id="m-1")).receipt.status == "duplicate"


def test_the_client_gives_ids_where_the_caller_gave_none(client: Client) -> None:
    receipt = client.send(said("ben", "Hello")).receipt
    assert receipt.id
    (other,) = client.send_many([said("ben", "Hello again")])
    assert isinstance(other, Receipt)
    assert other.id not in (None, receipt.id)


def test_a_batch_has_a_receipt_or_an_error_for_each(client: Client) -> None:
    good, bad = client.send_many([said("cem", "Hello"), Message(conversation="cem")])
    assert isinstance(good, Receipt)
    assert isinstance(bad, InvalidInput)
    (alone,) = client.send_many([Message(conversation="cem")])
    assert isinstance(alone, InvalidInput), "also when all of them are bad"
    with pytest.raises(InvalidInput):
        client.send_many([])


def test_iterators_go_through_all_pages(client: Client) -> None:
    keys = {f"page-{number}" for number in range(5)}
    for key in sorted(keys):
        client.send(said(key, "Hello"), WAIT_S)
    views = list(client.conversations(limit=2))
    assert keys <= {view.conversation for view in views}
    assert len(views) == len({view.conversation_id for view in views})
    of_one = next(view.conversation_id for view in views if view.conversation == "page-0")
    numbers = [event.seq for event in client.events(of_one, limit=1)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) > 2


def test_operators_answer_take_over_and_give_back(client: Client) -> None:
    receipt = client.send(said("dan", "Hello"), WAIT_S).receipt
    conversation = receipt.conversation_id
    request = ReplyRequest(text="I am here.", take_over=True)
    reply = client.reply(conversation, request)
    assert reply.text == "I am here."
    assert client.conversation(conversation).owner == "human"
    assert client.set_owner(conversation, OwnerRequest(owner="assistant")).owner == "assistant"


def test_operators_see_and_mark_what_was_said(client: Client) -> None:
    receipt = client.send(said("hal", "Hello", sender=Sender("hal", name="Hal")), WAIT_S).receipt
    conversation = receipt.conversation_id
    assert "Hal" in [view.name for view in client.conversations(ConversationFilter(unread=True))]
    assert not list(client.conversations(ConversationFilter(owner="team")))
    note = client.note(conversation, NoteRequest(text="A regular."))
    (reply,) = [item.reply for item in client.transcript(conversation).items if item.reply]
    client.feedback(conversation, FeedbackRequest(reply.reply_id, "up"))
    assert client.conversation(conversation).unread
    assert not client.mark_read(conversation, note.seq).unread
    assert {one.id for one in client.participants(conversation).participants} >= {"hal"}
    assert [item.kind for item in client.transcript(conversation, after=note.seq - 1).items] == [
        "note",
        "feedback",
    ]


def test_dead_letters_are_listed_retried_and_discarded(client: Client) -> None:
    receipt = client.send(said("eve", "poison"), WAIT_S).receipt
    letter = next(one for one in client.dead_letters() if one.message_id == receipt.message_id)
    assert client.dead_letter(letter.number).cause == "ValueError"
    assert client.retry_dead_letters([letter.number]) == [letter.number]
    with pytest.raises(NotFound):
        client.discard_dead_letters([letter.number + 1000])


def test_keys_health_and_metrics(server: Server, client: Client) -> None:
    made = client.create_key("shop", ["send"])
    assert made.key.id in [key.id for key in client.keys()]  # noqa: SIM118  # no dictionary
    with Client(server.url, made.secret) as limited, pytest.raises(Forbidden) as refused:
        limited.keys()
    assert refused.value.request_id, "what to look for in the server's log"
    client.revoke_key(made.key.id)
    assert client.ready() is True
    assert client.health() in ("healthy", "warning")
    assert client.health_report()["score"] > 0
    assert "colloquy_" in client.metrics()
    assert {"port", "database_url"} <= {setting.name for setting in client.settings()}
    assert client.statistics()


def test_a_visitor_talks_as_the_chat_page_does(server: Server) -> None:
    with Client(server.url) as nobody:
        session = nobody.chat_session()
        assert nobody.chat_config().title
    with Client(server.url, session.token) as visitor:
        assert visitor.chat_session().conversation_id == session.conversation_id
        visitor.chat_send(ChatMessage("m-1", "Hello", "tab", 1))
        reply = next(item for item in visitor.chat_stream(session.after) if item.kind == "reply")
        assert reply.text == "You said: Hello"
        assert reply.id is not None
        assert visitor.chat_feedback(FeedbackRequest(reply.id, "up")).rating == "up"
        said = visitor.chat_history(before=reply.seq).items
        assert [item.text for item in said] == ["Hello"]


def test_a_stream_goes_on_when_the_server_restarts(tmp_path: Path) -> None:
    seen: list[str] = []
    with Server(tmp_path) as server:
        key = server.key()
        with Client(server.url, key) as client:
            receipt = client.send(said("fay", "one")).receipt
            items = client.stream(receipt.conversation_id)

            def follow(wanted: str) -> None:
                for item in items:
                    if item.reply is not None:
                        seen.append(item.reply.text or "")
                        if wanted in seen[-1]:
                            return

            follow("one")
            port = int(server.url.rpartition(":")[2])
            server.stop()
            server.start(port)
            listening = threading.Thread(target=follow, args=("two",), daemon=True)
            listening.start()
            client.send(said("fay", "two"))
            listening.join(60)
    assert seen == ["You said: one", "You said: two"]


def test_a_stream_that_is_refused_says_why(client: Client) -> None:
    with pytest.raises(InvalidInput):
        next(client.stream("no id"))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with Client("http://127.0.0.1:9", retries=Retries(most=0)) as client:
        with pytest.raises(Unavailable, match="no answer from"):
            next(client.dead_letters())
        with pytest.raises(Unavailable):
            next(client.stream("0" * 32, resume=False))


async def test_the_awaited_client_has_the_same_methods(server: Server) -> None:
    async with AsyncClient(server.url, server.key()) as client:
        answer = await client.send(said("gus", "Hello"), WAIT_S)
        assert [reply.text for reply in answer.replies or []] == ["You said: Hello"]
        conversation = answer.receipt.conversation_id
        assert (await client.conversation(conversation)).conversation == "gus"
        kinds = [event.kind async for event in client.events(conversation, limit=1)]
        assert kinds[0] == "session_opened"
        async for item in client.stream(conversation):
            if item.reply is not None:
                break
        assert item.reply.text == "You said: Hello"
        with pytest.raises(NotFound):
            await client.message("0" * 32)
    async with AsyncClient("http://127.0.0.1:9", retries=Retries(most=1, first_s=0.0)) as nobody:
        with pytest.raises(Unavailable):
            await nobody.ready()
