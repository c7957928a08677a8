"""The turn: the one type that flows through the pipeline, and what a handler is given.

message(s) → + understanding → + context → + replies. A turn does no I/O itself; the few calls that
need the engine (`once`, `context.recent`) go through ports that the pipeline binds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from .errors import InvalidInput, TooLarge
from .message import Message, encode
from .reply import Reply
from .session import Session
from .understanding import Understanding

_understanding = msgspec.json.Decoder(Understanding)

MAX_DELAY_S = 366 * 86400.0
"""Longest delay of a durable timer."""


class Incoming(NamedTuple):
    """One accepted message of a turn."""

    inbox_id: int
    message_id: bytes
    received_at: int
    message: Message
    payload: bytes
    recorded: bool
    """Its event is in the log already (the turn was parked before)."""
    late: bool
    gap: bool


class Timer(Struct, frozen=True):
    """A timer that a turn set: `on_timer(name)` gets `data` when it is due."""

    delay_s: float
    name: str
    data: dict[str, Any]


class Fired(Struct, frozen=True):
    """The timer whose time has come."""

    name: str
    data: dict[str, Any]


class Said(NamedTuple):
    """One line of the recent window."""

    role: str
    """visitor, assistant, agent, human, team or system."""
    text: str
    at: int


class Context(Protocol):
    """What is known around a turn."""

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the session: slots filled, owner, channel, number of messages."""

    async def recent(self, limit: int = 10) -> list[Said]:
        """The last lines of the conversation before this turn, oldest first."""


Once = Callable[["Turn", str, Callable[..., Any], tuple[Any, ...], str, bool], Awaitable[Any]]
Write = Callable[["Turn", str], Awaitable[None]]

MAX_WRITTEN = 100_000
"""Characters that one turn may write."""


class Turn:
    """One turn of a conversation. Handlers read it and return what to say.

    `state` is a dict kept with the conversation: whatever JSON can hold; it is saved with the reply
    in one transaction, or not at all. Handlers may run more than once (after a crash, a conflict or
    a transient error): put outside effects into `once`.
    """

    __slots__ = (
        "_once",
        "_understanding",
        "_write",
        "_written",
        "_written_chars",
        "answered_by",
        "asked",
        "attempt",
        "context",
        "fired",
        "id",
        "incoming",
        "is_over",
        "owner",
        "raw_understanding",
        "session",
        "slots",
        "state",
        "timers",
    )

    def __init__(
        self,
        *,
        id: bytes,
        session: Session,
        incoming: list[Incoming],
        once: Once,
        write: Write,
        fired: Fired | None = None,
        attempt: int = 1,
    ) -> None:
        self.id = id
        self.session = session
        self.incoming = incoming
        self.fired = fired
        self.attempt = attempt
        self.raw_understanding: list[bytes | None] = []
        self.context: Context
        self.timers: list[Timer] = []
        self.owner: tuple[str, str | None, str | None] | None = None
        """(owner, owner id, reason) if this turn passes the conversation on."""
        self.answered_by: str | None = None
        """What answered, as `ReplyReason.handler` names it."""
        self.is_over = False
        """Its handler is not waited for any more."""
        self._once = once
        self._write = write
        self._written: list[str] = []
        self._written_chars = 0
        self._understanding: Understanding | None = None
        self.state: dict[str, Any] = {}
        self.slots: dict[str, Any] = {}
        self.asked: dict[str, Any] | None = None

    # -- what came in -------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        """The messages of this turn: several when a burst became one turn; none for a timer."""
        return [item.message for item in self.incoming]

    @property
    def message(self) -> Message:
        """The last message of the turn. Raises LookupError in a timer's turn."""
        if not self.incoming:
            raise LookupError("a timer's turn has no message")
        return self.incoming[-1].message

    @property
    def text(self) -> str:
        """The text of all messages of the turn, joined by line breaks."""
        if len(self.incoming) == 1:
            return self.incoming[0].message.full_text
        return "\n".join(item.message.full_text for item in self.incoming)

    @property
    def message_id(self) -> str:
        """The id of the last message, as in its receipt."""
        return self.incoming[-1].message_id.hex() if self.incoming else ""

    @property
    def late(self) -> bool:
        """True when a message came after later ones of its client were handled."""
        return any(item.late for item in self.incoming)

    @property
    def understanding(self) -> Understanding:
        """Intent, entities, polarity of the turn's text."""
        if self._understanding is None:
            raw = self.raw_understanding[-1] if self.raw_understanding else None
            self._understanding = _understanding.decode(raw) if raw else Understanding()
        return self._understanding

    @property
    def written(self) -> str:
        """What `write` was given so far."""
        return "".join(self._written)

    @property
    def conversation_id(self) -> str:
        return self.session.id.hex()

    # -- what a handler can do ----------------------------------------------------------------

    def ask(self, slot: str, question: str | None = None, *, entity: str | None = None) -> Reply:
        """Asks for a slot: the next message fills `turn.slots[slot]` and this handler runs again.

        With `entity`, an entity of that label fills it (its value, else its text); a message
        without one is asked again once and then taken as it is. Without, the whole text fills it.
        """
        self.asked = {"slot": slot, "entity": entity, "question": question, "tries": 0}
        return Reply(text=question or f"What is the {slot.replace('_', ' ')}?")

    def later(self, delay_s: float, name: str, data: dict[str, Any] | None = None) -> None:
        """Sets a durable timer: `on_timer(name)` runs in this conversation after `delay_s` seconds.

        It is stored with this turn's reply and survives restarts. Raises InvalidInput.
        """
        if not 0 <= delay_s <= MAX_DELAY_S:
            raise InvalidInput(f"a delay is between 0 and {MAX_DELAY_S:.0f} s", field="delay_s")
        encode(data)
        self.timers.append(Timer(delay_s=float(delay_s), name=name, data=data or {}))

    async def once(
        self,
        key: str,
        fn: Callable[..., Any],
        *args: Any,
        scope: Literal["turn", "conversation"] = "turn",
        idempotent: bool = False,
    ) -> Any:
        """Runs `fn(*args)` at most once for this key and these arguments; returns its result.

        The intent is stored before and the result after. If the process dies in between, the
        outcome is unknown: the next attempt raises EffectUncertain, unless `idempotent` says that
        repeating does no harm. `args` and the result must be JSON. Raise Transient in `fn` to say
        that nothing happened. `scope`: the key is unique within this turn or the conversation.
        """
        return await self._once(self, key, fn, args, scope, idempotent)

    async def write(self, text: str) -> None:
        """Shows the next piece of an answer at once to whoever watches the conversation.

        It is provisional and never stored: the reply that the handler returns replaces it, and a
        handler that returns no text says what it wrote. Cheap enough to be called for every token.
        Raises InvalidInput for what is no text, TooLarge beyond `MAX_WRITTEN` characters.
        """
        if self.is_over:
            raise RuntimeError("this turn is over: nothing can be written any more")
        try:
            text.encode("utf-8")
        except (AttributeError, UnicodeEncodeError) as error:
            raise InvalidInput("a handler writes Unicode text") from error
        if not text:
            return
        self._written_chars += len(text)
        if self._written_chars > MAX_WRITTEN:
            raise TooLarge(f"a turn may write {MAX_WRITTEN} characters")
        self._written.append(text)
        await self._write(self, text)

    def hand_over(
        self,
        to: Literal["human", "team", "agent"] = "human",
        *,
        reason: str | None = None,
        text: str | None = None,
        owner_id: str | None = None,
    ) -> Reply | None:
        """Passes the conversation on: after this turn nothing is answered automatically."""
        self.owner = (to, owner_id, reason)
        return Reply(text=text) if text else None
