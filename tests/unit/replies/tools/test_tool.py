"""Schemas out of signatures, arguments checked against them, older systems' tools."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from colloquy import Colloquy
from colloquy.model.errors import InvalidInput
from colloquy.replies.tools import Tool, from_openai, to_openai, tool_of, wrap
from colloquy.replies.tools.schemas import type_of


class Place(Struct):
    street: str
    number: int = 1


def book(
    turn: Any,
    day: dt.date,
    place: Place,
    people: Annotated[int, Meta(ge=1, le=8)] = 2,
    mood: Literal["calm", "loud"] | None = None,
) -> str:
    """Books a table
    at a place.

    Args:
        day: on which it is
        people (int): how many come
    """
    return f"{day} {place.street} {people} {mood}"


def test_the_schema_of_a_signature() -> None:
    tool = tool_of(book)
    assert (tool.name, tool.description) == ("book", "Books a table at a place.")
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "day": {"type": "string", "format": "date", "description": "on which it is"},
            "place": {"$ref": "#/$defs/Place"},
            "people": {
                "type": "integer",
                "minimum": 1,
                "maximum": 8,
                "description": "how many come",
                "default": 2,
            },
            "mood": {
                "anyOf": [{"enum": ["calm", "loud"]}, {"type": "null"}],
                "default": None,
            },
        },
        "required": ["day", "place"],
        "additionalProperties": False,
        "$defs": {
            "Place": {
                "title": "Place",
                "type": "object",
                "properties": {
                    "street": {"type": "string"},
                    "number": {"type": "integer", "default": 1},
                },
                "required": ["street"],
            }
        },
    }


def test_arguments_come_in_their_types() -> None:
    tool = tool_of(book)
    arguments = tool.decode('{"place": {"street": "High St"}, "day": "2026-11-21"}')
    assert arguments["day"] == dt.date(2026, 11, 21)
    assert tool.call(None, arguments) == "2026-11-21 High St 2 None"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{}", "missing required field `day`"),
        ('{"day": "tomorrow", "place": {"street": "x"}}', r"\$\.day"),
        ('{"day": "2026-11-21", "place": {"street": 5}}', r"\$\.place\.street"),
        ('{"day": "2026-11-21", "place": {"street": "x"}, "people": 9}', r"<= 8.*\$\.people"),
        ('{"day": "2026-11-21", "place": {"street": "x"}, "extra": 1}', "extra"),
        ("[1]", "Expected `object`"),
        ("{day:", "malformed"),
        ("\ud800", "do not fit"),
        ("[" * 5000, "do not fit"),
    ],
)
def test_wrong_arguments_are_told_precisely(text: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        tool_of(book).decode(text)


def test_a_default_that_can_change_is_not_shared() -> None:
    def add(items: list[str] = []) -> list[str]:  # noqa: B006 - what the test is about
        """Adds."""
        return items

    tool = tool_of(add)
    tool.decode("{}")["items"].append("x")
    assert tool.decode("") == {"items": []}


def unannotated(x) -> None:  # type: ignore[no-untyped-def]
    """Does."""


def many(*xs: int) -> None:
    """Does."""


def undescribed(x: int) -> None: ...


@pytest.mark.parametrize(
    ("fn", "says"),
    [
        (unannotated, "of which type"),
        (many, "named arguments"),
        (undescribed, "no description"),
    ],
)
def test_what_cannot_be_a_tool(fn: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        tool_of(fn)


def test_names_that_the_format_does_not_have() -> None:
    with pytest.raises(InvalidInput, match="no name of a tool"):
        wrap("find order", "Finds.", lambda _: None)


def test_registering() -> None:
    app = Colloquy()

    @app.tool
    def one(x: int) -> int:
        """One."""
        return x

    @app.tool(name="two", description="Two.", idempotent=True, timeout_s=3)
    def other() -> None: ...

    assert list(app.tools) == ["one", "two"]
    assert app.tools["two"].idempotent
    assert one(1) == 1
    with pytest.raises(InvalidInput, match="there already"):
        app.tool(one)


SCHEMA = {
    "type": "object",
    "properties": {
        "order-id": {"type": "string", "pattern": "^A[0-9]+$"},
        "lines": {"type": "array", "items": {"type": "integer", "minimum": 1}, "maxItems": 2},
        "how": {"enum": ["post", "van"]},
        "note": {"type": ["string", "null"]},
        "any": {"oneOf": [{"type": "string"}]},
        "where": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
    "required": ["order-id"],
}


def test_an_older_tool_with_a_schema() -> None:
    tool = wrap("ship", "Ships an order.", lambda given: given, SCHEMA)
    text = '{"order-id": "A1", "lines": [1, 2], "note": null, "other": {"x": 1}, "how": "van"}'
    arguments = tool.decode(text)
    assert arguments == {
        "order-id": "A1",
        "lines": [1, 2],
        "note": None,
        "other": {"x": 1},
        "how": "van",
    }
    assert tool.call(None, arguments) == arguments
    for wrong, says in (
        ("{}", "order-id"),
        ('{"order-id": "B1"}', "order-id"),
        ('{"order-id": "A1", "lines": [0]}', r"\$\.lines\[0\]"),
        ('{"order-id": "A1", "lines": [1, 2, 3]}', r"\$\.lines"),
        ('{"order-id": "A1", "how": "bike"}', r"\$\.how"),
        ('{"order-id": "A1", "where": {"city": 1}}', r"\$\.where\.city"),
        ('{"order-id": "A1", "note": 5}', r"\$\.note"),
    ):
        with pytest.raises(InvalidInput, match=says):
            tool.decode(wrong)


def test_an_older_tool_without_a_schema_takes_any_object() -> None:
    tool = wrap("old", "Does.", len)
    assert tool.decode('{"a": [1]}') == {"a": [1]}
    with pytest.raises(InvalidInput, match="Expected `object`"):
        tool.decode("[]")


def test_a_schema_that_is_none() -> None:
    with pytest.raises(InvalidInput, match="cannot be used"):
        wrap("bad", "Does.", len, {"type": "object", "properties": {"x": 5}})
    with pytest.raises(InvalidInput, match="cannot be used"):
        wrap("bad", "Does.", len, {"type": "object", "properties": {"x": {"type": "string",
             "pattern": "("}}})  # fmt: skip


def test_out_in_the_openai_format_and_in_again() -> None:
    calls: list[tuple[str, dict[str, Any]]] = []
    tools = [tool_of(book), wrap("ship", "Ships an order.", len, SCHEMA)]
    definitions = to_openai(tools)
    assert definitions[1] == {
        "type": "function",
        "function": {"name": "ship", "description": "Ships an order.", "parameters": SCHEMA},
    }
    # The older form, without the outer level, is read too.
    back = from_openai(
        [definitions[0], definitions[1]["function"]],
        lambda name, given: calls.append((name, given)),
    )
    assert to_openai(back) == definitions
    back[1].call(None, back[1].decode('{"order-id": "A1"}'))
    assert calls == [("ship", {"order-id": "A1"})]
    for wrong in ({}, {"function": 5}, {"function": {"description": "x"}}):
        with pytest.raises(InvalidInput, match="no definition"):
            from_openai([wrong], lambda name, given: None)


async def test_an_imported_tool_may_be_a_coroutine() -> None:
    async def call(name: str, given: dict[str, Any]) -> str:
        return name

    (tool,) = from_openai([{"name": "far", "description": "Asks afar."}], call)
    assert tool.is_async
    assert await tool.call(None, {}) == "far"


PLAIN = st.sampled_from(["string", "integer", "number", "boolean"])
SCHEMAS = st.recursive(
    st.builds(lambda kind: {"type": kind}, PLAIN),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda properties: {
                "type": "object",
                "properties": properties,
                "required": list(properties),
            },
            st.dictionaries(st.text("abc-é. ", min_size=1, max_size=5), inner, max_size=3),
        ),
    ),
    max_leaves=6,
)
VALUES = {"string": "x", "integer": 1, "number": 1.5, "boolean": True}


def value_of(schema: dict[str, Any]) -> Any:
    if schema["type"] == "array":
        return [value_of(schema["items"])]
    if schema["type"] == "object":
        return {key: value_of(inner) for key, inner in schema["properties"].items()}
    return VALUES[schema["type"]]


@given(SCHEMAS)
def test_what_fits_a_schema_is_let_through_and_another_type_is_not(schema: dict[str, Any]) -> None:
    kind = type_of(schema)
    msgspec.convert(value_of(schema), kind)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(None, kind)


def test_a_tool_is_known_by_what_it_is_called() -> None:
    tool: Tool = tool_of(book, name="reserve", description="Reserves.")
    assert to_openai([tool])[0]["function"]["name"] == "reserve"
