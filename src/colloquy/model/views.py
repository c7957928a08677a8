"""What clients see: receipts, the state of a message, conversations, items of a stream."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Struct

from .context import ContextRecord
from .feedback import Category, Rating
from .message import Key, Part, Sender
from .reply import Manner
from .session import Event
from .understanding import Understanding
from .usage import ModelUse


class Receipt(Struct, frozen=True, omit_defaults=True):
    """The answer to an accepted message; it was durable before this was made.

    `status`: stored (in the inbox), spooled (on disk, the database being away), duplicate (came
    before: the first one's receipt), dead (came before and lies among the dead letters).
    """

    message_id: str
    conversation_id: str
    status: Literal["stored", "spooled", "duplicate", "dead"]
    id: str | None = None
    """The client's own id, as sent."""


class ReplyView(Struct, frozen=True, omit_defaults=True):
    """A reply as a front end shows it. `seq` is its place in the conversation: resume from it."""

    reply_id: str
    conversation_id: str
    seq: int
    at: str
    text: str | None = None
    parts: list[Part] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    turn_id: str | None = None
    author: str = "assistant"
    """assistant, agent, human or team."""
    author_name: str | None = None
    tone: str | None = None
    """How it sounds, one of `model.reply.TONES`; of automatic replies."""
    manner: Manner | None = None
    """What tone, pace and offer the visitor's message suggested; none while all is neutral."""
    interrupted: bool = False
    """The visitor stopped it: this is what had been written by then."""


class MessageState(Struct, frozen=True, omit_defaults=True):
    """Where a message is: stored, spooled, held, quiet, retry, parked, done or dead; and why."""

    message_id: str
    state: str
    why: str = ""
    conversation_id: str | None = None
    due_at: str | None = None
    attempts: int = 0
    seq: int | None = None
    """The number of its event, once committed."""
    replies: list[ReplyView] = []


class TraceStep(Struct, frozen=True):
    """One thing that happened to a message."""

    at: str
    what: str
    detail: dict[str, Any]


class Trace(Struct, frozen=True):
    """Where a message is and everything that happened to it, oldest first."""

    state: MessageState
    steps: list[TraceStep]


class ConversationView(Struct, frozen=True, omit_defaults=True):
    conversation_id: str
    channel: str
    account: str
    conversation: str
    """The peer's key, as in a message."""
    thread: str
    status: str
    owner: str
    last_seq: int
    created_at: str
    updated_at: str
    unread: bool
    """The peer said something after `read_seq`."""
    read_seq: int
    """Operators have read up to this event."""
    owner_id: str | None = None
    state: dict[str, Any] = {}
    version: int = 0
    """Grows with every change."""
    name: str | None = None
    """The peer's name, as in its newest message that had one."""
    preview: str | None = None
    """The beginning of what was said last, by the peer or in reply."""
    intent: str | None = None
    """Of the peer's newest message whose intent was sure enough."""
    feeling: str | None = None
    """negative, neutral or positive; of the peer's newest message that was understood."""


class ConversationFilter(Struct, frozen=True):
    """Which conversations to list: those for which every field that is set holds."""

    status: str | None = None
    owner: str | None = None
    channel: str | None = None
    account: str | None = None
    intent: str | None = None
    feeling: str | None = None
    unread: bool | None = None
    q: str | None = None
    """What somebody typed to find a conversation: the beginning of the peer's key or of its name,
    or the beginnings of words of which all were said in one message, reply or note."""


class ConversationPage(Struct, frozen=True):
    """Conversations, newest activity first."""

    conversations: list[ConversationView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end. A page may hold fewer than asked for,
    even none, and still have a next one: looking through a long list stops now and then."""


class ReplyReason(Struct, frozen=True, omit_defaults=True):
    """Why an automatic reply is what it is; visitors are not shown it.

    `handler`: intent:<name>, message:<name>, slot:<name>, timer:<name>, template:<intent>,
    model:<name>, responder, fallback, apology or hand_over.
    """

    handler: str
    intent: str | None = None
    """The nearest intent, also when `confidence` did not reach `threshold`."""
    confidence: float | None = None
    threshold: float | None = None
    model: ModelUse | None = None
    """What a language model did for it, also where the rules answered because it failed."""
    context: ContextRecord | None = None
    """What it was given to know, where a context was assembled."""
    off: list[str] = []
    """The flags of what was switched off in understanding, as in `Understanding.off`."""
    flags: dict[str, bool | int | float | str] = {}
    """What was decided for it alone, or by a kill switch: flags that were asked for in the turn and
    served by more than their default."""
    stopped: bool = False
    """The visitor stopped it."""
    written: int | None = None
    """Characters that had been written by then, those around them included that the reply is
    without; where it was stopped."""


class NoteRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A remark of an operator; visitors never see it."""

    text: str
    id: str | None = None
    """The client's own id: the same id again is the same note."""
    author_name: str | None = None


class NoteView(Struct, frozen=True, omit_defaults=True):
    note_id: str
    seq: int
    at: str
    text: str
    actor: str
    author_name: str | None = None


class FeedbackRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a reply helped: a thumb or 1 to 5. The newest rating of a reply counts.

    `category` says what it is about, in a word of your own: tone, accuracy, speed.
    """

    reply_id: str
    rating: Rating
    comment: str | None = None
    category: Category | None = None


class FeedbackView(Struct, frozen=True, omit_defaults=True):
    """What somebody said of a reply. A `reaction` is an emoji, or "" where it was taken back; one
    that rates nothing has the `rating` null."""

    reply_id: str
    seq: int
    at: str
    rating: Rating | None
    by: str
    comment: str | None = None
    category: str | None = None
    reaction: str | None = None


class ReactionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody reacted to a reply with an emoji, in place of the one before; "" takes it back.

    `sender` is who, where that is not the conversation's peer. The same `id` again is the same
    reaction, whatever came in between.
    """

    reply_id: str
    emoji: Annotated[str, msgspec.Meta(max_length=64)]
    sender: Key | None = None
    id: Key | None = None


class ReactionView(Struct, frozen=True):
    """What stands: the reaction that somebody has left on a reply, and what it rates."""

    reply_id: str
    by: str
    emoji: str
    """"" for none."""
    rating: Rating | None
    """None for an emoji that rates nothing."""


class StopRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The answer that nobody wants any more: the `turn_id` of its `reply_chunk` items."""

    turn_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]


class ReadRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """An operator has read a conversation up to event `seq`."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class ParticipantView(Struct, frozen=True, omit_defaults=True):
    """Somebody who said something in a conversation."""

    id: str
    kind: str
    """person, agent, assistant, system, human or team."""
    first_seq: int
    last_seq: int
    messages: int
    """How many messages and replies are theirs."""
    name: str | None = None


class ParticipantsView(Struct, frozen=True):
    participants: list[ParticipantView]


class TranscriptItem(Struct, frozen=True, omit_defaults=True):
    """One thing that happened in a conversation, as operators see it. `kind` says which fields are
    set:

    message: `message_id`, `text`, `parts`, `sender`, `understanding`, `late`. reply: `reply`,
    `why`, `state` (sent, pending, withdrawn or failed). note: `note`. feedback: `feedback`. owner:
    `from`, `owner`, `owner_id`, `reason`, `actor`. dead (a message that could not be handled):
    `message_id`, `number`, `cause`, `detail`. duplicate (a repeat that was not answered):
    `message_id`. timer: `name`. gap (an earlier message of the client's stream is missing):
    `message_id`, `detail`. tool_call: `name` (of the tool), `call_id`, `arguments`, `cut`.
    tool_result: `name`, `call_id`, `outcome`, `seconds`, `result`, `cut`, `detail` (what went
    wrong). stopped (an answer, by the visitor, before its first word): `why`. again (a message that
    is answered again, because a kill switch took its answer back): `message_id`, `detail`.
    """

    kind: str
    seq: int
    at: str
    message_id: str | None = None
    text: str | None = None
    parts: list[Part] = []
    sender: Sender | None = None
    understanding: Understanding | None = None
    late: bool = False
    reply: ReplyView | None = None
    why: ReplyReason | None = None
    state: str | None = None
    note: NoteView | None = None
    feedback: FeedbackView | None = None
    former_owner: str | None = msgspec.field(default=None, name="from")
    owner: str | None = None
    owner_id: str | None = None
    reason: str | None = None
    actor: str | None = None
    number: int | None = None
    cause: str | None = None
    detail: str | None = None
    name: str | None = None
    call_id: str | None = None
    """The same for a call and its result, which comes right after it."""
    arguments: str | None = None
    """JSON, as text: it may be cut."""
    result: str | None = None
    """JSON, as text: it may be cut."""
    cut: int | None = None
    """Characters of `arguments` or `result` in all, where there are more than are kept."""
    outcome: str | None = None
    """ok, failed, timeout, invalid, denied, unknown or uncertain."""
    seconds: float | None = None


class TranscriptPage(Struct, frozen=True):
    """Part of a conversation, oldest first."""

    items: list[TranscriptItem]
    before: int | None
    """Pass it as `before` for what was earlier; None at the beginning."""
    after: int | None
    """Pass it as `after` for what came later; None when this was the newest, so far."""


class EventPage(Struct, frozen=True):
    events: list[Event]
    next: int | None
    """Pass it as `after` for the next page; None at the end of what there is now."""


class StreamItem(Struct, frozen=True, omit_defaults=True):
    """One item of a conversation's live stream.

    `kind`: reply (`reply` is set), message (the visitor's own, committed: `seq`, `message`), owner
    (`data` says who answers now), message_duplicate (a repeat that was not answered),
    reply_withdrawn, reply_failed, feedback (`data`). Operators also get note, tool_call,
    tool_result and reply_stopped (`data`). Resume from any `seq`; items come at least once, in
    order.

    Provisional and without `seq`: reply_chunk (`data`: turn_id, attempt, offset in characters,
    text) is what a turn at work has written so far; offset 0 begins anew, the reply of the same
    `turn_id` replaces it. reply_chunk_end: it comes to nothing.
    """

    kind: str
    seq: int = 0
    """Its place in the log; 0, and left out, for what is provisional."""
    at: str = ""
    reply: ReplyView | None = None
    message: msgspec.Raw | None = None
    data: dict[str, Any] | None = None


class DeadLetterView(Struct, frozen=True, omit_defaults=True):
    number: int
    message_id: str
    conversation_id: str
    received_at: str
    dead_at: str
    cause: str
    """The stable code of the error that ended it."""
    detail: str
    status: str
    message: msgspec.Raw
    attempts: list[dict[str, Any]] = []


class DeadLetterPage(Struct, frozen=True):
    dead_letters: list[DeadLetterView]
    next: str | None
    """Pass it as `cursor` for the next page; None at the end."""


class ReplyRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A reply by a person or a program."""

    text: str | None = None
    parts: list[Part] = []
    id: str | None = None
    """The client's own id: the same id again is the same reply."""
    author: Literal["human", "agent", "team"] = "human"
    author_name: str | None = None
    take_over: bool = False
    """Also become the conversation's owner: automatic replies stop."""
    metadata: dict[str, Any] = {}


class OwnerRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Take a conversation over, or give it back to the assistant."""

    owner: Literal["assistant", "agent", "human", "team"]
    owner_id: str | None = None
    reason: str | None = None


class OwnerView(Struct, frozen=True, omit_defaults=True):
    conversation_id: str
    owner: str
    owner_epoch: int
    effective: bool
    """True once no automatic reply of the former owner is on its way any more."""
    withdrawn: int = 0
    """Automatic replies that were not sent any more."""
    in_flight: list[str] = []
    """Ids of automatic replies that are being sent right now."""
    owner_id: str | None = None


class KeyView(Struct, frozen=True, omit_defaults=True):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[str]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None


class NewKey(Struct, frozen=True):
    """A key just made: the only time its secret is shown."""

    key: KeyView
    secret: str


class SettingView(Struct, frozen=True):
    """One setting. A key, and the password in a URL, are masked."""

    name: str
    value: Any
    origin: str
    """default, preset NAME, file PATH, stored, environment NAME, command line, program."""
    environment: str
    """The variable that sets it."""
    default: Any
    description: str


class SettingsView(Struct, frozen=True):
    """In the order of the settings' reference."""

    settings: list[SettingView]


class Principal(Struct, frozen=True):
    """Who is asking: the id of the key and its scopes (send, read, tools, operate, admin)."""

    id: str
    scopes: frozenset[str]
