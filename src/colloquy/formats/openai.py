"""Format `openai`: logs in OpenAI's chat form, `{"id": …, "messages": [{"role", "content", …}]}`.

Each log is one conversation (channel `import`, its id as the key); each of its messages is one
message with the id `import-N`, N being its place in the log. What has no place in a V2 message is
kept in its metadata, so that writing gives back what was read: further fields of a message under
`openai`, further fields of the log under `log` at the first message. Tool arguments come back as
equal JSON, not as the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, Literal

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput
from ..model.message import (
    Data,
    Media,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
    check_message,
    encode,
    input_error,
)
from .source import Item, Problem, Row

CHANNEL = "import"
AUTHOR = "author"
"""Metadata key of a message that was a reply: assistant, agent, human or team."""

_RAW_ARGUMENTS = "$arguments"
"""Holds tool arguments that are not a JSON object (models write such things)."""
_MAX_KEY = 256


class _Function(Struct, omit_defaults=True):
    name: str
    arguments: str | dict[str, Any] = "{}"


class _Call(Struct, omit_defaults=True):
    function: _Function
    id: str | None = None
    type: Literal["function"] = "function"


class _Entry(Struct, omit_defaults=True):
    """The fields of a message that have a place of their own in V2."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None
    tool_call_id: str | None = None
    refusal: str | None = None


class _Log(Struct):
    messages: list[dict[str, Any]]
    id: str | int | None = None


_MESSAGE_FIELDS = frozenset(_Entry.__struct_fields__)
_ANY = msgspec.json.Decoder()


def read(rows: Iterable[Row | Problem]) -> Iterator[Item | Problem]:
    """The messages of every log, in order. A log with a bad message is left out whole."""
    for row in rows:
        if isinstance(row, Problem):
            yield row
            continue
        try:
            messages = _messages(row.data)
        except ColloquyError as error:
            yield Problem.of(row.line, error, row.data)
            continue
        for message in messages:
            yield Item(row.line, message)


def _messages(data: bytes | msgspec.Raw) -> list[Message]:
    try:
        tree = _ANY.decode(data)
        log = msgspec.convert(tree, _Log)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise input_error(error, data) from None
    if not log.messages:
        raise InvalidInput("a log needs at least one message", field="messages")
    key = str(log.id) if log.id not in (None, "") else "log-" + _digest(bytes(data))
    if len(key) > _MAX_KEY:
        key = "log-" + _digest(key.encode())
    rest = {name: value for name, value in tree.items() if name not in ("id", "messages")}
    found = []
    for index, fields in enumerate(log.messages):
        try:
            message = _message(key, index, fields, {"log": rest} if rest and not index else {})
            check_message(message, max_text=None)
        except ColloquyError as error:
            inner = f".{error.field}" if error.field else ""
            raise InvalidInput(error.detail, field=f"messages[{index}]{inner}") from None
        found.append(message)
    return found


def _message(key: str, index: int, fields: dict[str, Any], metadata: dict[str, Any]) -> Message:
    try:
        entry = msgspec.convert(fields, _Entry)
        text, parts = _body(entry)
        kept = {name: value for name, value in fields.items() if name not in _MESSAGE_FIELDS}
        if entry.refusal is not None:
            kept["refusal"] = entry.refusal
        if entry.name is not None and entry.role in ("tool", "function"):
            kept["name"] = entry.name
        tree = {
            "conversation": key,
            "channel": CHANNEL,
            "id": f"{CHANNEL}-{index}",
            "sender": _sender(key, entry),
            "text": text,
            "parts": msgspec.to_builtins(parts),
            "metadata": {**metadata, **({"openai": kept} if kept else {})},
        }
        return msgspec.convert(tree, Message)
    except msgspec.ValidationError as error:
        raise input_error(error, b"") from None


def _sender(key: str, entry: _Entry) -> dict[str, Any]:
    if entry.role == "user":
        sender = {"id": key, "kind": "person"}
    elif entry.role == "assistant":
        sender = {"id": "assistant", "kind": "assistant"}
    else:
        sender = {"id": entry.role, "kind": "system"}
    if entry.name is not None and entry.role not in ("tool", "function"):
        sender["name"] = entry.name
    return sender


def _body(entry: _Entry) -> tuple[str | None, list[Part]]:
    """Text and parts. An empty message keeps an empty text: its place in the log counts."""
    text = entry.content if isinstance(entry.content, str) else None
    parts: list[Part] = []
    if entry.role in ("tool", "function"):
        call_id = entry.tool_call_id or f"function-{entry.name or 'unknown'}"
        return None, [ToolResult(call_id=call_id, content=entry.content)]
    if isinstance(entry.content, list):
        parts += [_part(piece) for piece in entry.content]
    for number, call in enumerate(entry.tool_calls or []):
        call_id = call.id or f"call-{number}"
        parts.append(_tool_call(call_id, call.function))
    if entry.function_call is not None:
        name = entry.function_call.name
        parts.append(_tool_call(f"function-{name}", entry.function_call))
    if text is None and not parts:
        text = entry.refusal or ""
    return text, parts


def _tool_call(call_id: str, function: _Function) -> ToolCall:
    arguments: Any = function.arguments
    if isinstance(arguments, str):
        try:
            arguments = _ANY.decode(arguments.encode())
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            arguments = None
    if not isinstance(arguments, dict):
        arguments = {_RAW_ARGUMENTS: function.arguments}
    return ToolCall(call_id=call_id, name=function.name, arguments=arguments)


def _part(piece: dict[str, Any]) -> Part:
    """A piece of a content list; kinds that V2 does not have are kept as data."""
    match piece:
        case {"type": "text", "text": str(text)} if len(piece) == 2:
            return Text(text)
        case {"type": "image_url", "image_url": {"url": str(url), **options}} if (
            len(piece) == 2 and not options and 0 < len(url) <= 2048
        ):
            return Media(url, mime="image/*")
        case {"type": str(kind)}:
            return Data(kind=f"openai.{kind}", data=piece)
    raise InvalidInput("a piece of content needs a `type`", field="content")


def write(messages: Iterable[Message]) -> bytes:
    """The messages of one conversation as one row, with its line break; b"" when there are none."""
    entries: list[dict[str, Any]] = []
    row: dict[str, Any] = {}
    for message in messages:
        if not row:
            row = {"id": message.conversation, **(message.metadata.get("log") or {})}
        entries += _entries(message)
    if not row:
        return b""
    row["messages"] = entries
    return encode(row) + b"\n"


def _entries(message: Message) -> Iterator[dict[str, Any]]:
    """What one message is in OpenAI's form: one entry, or one per tool result."""
    kept: Mapping[str, Any] = message.metadata.get("openai") or {}
    results = [part for part in message.parts if isinstance(part, ToolResult)]
    for result in results:
        content = result.content if result.error is None else result.error
        if not isinstance(content, str | None):
            content = encode(content).decode()
        role = _role(message) if message.sender_id in ("tool", "function") else "tool"
        call = {"tool_call_id": result.call_id} if role == "tool" else {}
        yield {"role": role, **call, "content": content, **kept}
    if results and message.text is None and len(results) == len(message.parts):
        return
    role = _role(message)
    if results and role in ("tool", "function"):
        role = "assistant"
    entry: dict[str, Any] = {"role": role, "content": _content(message)}
    if message.sender is not None and message.sender.name:
        entry["name"] = message.sender.name
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    if calls:
        entry["tool_calls"] = [
            {
                "id": call.call_id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call)},
            }
            for call in calls
        ]
    if "refusal" in kept and not calls:
        entry["content"] = None
    yield {**entry, **kept}


def _role(message: Message) -> str:
    if AUTHOR in message.metadata:
        return "assistant"
    kind = "person" if message.sender is None else message.sender.kind
    if kind == "system":
        known = ("system", "developer", "tool", "function")
        return message.sender_id if message.sender_id in known else "system"
    return "user" if kind == "person" else "assistant"


def _content(message: Message) -> str | list[dict[str, Any]] | None:
    pieces = [_piece(part) for part in message.parts if not isinstance(part, ToolCall | ToolResult)]
    if not pieces:
        return message.text
    if message.text:
        pieces.insert(0, {"type": "text", "text": message.text})
    return pieces


def _piece(part: Part) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Media(url, mime) if mime.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": url}}
        case Data(kind, data) if kind.startswith("openai."):
            return data
    # No place in this form: shown as the JSON it is.
    return {"type": "text", "text": encode(part).decode()}


def _arguments(call: ToolCall) -> str:
    if set(call.arguments) == {_RAW_ARGUMENTS}:
        return str(call.arguments[_RAW_ARGUMENTS])
    return encode(call.arguments).decode()


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()
