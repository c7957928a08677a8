"""A conversation as the console shows it: what was said, what was understood of it, why the
assistant answered so, and small lines for everything else. Plain values, ready for a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from ..model.feedback import thumb_of
from ..model.message import Data, Media, Part, Text, ToolCall, ToolResult, encode
from ..model.understanding import Understanding
from ..model.views import FeedbackView, ReplyReason, TranscriptItem
from .effort import Effort, ToolLine, effort_of, stopped_text, tool_lines
from .marking import Piece, mark
from .words import (
    DELIVERY,
    FEELINGS,
    OWNERS,
    TONES,
    Word,
    cause_text,
    percent,
    person_name,
    title,
    word,
)

MAX_DATA = 2000
"""Characters of a structured part that are shown."""

Names = Callable[[str | None], str | None]
"""The name of an actor."""


class Attachment(Struct, frozen=True):
    """A part that is no text. `href` is None unless a browser may safely be led there."""

    name: str
    detail: str
    href: str | None = None


class Understood(Struct, frozen=True):
    """What was understood of a message. `intent` is the nearest one; `is_sure`: it reached the
    threshold. `feeling` is the emotion where there is one, else the polarity; `doubt` says why it
    is not to be trusted."""

    intent: str | None
    is_sure: bool
    confidence: float
    percent: str
    feeling: Word
    doubt: str
    language: str | None
    urgent: bool
    model: str


class Said(Struct, frozen=True):
    """A message of a visitor, or of another program."""

    kind: ClassVar[str] = "said"
    seq: int
    at: str
    name: str
    message_id: str
    pieces: list[Piece]
    attachments: list[Attachment]
    understood: Understood | None
    late: bool


class Why(Struct, frozen=True):
    """Why the assistant answered so. `intent` is None where no intent led to the answer."""

    text: str
    intent: str | None
    confidence: float
    threshold: float
    percent: str
    threshold_percent: str
    effort: Effort | None = None
    """What a language model did for it."""
    stopped: str = ""
    """That the visitor stopped it, in words."""


class Answer(Struct, frozen=True):
    """A reply. `rating`: up, down or None, by the visitor; the newest counts."""

    kind: ClassVar[str] = "answer"
    seq: int
    at: str
    reply_id: str
    author: str
    icon: str
    by_person: bool
    text: str
    attachments: list[Attachment]
    quick_replies: list[str]
    tone: str | None
    state: Word
    why: Why | None
    rating: str | None


class Remark(Struct, frozen=True):
    """A note among operators."""

    kind: ClassVar[str] = "remark"
    seq: int
    at: str
    author: str
    text: str


class Step(Struct, frozen=True):
    """A small line. `tone`: good, warn, bad or ""; `href` leads to more. `quote`: what was said in
    it."""

    kind: ClassVar[str] = "step"
    seq: int
    at: str
    icon: str
    text: str
    detail: str = ""
    tone: str = ""
    href: str | None = None
    quote: str = ""


Line = Said | Answer | Remark | ToolLine | Step


def lines(
    items: Sequence[TranscriptItem], names: Names, base: str, quotes: Mapping[int, str]
) -> list[Line]:
    """Every item of a page. `base`: the conversation's path; `quotes`: what dead letters say, by
    their number."""
    ratings = {
        item.feedback.reply_id: thumb_of(item.feedback.rating)
        for item in items
        if item.feedback is not None and item.feedback.rating is not None
    }
    tools = tool_lines(items)
    found: list[Line] = []
    for item in items:
        line = tools[item.seq] if item.seq in tools else _line(item, names, base, ratings, quotes)
        if line is not None:
            found.append(line)
    return found


def _line(
    item: TranscriptItem,
    names: Names,
    base: str,
    ratings: Mapping[str, str],
    quotes: Mapping[int, str],
) -> Line:
    if item.kind == "message":
        return _said(item)
    if item.reply is not None:
        return _answer(item, ratings)
    if item.note is not None:
        note = item.note
        author = note.author_name or names(note.actor) or "Somebody"
        return Remark(item.seq, item.at, author, note.text)
    return _step(item, names, base, quotes)


def _said(item: TranscriptItem) -> Said:
    text, attachments = _shown(item.text, item.parts)
    sender, understanding = item.sender, item.understanding
    name = person_name(sender.name, sender.id) if sender is not None else "Visitor"
    entities = understanding.entities if understanding is not None else []
    return Said(
        seq=item.seq,
        at=item.at,
        name=name,
        message_id=item.message_id or "",
        pieces=mark(text, entities),
        attachments=attachments,
        understood=understood(understanding) if understanding is not None else None,
        late=item.late,
    )


def understood(found: Understanding) -> Understood:
    intent = found.intent or found.guess
    return Understood(
        intent=title(intent) if intent else None,
        is_sure=found.intent is not None,
        confidence=found.confidence,
        percent=percent(found.confidence),
        feeling=_feeling(found),
        doubt=", perhaps not meant so" if found.emotion.uncertain else "",
        language=found.language,
        urgent=found.urgent,
        model=found.model,
    )


def _feeling(found: Understanding) -> Word:
    """The emotion in the colours of the polarity."""
    feeling = FEELINGS[found.feeling]
    label = found.emotion.label
    if label == "neutral":
        return feeling
    return Word(label, title(label), feeling.icon, feeling.kind)


def _answer(item: TranscriptItem, ratings: Mapping[str, str]) -> Answer:
    reply = item.reply
    assert reply is not None
    text, attachments = _shown(reply.text, reply.parts)
    author = word(OWNERS, reply.author)
    return Answer(
        seq=item.seq,
        at=item.at,
        reply_id=reply.reply_id,
        author=reply.author_name or author.text,
        icon=author.icon,
        by_person=reply.author in ("human", "team"),
        text=text,
        attachments=attachments,
        quick_replies=reply.quick_replies,
        tone=TONES.get(reply.tone or ""),
        state=word(DELIVERY, item.state or "sent"),
        why=_why(item.why) if item.why is not None else None,
        rating=ratings.get(reply.reply_id),
    )


def _why(reason: ReplyReason) -> Why:
    kind, _, name = reason.handler.partition(":")
    known = _HANDLERS.get(kind)
    confidence, threshold = reason.confidence or 0.0, reason.threshold or 0.0
    return Why(
        text=known.format(title(name) if kind in _TITLED else name) if known else reason.handler,
        intent=title(reason.intent) if reason.intent else None,
        confidence=confidence,
        threshold=threshold,
        percent=percent(confidence),
        threshold_percent=percent(threshold),
        effort=effort_of(reason.model) if reason.model is not None else None,
        stopped=stopped_text(reason),
    )


_HANDLERS = {
    "intent": "The handler of the intent “{}” answered",
    "message": "The handler of every message, “{}”, answered",
    "model": "The language model “{}” answered",
    "responder": "The assistant's own responder answered",
    "fallback": "Nothing was understood well enough: the fallback answered",
    "slot": "The assistant had asked for “{}”, and this was the answer",
    "timer": "The timer “{}” was due",
    "template": "The template of the intent “{}” answered",
    "hand_over": "The assistant passed the conversation on",
    "apology": "The handler failed: an apology, and the message went to the dead letters",
}
_TITLED = ("intent", "slot", "template")


_RATED = {
    "up": ("thumb-up", "An answer helped", "good"),
    "neutral": ("thumb-up", "An answer was rated 3 of 5", ""),
    "down": ("thumb-down", "An answer did not help", "bad"),
}


def _step(item: TranscriptItem, names: Names, base: str, quotes: Mapping[int, str]) -> Step:
    if item.kind == "owner":
        return _owner_step(item, names)
    if item.kind == "feedback" and item.feedback is not None:
        return _feedback_step(item, item.feedback)
    if item.kind == "dead":
        text = f"Dead letter {item.number}: {cause_text(item.cause or 'unknown')}"
        path = f"/console/dead-letters/{item.number}"
        quote = quotes.get(item.number or 0, "")
        return Step(item.seq, item.at, "dead-letter", text, item.detail or "", "bad", path, quote)
    if item.kind == "duplicate":
        path = f"{base}/messages/{item.message_id}"
        text = "The same message once more; it was not answered again"
        return Step(item.seq, item.at, "copy", text, href=path)
    if item.kind == "stopped":
        return _stopped_step(item)
    icon, text = _STEPS.get(item.kind, ("chat", title(item.kind)))
    return Step(item.seq, item.at, icon, text, title(item.name) if item.name else item.detail or "")


def _feedback_step(item: TranscriptItem, feedback: FeedbackView) -> Step:
    if feedback.rating is not None:
        icon, text, tone = _RATED[thumb_of(feedback.rating)]
    elif feedback.reaction:
        icon, text, tone = "smile", "A reaction to an answer", ""
    else:
        icon, text, tone = "smile", "A reaction was taken back", ""
    said = ", ".join(filter(None, (feedback.reaction, feedback.category)))
    return Step(item.seq, item.at, icon, text, said, tone, quote=feedback.comment or "")


def _stopped_step(item: TranscriptItem) -> Step:
    """An answer that came to nothing, and what it took all the same."""
    text = stopped_text(item.why) if item.why is not None else "The visitor stopped the answer"
    took = effort_of(item.why.model) if item.why is not None and item.why.model else None
    parts = [took.model, took.tokens, took.cost] if took is not None else []
    return Step(item.seq, item.at, "pause", text, ", ".join(filter(None, parts)), "warn")


def _owner_step(item: TranscriptItem, names: Names) -> Step:
    owner = word(OWNERS, item.owner or "assistant")
    actor = names(item.actor)
    if item.owner == "human" and item.owner_id is not None:
        text = f"{names(item.owner_id)} answers from here on"
        actor = None if item.actor == item.owner_id else actor
    elif item.owner == "human":
        text = "Passed on to people"
    elif item.owner == "assistant":
        text = "Given back to the assistant"
    else:
        text = f"Passed on to the {owner.text.lower()} {item.owner_id or ''}".rstrip()
    said = [f"by {actor}"] if actor else []
    if item.reason:
        said.append(title(item.reason) if item.reason.isidentifier() else item.reason)
    return Step(item.seq, item.at, owner.icon, text, ": ".join(said))


_STEPS = {
    "timer": ("clock", "A timer was due"),
    "again": ("reload", "A kill switch took the answer back before it was sent; it is made again"),
    "gap": ("alert", "A message of the visitor's client never came"),
}


def _shown(text: str | None, parts: Sequence[Part]) -> tuple[str, list[Attachment]]:
    """The text with its text parts, as `Message.full_text` joins them, and the other parts."""
    found = [text] if text else []
    found += [part.text for part in parts if isinstance(part, Text)]
    found += [part.caption for part in parts if isinstance(part, Media) and part.caption]
    attachments = [attachment(part) for part in parts if not isinstance(part, Text)]
    return "\n".join(found), attachments


def attachment(part: Media | ToolCall | ToolResult | Data) -> Attachment:
    if isinstance(part, Media):
        return Attachment(part.name or part.mime, part.url, _safe(part.url))
    if isinstance(part, ToolCall):
        return Attachment(f"Tool call {part.name}", _data(part.arguments))
    if isinstance(part, ToolResult):
        return Attachment("Tool result", part.error or _data(part.content))
    return Attachment(title(part.kind), _data(part.data))


def _data(value: object) -> str:
    return encode(value).decode()[:MAX_DATA]


def _safe(url: str) -> str | None:
    """The address if it is of the web: a visitor may send any, `javascript:` too."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None
