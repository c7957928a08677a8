"""What every edge calls: the engine's reading and acting, by one name each.

The parts behind it are put together by `runtime.Runtime`; nothing here decides anything.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from ..flags import Flags
from ..model import ids
from ..model.errors import NotFound
from ..model.views import (
    ConversationFilter,
    ConversationPage,
    ConversationView,
    DeadLetterPage,
    DeadLetterView,
    EventPage,
    FeedbackRequest,
    FeedbackView,
    KeyView,
    MessageState,
    NewKey,
    NoteRequest,
    NoteView,
    OwnerRequest,
    OwnerView,
    ParticipantsView,
    Principal,
    ReactionRequest,
    ReactionView,
    ReplyRequest,
    ReplyView,
    StreamItem,
    Trace,
    TranscriptPage,
)
from ..pipeline.writing import Writing
from ..storage.store import Store
from ..telemetry.services import Service
from .conversations import Conversations
from .dead_letters import DeadLetters
from .keys import Keys
from .live import OPERATOR_KINDS, VISITOR_KINDS, LiveStreams
from .lookup import Lookup
from .operating import Desk
from .reactions import Reactions
from .remarks import Remarks
from .transcript import Transcripts

ALL = ConversationFilter()
"""Every conversation."""
INTERRUPT_TOPIC = "interrupt"
"""Of the signal by which a process that makes an answer learns that its visitor stopped it."""


FEEDBACK = "enable_feedback_collection"
"""The flag without which nobody is asked how replies were."""


class Surface:
    """The part of a runtime that the API, the console, the command line and tests use."""

    flags: Flags
    store: Store
    keys: Keys
    _conversations: Conversations
    _dead_letters: DeadLetters
    _desk: Desk
    _live: LiveStreams
    _lookup: Lookup
    _rating: Service
    _reactions: Reactions
    _remarks: Remarks
    _transcripts: Transcripts
    _writing: Writing

    # -- reading ------------------------------------------------------------------------------

    async def message(self, message_id: str) -> MessageState:
        return await self._lookup.message(message_id)

    async def trace(self, message_id: str) -> Trace:
        return await self._lookup.trace(message_id)

    async def conversations(
        self,
        filter: ConversationFilter = ALL,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ConversationPage:
        return await self._conversations.list(filter, cursor, limit)

    async def conversation(self, conversation_id: str) -> ConversationView:
        return await self._conversations.view(conversation_id)

    async def find_conversation(
        self, channel: str, account: str, key: str, thread: str = ""
    ) -> ConversationView:
        """Raises NotFound."""
        found = ids.conversation_id(channel, account, key, thread)
        return await self._conversations.view(found.hex())

    async def events(self, conversation_id: str, after: int = 0, limit: int = 100) -> EventPage:
        return await self._conversations.events(conversation_id, after, limit)

    async def transcript(
        self,
        conversation_id: str,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
    ) -> TranscriptPage:
        return await self._transcripts.page(conversation_id, before, after, limit)

    async def participants(self, conversation_id: str) -> ParticipantsView:
        return await self._transcripts.participants(conversation_id)

    def export(self, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        return self._conversations.export(after)

    def stream(
        self, conversation_id: str, after: int | None = None, *, for_operators: bool = False
    ) -> AsyncIterator[StreamItem | None]:
        """See `LiveStreams.stream`; operators also see notes and tools. Raises InvalidInput."""
        conversation = ids.parse_id(conversation_id, "conversation_id")
        kinds = OPERATOR_KINDS if for_operators else VISITOR_KINDS
        return self._live.stream(conversation, after, kinds)

    async def dead_letters(
        self,
        cursor: str | None = None,
        limit: int = 50,
        status: str = "dead",
        conversation_id: str | None = None,
    ) -> DeadLetterPage:
        return await self._dead_letters.page(cursor, limit, status, conversation_id)

    async def dead_letter(self, number: int) -> DeadLetterView:
        return await self._dead_letters.view(number)

    # -- acting -------------------------------------------------------------------------------

    async def interrupt(self, conversation_id: str, turn_id: str) -> None:
        """Ends an answer that is being made: what was written of it so far becomes the reply.

        One that is done stays as it is. Where other processes work on the database they are told
        by a signal, which may be lost. Raises InvalidInput.
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")
        turn = ids.parse_id(turn_id, "turn").hex()
        if not self._writing.interrupt(conversation, turn) and self.store.shared:
            await self.store.signal(INTERRUPT_TOPIC, f"{conversation.hex()} {turn}")

    def _interrupted(self, text: str) -> None:
        """What another process's `interrupt` told."""
        conversation, _, turn = text.partition(" ")
        self._writing.interrupt(bytes.fromhex(conversation), turn)

    async def reply(self, conversation_id: str, request: ReplyRequest, actor: str) -> ReplyView:
        return await self._desk.reply(conversation_id, request, actor)

    async def set_owner(
        self,
        conversation_id: str,
        request: OwnerRequest,
        actor: str,
        version: int | None = None,
    ) -> OwnerView:
        return await self._desk.set_owner(conversation_id, request, actor, version)

    async def retry_dead_letters(
        self, numbers: list[int] | None, conversation_id: str | None, actor: str
    ) -> list[int]:
        return await self._dead_letters.retry(numbers, conversation_id, actor)

    async def discard_dead_letters(self, numbers: list[int], actor: str) -> list[int]:
        return await self._dead_letters.discard(numbers, actor)

    async def note(self, conversation_id: str, request: NoteRequest, actor: str) -> NoteView:
        return await self._remarks.note(conversation_id, request, actor)

    async def feedback(
        self, conversation_id: str, request: FeedbackRequest, by: str
    ) -> FeedbackView:
        self._need_feedback()
        with self._rating.watched():
            return await self._remarks.feedback(conversation_id, request, by)

    async def react(self, conversation_id: str, request: ReactionRequest) -> ReactionView:
        self._need_feedback()
        with self._rating.watched():
            return await self._reactions.react(conversation_id, request)

    @property
    def collects_feedback(self) -> bool:
        """Whether ratings are taken, and anything is made of them."""
        return self.flags.enabled(FEEDBACK)

    def _need_feedback(self) -> None:
        """Raises NotFound where feedback is off: there is nothing to rate with."""
        if not self.collects_feedback:
            raise NotFound(f"feedback is not collected: the flag {FEEDBACK} is off")

    async def mark_read(self, conversation_id: str, seq: int, actor: str) -> ConversationView:
        return await self._remarks.mark_read(conversation_id, seq, actor)

    async def mark_unread(self, conversation_id: str, actor: str) -> ConversationView:
        return await self._remarks.mark_unread(conversation_id, actor)

    # -- keys ---------------------------------------------------------------------------------

    def authenticate(self, token: str) -> Principal:
        """Raises Unauthenticated."""
        return self.keys.authenticate(token)

    async def create_key(
        self, name: str, scopes: list[str], expires_at: datetime | None = None
    ) -> NewKey:
        return await self.keys.create(name, scopes, expires_at)

    async def list_keys(self) -> list[KeyView]:
        return await self.keys.list()

    async def revoke_key(self, key_id: str) -> None:
        await self.keys.revoke(key_id)

    async def secret(self, name: str) -> bytes:
        """A random secret of this database, made when it is first asked for (visitor tokens)."""
        meta = f"secret:{name}"
        known = await self.store.meta(meta)
        if known is None:
            await self.store.change_one("meta_new", meta, secrets.token_hex(32))
            known = await self.store.meta(meta)
        assert known is not None
        return bytes.fromhex(known)
