"""Which assertions a message gives. Deterministic; no guess beyond what understanding found.

The peer with its contact point, name and language; and what it talked about, by kinds of entities:
days, times and prices are no such thing. What it wants is in `wishes`.

Most messages say nothing of the kind: that is seen before anything is built or looked up.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from hashlib import blake2b

from ..graph import normalise
from ..graph.admission import (
    SECRET_LABELS,
    STOP_WORDS,
    contact_refusal,
    holds_any,
    is_inside,
    origin_refusal,
    quoted_spans,
    tells_secret,
)
from ..graph.learning import TYPE
from ..model.message import Message
from ..model.session import Session
from ..model.turn import Incoming
from ..model.understanding import Entity, Understanding
from . import wishes
from .lesson import Notebook
from .wishes import Plan
from .work import Work

MEDIA = {
    "whatsapp": "whatsapp", "sms": "phone", "phone": "phone", "voice": "phone", "email": "email",
    "mail": "email", "telegram": "telegram",
}  # fmt: skip
"""By the first word of a channel's name: how somebody is reached who writes there."""
KINDS = {
    "person": "person", "per": "person",
    "organisation": "organisation", "organization": "organisation", "company": "organisation",
    "org": "organisation",
    "place": "place", "city": "place", "location": "place", "district": "place", "loc": "place",
    "product": "product", "property": "product",
    "topic": "topic",
}  # fmt: skip
"""The kind of entity by the label under which understanding finds it."""
LABELS = frozenset(KINDS) | SECRET_LABELS | {"quantity", "money"}
"""Of entities that may say something: what they name, are a secret of, or want with their unit."""
SMALL_TALK = frozenset(
    {"greet", "goodbye", "thanks", "affirm", "deny", "yes", "no", "out_of_scope", "hello", "bye"}
)
"""Last parts of intents that are no topic."""
SAID_NAME, SHOWN_NAME = 0.9, 0.7
"""Confidence of "my name is …", and of the name that a channel shows: anybody may choose one."""
CHANNEL = 0.95
"""That somebody is reached where the message came from."""
LANGUAGE_CHARACTERS = 20
"""Of shorter texts the language is often a neighbour's."""

_NAME_GATE = ("name", "nom", "heiss", "appelle", "amo")
"""One of them is in every text in which `_NAMED` finds something."""
_NAMED = re.compile(
    r"\b(?:my name(?: is|['\u2019]s)|mein name ist|ich hei(?:ß|ss)e|je m['\u2019]appelle"
    r"|mon nom est|me llamo|mi nombre es|mi chiamo|il mio nome è|meu nome é|me chamo)\s+",
    re.IGNORECASE,
)
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['\u2019.-][^\W\d_]+)*")
_MAX_NAME_WORDS = 4
_PHONE_NOISE = re.compile(r"[\s()./-]+|^whatsapp:", re.IGNORECASE)


def from_message(
    notes: Notebook,
    plan: Plan,
    work: Work,
    incoming: Incoming,
    found: Understanding,
    ids: Collection[str],
) -> None:
    """What one message says of who wrote it, and what it speaks of.

    `ids` are the entities whose names the dictionary has: a value of it that is one of them means
    that entity.
    """
    message = incoming.message
    text = message.full_text
    folded = text.casefold()
    entities = _telling(plan, found.entities) if found.entities else ()
    topic = _topic_of(found.intent)
    person = person_of(work, message)
    language = _language(notes, plan, person, text, found)
    name = own_name(text, folded, found.entities)
    shown = message.sender.name if message.sender is not None else None
    medium = _medium(work.live.session.channel)
    if not (topic or entities or language or name or shown or medium):
        return
    refusal = refusal_of(message, text, folded, work)
    if refusal is not None:
        notes.refuse(refusal)
        return
    before = len(notes.lesson.assertions)
    if medium is not None:
        _contact(notes, person, medium, message.sender_id)
    if shown:
        _name(notes, person, shown, SHOWN_NAME, since_ever=True)
    if name is not None:
        _name(notes, person, name, SAID_NAME)
    if language is not None:
        notes.tell(person, "language", language, 0.9)
    if topic is not None:
        _topic(notes, person, topic, found)
    quoted = quoted_spans(text) if entities else []
    for entity in entities:
        if entity.label in SECRET_LABELS:
            notes.refuse("secret")
        elif quoted and is_inside(quoted, entity.start, entity.end):
            notes.refuse("quoted")
        else:
            _mention(notes, person, entity, ids)
            wishes.from_entity(notes, plan, person, text, entity, found)
    if len(notes.lesson.assertions) > before:
        # Somebody of whom there is nothing to say is no entity.
        notes.tell(person, TYPE, "person", 1.0)


def from_outcome(notes: Notebook, plan: Plan, work: Work) -> None:
    """What the turn as a whole says, once it was answered."""
    turn = work.turn
    text = turn.text
    if refusal_of(turn.message, text, text.casefold(), work) is None:
        wishes.from_turn(notes, plan, person_of(work, turn.message), work)


def person_of(work: Work, message: Message) -> str:
    """The id of who wrote a message: the conversation's peer, or another one in it."""
    return person_in(work.live.session, message)


def person_in(session: Session, message: Message | None) -> str:
    """The same for a message of this session; without one, the session's peer."""
    peer = f"person:{session.id.hex()}"
    sender = None if message is None else message.sender
    if sender is None or sender.id == session.key:
        return peer
    return f"{peer}:{digest('sender', sender.id)}"


def refusal_of(message: Message, text: str, folded: str, work: Work) -> str | None:
    """Why nothing is learned from a message at all."""
    if message.sender is not None and message.sender.kind != "person":
        return "no_person"
    refusal = origin_refusal(message.metadata)
    if refusal is not None:
        return refusal
    if tells_secret(text, folded):
        return "secret"
    lines = work.live.window.lines
    for line in lines:
        if line.text == text and line.role != "visitor" and text:
            return "recalled"
    return None


# -- who writes -------------------------------------------------------------------------------


def _language(
    notes: Notebook, plan: Plan, person: str, text: str, found: Understanding
) -> str | None:
    """The language, where it says something: it is not the usual one, or it was another."""
    language = found.language
    if language is None or len(text) < LANGUAGE_CHARACTERS:
        return None
    if language == plan.language and not notes.holds(person, "language"):
        return None
    return language


def _name(
    notes: Notebook, person: str, name: str, confidence: float, *, since_ever: bool = False
) -> None:
    """What somebody says beats what the channel shows: it holds from a later time on."""
    name = " ".join(name.split())
    refusal = notes.limits.refusal(name, confidence)
    if refusal is not None:
        notes.refuse(refusal)
    else:
        notes.tell(person, "name", name, confidence, since_ever=since_ever)


def own_name(text: str, folded: str, entities: Collection[Entity]) -> str | None:
    """What follows "my name is": a person that was found there, else words in capitals."""
    if not holds_any(folded, _NAME_GATE):
        return None
    match = _NAMED.search(text)
    if match is None:
        return None
    start = match.end()
    for entity in entities:
        if KINDS.get(entity.label) == "person" and entity.start == start:
            return entity.text
    words: list[str] = []
    at = start
    while len(words) < _MAX_NAME_WORDS:
        word = _NAME_WORD.match(text, at)
        if word is None or not word[0][0].isupper() or word[0].casefold() in STOP_WORDS:
            break
        words.append(word[0])
        at = word.end()
        if text[at : at + 1] != " ":
            break
        at += 1
    return " ".join(words) or None


def _contact(notes: Notebook, person: str, medium: str, value: str) -> None:
    if medium == "email":
        value = value.strip().lower()
    elif medium != "telegram":
        value = _PHONE_NOISE.sub("", value)
        if medium == "whatsapp" and value.isdigit():
            value = f"+{value}"
    refusal = contact_refusal(medium, value)
    if refusal is not None:
        notes.refuse(refusal)
        return
    point = f"contact:{digest(medium, value)}"
    if notes.holds(person, "REACHED_AT", point):
        return
    notes.join(person, "REACHED_AT", point, CHANNEL)
    notes.tell(point, TYPE, "contactPoint", CHANNEL)
    notes.tell(point, "medium", medium, CHANNEL)
    notes.tell(point, "value", value, CHANNEL)


# -- what it is about -------------------------------------------------------------------------


def _telling(plan: Plan, entities: list[Entity]) -> list[Entity]:
    """Those that may say something: by their labels, by their roles, or listed by somebody."""
    labels, preferences = plan.labels, plan.preferences
    return [
        entity
        for entity in entities
        if entity.label in labels
        or entity.extractor == "dictionary"
        or (entity.role is not None and entity.role in preferences)
    ]


@lru_cache(maxsize=1024)
def _topic_of(intent: str | None) -> str | None:
    """The id of the topic that an intent is; None for small talk."""
    if intent is None or intent.rpartition("/")[2] in SMALL_TALK:
        return None
    return f"topic:{intent}"


def _topic(notes: Notebook, person: str, topic: str, found: Understanding) -> None:
    if found.confidence < notes.limits.min_confidence:
        notes.refuse("unsure")
    elif notes.join(person, "TALKED_ABOUT", topic, found.confidence):
        name = topic.partition(":")[2].replace("/", ": ").replace("_", " ")
        notes.define(topic, "topic", name)


def _mention(notes: Notebook, person: str, entity: Entity, ids: Collection[str]) -> None:
    value = entity.value
    is_listed = entity.extractor == "dictionary" and isinstance(value, str)
    if is_listed and value in ids:
        notes.join(person, "TALKED_ABOUT", value, entity.confidence)
        return
    kind = KINDS.get(entity.label)
    if kind is None:
        return
    if is_listed:
        target = _shared_id(kind, value)
        if notes.join(person, "TALKED_ABOUT", target, entity.confidence):
            notes.define(target, kind, value)
    else:
        _named(notes, person, kind, entity)


def _named(notes: Notebook, person: str, kind: str, entity: Entity) -> None:
    """A name out of the text. People of one name in two conversations are not the same."""
    name = " ".join(entity.text.split())
    refusal = notes.limits.refusal(name, entity.confidence)
    if refusal is not None:
        notes.refuse(refusal)
        return
    if kind == "person":
        target = f"{person}:{digest('name', normalise.name(name))}"
    else:
        target = _shared_id(kind, name)
    if notes.join(person, "TALKED_ABOUT", target, entity.confidence):
        notes.tell(target, TYPE, kind, entity.confidence)
        notes.tell(target, "name", name, entity.confidence)


@lru_cache(maxsize=1024)
def _medium(channel: str) -> str | None:
    return MEDIA.get(channel) or MEDIA.get(re.split("[-_.]", channel)[0])


@lru_cache(maxsize=16_384)
def _shared_id(kind: str, name: str) -> str:
    return f"{kind}:{normalise.slug(name) or digest(kind, name)}"


@lru_cache(maxsize=16_384)
def digest(kind: str, text: str) -> str:
    """An id that shows nothing of what somebody is called or reached at."""
    return blake2b(f"{kind}:{text}".encode(), digest_size=8).hexdigest()
