"""A tool: a function with a name, a description and a type for its arguments.

The JSON Schema that a model is shown and the check of what the model sends come from one type, so
they cannot disagree.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, get_type_hints

import msgspec
from msgspec import Struct, defstruct

from ...model.errors import InvalidInput
from ...model.turn import Turn
from .schemas import type_of

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
"""What the OpenAI format allows as the name of a function."""

Granted = Callable[[Turn], bool]
"""Whether the tool may be used in this conversation."""

_ARGUMENT = re.compile(r"^\s*`?\*{0,2}(\w+)`?(?:\s*\([^)]*\))?:\s+(\S.*)$")


class Tool(NamedTuple):
    """One tool. `call` takes the turn and the checked arguments; it may be a coroutine function.

    Outside of a conversation there is no turn; `needs_turn` says that it is no use there.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    """The arguments' JSON Schema, an object."""
    arguments: Any
    """The type that the arguments are checked against."""
    call: Callable[[Turn | None, dict[str, Any]], Any]
    is_async: bool
    idempotent: bool = False
    """Repeating it does no harm, so a call whose outcome is not known is done again."""
    timeout_s: float | None = None
    """Longest call; None: as `replies.model.tool_timeout_s` says."""
    granted: Granted | None = None
    is_raw: bool = False
    """It takes the JSON as it came, not values of the types of a signature."""
    needs_turn: bool = False

    def decode(self, text: str) -> dict[str, Any]:
        """The arguments out of a model's JSON. Raises InvalidInput that says what is wrong."""
        text = text.strip() or "{}"
        try:
            decoded = msgspec.json.decode(text, type=self.arguments)
            if self.is_raw:
                raw: dict[str, Any] = msgspec.json.decode(text)
                return raw
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise InvalidInput(f"the arguments of {self.name} do not fit: {error}") from None
        return {name: getattr(decoded, name) for name in decoded.__struct_fields__}


def tool_of(
    fn: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    idempotent: bool = False,
    timeout_s: float | None = None,
    granted: Granted | None = None,
) -> Tool:
    """A tool out of a function with annotated arguments; a first one named `turn` gets the turn.

    The description is the docstring's first paragraph; lines like `city: where to look` in it
    describe arguments. Raises InvalidInput.
    """
    name = name or fn.__name__
    try:
        hints = get_type_hints(fn, include_extras=True)
    except NameError as error:
        raise InvalidInput(f"the annotations of {name} cannot be read: {error}") from error
    document = inspect.getdoc(fn) or ""
    about = dict(_described(document))
    fields: list[Any] = []
    wants_turn = False
    for index, parameter in enumerate(inspect.signature(fn).parameters.values()):
        if index == 0 and parameter.name == "turn":
            wants_turn = True
            continue
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise InvalidInput(f"{name}({parameter}): a tool takes named arguments only")
        if parameter.name not in hints:
            raise InvalidInput(f"{name}({parameter}): say of which type it is")
        kind = hints[parameter.name]
        if parameter.name in about:
            kind = Annotated[kind, msgspec.Meta(description=about[parameter.name])]
        given = () if parameter.default is parameter.empty else (parameter.default,)
        fields.append((parameter.name, kind, *given))

    def call(turn: Turn | None, arguments: dict[str, Any]) -> Any:
        return fn(turn, **arguments) if wants_turn else fn(**arguments)

    arguments = _struct(name, fields)
    return _checked(
        Tool(
            name,
            description or document.partition("\n\n")[0].replace("\n", " ").strip(),
            _schema(name, arguments),
            arguments,
            call,
            inspect.iscoroutinefunction(fn),
            idempotent,
            timeout_s,
            granted,
            needs_turn=wants_turn,
        )
    )


def wrap(
    name: str,
    description: str,
    fn: Callable[[dict[str, Any]], Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    idempotent: bool = False,
    timeout_s: float | None = None,
    granted: Granted | None = None,
) -> Tool:
    """A tool out of a function that takes one dict, such as an older system's.

    `parameters`: JSON Schema of the dict; without it anything is let through. Raises InvalidInput.
    """
    schema = dict(parameters) if parameters else {"type": "object", "properties": {}}
    arguments = type_of(schema, name) if parameters else dict[str, Any]

    def call(_: Turn | None, given: dict[str, Any]) -> Any:
        return fn(given)

    return _checked(
        Tool(
            name,
            description,
            schema,
            arguments,
            call,
            inspect.iscoroutinefunction(fn),
            idempotent,
            timeout_s,
            granted,
            is_raw=True,
        )
    )


def _checked(tool: Tool) -> Tool:
    if not NAME.match(tool.name):
        raise InvalidInput(
            f"{tool.name!r} is no name of a tool: up to 64 letters, digits, _ and -", field="name"
        )
    if not tool.description:
        raise InvalidInput(
            f"{tool.name} has no description: a model would not know when to call it",
            field="description",
        )
    return tool


def _struct(name: str, fields: list[Any]) -> type[Struct]:
    try:
        return defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} cannot be a tool: {error}") from error


def _schema(name: str, arguments: Any) -> dict[str, Any]:
    """The schema of the arguments themselves, with what they refer to beside them."""
    try:
        schema = msgspec.json.schema(arguments)
    except TypeError as error:
        raise InvalidInput(f"{name} cannot be a tool: {error}") from error
    definitions: dict[str, Any] = schema.pop("$defs", {})
    own: dict[str, Any] = definitions.pop(schema["$ref"].rpartition("/")[2])
    own.pop("title", None)
    if definitions:
        own["$defs"] = definitions
    return own


def _described(document: str) -> list[tuple[str, str]]:
    found = (_ARGUMENT.match(line) for line in document.splitlines())
    return [(match[1], match[2].strip()) for match in found if match]
