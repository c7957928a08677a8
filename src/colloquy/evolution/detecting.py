"""Of which format a message is, and why."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError
from ..model.message import Message, check_message, input_error
from .v1 import check_json, check_v1

Version = Literal["1", "2"]


class Detected(Struct, frozen=True):
    """`version` is None for what is neither; `reason` is for people."""

    version: Version | None
    reason: str


def detect(tree: Any) -> Detected:
    """The format of a JSON value. Nothing is of both: V1 has a role, and V2 has no such field."""
    if not isinstance(tree, dict):
        return Detected(None, f"a message is an object, not {_kind(tree)}")
    try:
        check_json(tree)
    except ColloquyError as error:
        return Detected(None, error.detail)
    if "role" in tree:
        try:
            check_v1(tree)
        except ColloquyError as error:
            return Detected(None, f"it has a `role`, as V1, but {_where(error)}{error.detail}")
        return Detected("1", f"it has the role {tree['role']!r}, which only V1 has")
    if "conversation" not in tree:
        return Detected(None, "it has neither a `role`, as V1, nor a `conversation`, as V2")
    try:
        check_message(msgspec.convert(tree, Message), max_text=None)
    except msgspec.ValidationError as error:
        found = input_error(error)
        return Detected(None, f"it has a `conversation`, as V2, but {_where(found)}{found.detail}")
    except ColloquyError as error:
        return Detected(None, f"it has a `conversation`, as V2, but {_where(error)}{error.detail}")
    return Detected("2", "it has a `conversation` and no `role`, as V2")


def is_v1(tree: Any) -> bool:
    return detect(tree).version == "1"


def is_v2(tree: Any) -> bool:
    return detect(tree).version == "2"


def _where(error: ColloquyError) -> str:
    return f"at `{error.field}`: " if error.field else ""


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), type(value).__name__)
