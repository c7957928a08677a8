"""Plays the contacts of the script against a running server, over HTTP like anybody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ..client import AsyncClient
from ..model import ids
from ..model.errors import ColloquyError
from ..model.message import Message, Sender
from ..model.understanding import Understanding
from ..model.views import OwnerRequest, ReplyRequest, ReplyView, StreamItem
from . import script
from .feed import Feed, Line, understood

ANSWER_S = 12.0
"""Longest wait for an answer before a contact goes on."""
RESEND_S = 0.05
COLLEAGUE_READS_S = 1.5
COLLEAGUE_WORKS_S = 2.6
FIRST_S = 0.3
LAST_S = 1.0


class MessageBody(Struct):
    """The body of a message event, as far as it is shown."""

    message_id: str
    message: Message
    understanding: Understanding | None = None


decode_message_body = msgspec.json.Decoder(MessageBody).decode


class Story:
    """All contacts of one run. `run` makes their keys new, so that a database can be used again.

    `pace` stretches every pause: 1 is for people who watch, less for programs.
    """

    def __init__(self, client: AsyncClient, feed: Feed, run: str, pace: float = 1.0) -> None:
        self._client = client
        self._feed = feed
        self._run = run
        self._pace = pace

    async def tell(self, contacts: Sequence[script.Contact] = script.CONTACTS) -> list[str]:
        """Plays all of them at once; returns the keys of contacts that got no answer in time.

        Raises the first error that one of them meets.
        """
        parts = [
            _Part(self._client, self._feed, self._run, self._pace, contact) for contact in contacts
        ]
        try:
            async with asyncio.TaskGroup() as group:
                listening = [group.create_task(part.watch()) for part in parts]
                listening += [group.create_task(part.colleague()) for part in parts]
                await asyncio.gather(*(part.play() for part in parts))
                for task in listening:
                    task.cancel()
        except* ColloquyError as errors:
            raise errors.exceptions[0] from None
        return [part.key for part in parts if part.waited_in_vain]


class _Part:
    """One contact: what it sends, and what it sees of its conversation."""

    def __init__(
        self, client: AsyncClient, feed: Feed, run: str, pace: float, contact: script.Contact
    ) -> None:
        self._client = client
        self._feed = feed
        self._contact = contact
        self._pace = pace
        self.key = f"{contact.key}-{run}"
        self._conversation = ids.conversation_id(contact.channel, "default", self.key).hex()
        self._begun = asyncio.Event()
        self._answered = asyncio.Event()
        self._handed_over = asyncio.Event()
        self._sent: list[str] = []
        self._seen: set[str] = set()
        self._sent_at = 0.0
        self.waited_in_vain = False

    # -- writing ------------------------------------------------------------------------------

    async def play(self) -> None:
        contact = self._contact
        await asyncio.sleep(contact.starts_s * self._pace)
        self._feed.note(f"{contact.name} {contact.note}")
        for number, line in enumerate(contact.lines):
            await asyncio.sleep((line.before_s if number else FIRST_S) * self._pace)
            self._answered.clear()
            await self._send(number, line)
            if line.wait:
                try:
                    await asyncio.wait_for(self._answered.wait(), ANSWER_S)
                except TimeoutError:
                    self.waited_in_vain = True
        await asyncio.sleep(LAST_S * self._pace)  # what a last message sets off is still shown

    async def _send(self, number: int, line: script.Line) -> None:
        contact = self._contact
        message = Message(
            conversation=self.key,
            channel=contact.channel,
            id=f"{contact.key}-{number}",
            sender=Sender(self.key, name=contact.name),
            text=line.text,
            stream="phone" if line.sequence is not None else None,
            sequence=line.sequence,
            time_zone="Europe/Berlin",
        )
        self._sent_at = time.perf_counter()
        for again in range(2 if line.twice else 1):
            receipt = (await self._client.send(message)).receipt
            if again:
                await self._count_repeat(receipt.status)
                break
            self._begun.set()
            self._sent.append(receipt.message_id)
            self._feed.figures.accepted += 1
            if line.twice:
                await asyncio.sleep(RESEND_S)

    async def _count_repeat(self, status: str) -> None:
        if status == "duplicate":
            self._feed.figures.duplicates += 1
            self._feed.note(
                f"{self._contact.name}'s client sent that twice: one message, one answer"
            )

    # -- seeing -------------------------------------------------------------------------------

    async def watch(self) -> None:
        await self._begun.wait()
        async for item in self._client.stream(self._conversation):
            self._show(item)

    def _show(self, item: StreamItem) -> None:
        if item.kind == "message" and item.message is not None:
            self._show_message(decode_message_body(item.message))
        elif item.reply is not None:
            self._show_reply(item.reply)
        elif item.kind == "owner" and item.data is not None:
            self._show_owner(str(item.data["owner"]), str(item.data.get("reason") or ""))

    def _show_message(self, said: MessageBody) -> None:
        figures = self._feed.figures
        if said.message_id in self._sent:
            earlier = self._sent[: self._sent.index(said.message_id)]
            if any(other not in self._seen for other in earlier):
                figures.reordered += 1
                self._feed.note(f"{self._contact.name}'s messages are put back in order")
        self._seen.add(said.message_id)
        if said.understanding is not None and said.understanding.intent is not None:
            figures.understood += 1
        text = said.message.full_text
        self._feed.add(Line("in", self._contact.name, text, understood(said.understanding)))

    def _show_reply(self, reply: ReplyView) -> None:
        figures = self._feed.figures
        figures.answered += 1
        passed = (time.perf_counter() - self._sent_at) * 1000
        who = reply.author_name or "Colloquy"
        # A reminder, or what a person writes, answers no message.
        timed = reply.author == "assistant" and not self._answered.is_set()
        detail = f"to {self._contact.name}" + (f", {passed:.0f} ms" if timed else "")
        self._feed.add(Line("out", who, reply.text or "", detail))
        self._answered.set()

    def _show_owner(self, owner: str, reason: str) -> None:
        name = self._contact.name
        if owner == "assistant":
            self._feed.note(f"{script.COLLEAGUE} gives {name}'s conversation back")
            return
        self._feed.figures.handed_over += 1
        if reason.startswith("dead letter"):
            self._feed.figures.dead_letters += 1
            cause = reason.removeprefix("dead letter: ")
            self._feed.note(f"{name}'s message is a dead letter ({cause}); a person takes over")
        else:
            self._feed.note(f"{name}'s conversation is passed to a person ({reason})")
            self._handed_over.set()

    async def colleague(self) -> None:
        """A person answers what was passed on, then gives the conversation back."""
        await self._handed_over.wait()
        await asyncio.sleep(COLLEAGUE_READS_S * self._pace)
        request = ReplyRequest(text=self._contact.colleague, author_name=script.COLLEAGUE)
        await self._client.reply(self._conversation, request)
        await asyncio.sleep(COLLEAGUE_WORKS_S * self._pace)
        await self._client.set_owner(self._conversation, OwnerRequest(owner="assistant"))
