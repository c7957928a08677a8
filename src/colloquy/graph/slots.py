"""Slots: the records of the ledger collection `graph`, their keys and their values.

One slot holds every assertion about one thing: a single-valued attribute, one member of a set, one
relationship, one merge. Its key says about what:

    subject|predicate                 an attribute that has one value at a time
    subject|predicate|#0123456789abcdef   one member of a set, by the hash of its value
    subject|TYPE|>target              a relationship
    subject|TYPE|>target|#0123456789abcdef   one of several between the same ends, by the hash of
                                      what tells it apart (`ids.identity`)
    kept|=|other                      that two entities are one

The value lists the assertions in one order, whatever the order in which they were learnt, so that
equal knowledge is equal bytes. A slot is written whole with each change, so it keeps
`MAX_ASSERTIONS`. What goes first are repeats: the same with the same evidence, said earlier, which
changes no fact but the count of its support. Weak spot: of more than so many different ones the
oldest go, and with them the facts that rest on nothing else; they do not come back when newer ones
are taken back. Which 256 are kept does not depend on the order in which all came; where `MAX_SLOT`
bytes are the bound, because values are large, it may.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct

from ..ledger.values import from_wire, to_wire
from ..model.errors import InvalidInput
from .confidence import combined
from .evidence import SOURCES, Evidence
from .facts import UNSAID
from .relationships import SINGLE_VALUED
from .statements import Assertion, Merge, check_statement
from .values import MAX_INTEGER, canonical, convert, plain

COLLECTION = "graph"
SAME = "="
"""The predicate of merges; no assertion may have it."""
MAX_ASSERTIONS = 256
MAX_SLOT = 900_000
"""Bytes of a slot's assertions: below what a record of the ledger may have."""
MAX_ID_BYTES = 2048
"""Of an id in UTF-8: an index of PostgreSQL holds no more than 2,704."""
MAX_PART = 600
"""Bytes of a part of a key, so that three of them fit; a longer one is told by its hash."""
BUCKETS = 64

_HASHED = "%~"
_SAID = re.compile(rb'"said":\d+')
"""In an assertion: what stands before it has no such name."""
_encoder = msgspec.json.Encoder(order="sorted")


class Said(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One assertion of a slot, or, with `note`, one statement that two entities are the same."""

    evidence: Evidence | None = None
    note: str = ""
    said: int
    valid_from: int | None = None
    valid_to: int | None = None
    value: Any = None


class _Body(Struct, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    assertions: list[msgspec.Raw]
    predicate: str
    subject: str
    target: str | None = None


class _When(Struct):
    said: int


_body_decoder = msgspec.json.Decoder(_Body)
_said_decoder = msgspec.json.Decoder(Said)
_when_decoder = msgspec.json.Decoder(_When)


class Name(NamedTuple):
    """What a key says: of a merge, `subject` is the one kept and `target` the other.

    `member` is the hash of a set's member, or of what tells a relationship apart.
    """

    subject: str
    predicate: str
    target: str | None = None
    member: str | None = None

    @property
    def is_merge(self) -> bool:
        return self.predicate == SAME

    @property
    def single(self) -> bool:
        """Whether one such fact holds at a time."""
        if self.target is not None:
            return self.predicate in SINGLE_VALUED
        return self.member is None

    @property
    def key(self) -> str:
        key = f"{escaped(self.subject)}|{escaped(self.predicate)}"
        if self.target is not None:
            key += f"|{'' if self.is_merge else '>'}{escaped(self.target)}"
        return key if self.member is None else f"{key}|#{self.member}"


class Slot(NamedTuple):
    name: Name
    bodies: tuple[bytes, ...]
    """The assertions as JSON, newest first."""

    def said(self) -> list[Said]:
        return [_said_decoder.decode(body) for body in self.bodies]

    def assertions(self) -> list[Assertion]:
        """Of a slot that is no merge; `learned` is when it was said."""
        name = self.name
        return [
            Assertion(
                subject=name.subject, predicate=name.predicate, target=name.target,
                single=name.single, learned=one.said, value=from_wire(one.value),
                valid_from=one.valid_from, valid_to=one.valid_to, evidence=one.evidence,
            )
            for one in self.said()
        ]  # fmt: skip

    def encoded(self) -> bytes | None:
        """The record's value; None where nothing is said any more."""
        if not self.bodies:
            return None
        name = self.name
        return _record(b",".join(self.bodies), name.predicate, name.subject, name.target)

    def with_bodies(self, bodies: Iterable[bytes]) -> Slot:
        """The slot with these assertions in the one order; of too many, those that count most."""
        dated = sorted((-_when_decoder.decode(body).said, body) for body in set(bodies))
        kept = [body for _, body in dated]
        if len(kept) > MAX_ASSERTIONS or sum(map(len, kept)) + len(kept) > MAX_SLOT:
            kept = _fitting(kept)
        return Slot(self.name, tuple(kept))


def _fitting(bodies: list[bytes]) -> list[bytes]:
    """Of these, newest first, as many as there is room for: those that were not said again later
    before those that were."""
    latest: set[bytes] = set()
    ranked: list[tuple[bool, int]] = []
    for place, body in enumerate(bodies):
        what = _SAID.sub(b"", body, count=1)
        ranked.append((what in latest, place))
        latest.add(what)
    kept: list[int] = []
    room = MAX_SLOT
    for _, place in sorted(ranked)[:MAX_ASSERTIONS]:
        room -= len(bodies[place]) + 1
        if room < 0:
            break
        kept.append(place)
    return [bodies[place] for place in sorted(kept)]


class Entry(Struct, frozen=True, gc=False):
    """A checked statement as it goes into its slot, and the fact that it makes when alone.

    Bulk learning holds very many of them: the garbage collector need not look through them.
    """

    key: str
    subject: str
    predicate: str
    target: str | None
    member: str | None
    single: bool
    body: bytes
    value: bytes | None
    valid_from: int | None
    valid_to: int | None
    confidence: float
    event: int | None

    @property
    def name(self) -> Name:
        return Name(self.subject, self.predicate, self.target, self.member)

    @property
    def record(self) -> bytes:
        """The record's value where nothing else is said."""
        return _record(self.body, self.predicate, self.subject, self.target)

    def slot(self) -> Slot:
        return Slot(self.name, (self.body,))


def entry_of(statement: Assertion | Merge) -> Entry:
    """The statement, checked and encoded. Raises InvalidInput with the field.

    Whether a relationship has one target at a time follows from its type, whatever `single` says.
    """
    check_statement(statement)
    if isinstance(statement, Merge):
        kept, other = statement.kept, statement.other
        key = f"{_part(kept, 'kept')}|{SAME}|{_part(other, 'other')}"
        body = _encoder.encode(Said(said=statement.learned, note=_note(statement.note)))
        return Entry(key, kept, SAME, other, None, False, body, None, None, None, 1.0, None)
    subject, predicate, target = statement.subject, statement.predicate, statement.target
    if predicate == SAME:
        raise InvalidInput("`=` says that two entities are one: use a merge", field="predicate")
    key = f"{_part(subject, 'subject')}|{_part(predicate, 'predicate')}"
    value, member, form = None, None, b""
    single = statement.single
    if statement.value is not None:
        value, form = _value(statement.value)
    if target is not None:
        key = f"{key}|>{_part(target, 'target')}"
        single = predicate in SINGLE_VALUED
    if value is not None and (target is not None or not single):
        member = member_of(value)
        key = f"{key}|#{member}"
    evidence, confidence, event = _weighed(statement.evidence)
    start, end = statement.valid_from, statement.valid_to
    # As the encoder writes a `Said`, put together from what is encoded already.
    body = b'{%b"said":%d%b%b%b}' % (
        evidence,
        statement.learned,
        b"" if start is None else b',"valid_from":%d' % start,
        b"" if end is None else b',"valid_to":%d' % end,
        form,
    )
    return Entry(
        key, subject, predicate, target, member, single, body, value, start, end, confidence, event
    )


def _record(bodies: bytes, predicate: str, subject: str, target: str | None) -> bytes:
    # By hand, because the assertions are encoded already.
    text = _encoder.encode
    if target is None:
        return b'{"assertions":[%b],"predicate":%b,"subject":%b}' % (
            bodies, text(predicate), text(subject),
        )  # fmt: skip
    return b'{"assertions":[%b],"predicate":%b,"subject":%b,"target":%b}' % (
        bodies, text(predicate), text(subject), text(target),
    )  # fmt: skip


def _value(value: Any) -> tuple[bytes, bytes]:
    """A value as canonical JSON, and as the last part of a `Said`."""
    if type(value) is str or type(value) is bool:
        encoded = wire = msgspec.json.encode(value)
    else:
        encoded = canonical(plain(value, "value"))
        # An object with one key that begins with `$` has a form of its own in the ledger.
        wire = encoded
        if b"$" in encoded:
            wire = _encoder.encode(to_wire(msgspec.json.decode(encoded)))
    if len(encoded) > MAX_SLOT // 2:
        raise InvalidInput(f"a value has at most {MAX_SLOT // 2:,} bytes", field="value")
    return encoded, b',"value":%b' % wire


def said_by(event: int) -> Callable[[bytes], bool]:
    """Whether an assertion, as JSON, has this event as its evidence."""

    def test(body: bytes) -> bool:
        evidence = _said_decoder.decode(body).evidence
        return evidence is not None and evidence.event == event

    return test


def slot_of(body: bytes) -> Slot:
    """A record's value as a slot. Raises InvalidInput where it is none."""
    try:
        read = _body_decoder.decode(body)
        said = tuple(bytes(one) for one in read.assertions)
        for one in said:
            _said_decoder.decode(one)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise InvalidInput(f"this is no knowledge about anything: {error}") from None
    if not said:
        raise InvalidInput("a slot without assertions is no record")
    member = None
    value = _said_decoder.decode(said[0]).value
    if value is not None:
        member = member_of(canonical(from_wire(value)))
    return Slot(Name(read.subject, read.predicate, read.target, member), said)


def read_slot(key: str, body: bytes) -> Slot:
    """The slot under this key. Raises InvalidInput where the value is none, or another's."""
    slot = slot_of(body)
    name = slot.name
    if name.target is None and member_in(key) is None:
        name = name._replace(member=None)
    if name.key != key:
        raise InvalidInput(f"a slot of {name.key[:80]!r} cannot stand under {key[:80]!r}")
    return Slot(name, slot.bodies)


def parse_key(key: str) -> Name | None:
    """What a key says; None where an id in it is too long to be told. Raises InvalidInput."""
    parts = key.split("|")
    if len(parts) not in (2, 3, 4) or not all(parts):
        raise InvalidInput(f"{key[:80]!r} is no key of the graph", field="key")
    if any(_HASHED in part for part in parts):
        return None
    subject, predicate, *rest = map(_unescaped, parts)
    if predicate == SAME:
        if len(rest) == 1:
            return Name(subject, predicate, rest[0])
    else:
        member = member_in(key)
        ends = rest if member is None else rest[:-1]
        if not ends:
            return Name(subject, predicate, None, member)
        if len(ends) == 1 and ends[0][0] == ">" and ends[0][1:]:
            return Name(subject, predicate, ends[0][1:], member)
    raise InvalidInput(f"{key[:80]!r} is no key of the graph", field="key")


def member_in(key: str) -> str | None:
    """The hash at the end of a key that is no merge's: of a set's member, or of what tells a
    relationship apart."""
    _, _, *rest = key.split("|")
    return rest[-1][1:] if rest and rest[-1].startswith("#") else None


def is_relationship(key: str) -> bool:
    parts = key.split("|", 3)
    return len(parts) > 2 and parts[2].startswith(">") and parts[1] != SAME


def escaped(text: str) -> str:
    """One part of a key: without `|`, `%` only before what it stands for, and not too long."""
    if "%" in text or "|" in text:
        text = text.replace("%", "%25").replace("|", "%7C")
    if len(text) * 4 > MAX_PART and len(text.encode()) > MAX_PART:
        return _HASHED + blake2b(text.encode(), digest_size=16, person=b"graph.key").hexdigest()
    return text


def member_of(value: bytes) -> str:
    """The hash by which a set's member, or one of several relationships between the same ends, is
    told; `value` is its canonical JSON."""
    return blake2b(value, digest_size=8, person=b"graph.member").hexdigest()


def bucket_of(key: str) -> int:
    """The lock that guards this slot: one for all slots of a subject."""
    return crc32(key.partition("|")[0].encode()) % BUCKETS


def _unescaped(text: str) -> str:
    return text.replace("%7C", "|").replace("%25", "%") if "%" in text else text


@lru_cache(maxsize=32_768)
def _part(text: str, field: str) -> str:
    """An id as a part of a key. Raises InvalidInput where no database could hold it."""
    if not text.isascii() and len(text.encode()) > MAX_ID_BYTES:
        raise InvalidInput(f"`{field}` has more than {MAX_ID_BYTES} bytes", field=field)
    if "\0" in text:
        raise InvalidInput(f"`{field}` has a U+0000", field=field)
    return escaped(text)


def _note(text: str) -> str:
    if len(text) > 2000:
        raise InvalidInput("a note has at most 2,000 characters", field="note")
    return str(plain(text, "note"))


@lru_cache(maxsize=4096)
def _weighed(evidence: Evidence | None) -> tuple[bytes, float, int | None]:
    """Evidence as the first part of a `Said`, the confidence that it gives alone, its event."""
    if evidence is None:
        return b"", combined([UNSAID]), None
    if _is_normal(evidence):
        encoded = b'"evidence":%b,' % _encoder.encode(evidence)
        return encoded, _alone(evidence.confidence), evidence.event
    form = plain(msgspec.to_builtins(evidence), "evidence")
    read: Evidence = convert(form, Evidence, "evidence")
    return b'"evidence":%b,' % _encoder.encode(read), _alone(read.confidence), read.event


@lru_cache(maxsize=1024)
def _alone(confidence: float | None) -> float:
    """How sure one piece of evidence makes, whatever it was taken from."""
    return combined([Evidence("", confidence)])


def _is_normal(evidence: Evidence) -> bool:
    """Whether it has its normal form already, as what messages teach has: every message brings
    evidence of its own, so this is worth a look."""
    sure, event = evidence.confidence, evidence.event
    return (
        evidence.location is None
        and evidence.note is None
        and evidence.extractor_version is None
        and evidence.source in SOURCES
        and (sure is None or (type(sure) is float and 0.0 <= sure <= 1.0))
        and (event is None or (type(event) is int and 0 <= event <= MAX_INTEGER))
    )
