import pytest

from colloquy.graph.references import Target, read_id, read_reference


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("sym:src/a.ts#f@h", Target("symbol", "f", "src/a.ts", "h")),
        ("sym:src/a.ts#f", Target("symbol", "f", "src/a.ts")),
        ("sym:a#b.ts#f", Target("symbol", "f", "a#b.ts")),
        ("sym:a.ts##private@h", Target("symbol", "#private", "a.ts", "h")),
        ("sym:a.ts#x@y@h", Target("symbol", "x@y", "a.ts", "h")),
        ("sym:a.ts#@decorator", Target("symbol", "@decorator", "a.ts")),
        ("sym:Makefile#all", Target("symbol", "all", "Makefile")),
        ("sym:nothing", Target("entity", "sym:nothing")),
        ("file:src/a.ts", Target("file", "", "src/a.ts")),
        ("file:src/a.ts:f", Target("symbol", "f", "src/a.ts")),
        ("file:x.cpp:ns::f", Target("symbol", "ns::f", "x.cpp")),
        ("file:C:\\x.ts:f", Target("symbol", "f", "C:/x.ts")),
        ("file:C:\\x.ts", Target("file", "", "C:/x.ts")),
        ("external:lodash", Target("external", "lodash")),
        ("class:Foo", Target("placeholder", "Foo", "class")),
        ("method:m", Target("placeholder", "m", "method")),
        ("import:./x:y", Target("import", "y", "./x")),
        ("import:node:fs:readFile", Target("import", "readFile", "node:fs")),
        ("import:x", Target("import", "", "x")),
        ("file:", Target("entity", "file:")),
        ("T", Target("entity", "T")),
    ],
)
def test_what_an_id_points_to(text: str, target: Target) -> None:
    assert read_id(text) == target


def test_one_target_has_one_key() -> None:
    keys = {
        read_id("sym:src/a.ts#f@one").key,
        read_id("sym:./src/a.ts#f@two").key,
        read_id("file:src\\a.ts:f").key,
        read_reference({"kind": "fileSymbol", "file": "src/a.ts", "symbol": "f"}, "x").key,
        read_reference({"kind": "fileSymbol", "file": "src/a.ts", "name": "f"}, "x").key,
        read_reference({"kind": "entity", "id": "sym:src/a.ts#f@three"}, "x").key,
    }
    assert keys == {("symbol", "src/a.ts", "f")}
    assert read_id("class:Foo").key != read_id("enum:Foo").key


@pytest.mark.parametrize(
    "empty", [None, "f", {}, {"kind": "fileSymbol"}, {"kind": "entity", "id": " "}, {"kind": "x"}]
)
def test_a_reference_that_says_nothing_leaves_the_id(empty: object) -> None:
    assert read_reference(empty, "external:x") == Target("external", "x")


def test_columns_for_search() -> None:
    assert read_id("sym:a.ts#f@h").columns() == {
        "kind": "fileSymbol", "file": "a.ts", "symbol": "f", "name": "f",
    }  # fmt: skip
    assert read_id("external:x").columns() == {"kind": "external", "name": "x"}
    assert read_id("enum:E").columns() == {"kind": "external", "name": "E"}
    assert read_id("file:a.ts").columns() == {"kind": "entity", "file": "a.ts"}
    assert read_id("T").columns() == {"kind": "entity", "name": "T"}
