"""Conversations that were rated, in a server of a test."""

from __future__ import annotations

from colloquy.model.errors import ColloquyError
from colloquy.model.message import Message
from colloquy.model.views import FeedbackRequest
from support.server import Server

CATEGORY = "tone"


def rate_many(server: Server, channel: str, count: int, rating: int, comment: str = "") -> None:
    """So many conversations on this channel, each with one reply that gets this rating."""

    async def work() -> None:
        runtime = server.runtime
        messages = [
            Message(conversation=f"{channel} {number}", text="Are you open?", channel=channel)
            for number in range(count)
        ]
        for receipt in await runtime.accept(messages):
            assert not isinstance(receipt, ColloquyError)
            replies = await runtime.wait(receipt.message_id, 60)
            assert replies
            request = FeedbackRequest(replies[0].reply_id, rating, comment or None, CATEGORY)
            await runtime.feedback(receipt.conversation_id, request, "visitor")

    server.run(work())
