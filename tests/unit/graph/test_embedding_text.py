from typing import Any

import msgspec
import pytest

from colloquy.graph.code_kinds import SYMBOL_SHAPES
from colloquy.graph.embedding_text import ATTRIBUTES, MAX_TEXT, entity_text
from colloquy.graph.kinds import SHAPES, Entity


def text(type_: str, **attributes: Any) -> str:
    return entity_text(Entity("e1", type_, attributes))


def test_every_kind_has_its_attributes_and_they_exist() -> None:
    assert set(ATTRIBUTES) == {*SHAPES, *SYMBOL_SHAPES}
    for kind, names in ATTRIBUTES.items():
        shape = SYMBOL_SHAPES[kind] if kind in SYMBOL_SHAPES else SHAPES[kind]
        known = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert {name.split(".")[0] for name in names} <= known, kind


@pytest.mark.parametrize(
    ("type_", "attributes", "expected"),
    [
        ("file", {"path": "src/a.ts", "extension": ".ts", "language": "ts"}, "src/a.ts .ts ts"),
        (
            "symbol",
            {"kind": "function", "name": "f", "signature": "f(x)", "docstring": "Does  it.\n",
             "path": "a.ts", "parameters": [{"name": "x", "type": "int"}], "returnType": "int"},
            "f f(x) Does it. a.ts x int",
        ),
        ("symbol", {"kind": "variable", "name": "v", "path": "a.ts"}, "v a.ts"),
        ("symbol", {"kind": ["odd"], "name": "v"}, "v"),
        (
            "spec",
            {"title": "Login", "description": "By mail", "acceptanceCriteria": ["a", "b"]},
            "Login By mail a b",
        ),
        ("documentation", {"title": "Guide", "content": "How to"}, "Guide How to"),
        ("price", {"amount": 1200.0, "currency": "EUR", "per": "month"}, "1200 EUR month"),
        ("product", {"name": "Flat 12", "features": ["sea view"], "secret": "x"},
         "Flat 12 sea view"),
        ("contactPoint", {"medium": "phone", "value": "+4930123456"}, "phone"),
        ("person", {}, "person e1"),
        ("person", {"name": "  "}, "person e1"),
    ],
)  # fmt: skip
def test_texts(type_: str, attributes: dict[str, Any], expected: str) -> None:
    assert text(type_, **attributes) == expected


def test_a_long_text_is_cut() -> None:
    long = text("documentation", title="Guide", content="word " * 10_000)
    assert len(long) <= MAX_TEXT and long.startswith("Guide word")
