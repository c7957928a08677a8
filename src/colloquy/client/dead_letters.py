"""Operations on dead letters: `/v2/dead-letters`."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ..model.views import DeadLetterPage, DeadLetterView
from .operation import operation, paged
from .request import Ask, json


class DeadLetterOperations:
    """`/v2/dead-letters`."""

    @operation("GET", "/v2/dead-letters")
    def dead_letter_page(
        self,
        cursor: str | None = None,
        limit: int | None = None,
        status: str = "dead",
        conversation_id: str | None = None,
    ) -> Ask[DeadLetterPage]:
        """One page of dead letters, newest first; `status` is dead or discarded."""
        return Ask(
            json(DeadLetterPage),
            query={
                "cursor": cursor,
                "limit": limit,
                "status": status,
                "conversation_id": conversation_id,
            },
        )

    dead_letters = paged(
        dead_letter_page,
        lambda page: page.dead_letters,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("GET", "/v2/dead-letters/{number}")
    def dead_letter(self, number: int) -> Ask[DeadLetterView]:
        """One dead letter with its message and its attempts."""
        return Ask(json(DeadLetterView), path={"number": number})

    @operation("POST", "/v2/dead-letters/retry")
    def retry_dead_letters(
        self, numbers: Sequence[int] | None, conversation_id: str | None = None
    ) -> Ask[list[int]]:
        """Those numbers, else all of one conversation; returns the numbers retried, in order."""
        return Ask(_numbers, body={"numbers": numbers, "conversation_id": conversation_id})

    @operation("POST", "/v2/dead-letters/discard")
    def discard_dead_letters(self, numbers: Sequence[int]) -> Ask[list[int]]:
        """Sets dead letters aside; returns their numbers."""
        return Ask(_numbers, body={"numbers": numbers})


class _Numbers(msgspec.Struct):
    numbers: list[int]


def _numbers(body: bytes) -> list[int]:
    return json(_Numbers)(body).numbers
