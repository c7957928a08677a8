"""Batches in which messages of both formats may stand, brought to one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, overload

import msgspec

from ..model.errors import ColloquyError, InvalidInput, UnknownFormat
from ..model.message import Message, check_message, input_error
from .adapting import NOWHERE, Place, to_v1, to_v2
from .detecting import detect
from .v1 import V1Message


@overload
def convert_all(
    items: Iterable[Any], version: Literal["2"], place: Place = NOWHERE
) -> list[Message | ColloquyError]: ...


@overload
def convert_all(
    items: Iterable[Any], version: Literal["1"], place: Place = NOWHERE
) -> list[V1Message | ColloquyError]: ...


def convert_all(
    items: Iterable[Any], version: Literal["1", "2"], place: Place = NOWHERE
) -> list[Any]:
    """Each item, of either format, in this version, in order; an error stands in its place.

    Items are V2 messages, or JSON objects of either format. The field of an error begins with the
    item's place: `[3].content`.
    """
    return [_converted(number, item, version, place) for number, item in enumerate(items)]


def message_of(item: Any, place: Place = NOWHERE) -> Message:
    """An item of either format in V2. Raises InvalidInput or a subclass."""
    if isinstance(item, Message):
        return item
    if isinstance(item, dict) and "role" in item:
        return to_v2(item, place)
    if isinstance(item, dict) and "conversation" in item:
        try:
            message = msgspec.convert(item, Message)
        except msgspec.ValidationError as error:
            raise input_error(error) from None
        check_message(message, max_text=None)
        return message
    raise UnknownFormat(detect(item).reason)


def _converted(number: int, item: Any, version: str, place: Place) -> Any:
    try:
        message = message_of(item, place)
        return message if version == "2" else to_v1(message, place)
    except InvalidInput as error:
        error.field = f"[{number}].{error.field}" if error.field else f"[{number}]"
        return error
