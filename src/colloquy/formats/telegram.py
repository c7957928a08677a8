"""Format `telegram`: the JSON that Telegram Desktop exports, of one chat or of all of them.

An export may be larger than memory, and is one JSON value. So the file is cut into its messages
first, by strings and braces alone, and each message is decoded by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput
from ..model.message import Data, Media, Message, Part, Sender, check_message, input_error
from .source import Item, Problem

CHANNEL = "telegram"
MAX_MESSAGE = 4 * 1024 * 1024
"""Bytes of one message in the file; Telegram's own limit is 4096 characters of text."""
CHUNK = 1024 * 1024

_TOKEN = re.compile(rb'\s*+("(?:[^"\\]++|\\.)*+"|[{}\[\]:,]|[^\s{}\[\]:,"]++)', re.DOTALL)
_TO_BRACE = re.compile(rb'[^"{}]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}]*+)*+[{}]', re.DOTALL)


class _Piece(Struct):
    """A piece of a text with markup: only what is shown counts."""

    text: str = ""


class _Entry(Struct):
    """A message of the export, as far as it is kept."""

    id: int
    type: Literal["message", "service"]
    date: str
    date_unixtime: str | None = None
    edited_unixtime: str | None = None
    from_id: str | None = None
    actor_id: str | None = None
    name: str | None = msgspec.field(default=None, name="from")
    actor: str | None = None
    action: str | None = None
    text: str | list[str | _Piece] = ""
    photo: str | None = None
    file: str | None = None
    file_name: str | None = None
    mime_type: str | None = None
    media_type: str | None = None
    sticker_emoji: str | None = None
    reply_to_message_id: int | None = None
    forwarded_from: str | None = None
    poll: dict[str, Any] | None = None
    location_information: dict[str, Any] | None = None
    contact_information: dict[str, Any] | None = None


_entry = msgspec.json.Decoder(_Entry)


class Chat(NamedTuple):
    """The chat that messages belong to; its fields stand before them in the file."""

    id: str
    name: str
    type: str


class Options(Struct, frozen=True, kw_only=True):
    """`me`: our side's name or id (`user123`): its messages are the assistant's side."""

    time_zone: str = "UTC"
    me: str | None = None
    conversation: str | None = None


def read(stream: BinaryIO, options: Options) -> Iterator[Item | Problem]:
    """The messages of every chat, in the order of the file.

    A message that cannot be read is a Problem with its line; where the file itself is broken, one
    Problem ends it.
    """
    zone = ZoneInfo(options.time_zone)
    try:
        for line, chat, data in _split(stream):
            try:
                entry = _entry.decode(data)
                message = _message(entry, chat, zone, options)
                check_message(message, max_text=None)
            except ColloquyError as error:
                yield Problem.of(line, error, data)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                yield Problem.of(line, input_error(error, data), data)
            except ValueError as error:
                yield Problem(line, "invalid_input", str(error), "date")
            else:
                yield Item(line, message)
    except _Broken as error:
        yield Problem(error.line, "malformed_json", error.detail)


def _message(entry: _Entry, chat: Chat, zone: ZoneInfo, options: Options) -> Message:
    at = (
        datetime.fromtimestamp(int(entry.date_unixtime), UTC)
        if entry.date_unixtime is not None
        else datetime.fromisoformat(entry.date).replace(tzinfo=zone).astimezone(UTC)
    )
    metadata: dict[str, Any] = {}
    if entry.edited_unixtime is not None:
        metadata["edited"] = True
    if entry.forwarded_from is not None:
        metadata["forwarded_from"] = entry.forwarded_from
    parts = _parts(entry)
    text = _text(entry)
    if entry.type == "service":
        sender = Sender("system", "system")
        text = " ".join(filter(None, (entry.actor, entry.action, text)))
    else:
        sender = _sender(entry, options)
    return Message(
        conversation=options.conversation or chat.id,
        channel=CHANNEL,
        thread="" if chat.type in ("personal_chat", "bot_chat", "saved_messages") else "group",
        id=f"tg-{chat.id}-{entry.id}",
        sender=sender,
        text=text or (None if parts else ""),
        parts=parts,
        reply_to=f"tg-{chat.id}-{entry.reply_to_message_id}" if entry.reply_to_message_id else None,
        sent_at=at,
        metadata=metadata,
    )


def _sender(entry: _Entry, options: Options) -> Sender:
    identity = entry.from_id or "deleted account"
    if options.me is not None and options.me in (entry.from_id, entry.name):
        return Sender("assistant", "assistant", entry.name)
    return Sender(identity, "person", entry.name)


def _text(entry: _Entry) -> str:
    if isinstance(entry.text, str):
        return entry.text
    return "".join(piece if isinstance(piece, str) else piece.text for piece in entry.text)


def _parts(entry: _Entry) -> list[Part]:
    parts: list[Part] = []
    place = entry.photo or entry.file
    if place is not None:
        left_out = place.startswith("(")  # "(File not included. Change data exporting settings…)"
        name = entry.file_name or ("" if left_out else place.rpartition("/")[2])
        mime = entry.mime_type or ("image/jpeg" if entry.photo else "application/octet-stream")
        if left_out:
            fields = {"kind": entry.media_type or mime, "name": name}
            parts.append(
                Data("media_omitted", {key: value for key, value in fields.items() if value})
            )
        else:
            parts.append(
                Media(f"telegram:{place}"[:2048], mime=mime[:127], name=name[:255] or None)
            )
    for kind in ("poll", "location_information", "contact_information"):
        found = getattr(entry, kind)
        if found is not None:
            parts.append(Data(f"telegram.{kind}", found))
    return parts


# -- cutting the file -------------------------------------------------------------------------


class _Broken(Exception):
    def __init__(self, line: int, detail: str) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


class _Source:
    """A window on the file that moves on."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.data = b""
        self.place = 0
        self.line = 1

    def token(self) -> bytes:
        """The next token; b"" at the end of the file. Raises _Broken."""
        while True:
            match = _TOKEN.match(self.data, self.place)
            # A token at the end of the window may go on behind it.
            if match is not None and (match.end() < len(self.data) or match[1] in b"{}[]:,"):
                self._take(match.end())
                return match[1]
            if not self._more():
                if match is not None:
                    self._take(match.end())
                    return match[1]
                if self.data[self.place :].strip():
                    raise _Broken(self.line, "the file ends in the middle of a text")
                return b""

    def object(self) -> tuple[int, bytes]:
        """The rest of an object whose opening brace was just taken, with it, and its line."""
        start, line = self.place - 1, self.line
        end, depth = self.place, 1
        while depth:
            match = _TO_BRACE.match(self.data, end)
            if match is None:
                if len(self.data) - start > MAX_MESSAGE:
                    raise _Broken(line, f"a message has over {MAX_MESSAGE} bytes")
                before = self.place
                if not self._more(keep=start):
                    raise _Broken(line, "the file ends in the middle of a message")
                moved = before - self.place
                start, end = start - moved, end - moved
                continue
            end = match.end()
            depth += 1 if self.data[end - 1] == 0x7B else -1
        found = self.data[start:end]
        self._take(end)
        return line, found

    def _take(self, end: int) -> None:
        self.line += self.data.count(b"\n", self.place, end)
        self.place = end

    def _more(self, keep: int | None = None) -> bool:
        """Reads on; what lies before `keep` (the present place) is forgotten. False at the end."""
        more = self._stream.read(CHUNK)
        keep = self.place if keep is None else keep
        self.data = self.data[keep:] + more
        self.place -= keep
        if len(self.data) > MAX_MESSAGE + 2 * CHUNK:
            raise _Broken(self.line, f"a text has over {MAX_MESSAGE} bytes")
        return bool(more)


def _split(stream: BinaryIO) -> Iterator[tuple[int, Chat, bytes]]:
    """(line, chat, JSON of one message), wherever a `messages` list stands. Raises _Broken."""
    source = _Source(stream)
    fields: list[dict[str, Any]] = []
    """Plain fields of the objects that are open, outermost first; lists have an empty one."""
    closing: list[bytes] = []
    key: bytes | None = None
    found = False
    last = b""
    while token := source.token():
        if token == b"{" or token == b"[":
            if token == b"[" and key == b'"messages"' and fields:
                found = True
                chat = _chat(fields[-1])
                yield from _list(source, chat)
                key = None
            else:
                fields.append({})
                closing.append(b"}" if token == b"{" else b"]")
                key = None
        elif token == b"}" or token == b"]":
            if not closing or closing.pop() != token:
                raise _Broken(source.line, "its brackets do not fit")
            fields.pop()
            key = None
        elif token == b":":
            key = last
        elif token != b"," and key is not None and fields:
            try:
                fields[-1][msgspec.json.decode(key)] = msgspec.json.decode(token)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise _Broken(source.line, str(error)) from None
            key = None
        last = token
    if closing:
        raise _Broken(source.line, "the file ends before its last bracket")
    if not found:
        raise InvalidInput("there is no list of messages in it", field="file")


def _list(source: _Source, chat: Chat) -> Iterator[tuple[int, Chat, bytes]]:
    while True:
        token = source.token()
        if token == b"{":
            line, data = source.object()
            yield line, chat, data
        elif token == b"]":
            return
        elif token != b",":
            raise _Broken(source.line, "a list of messages holds something else")


def _chat(fields: dict[str, Any]) -> Chat:
    identity = fields.get("id")
    if not isinstance(identity, int | str):
        raise InvalidInput("a chat has no id before its messages", field="id")
    return Chat(str(identity), str(fields.get("name") or ""), str(fields.get("type") or ""))
