"""Requests of V1 clients, and the V2 messages that they mean."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Request

from ...evolution import V2_KEY, Place, V1Message, place_of, to_v2
from ...flags import FlagSubject
from ...model import ids
from ...model.errors import (
    ColloquyError,
    InvalidInput,
    MalformedV1,
    TooLarge,
    VersionOff,
)
from ...model.message import MAX_BODY, Message, check_message, encode, input_error
from ...settings import Settings
from ..bodies import check_headers, read_body
from ..idempotency import key_of

if TYPE_CHECKING:
    from ...runtime import Runtime

COMPATIBILITY = "enable_compatibility_mode"
MIGRATION = "auto_migrate_messages"


async def read_object(request: Request[Any, Any, Any], runtime: Runtime) -> dict[str, Any]:
    """The JSON object that a request is. Raises InvalidInput or a subclass."""
    limit = runtime.settings.accept.max_body_bytes
    try:
        key_of(request.scope)
        check_headers(request.scope["headers"], limit, "v1")
        body = await read_body(request.receive, limit)
        try:
            found = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise input_error(error, body) from None
        if not isinstance(found, dict):
            raise MalformedV1("a request is a JSON object")
    except InvalidInput:
        need_v1(runtime, None)  # that V1 is off is the better answer
        raise
    return found


def need_v1(runtime: Runtime, conversation: str | None) -> None:
    """Raises VersionOff where V1 is not answered, for all or for this conversation."""
    if not is_on(runtime, COMPATIBILITY, conversation):
        raise VersionOff(
            f"version 1 is switched off here (the flag {COMPATIBILITY}): use version 2, below /v2/"
        )
    if conversation is not None:
        channel = runtime.settings.versions.v1_channel
        runtime.rollouts.speaks_v1(ids.conversation_id(channel, "default", conversation))


def is_on(runtime: Runtime, flag: str, conversation: str | None) -> bool:
    """Whether a flag is on for the person behind a V1 conversation."""
    channel = runtime.settings.versions.v1_channel
    if conversation is None:
        return runtime.flags.enabled(flag, FlagSubject(channel=channel))
    known = ids.conversation_id(channel, "default", conversation)
    return runtime.flags.enabled(flag, FlagSubject(known, channel, conversation))


def conversation_of(tree: dict[str, Any]) -> str | None:
    """The `conversation_id` of a request. Raises MalformedV1."""
    found = tree.get("conversation_id")
    if found is None:
        return None
    if (
        isinstance(found, bool)
        or not isinstance(found, str | int)
        or not 0 < len(str(found)) <= 256
    ):
        raise MalformedV1(
            "a `conversation_id` is a text of up to 256 characters, or a number",
            field="conversation_id",
        )
    return str(found)


def message_of(v1: Any, settings: Settings, *, live: bool = True) -> Message:
    """A V1 message with its `conversation_id` as a message to accept; live text is bounded.

    Raises InvalidInput or a subclass.
    """
    if not isinstance(v1, dict):
        raise MalformedV1("a message is a JSON object")
    place = Place(channel=settings.versions.v1_channel)
    message = to_v2(v1, place)
    if place_of(message)._replace(conversation=None) != place:
        raise MalformedV1("the message is of another channel", field=f"metadata.{V2_KEY}")
    if live and len(encode(message)) > MAX_BODY:
        raise TooLarge(f"a message may have {MAX_BODY} bytes")
    limit = settings.channel(message.channel).max_text if live else None
    try:
        check_message(message, max_text=limit)
    except TooLarge as error:
        error.field = "content"
        raise
    return message


def with_conversation(v1: Any, conversation: str | None) -> Any:
    """The message, of this conversation where it names none itself."""
    if isinstance(v1, dict) and v1.get("conversation_id") is None and conversation is not None:
        return {**v1, "conversation_id": conversation}
    return v1


def with_id(v1: V1Message, request: Request[Any, Any, Any], number: int | None = None) -> V1Message:
    """The message, under an id out of the request's `Idempotency-Key` where it has none itself.

    So a repeat of the request is a repeat of its messages. Raises InvalidInput.
    """
    key = key_of(request.scope)
    if key is None or v1.get("id") is not None:
        return v1
    scope: Any = request.scope
    named = f"{scope['principal'].id} {key.decode('ascii')} {number if number is not None else ''}"
    return {**v1, "id": f"once-{blake2b(named.encode(), digest_size=16).hexdigest()}"}


def at_path(error: ColloquyError, path: str) -> ColloquyError:
    """The error with the place of its item before its field."""
    error.field = f"{path}.{error.field}" if error.field else path
    return error
