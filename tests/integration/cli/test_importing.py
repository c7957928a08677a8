"""Imports of exports that people have, dry runs, refusals, and history that goes out and in."""

from __future__ import annotations

import gzip
import io
import json
import sys
import zipfile
from pathlib import Path

import msgspec
import pytest

from support.command_line import Shell

CHAT = """\
[24/12/21, 18:05:07] Ann Lee: Is the flat free?
It is for two.
[24/12/21, 18:06:07] Home: =Yes+
"""
LATER = "[25/12/21, 09:00:00] Ann Lee: Merry Christmas\n"
TELEGRAM = {
    "name": "Ann Lee",
    "type": "personal_chat",
    "id": 42,
    "messages": [
        {"id": 1, "type": "message", "date": "2021-12-24T18:06:00", "date_unixtime": "1640369160",
         "from": "Ann Lee", "from_id": "user1", "text": ["Free? ", {"type": "bold", "text": "{"}]},
        {"id": 2, "type": "message", "date": "2021-12-24T18:07:00", "date_unixtime": "1640369220",
         "from": "Home", "from_id": "user9", "text": "Yes"},
    ],
}  # fmt: skip
AWKWARD = ["=1+1", "\t", "\0", "\r\n", 'a "quote', "'=", "👩‍👩‍👧", "", "a\rb"]


def write(folder: Path, name: str, data: str | bytes) -> str:
    file = folder / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(file)


def zipped(name: str, data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        archive.writestr("IMG-1.jpg", b"\xff\xd8")
    return stream.getvalue()


def test_a_chat_is_guessed_shown_and_brought_in_once(alone: Shell, tmp_path: Path) -> None:
    file = write(tmp_path, "chat.txt", CHAT)
    report = alone("import", file, "--me", "Home", "--dry-run", "--json").json
    assert (report["format"], report["messages"], report["people"]) == ("whatsapp", 2, 2)
    assert report["first"] == "2021-12-24T18:05:07Z"
    assert {"about": "date_order", "value": "dmy", "sure": True} in report["guesses"]
    assert "no database" in alone("export", code=1).err, "a dry run writes nothing"

    assert alone("import", file, "--me", "Home", "--json").json["stored"] == 2
    longer = write(tmp_path, "later.zip", zipped("_chat.txt", (CHAT + LATER).encode()))
    again = alone("import", longer, "--me", "Home", "--json").json
    assert (again["stored"], again["duplicates"]) == (1, 2)
    rows = [json.loads(row) for row in alone("export").out.splitlines()]
    assert [row["text"] for row in rows] == [
        "Is the flat free?\nIt is for two.",
        "=Yes+",
        "Merry Christmas",
    ]
    assert {row["conversation"] for row in rows} == {"Ann Lee"}
    assert [row["sender"]["kind"] for row in rows if "kind" in row["sender"]] == ["assistant"]


def test_telegram_and_standard_input(
    alone: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (json.dumps(TELEGRAM, indent=1), json.dumps(TELEGRAM)):
        with Path(write(tmp_path, "result.json", text)).open("rb") as stream:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
            found = alone("import", "-", "--me", "user9", "--json").json
            assert (found["format"], found["messages"]) == ("telegram", 2)
    assert found["duplicates"] == 2


def test_what_is_ambiguous_is_asked_for(shell: Shell, tmp_path: Path) -> None:
    file = write(tmp_path, "chat.txt", "03/04/21, 10:00 - Ann: hi\n")
    assert "error: invalid_input: date_order: " in shell("import", file, code=1).err
    found = shell("import", file, "--date-order", "mdy", "--dry-run", "--json").json
    assert found["first"] == "2021-03-04T10:00:00Z"
    two = write(tmp_path, "two.txt", CHAT)
    assert "--me" in shell("import", two, code=1).err
    assert "nobody in it is called" in shell("import", two, "--me", "Bob", code=1).err
    assert "time_zone" in shell("import", two, "--time-zone", "Mars/Base", code=1).err


@pytest.mark.parametrize(
    ("name", "data", "options", "words"),
    [
        ("latin.csv", "conversation,text\nann,über\n".encode("latin-1"), [], "--encoding"),
        ("torn.jsonl.gz", gzip.compress(b'{"conversation":"a","text":"b"}\n' * 99)[:-20], [],
         "cannot be read"),
        ("bomb.jsonl.gz", gzip.compress(b" " * 70_000_000), ["--format", "jsonl"],
         "nothing was imported"),
        ("bomb.zip", zipped("chat.txt", b" " * 3_000_000), [], "too_large"),
        ("torn.zip", zipped("chat.txt", CHAT.encode())[:60], [], "cannot be unpacked"),
        ("deep.jsonl", b'{"conversation":"a","text":"b","metadata":' + b'{"a":' * 5000, [],
         "error: invalid_input"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", [], "error: invalid_input"),
        ("torn.csv", b'conversation,text\nann,hi\nann,"hi', [], "line 3"),
    ],
    # The bytes of an archive have a time in them: processes that share the tests know them by name.
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)  # fmt: skip
def test_a_hostile_file_is_refused_and_nothing_written(
    alone: Shell, tmp_path: Path, name: str, data: bytes, options: list[str], words: str
) -> None:
    assert words in alone("import", write(tmp_path, name, data), *options, code=1).err
    assert "no database" in alone("export", code=1).err


def test_other_encodings_when_they_are_told(shell: Shell, tmp_path: Path) -> None:
    table = "conversation,text\nann,über\n"
    for name, encoding, options in (
        ("a.csv", "latin-1", ["--encoding", "latin-1"]),
        ("b.csv", "utf-16", []),
        ("c.csv", "utf-8-sig", []),
    ):
        file = write(tmp_path, name, table.encode(encoding))
        found = shell("import", file, *options, "--dry-run", "--json").json
        assert (found["messages"], found["bad_rows"]) == (1, 0)
    assert "no encoding" in shell("import", file, "--encoding", "klingon", code=1).err


def test_a_mapping_on_the_command_line_and_in_a_file(shell: Shell, tmp_path: Path) -> None:
    file = write(tmp_path, "t.csv", "phone;body\n+49;hi\n")
    mapping = write(tmp_path, "map.toml", 'conversation = "phone"\ntext = "body"\n')
    for value in ("conversation=phone,text=body", mapping):
        assert shell("import", file, "--map", value, "--dry-run", "--json").json["messages"] == 1
    assert "FIELD=COLUMN" in shell("import", file, "--map", "text", code=1).err
    assert "cannot be read" in shell("import", file, "--map", "none.toml", code=1).err


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv.gz"])
def test_history_goes_out_and_in_unchanged(
    alone: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rows = [
        {"conversation": f"=c{number % 3}", "id": str(number), "text": text, "urgent": True}
        for number, text in enumerate(AWKWARD)
    ]
    file = write(tmp_path, "in.jsonl", b"\n".join(map(msgspec.json.encode, rows)))
    alone("import", file)
    format = ["--format", "csv"] if "csv" in name else []
    out = str(tmp_path / name)
    assert alone("export", out, *format, "--json").json["rows"] == len(rows)
    before = sorted(alone("export").out.splitlines())
    monkeypatch.setenv("COLLOQUY_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    assert alone("import", out, "--json").json["stored"] == len(rows)
    assert sorted(alone("export").out.splitlines()) == before


def test_an_export_of_what_was_recorded_since(alone: Shell, tmp_path: Path) -> None:
    alone("import", write(tmp_path, "a.txt", CHAT), "--me", "Home")
    events = [json.loads(row) for row in alone("export", "--format", "events").out.splitlines()]
    last = events[-1]["at"]
    assert len(alone("export", "--since", last).out.splitlines()) >= 1
    assert alone("export", "--since", "2999-01-01T00:00:00Z").out == ""
    assert "since" in alone("export", "--since", "yesterday", code=1).err
