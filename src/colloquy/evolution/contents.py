"""What a message says: V1's `content` and `tool_calls`, V2's `text` and `parts`.

A list of pieces: the first text is V2's `text`, a picture is media, and pieces of kinds that V2
does not have are kept whole as data of the kind `v1.TYPE`. V2's own parts are pieces of a V1 list
just as they are. Nothing here has to be lossless: `adapting` carries what gets lost.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ..model.errors import MalformedV1
from ..model.message import Data, Media, Message, Part, Text, ToolCall, ToolResult, encode
from .v1 import MAX_PARTS, Call, Shape

RAW_ARGUMENTS = "$arguments"
"""Holds arguments of a tool that are no JSON object; language models write such things."""
_KIND = "v1."
_MAX_KIND = 256
_TEXTS = ("text", "input_text", "output_text")
_ANY = msgspec.json.Decoder()


def said_in_v1(shape: Shape) -> tuple[str | None, list[Part]]:
    """Text and parts of what a V1 message says. Raises MalformedV1."""
    if shape.role == "tool":
        return None, [ToolResult(call_id=shape.tool_call_id or "", content=shape.content)]
    if shape.role == "function":
        return None, [ToolResult(call_id=function_call_id(shape.name), content=shape.content)]
    text = shape.content if isinstance(shape.content, str) else None
    parts: list[Part] = []
    if isinstance(shape.content, list):
        parts = [_part(piece) for piece in shape.content]
        if parts and isinstance(parts[0], Text):
            text = parts.pop(0).text  # type: ignore[union-attr]
    for number, call in enumerate(shape.tool_calls or ()):
        parts.append(_called(call, number))
    if len(parts) > MAX_PARTS:
        raise MalformedV1(
            f"{len(parts)} pieces and tool calls; the limit is {MAX_PARTS}", field="content"
        )
    if text is None and not parts:
        text = ""
    return text, parts


def said_in_v2(message: Message) -> dict[str, Any]:
    """`content`, and `tool_calls` where there are some, of what a V2 message says."""
    calls = [part for part in message.parts if isinstance(part, ToolCall)]
    others = [part for part in message.parts if not isinstance(part, ToolCall)]
    content: str | list[dict[str, Any]] | None = message.text
    if others:
        content = [_piece(part) for part in others]
        if message.text is not None:
            content.insert(0, {"type": "text", "text": message.text})
    if not calls:
        return {"content": content}
    return {"content": content, "tool_calls": [_call(part) for part in calls]}


def lone_result(message: Message) -> ToolResult | None:
    """The result of a tool, where a message is nothing else."""
    if message.text is None and len(message.parts) == 1:
        (part,) = message.parts
        if isinstance(part, ToolResult):
            return part
    return None


def result_content(result: ToolResult) -> str | list[dict[str, Any]] | None:
    """The result as V1 has it: text, a list of pieces, or JSON as text."""
    content = result.content if result.error is None else result.error
    if content is None or isinstance(content, str):
        return content
    if isinstance(content, list) and all(
        isinstance(piece, dict) and isinstance(piece.get("type"), str) for piece in content
    ):
        return content
    return encode(content).decode()


def function_call_id(name: str | None) -> str:
    """The call that a result of the role `function` answers: it has no id but its name."""
    return f"function-{name}"


def _part(piece: dict[str, Any]) -> Part:
    match piece:
        case {"type": str(kind), "text": str(text)} if kind in _TEXTS:
            return Text(text)
        case {"type": "image_url", "image_url": {"url": str(url)}} if 0 < len(url) <= 2048:
            return Media(url, mime="image/*")
    try:
        found: Part = msgspec.convert(piece, Part)
    except msgspec.ValidationError:
        return Data(kind=f"{_KIND}{piece['type']}"[:_MAX_KIND], data=piece)
    return found


def _piece(part: Part) -> dict[str, Any]:
    if isinstance(part, Media) and part.mime.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": part.url}}
    if isinstance(part, Data):
        kind = part.data.get("type")
        if isinstance(kind, str) and part.kind == f"{_KIND}{kind}"[:_MAX_KIND]:
            return part.data
    piece: dict[str, Any] = msgspec.to_builtins(part)
    return piece


def _called(call: Call, number: int) -> ToolCall:
    arguments: Any = call.function.arguments
    if isinstance(arguments, str):
        try:
            arguments = _ANY.decode(arguments.encode("utf-8", "surrogatepass"))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            arguments = None
    if not isinstance(arguments, dict):
        arguments = {RAW_ARGUMENTS: call.function.arguments}
    call_id = call.id if call.id is not None else f"call-{number}"
    return ToolCall(call_id=call_id, name=call.function.name, arguments=arguments)


def _call(part: ToolCall) -> dict[str, Any]:
    raw = part.arguments.get(RAW_ARGUMENTS) if len(part.arguments) == 1 else None
    arguments = raw if isinstance(raw, str) else encode(part.arguments).decode()
    return {
        "id": part.call_id,
        "type": "function",
        "function": {"name": part.name, "arguments": arguments},
    }
