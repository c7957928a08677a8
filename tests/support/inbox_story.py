"""A server full of conversations as an inbox meets them: with the demo's letting agency, people who
are happy, angry, in a hurry, handed over, in a dead letter."""

from __future__ import annotations

from typing import Any

from colloquy import Colloquy
from colloquy.demo.assistant import app as agency_app
from colloquy.model.errors import ColloquyError
from colloquy.model.message import Data, Media, Message, Sender
from colloquy.model.views import ConversationView, Receipt
from support.server import Server
from support.waiting import until

PEOPLE: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ana-ruiz": (
        "Ana Ruiz",
        "web",
        (
            "Hi there 👋",
            "Can I see the two-bedroom flat tomorrow at 5pm?",
            "Ana Ruiz",
            "thank you so much, this is wonderful!",
        ),
    ),
    "+4915112345678": (
        "Ben Okafor",
        "whatsapp",
        ("how much is the rent for the studio?", "is parking included in the rent", "thanks 🙏"),
    ),
    "chloe-martin": ("Chloé Martin", "web", ("are pets allowed? i have a small dog 🐕",)),
    "hugo-lind": ("Hugo Lind", "api", ("I was charged twice for invoice #4711",)),
    "ines-duarte": (
        "Inês Duarte",
        "api",
        (
            "can you write a poem about autumn",
            "then call me on +1 415 555 0132 or write to ines@example.com",
        ),
    ),
    "kofi-mensah": (
        "Kofi Mensah",
        "telegram",
        ("Water is leaking through the ceiling, it's urgent!!",),
    ),
    "frank-moreau": (
        "Frank Moreau",
        "whatsapp",
        ("This is unacceptable. The heating is broken for weeks and nobody answers!",),
    ),
}
"""Key → name, channel and what they say, each line after the answer to the one before."""


def agency() -> Colloquy:
    """The demo's assistant, which understands."""
    return agency_app


def say(server: Server, key: str, text: str, **fields: Any) -> str:
    """Sends a message and waits until it is answered; returns the conversation's id."""
    name = fields.pop("name", None)
    sender = Sender(id=key, name=name) if name else None
    message = Message(conversation=key, sender=sender, text=text, **fields)
    (receipt,) = server.run(server.runtime.accept([message]))
    if isinstance(receipt, ColloquyError):
        raise receipt
    assert server.run(server.runtime.wait(receipt.message_id, 50.0)) is not None
    return receipt.conversation_id


def say_all(server: Server, people: dict[str, tuple[str, str]], channel: str = "api") -> None:
    """Messages of many people at once: key → name and text. Returns when all are answered."""
    messages = [
        Message(conversation=key, sender=Sender(id=key, name=name), text=text, channel=channel)
        for key, (name, text) in people.items()
    ]
    for receipt in server.run(server.runtime.accept(messages)):
        assert isinstance(receipt, Receipt)
        assert server.run(server.runtime.wait(receipt.message_id, 50.0)) is not None


def record(server: Server, key: str, texts: list[str]) -> str:
    """Writes history that nobody answers; returns the conversation's id when all is in the log."""
    messages = [Message(conversation=key, text=text) for text in texts]
    receipts = server.run(server.runtime.import_messages(messages))
    last = receipts[-1]
    assert isinstance(last, Receipt)
    server.run(_logged(server, last.message_id))
    return last.conversation_id


async def _logged(server: Server, message_id: str) -> None:
    async def is_done() -> bool:
        return (await server.runtime.message(message_id)).state == "done"

    await until(is_done)


def tell(server: Server) -> dict[str, str]:
    """Plays everybody; returns the ids of their conversations by key."""
    ids: dict[str, str] = {}
    for key, (name, channel, texts) in PEOPLE.items():
        for text in texts:
            ids[key] = say(server, key, text, name=name, channel=channel)
    say(
        server,
        "kofi-mensah",
        "here is where it drips",
        channel="telegram",
        parts=[
            Media(url="https://example.com/ceiling.jpg", mime="image/jpeg", name="ceiling.jpg"),
            Data(kind="location", data={"floor": 3, "door": "B"}),
        ],
    )
    return ids


def conversation(server: Server, conversation_id: str) -> ConversationView:
    return server.run(server.runtime.conversation(conversation_id))
