"""Names that reach the dictionary of a running process through a file."""

from __future__ import annotations

import stat
from pathlib import Path

from colloquy.understanding.analyse import Analyser
from colloquy.understanding.entities.dictionary import Entry
from colloquy.understanding.entities.names import NamesFile, write_names
from colloquy.understanding.wire import Item

LOFT = Entry("product", "flat-12", ["Riverside Loft"], fuzzy=False)
QUAY = Entry("place", "quay", ["Old Quay"], fuzzy=False)


def values(analyser: Analyser, text: str) -> list[str]:
    (result,) = analyser.analyse([Item(text, 0, None)])
    return [name for name in ("flat-12", "quay") if name.encode() in result.raw]


def test_a_change_of_the_file_is_found_with_the_next_batch(tmp_path: Path) -> None:
    file = tmp_path / "names"
    analyser = Analyser(gazetteer=NamesFile(file))
    text = "the Riverside Loft at the Old Quay"
    before = analyser.version
    assert values(analyser, text) == []
    version = write_names(file, [LOFT])
    assert values(analyser, text) == ["flat-12"]
    assert f"gazetteer@{version}" in analyser.version
    write_names(file, [LOFT, QUAY])
    assert values(analyser, text) == ["flat-12", "quay"]
    write_names(file, [])
    assert values(analyser, text) == []
    assert analyser.version == before


def test_only_its_owner_reads_the_file(tmp_path: Path) -> None:
    write_names(tmp_path / "names", [LOFT])
    assert stat.S_IMODE((tmp_path / "names").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["names"]


def test_the_version_follows_from_the_names_alone(tmp_path: Path) -> None:
    one = write_names(tmp_path / "a", [LOFT])
    assert write_names(tmp_path / "b", [LOFT]) == one != write_names(tmp_path / "c", [QUAY])


def test_a_damaged_file_leaves_the_names_of_before_and_a_missing_one_none(tmp_path: Path) -> None:
    file = tmp_path / "names"
    names = NamesFile(file)
    assert names.read() == []
    write_names(file, [LOFT])
    assert names.read() == [LOFT]
    file.write_bytes(b'{"version": "x", "entries": [')
    assert names.read() == [LOFT]
    file.unlink()
    assert names.read() == []


def test_a_phrase_that_no_dictionary_takes_costs_its_entry_only(tmp_path: Path) -> None:
    write_names(tmp_path / "names", [LOFT, Entry("product", "x", ["  "]), QUAY])
    assert NamesFile(tmp_path / "names").read() == [LOFT, QUAY]
