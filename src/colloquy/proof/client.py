"""The torture's client: it gives a message up only when it has a receipt or a refusal.

Like every at-least-once client it sends again what got no answer, under the same id. It writes into
its journal before the first byte of each attempt leaves, and when an answer is there.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from .journal import Journal
from .records import Receipted, Received, Refused, Sent
from .server import Server
from .traffic import Item
from .wire import Answer

PATH = "/v2/messages"
IMPATIENCE_S = (2.0, 8.0)
"""Time-outs are drawn from here: some are shorter than a pause, so answers come to nobody."""
WAITING = 0.3
"""Share of single messages that wait for their reply in the same request."""
PAUSE_S = (0.02, 0.3)
"""Pause before something is sent again."""
LONGEST_PAUSE_S = 1.0


class Client:
    """Sends items and notes what it is told."""

    def __init__(self, server: Server, journal: Journal, chance: random.Random) -> None:
        self._server = server
        self._journal = journal
        self._chance = chance
        self.counts: Counter[str] = Counter()
        """Receipts by status, refusals, attempts, and failures by what went wrong."""
        self.wrong: Counter[str] = Counter()
        """What the server must not answer."""

    async def deliver(self, items: Sequence[Item]) -> None:
        """Returns when every item has its receipt or its refusal. Repeats that are to be sent at
        the same moment go over a connection of their own."""
        twins = [item for item in items if item.at_once]
        rest = [item for item in items if not item.at_once]
        if twins:
            await asyncio.gather(self._offer(rest), self._offer(twins))
        else:
            await self._offer(rest)

    async def garbage(self) -> None:
        """A body that is no request at all; it must be refused."""
        body = self._chance.choice(_GARBAGE)
        request = self._server.post_bytes(PATH, body)
        try:
            answer = await self._server.pool.request(request, self._impatience())
        except (OSError, TimeoutError):
            return  # nobody was there to refuse it
        self.counts["garbage"] += 1
        if not (400 <= answer.status < 500 or answer.status == 503):
            self.wrong[f"garbage answered {answer.status}"] += 1

    async def _offer(self, items: Sequence[Item]) -> None:
        pending = list(items)
        while pending:
            attempts = [
                Sent(
                    self._journal.next_n(),
                    item.message_id,
                    item.conversation_id,
                    item.stream,
                    item.sequence,
                    item.must_refuse,
                    item.answered,
                    item.timers,
                )
                for item in pending
            ]
            await self._journal.write(*attempts)
            self.counts["attempts"] += len(attempts)
            try:
                answer = await self._server.pool.request(self._request(pending), self._impatience())
            except (OSError, TimeoutError) as error:
                self.counts[type(error).__name__] += 1
                await asyncio.sleep(self._chance.uniform(*PAUSE_S))
                continue
            pending = self._note(answer, attempts, pending)
            if pending:
                pause = answer.retry_after_s or self._chance.uniform(*PAUSE_S)
                await asyncio.sleep(min(pause, LONGEST_PAUSE_S))

    def _request(self, items: Sequence[Item]) -> bytes:
        if len(items) > 1:
            body = b'{"messages":[%s]}' % b",".join(item.body for item in items)
            return self._server.post_bytes(PATH, body)
        path = f"{PATH}?wait=1.5" if self._chance.random() < WAITING else PATH
        return self._server.post_bytes(path, items[0].body)

    def _impatience(self) -> float:
        return self._chance.uniform(*IMPATIENCE_S)

    def _note(self, answer: Answer, attempts: Sequence[Sent], items: Sequence[Item]) -> list[Item]:
        """Writes the answer down; returns what must be sent again."""
        try:
            document = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            self.counts[f"no JSON with status {answer.status}"] += 1
            return list(items)
        results = results_of(document, len(items))
        if results is None:
            # One problem for the whole request.
            if answer.status == 429 or answer.status >= 500:
                self.counts[f"{answer.status} {document.get('code')}"] += 1
                return list(items)
            results = [{"error": document}] * len(items)
        again: list[Item] = []
        for attempt, item, result in zip(attempts, items, results, strict=True):
            error = result.get("error")
            if error is None:
                self._receipt(attempt, result)
            elif error["status"] in (429, 503):
                self.counts[f"item {error['status']} {error['code']}"] += 1
                again.append(item)
            else:
                self._journal.note(Refused(self._journal.next_n(), attempt.n, error["code"]))
                self.counts["refused"] += 1
        return again

    def _receipt(self, attempt: Sent, result: dict[str, Any]) -> None:
        receipt = Receipted(
            self._journal.next_n(), attempt.n, result["message_id"], result["status"]
        )
        self._journal.note(receipt)
        self.counts[receipt.status] += 1
        for reply in result.get("replies") or ():
            self._journal.note(
                Received(self._journal.next_n(), reply["reply_id"], f"answer {attempt.n}")
            )


def results_of(document: dict[str, Any], count: int) -> list[dict[str, Any]] | None:
    """The result of each item, whatever the form of the answer: a receipt's fields (with `replies`
    where the request waited), or `{"error": problem}`. None for one problem about the whole."""
    if "results" in document:
        results: list[dict[str, Any]] = document["results"]
        return results
    if "receipt" in document:
        return [{**document["receipt"], "replies": document.get("replies")}]
    if "message_id" in document and count == 1:
        return [document]
    return None


_GARBAGE = (
    b"",
    b"{",
    b"[]",
    b'"text"',
    b'{"messages":[]}',
    b'{"messages":{}}',
    b'{"messages":[{"conversation":"c","text":"x"}],"more":1}',
    b'{"conversation":"c","text":"\xff\xfe"}',
    b"\x00" * 64,
    b"[" * 100_000,
)
"""Bodies that are no request."""
