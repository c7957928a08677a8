"""Messages, format V2: what a client sends and what is stored, byte for byte the same JSON.

`decode_message` and `decode_batch` are the only way in: strict, with an error that names the field.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from .errors import InvalidInput, InvalidUnicode, MalformedJson, TooLarge, UnsupportedVersion

MAX_TEXT = 10_000
"""Characters of text in one live message (decision 17); e-mail and imports lift it."""
MAX_BODY = 256 * 1024
"""Bytes of one encoded message."""

# Python's `$` also matches before a line break at the end, which a name must not have.
Name = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$(?!\n)")
]
Key = Annotated[str, Meta(min_length=1, max_length=256)]


class Text(Struct, tag="text", frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    text: str


class Media(Struct, tag="media", frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A reference to an attachment; the bytes live elsewhere."""

    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    mime: Annotated[str, Meta(max_length=127)] = "application/octet-stream"
    name: Annotated[str, Meta(max_length=255)] | None = None
    size: Annotated[int, Meta(ge=0)] | None = None
    caption: str | None = None


class ToolCall(
    Struct, tag="tool_call", frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    call_id: Key
    name: Key
    arguments: dict[str, Any] = {}


class ToolResult(
    Struct, tag="tool_result", frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    call_id: Key
    content: Any = None
    error: str | None = None


class Data(Struct, tag="data", frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Structured data: a form, a location, a button press."""

    kind: Key
    data: dict[str, Any] = {}


Part = Text | Media | ToolCall | ToolResult | Data


class Sender(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    id: Key
    kind: Literal["person", "agent", "assistant", "system"] = "person"
    name: Annotated[str, Meta(max_length=200)] | None = None


class Message(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One message of a conversation (V2).

    `conversation` is the peer's key within (`channel`, `account`): a phone number, a visitor id,
    an agent's session. `id` is the client's own id; the same `id` again is the same message.
    `stream` and `sequence` number the messages of one sender's client (a browser tab, a device), so
    that they are handled in that order however they arrive.
    """

    conversation: Key
    sender: Sender | None = None
    id: Key | None = None
    channel: Name = "api"
    account: Name = "default"
    thread: Annotated[str, Meta(max_length=256)] = ""
    text: str | None = None
    parts: Annotated[list[Part], Meta(max_length=32)] = []
    stream: Key | None = None
    sequence: Annotated[int, Meta(ge=0, le=2**53)] | None = None
    reply_to: Key | None = None
    sent_at: datetime | None = None
    time_zone: Annotated[str, Meta(max_length=64)] | None = None
    urgent: bool = False
    metadata: dict[str, Any] = {}
    version: str = "2"

    @property
    def full_text(self) -> str:
        """`text` and the text parts, joined by line breaks."""
        if not self.parts:
            return self.text or ""
        found = [self.text] if self.text else []
        found += [part.text for part in self.parts if type(part) is Text]
        found += [part.caption for part in self.parts if type(part) is Media and part.caption]
        return "\n".join(found)

    @property
    def sender_id(self) -> str:
        """Who sent it; a message without a sender comes from the conversation's peer."""
        return self.sender.id if self.sender is not None else self.conversation


_decoder = msgspec.json.Decoder(Message)
_raw_items = msgspec.json.Decoder(list[msgspec.Raw])
_encoder = msgspec.json.Encoder()

_LONE_SURROGATE = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)
_PATH = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.S)
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(.*)`$", re.S)


def check_message(message: Message, *, max_text: int | None = MAX_TEXT) -> None:
    """What types cannot say. Raises InvalidInput, TooLarge, UnsupportedVersion."""
    if message.version != "2":
        raise UnsupportedVersion(
            f"this server speaks version 2, not {message.version[:20]!r}", field="version"
        )
    if message.text is None and not message.parts:
        raise InvalidInput("a message needs `text` or at least one part", field="text")
    if (message.sequence is None) != (message.stream is None):
        missing = "sequence" if message.sequence is None else "stream"
        raise InvalidInput("`stream` and `sequence` go together", field=missing)
    if message.sent_at is not None and message.sent_at.tzinfo is None:
        raise InvalidInput("a time needs a zone (RFC 3339)", field="sent_at")
    text = message.text
    if max_text is not None and (message.parts or (text is not None and len(text) > max_text)):
        length = len(message.full_text)
        if length > max_text:
            raise TooLarge(f"{length} characters of text; the limit is {max_text}", field="text")


def decode_message(
    body: bytes | msgspec.Raw,
    *,
    max_text: int | None = MAX_TEXT,
    max_body: int | None = MAX_BODY,
) -> Message:
    """One message out of JSON bytes. Raises InvalidInput or a subclass that names the field."""
    if max_body is not None and len(memoryview(body)) > max_body:
        raise TooLarge(f"a message may have {max_body} bytes")
    try:
        message = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise input_error(error, body) from None
    check_message(message, max_text=max_text)
    return message


def split_items(body: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """The items of a JSON array, undecoded. Raises MalformedJson or InvalidInput."""
    try:
        return _raw_items.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise input_error(error, body) from None


def without_lone_surrogates(body: bytes) -> bytes:
    """The same JSON with `\\ufffd` for each lone surrogate: every byte else stays in its place."""
    return _LONE_SURROGATE.sub(lambda match: match[0][:-6] + rb"\ufffd", body)


def encode(value: Any) -> bytes:
    """JSON bytes of any struct or plain value."""
    return _encoder.encode(value)


def input_error(error: Exception, body: bytes | msgspec.Raw = b"") -> InvalidInput:
    """A decoder's complaint as an error with a code and, where known, a field."""
    text = str(error)
    if _LONE_SURROGATE.search(memoryview(body)):
        return InvalidUnicode("the body has a lone surrogate (\\ud800 to \\udfff)")
    if isinstance(error, msgspec.ValidationError):
        match = _PATH.match(text)
        detail, path = (match[1], match[2]) if match else (text, "")
        named = _NAMED.match(detail)
        if named:
            path = f"{path}.{named[1]}" if path else named[1]
        return InvalidInput(detail, field=path or None)
    if isinstance(error, RecursionError):
        return InvalidInput("the body is nested too deeply")
    if isinstance(error, UnicodeDecodeError) or "utf-8" in text.lower():
        return InvalidUnicode(f"the body must be valid UTF-8 without lone surrogates ({text})")
    return MalformedJson(text)
