"""Dead letters: looked at, retried, set aside."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ..model import ids
from ..model.cursors import decode_cursor, encode_cursor
from ..model.errors import Conflict, InvalidInput
from ..model.message import encode
from ..model.times import Clock, now_us, rfc3339
from ..model.views import DeadLetterPage, DeadLetterView
from ..pipeline.work import Note, encode_note, note_of
from ..storage.store import DeadLetter, Store
from ..storage.write_set import NO_SESSION, EventRow, InboxRow, Unit, Verdict, WriteSet

MAX_PAGE = 500


class DeadLetters:
    """The dead letters of one store."""

    def __init__(self, store: Store, *, stored: Callable[[], None], clock: Clock = now_us) -> None:
        """`stored` is called when rows were put back into the inbox."""
        self._store = store
        self._stored = stored
        self._clock = clock

    async def page(
        self, cursor: str | None, limit: int, status: str, conversation_id: str | None
    ) -> DeadLetterPage:
        """Newest first; of one conversation if that is given. Raises InvalidInput."""
        if status not in ("dead", "discarded"):
            raise InvalidInput("status is dead or discarded", field="status")
        before = decode_cursor(cursor, 1)[0] if cursor is not None else None
        conversation = None
        if conversation_id is not None:
            conversation = ids.parse_id(conversation_id, "conversation_id")
        limit = max(1, min(limit, MAX_PAGE))
        letters = await self._store.dead_letters(before, limit, status, conversation)
        return DeadLetterPage(
            [letter_view(letter) for letter in letters],
            encode_cursor(letters[-1].id) if len(letters) == limit else None,
        )

    async def view(self, number: int) -> DeadLetterView:
        """Raises NotFound."""
        return letter_view(await self._store.dead_letter(number))

    async def retry(
        self, numbers: list[int] | None, conversation_id: str | None, actor: str
    ) -> list[int]:
        """Puts dead letters back, each as a new turn at the end of its conversation.

        By number, or all of a conversation in their order. Later turns are not run again. Returns
        the numbers that were put back. Raises NotFound, Conflict (discarded before), InvalidInput.
        """
        if conversation_id is not None:
            letters = await self._store.dead_letters_of(
                ids.parse_id(conversation_id, "conversation_id")
            )
            if numbers is not None:
                letters = [letter for letter in letters if letter.id in set(numbers)]
        elif numbers:
            letters = [await self._dead(number) for number in sorted(set(numbers))]
        else:
            raise InvalidInput("say which: `numbers` or `conversation_id`", field="numbers")
        retried: list[int] = []
        for letter in letters:
            if await self._revive(letter, actor):
                retried.append(letter.id)
        if retried:
            self._stored()
        return retried

    async def _dead(self, number: int) -> DeadLetter:
        letter = await self._store.dead_letter(number)
        if letter.status != "dead":
            raise Conflict(f"dead letter {number} was {letter.status}", field="numbers")
        return letter

    async def _revive(self, letter: DeadLetter, actor: str) -> bool:
        """Moves the row back in one transaction, past de-duplication (engine decision 20)."""
        now = self._clock()
        (number,) = await self._store.new_inbox_numbers(1)
        session = (await self._store.sessions([letter.conversation])).get(letter.conversation)
        former = note_of(letter.note)
        note = Note(
            attempts=former.attempts, late=True, gap=letter.sequence, calls=former.calls,
            logged=former.logged,
        )  # fmt: skip
        row = InboxRow(
            number, letter.message_id, letter.conversation,
            ids.partition_of(letter.conversation), letter.kind, "ready", 0, now, None, None, 0,
            letter.recorded, letter.payload, encode_note(note),
        )  # fmt: skip
        unit = Unit(
            session=session.number if session is not None else NO_SESSION,
            at=now,
            revive=(letter.id,),
        )
        if session is not None:
            body = {
                "message_id": letter.message_id.hex(),
                "number": letter.id,
                "inbox_id": number,
                "actor": actor,
            }
            unit.events.append(EventRow("dead_letter_retried", now, None, letter.id, encode(body)))
        unit.rows["inbox_insert"] = [row]
        (outcome,) = await self._store.commit(WriteSet(units=[unit]))
        if outcome.verdict is Verdict.FAILED and outcome.error is not None:
            raise outcome.error
        return outcome.verdict is Verdict.COMMITTED

    async def discard(self, numbers: list[int], actor: str) -> list[int]:
        """Marks dead letters as seen and not to be retried; they are kept. Raises NotFound."""
        letters = [await self._dead(number) for number in sorted(set(numbers))]
        if letters:
            await self._store.change(
                "dead_letter_status", [(letter.id, "discarded") for letter in letters]
            )
        return [letter.id for letter in letters]


def letter_view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        number=letter.id,
        message_id=letter.message_id.hex(),
        conversation_id=letter.conversation.hex(),
        received_at=rfc3339(letter.received_at),
        dead_at=rfc3339(letter.dead_at),
        cause=letter.cause,
        detail=letter.detail,
        status=letter.status,
        message=msgspec.Raw(letter.payload),
        attempts=note_of(letter.note).attempts,
    )
