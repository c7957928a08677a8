"""The turn: the one type that flows through the pipeline, and what a handler is given.

message(s) → + understanding → + context → + replies. A turn does no I/O itself; the few calls that
need the engine (`once`, `context.recent`) go through ports that the pipeline binds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from . import ids
from .context import AssembledContext, ContextRecord
from .errors import InvalidInput, TooLarge
from .graph import Direction, EntityView, HitView, NeighbourhoodView, SearchMode
from .message import Message, encode
from .reply import Manner, Reply
from .session import Session
from .understanding import Flow, Understanding
from .usage import ModelUse, ToolRecord

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


class Pin(Struct, frozen=True, array_like=True):
    """Something said that stays in every context. `at`: microseconds since 1970."""

    id: str
    text: str
    at: int


class Said(NamedTuple):
    """One line of the recent window."""

    role: str
    """visitor, assistant, agent, human, team or system."""
    text: str
    at: int
    thread: str | None = None
    """What it was about, where that is known (`understanding.flow.threads`)."""
    id: str = ""
    """Of the message or reply, as in its receipt."""


class TurnFlags(Protocol):
    """The flags as they were when the turn began; see `colloquy.flags`."""

    def enabled(self, name: str) -> bool:
        """Whether the flag is on for this turn. Raises NotFound."""

    def value(self, name: str) -> bool | int | float | str:
        """The flag's value for this turn. Raises NotFound."""


class Context(Protocol):
    """What is known around a turn."""

    @property
    def facts(self) -> dict[str, Any]:
        """Facts of the session: slots filled, owner, channel, number of messages."""

    async def recent(self, limit: int = 10) -> list[Said]:
        """The last lines of the conversation before this turn, oldest first."""

    async def of_thread(self, limit: int = 10) -> list[Said]:
        """The last lines before this turn that belong to its thread, and none of another."""

    async def recall(self, text: str, limit: int = 10) -> list[Said]:
        """The lines of the whole conversation that a text is about, best first.

        Raises InvalidInput, Unavailable.
        """

    async def assemble(self, budget: int | None = None) -> AssembledContext:
        """What is to be known for an answer, in at most `budget` tokens (`context.budget`).

        Kept with the turn's reply, so that the answer can be explained. Raises BudgetTooSmall,
        InvalidInput, Unavailable.
        """


class Feelings(Protocol):
    """How the person of a conversation has felt so far; see `understanding.emotion.patterns`."""

    @property
    def counts(self) -> dict[str, int]:
        """Messages by emotion."""

    @property
    def usual(self) -> str:
        """The most frequent emotion that is not neutral."""

    @property
    def trend(self) -> str:
        """ "better", "worse" or "steady"."""

    @property
    def mood(self) -> float:
        """-1 to 1, as it was after the last message."""

    def mood_at(self, at_us: int) -> float:
        """-1 to 1 at a time; it fades with silence."""

    def summary(self) -> str:
        """All that in a sentence."""


class ConversationThread(Protocol):
    """One of the subjects of a conversation."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def last_at(self) -> int:
        """When it was last spoken of, in microseconds since 1970."""


class ConversationThreads(Protocol):
    """The subjects that a conversation goes on about side by side.

    What a handler changes here is kept with the turn's reply, or not at all.
    """

    def all(self) -> Sequence[ConversationThread]:
        """Those that are known, the last used one first."""

    def rename(self, thread: str, title: str) -> None:
        """Raises NotFound, InvalidInput."""

    def merge(self, into: str, other: str) -> None:
        """Makes one of two, under the id and title of `into`. Raises NotFound, InvalidInput."""

    def split(self, thread: str, messages: Sequence[str], about: str, title: str = "") -> str:
        """Takes these messages (by id) out of a thread into a new one, whose id it returns.

        `about` says in words what they are about, so that later ones find there. Only the last
        messages of a conversation can be taken. Raises NotFound, InvalidInput.
        """


class TurnGraph(Protocol):
    """What is known now, of what is so now. Nothing is read unless it is asked for."""

    @property
    def person(self) -> str:
        """The id of who wrote the turn's last message."""

    async def entity(self, id: str | None = None) -> EntityView | None:
        """Kind and attributes of an entity, by default the person; None where nothing is known."""

    async def search(
        self,
        text: str,
        kinds: Sequence[str] = (),
        limit: int = 5,
        mode: SearchMode = "hybrid",
    ) -> list[HitView]:
        """Entities that these words name or mean, best first. Raises InvalidInput, Unavailable."""

    async def neighbours(
        self,
        id: str | None = None,
        hops: int = 1,
        types: Sequence[str] = (),
        direction: Direction = "both",
    ) -> NeighbourhoodView | None:
        """What lies around an entity, by default the person; None where nothing is known.

        Raises InvalidInput.
        """


Once = Callable[["Turn", str, Callable[..., Any], tuple[Any, ...], str, bool], Awaitable[Any]]
Write = Callable[["Turn", str], Awaitable[None]]

MAX_PINS = 20
MAX_PIN = 2000
"""Characters of one text that is pinned."""
MAX_WRITTEN = 100_000
"""Characters that one turn may write."""


class Turn:
    """One turn of a conversation. Handlers read it and return what to say.

    `state` is a dict kept with the conversation: whatever JSON can hold; it is saved with the reply
    in one transaction, or not at all. Handlers may run more than once (after a crash, a conflict or
    a transient error): put outside effects into `once`.
    """

    __slots__ = (
        "__weakref__",
        "_cancel",
        "_first",
        "_once",
        "_stop",
        "_understanding",
        "_write",
        "_written",
        "_written_chars",
        "answered_by",
        "asked",
        "attempt",
        "context",
        "context_record",
        "feelings",
        "fired",
        "flags",
        "flow",
        "graph",
        "id",
        "incoming",
        "is_interrupted",
        "is_over",
        "is_withdrawn",
        "manner",
        "model_use",
        "owner",
        "pinned",
        "raw_understanding",
        "session",
        "slots",
        "state",
        "threads",
        "timers",
        "tool_calls",
        "unsaid",
    )

    def __init__(
        self,
        *,
        id: bytes,
        first: bytes | None = None,
        session: Session,
        incoming: list[Incoming],
        once: Once,
        write: Write,
        fired: Fired | None = None,
        attempt: int = 1,
    ) -> None:
        """`first`: the id of the message, or the timer, that it begins with."""
        self.id = id
        self._first = first
        self.session = session
        self.incoming = incoming
        self.fired = fired
        self.attempt = attempt
        self.raw_understanding: list[bytes | None] = []
        self.flags: TurnFlags
        """What is switched on for it: a change meanwhile changes nothing for it."""
        self.context: Context
        self.context_record: ContextRecord | None = None
        """What of the context was assembled last, to be kept with the reply."""
        self.pinned: list[Pin] = []
        self.threads: ConversationThreads
        self.graph: TurnGraph
        self.feelings: Feelings
        self.manner = Manner()
        """How to answer: the tone, the pace, whether to offer a person."""
        self.flow = Flow()
        """Where its last message stands: open questions, repeats, shift, pace, escalation."""
        self.timers: list[Timer] = []
        self.owner: tuple[str, str | None, str | None] | None = None
        """(owner, owner id, reason) if this turn passes the conversation on."""
        self.answered_by: str | None = None
        """What answered, as `ReplyReason.handler` names it."""
        self.is_over = False
        """Its handler is not waited for any more."""
        self.is_withdrawn = False
        """Somebody took the conversation over: nothing that it says will be sent."""
        self.is_interrupted = False
        """The visitor stopped it: what it wrote so far is the reply."""
        self.model_use: ModelUse | None = None
        """What a language model did for it, whether or not it answered."""
        self.unsaid: frozenset[str] = frozenset()
        """The ids of replies in the log that were taken back before it was done again."""
        self.tool_calls: dict[str, ToolRecord] = {}
        """The calls of tools so far, as the log will keep them, by their id."""
        self._stop: Callable[[], object] | None = None
        self._cancel: Callable[[], bool] | None = None
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
    def thread(self) -> str | None:
        """The thread that the turn's last message belongs to."""
        return self.flow.thread

    @property
    def written(self) -> str:
        """What `write` was given so far."""
        return "".join(self._written)

    @property
    def origin(self) -> bytes:
        """The id of the turn that first began with this message, or this timer. A retried dead
        letter is a new turn, but what its first one did outside is done."""
        first = self.incoming[0].message_id if self.incoming else self._first
        return self.id if first is None else ids.turn_id(first)

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

    def pin(self, text: str | None = None) -> None:
        """Keeps the turn's text, or another one, in every context of the conversation from now on.

        The oldest of more than `MAX_PINS` goes. Raises InvalidInput beyond `MAX_PIN` characters,
        and LookupError in a timer's turn.
        """
        text = self.text if text is None else text
        if not text.strip() or len(text) > MAX_PIN:
            raise InvalidInput(f"1 to {MAX_PIN} characters can be pinned", field="text")
        at, id_ = self.incoming[-1].received_at if self.incoming else 0, self.message_id
        kept = [pin for pin in self.pinned if pin.text != text]
        self.pinned = [*kept, Pin(id_, text, at)][-MAX_PINS:]

    def unpin(self, text: str) -> None:
        """Forgets what was pinned with this text, if it was."""
        self.pinned = [pin for pin in self.pinned if pin.text != text]

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
        if self.is_over or self.is_interrupted:
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

    def on_withdrawn(self, stop: Callable[[], object]) -> None:
        """Calls `stop` when somebody takes the conversation over, or the visitor stops the answer,
        while this turn is under way."""
        self._stop = stop
        if self.is_withdrawn:
            stop()

    @property
    def can_be_stopped(self) -> bool:
        """Whether somebody wants to know of that before the turn writes again."""
        return self._stop is not None and not self.is_withdrawn

    def withdraw(self) -> None:
        """The pipeline says that the conversation is somebody else's."""
        self.is_withdrawn = True
        if self._stop is not None:
            self._stop()

    def ends_by(self, cancel: Callable[[], bool]) -> None:
        """The pipeline says how its handler is ended; `cancel` returns False when it is done."""
        self._cancel = cancel

    def interrupt(self) -> bool:
        """The visitor wants no more of it: its handler is cancelled. False when it is done."""
        if self._cancel is None or not self._cancel():
            return False
        self.is_interrupted = True
        if self._stop is not None:
            self._stop()
        return True

    def resume_interrupted(self, former: Turn) -> None:
        """It was interrupted in an earlier run, which could not be committed."""
        self._written = [former.written]
        self.answered_by = former.answered_by
        self.model_use = former.model_use
        self.tool_calls = former.tool_calls
        self.is_interrupted = True

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
