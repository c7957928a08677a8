"""Tools in the format of OpenAI's function calls, out and in."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...model.errors import InvalidInput
from .tool import Tool, wrap


def to_openai(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """The tools as the `tools` of a request for a chat completion."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def from_openai(
    definitions: Iterable[Mapping[str, Any]], call: Callable[[str, dict[str, Any]], Any]
) -> list[Tool]:
    """Tools out of such definitions, also of the older ones without the outer `function`.

    `call(name, arguments)` does what they do; it may be a coroutine function. Raises InvalidInput.
    """
    return [_tool(definition, call) for definition in definitions]


def _tool(definition: Mapping[str, Any], call: Callable[[str, dict[str, Any]], Any]) -> Tool:
    function = definition.get("function", definition)
    try:
        name, description = function["name"], function.get("description", "")
        parameters = function.get("parameters")
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(f"this is no definition of a function: {definition!r}") from error
    return wrap(name, description, _named(call, name), parameters)


def _named(
    call: Callable[[str, dict[str, Any]], Any], name: str
) -> Callable[[dict[str, Any]], Any]:
    if inspect.iscoroutinefunction(call):

        async def run_async(arguments: dict[str, Any]) -> Any:
            return await call(name, arguments)

        return run_async

    def run(arguments: dict[str, Any]) -> Any:
        return call(name, arguments)

    return run
