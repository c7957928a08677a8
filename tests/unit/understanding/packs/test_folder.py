"""Packs as folders: every form of a file, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.pack import Span, parse_pack
from colloquy.understanding.packs.check import check
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.packs.markup import unmarked

RASA = """version: "3.1"
nlu:
- intent: travel/book
  examples: |
    - from [oslo]{"entity": "city", "role": "from"} to [nyc](city)
    - i want to go to [NYC]{"entity": "city", "role": "to", "value": "New York"}
- synonym: New York
  examples: |
    - nyc
    - big apple
- lookup: airline
  examples: |
    - blue wings
- regex: flight
  examples: |
    - \\b[A-Z]{2}\\d{3}\\b
"""


def folder(path: Path, **files: str) -> Path:
    files = {"pack.yml": "name: shop\nregion: US\n"} | files
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text, encoding="utf-8")
    return path


def test_a_rasa_file_is_read_as_it_is(tmp_path: Path) -> None:
    pack = load_pack(folder(tmp_path, **{"intents/nlu.yml": RASA}))
    first, second = pack.annotated()
    assert first.text == "from oslo to nyc"
    assert [(e.text, e.label, e.role, e.value) for e in first.entities] == [
        ("oslo", "city", "from", None),
        ("nyc", "city", None, "New York"),
    ]
    assert second.entities[0].value == "New York"
    assert pack.entities["airline"] == {"blue wings": ["blue wings"]}
    assert pack.entities["city"] == {"New York": ["nyc", "big apple"]}
    assert pack.patterns == {"flight": [r"\b[A-Z]{2}\d{3}\b"]}
    assert parse_pack(pack.toml().encode()) == pack


def test_all_parts(tmp_path: Path) -> None:
    pack = load_pack(
        folder(
            tmp_path,
            **{
                "intents/a.yml": "billing/refund:\n  - no\n  - 12\nout_of_scope: [on]\n",
                "intents/b.toml": 'greet = ["hi"]\n[bye]\nexamples = ["see you"]\n',
                "intents/c.jsonl": '{"text": "a red car", "intent": "buy", "entities": '
                '[{"start": 2, "end": 5, "label": "colour", "text": "red"}]}\n',
                "entities/x.yml": "size: {fuzzy: true, values: {large: [xl]}}\ncolour: [red]\n",
                "replies.yml": "greet: ['Hi!']\n",
                "emotions.yml": "- {pattern: 'oh dear', emotion: sadness, confidence: 0.5}\n",
            },
        )
    )
    assert pack.intents["billing/refund"].examples == ["no", "12"], "texts stay what was typed"
    assert pack.out_of_scope == ["on"]
    assert pack.intents["bye"].examples == ["see you"]
    assert pack.annotations == {"a red car": [Span(2, 5, "colour")]}
    assert (pack.fuzzy, pack.entities["size"]) == (["size"], {"large": ["xl"]})
    assert pack.replies("greet") == ["Hi!"]
    assert pack.emotions[0].confidence == 0.5


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"intents/a.yml": "greet:\n  - hi\nbuy:\n  - me\n  - HI\n"}, "intents/a.yml:5:"),
        ({"intents/a.yml": "greet: |\n  - hi\n  - [x](\n  - [y]()\n"}, "intents/a.yml:4:"),
        ({"intents/a.yml": "greet:\n - hi\n -\t- x: [\n"}, "intents/a.yml:3:"),
        ({"intents/a.yml": "a: &x [hi]\nb: *x\n"}, "intents/a.yml:1:"),
        ({"intents/a.yml": "a: [hi]\na: [ho]\n"}, "intents/a.yml:2:"),
        ({"intents/a.yml": "a: " + "[" * 40 + "]" * 40}, "intents/a.yml:1:"),
        ({"intents/a.yml": "a: !!python/name:os.system x\n"}, "intents/a.yml:1:"),
        ({"intents/a.yml": "a: !run x\n"}, "intents/a.yml:1:"),
        ({"intents/a.yml": "a b: [hi]\n"}, "intents/a.yml:1:"),
        ({"intents/a.jsonl": '{"text": "x", "intent": "a"}\n{"text": 3}\n'}, "intents/a.jsonl:2:"),
        ({"pack.yml": "name: x\nthreshold: high\n"}, "pack.yml:2:"),
        ({"pack.yml": "name: x\nlanguage: English\n"}, "pack.yml:2:"),
        ({"replies.yml": "a:\n  - 'hi'\n  - 'hi {name'\n"}, "replies.yml:3:"),
        ({"emotions.yml": "- {pattern: x, emotion: joy}\n- {pattern: '(', emotion: joy}\n"},
         "emotions.yml:2:"),
        ({"entities/a.yml": "zip:\n  patterns:\n    - '(?=x)'\n"}, "entities/a.yml:3:"),
        ({"other.yml": "x: y\n"}, "other.yml:1:"),
    ],
)  # fmt: skip
def test_an_error_names_file_and_line(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load_pack(folder(tmp_path, **files))
    assert caught.value.detail.startswith(said), caught.value.detail


def test_one_toml_file_has_lines_too(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_text('name = "shop"\n[intents.a]\nexamples = [\n "hi",\n " ",\n]\n')
    with pytest.raises(InvalidInput) as caught:
        load_pack(path)
    assert caught.value.detail.startswith("shop.toml:5:")


def test_a_folder_without_a_pack(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load_pack(tmp_path)


@given(st.lists(st.tuples(st.text("ab ", max_size=5), st.text("xyz", min_size=1, max_size=4))))
def test_marks_leave_the_text_and_right_offsets(parts: list[tuple[str, str]]) -> None:
    marked = "".join(f"{before}[{shown}](label)" for before, shown in parts)
    text, spans = unmarked(marked)
    assert text == "".join(before + shown for before, shown in parts).strip()
    assert [text[span.start : span.end] for span in spans] == [shown for _, shown in parts]


def test_findings(tmp_path: Path) -> None:
    found = check(
        folder(
            tmp_path,
            **{
                "intents/a.yml": "one:\n  - i want it\n  - i want it\ntwo:\n  - I WANT it\n"
                "  - buy the [thing](thnig)\n",
                "entities/a.yml": "size: {large: [xl, the], big: [xl]}\n"
                "zip: {patterns: ['(?=x)']}\n",
                "replies.yml": "one: ['Hi {name}']\n",
                "emotions.yml": "- {pattern: '(', emotion: joy}\n",
            },
        )
    )
    codes = {(one.level, one.code, one.file, one.line) for one in found}
    assert {
        ("error", "contradiction", "intents/a.yml", 5),
        ("error", "too_few", "intents/a.yml", 1),
        ("warning", "duplicate", "intents/a.yml", 3),
        ("warning", "too_few", "intents/a.yml", 4),
        ("warning", "unknown_label", "intents/a.yml", 6),
        ("error", "two_values", "entities/a.yml", 1),
        ("warning", "common_word", "entities/a.yml", 1),
        ("error", "pattern", "entities/a.yml", 2),
        ("warning", "unfilled_slot", "replies.yml", 1),
        ("error", "rule", "emotions.yml", 1),
    } <= codes
