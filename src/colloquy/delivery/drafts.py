"""Provisional text: what turns that are at work have written so far, for whoever watches.

Nothing of it is stored. A draft is kept whole in memory; each watcher remembers how much of it has
been sent and takes the rest when its client is ready, so that a slow one gets fewer and larger
pieces and nobody has a queue. The committed reply takes a draft's place.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from ..model.message import encode
from ..model.times import Clock, now_us, rfc3339
from ..model.views import StreamItem
from .live import Signals

PIECE_CHARS = 1000
"""Most characters of one signal between processes. Escaped twice a character has up to seven bytes,
and PostgreSQL takes less than 8,000."""


class Draft:
    """What one run of a turn has written. Without text it only says that somebody is at work."""

    __slots__ = ("attempt", "conversation", "epoch", "is_withdrawn", "text", "turn_id")

    def __init__(self, conversation: bytes, turn_id: str, attempt: int, epoch: int) -> None:
        """`epoch`: the owner's, under which the turn runs."""
        self.conversation = conversation
        self.turn_id = turn_id
        self.attempt = attempt
        self.epoch = epoch
        self.text = ""
        self.is_withdrawn = False
        """No reply will follow: who has shown it takes it away."""


class _Piece(Struct, frozen=True, omit_defaults=True):
    """A change of a draft on its way to the other processes. One without text is the end."""

    conversation: str
    turn_id: str
    attempt: int
    epoch: int
    offset: int = 0
    text: str | None = None
    withdrawn: bool = False


_piece = msgspec.json.Decoder(_Piece)


class Drafts:
    """The drafts of this process, and those of others that somebody watches here."""

    def __init__(
        self, signals: Signals, tell: Callable[[str], None] | None, clock: Clock = now_us
    ) -> None:
        """`tell` sends a text to the other processes' `heard`; None where there are none."""
        self._signals = signals
        self._tell = tell
        self._clock = clock
        self._own: dict[bytes, Draft] = {}
        self._heard: dict[bytes, Draft] = {}

    def of(self, conversation: bytes) -> Draft | None:
        return self._own.get(conversation) or self._heard.get(conversation)

    def begin(self, draft: Draft) -> None:
        """From now on it is the draft of its conversation."""
        self._own[draft.conversation] = draft
        self._changed(draft, 0, "")

    def extend(self, draft: Draft, text: str) -> None:
        offset = len(draft.text)
        draft.text += text
        self._changed(draft, offset, text)

    def end(self, draft: Draft, *, withdrawn: bool) -> None:
        """The turn is over. Unless `withdrawn`, its reply takes the draft's place."""
        draft.is_withdrawn = withdrawn
        if self._own.get(draft.conversation) is draft:
            del self._own[draft.conversation]
        self._signals.nudge(draft.conversation)
        self._send(draft, None)

    def _changed(self, draft: Draft, offset: int, text: str) -> None:
        self._signals.nudge(draft.conversation)
        for start in range(0, len(text) or 1, PIECE_CHARS):
            self._send(draft, text[start : start + PIECE_CHARS], offset + start)

    def _send(self, draft: Draft, text: str | None, offset: int = 0) -> None:
        if self._tell is None:
            return
        piece = _Piece(
            draft.conversation.hex(),
            draft.turn_id,
            draft.attempt,
            draft.epoch,
            offset,
            text,
            draft.is_withdrawn,
        )
        self._tell(encode(piece).decode())

    # -- other processes ----------------------------------------------------------------------

    def heard(self, text: str) -> None:
        """Another process's draft changed. A piece that does not fit behind what is here (one
        before it was lost) is dropped, and so are those that follow it."""
        piece = _piece.decode(text)
        conversation = bytes.fromhex(piece.conversation)
        if not self._signals.is_watched(conversation):
            return
        draft = self._heard.get(conversation)
        same = draft is not None and (draft.turn_id, draft.attempt) == (
            piece.turn_id,
            piece.attempt,
        )
        if piece.text is None:
            if draft is not None and same:
                draft.is_withdrawn = piece.withdrawn
                del self._heard[conversation]
        elif piece.offset == 0 and not (same and draft is not None and not draft.text):
            draft = Draft(conversation, piece.turn_id, piece.attempt, piece.epoch)
            draft.text = piece.text
            self._heard[conversation] = draft
        elif draft is not None and same and piece.offset == len(draft.text):
            draft.text += piece.text
        self._signals.nudge(conversation)

    def left(self, conversation: bytes) -> None:
        """A watcher is gone: what was kept for the last one is forgotten."""
        if not self._signals.is_watched(conversation):
            self._heard.pop(conversation, None)

    # -- watchers -----------------------------------------------------------------------------

    def follow(self, conversation: bytes) -> Follower:
        return Follower(self, conversation, self._clock)


class Follower:
    """What one watcher has been sent of its conversation's drafts."""

    def __init__(self, drafts: Drafts, conversation: bytes, clock: Clock) -> None:
        self._drafts = drafts
        self._conversation = conversation
        self._clock = clock
        self._draft: Draft | None = None
        self._sent = 0
        self._answered: str | None = None
        self.epoch = 0
        """The owner's, as far as the watcher knows: drafts of an earlier one are void."""

    def saw(self, item: StreamItem) -> None:
        """The watcher was sent an item of the log."""
        if item.reply is not None and item.reply.turn_id is not None:
            self._answered = item.reply.turn_id
            if self._draft is not None and self._draft.turn_id == self._answered:
                self._draft = None
        elif item.kind == "owner" and item.data is not None:
            self.epoch = max(self.epoch, item.data.get("epoch", 0))

    def take(self) -> list[StreamItem]:
        """What is to be sent now: the end of a draft that came to nothing, text that is new."""
        items = []
        shown = self._draft
        if shown is not None and (shown.is_withdrawn or shown.epoch < self.epoch):
            items.append(self._item("reply_chunk_end", shown))
            self._draft = None
        draft = self._drafts.of(self._conversation)
        if draft is None or draft.epoch < self.epoch or draft.turn_id == self._answered:
            return items
        begins = draft is not self._draft
        if begins:
            self._draft, self._sent = draft, 0
        if begins or len(draft.text) > self._sent:
            text = draft.text[self._sent :]
            items.append(self._item("reply_chunk", draft, offset=self._sent, text=text))
            self._sent = len(draft.text)
        return items

    def _item(self, kind: str, draft: Draft, **rest: object) -> StreamItem:
        data = {"turn_id": draft.turn_id, "attempt": draft.attempt, **rest}
        return StreamItem(kind, at=rfc3339(self._clock()), data=data)
