"""Packs: strict reading with the field named, merging, versions, and the one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.packs import PROPERTY_PACK
from colloquy.understanding.pack import MAX_EXAMPLE, pack_from, pack_from_examples, parse_pack
from colloquy.understanding.packs.folder import load_pack

GOOD: dict[str, Any] = {
    "name": "shop",
    "intents": {
        "greet": {"examples": ["hi", "hello"], "replies": ["Hi {name}! {{sic}}"]},
        "buy": {"examples": ["i want one"]},
    },
    "out_of_scope": ["what is the time"],
    "entities": {"size": {"large": ["large", "xl"]}, "colour": ["red", "blue"]},
}


def changed(**fields: Any) -> dict[str, Any]:
    return GOOD | fields


def intents(**fields: Any) -> dict[str, Any]:
    return changed(intents={"greet": {"examples": ["hi"]} | fields})


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        (changed(name=""), "name"),
        (changed(nmae="x"), None),
        (changed(language="English"), "language"),
        (changed(region="us"), "region"),
        (changed(threshold=1.5), "threshold"),
        (intents(examples=["hi", 3]), "intents[...].examples[1]"),
        (intents(examples=["hi", " "]), "intents.greet.examples[1]"),
        (intents(examples=["x" * (MAX_EXAMPLE + 1)]), "intents.greet.examples[0]"),
        (intents(replies=["hello {name"]), "intents.greet.replies[0]"),
        (intents(replies=["hello {0}"]), "intents.greet.replies[0]"),
        (intents(replies=["hello {a!r}"]), "intents.greet.replies[0]"),
        (intents(replies=[""]), "intents.greet.replies[0]"),
        (intents(exmaples=[]), "intents[...]"),
        (changed(intents={"no way": {"examples": ["x"]}}), "intents.no way"),
        (changed(out_of_scope=["HI  "]), None),
        (changed(entities={"size": {"large": []}}), "entities.size.large"),
        (changed(entities={"size": {"a": ["l"], "b": ["L"]}}), "entities.size.b[0]"),
        (changed(entities={"a b": ["x"]}), "entities.a b"),
        ([], None),
    ],
)
def test_bad_packs_are_refused_with_the_field(tree: Any, field: str | None) -> None:
    if tree == changed(out_of_scope=["HI  "]):
        tree["intents"] = {"greet": {"examples": ["hi"]}}
        field = "out_of_scope[0]"
    with pytest.raises(InvalidInput) as caught:
        pack_from(tree)
    assert caught.value.field == field


@pytest.mark.parametrize("data", [b"name = ", b"\xff", b"name = 'a'\nname = 'b'"])
def test_files_that_are_no_toml(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        parse_pack(data)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_pack(tmp_path / "none.toml")


def test_a_list_of_phrases_is_its_own_values() -> None:
    assert pack_from(GOOD).entities["colour"] == {"red": ["red"], "blue": ["blue"]}


def test_saved_and_read_again(tmp_path: Path) -> None:
    pack = pack_from(GOOD)
    pack.save(tmp_path / "pack.json")
    again = load_pack(tmp_path / "pack.json")
    assert again == pack
    assert again.version == pack.version


def test_version_covers_what_is_understood_and_nothing_else() -> None:
    pack = pack_from(GOOD)
    other_reply = pack_from(
        changed(intents=GOOD["intents"] | {"greet": {"examples": ["hello", "hi"]}})
    )
    more = pack.merge({"buy": ["one please"]})
    assert other_reply.version == pack.version
    assert more.version != pack.version
    assert pack_from(changed(entities={})).version != pack.version


def test_merge_adds_examples_and_intents() -> None:
    merged = pack_from(GOOD).merge({"greet": ["hi", "good day"], "sell": ["take this"]})
    assert merged.intents["greet"].examples == ["hi", "hello", "good day"]
    assert merged.replies("greet") == ["Hi {name}! {{sic}}"]
    assert merged.intents["sell"].examples == ["take this"]
    assert merged.replies("unknown") == ()


def test_merge_refuses_an_example_of_another_intent() -> None:
    with pytest.raises(InvalidInput) as caught:
        pack_from(GOOD).merge({"buy": ["Hello"]})
    assert caught.value.field == "intents.buy.examples[1]"


def test_examples_alone_make_a_pack() -> None:
    pack = pack_from_examples({"greet": ["hi"]})
    assert pack.trainable
    assert not pack_from_examples({}).trainable


def test_the_shipped_pack() -> None:
    pack = load_pack(PROPERTY_PACK)
    assert 14 <= len(pack.intents) <= 18
    assert pack.region == "US"
    for name, intent in pack.intents.items():
        assert len(intent.examples) >= 15, name
        assert intent.replies, name
    assert parse_pack(pack.toml().encode()) == pack
