"""Users' own classes: registering, finding and loading them by name."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

import colloquy
from colloquy.model.errors import InvalidInput
from colloquy.model.understanding import Entity, Label
from colloquy.understanding import extension
from colloquy.understanding.extension import (
    Classifier,
    Context,
    Extractor,
    all_paths,
    classifier,
    extractor,
    installed,
    load_extensions,
    registered,
)

SOURCE = """
from colloquy import Entity, Label, classifier, extractor

@extractor
class Hashes:
    name, version = "hashes", "2"
    def extract(self, texts, contexts):
        return [[Entity("hash", 0, 1, "#")] if t[:1] == "#" else [] for t in texts]

@classifier
class Loud:
    name, version = "loud", "1"
    def classify(self, texts, contexts):
        return [[Label("loud", 1.0)] if t.isupper() else [] for t in texts]

class Unnamed:
    version = "1"
    def extract(self, texts, contexts):
        return []
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "_registered", {})
    monkeypatch.setattr(sys, "path", [*sys.path])


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "extension_sample.py"
    path.write_text(SOURCE)
    monkeypatch.delitem(sys.modules, "extension_sample", raising=False)
    return path


class Places:
    name, version = "places", "1"

    def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
        return [[] for _ in texts]


class Moods:
    name, version = "moods", "1"

    def classify(self, texts: list[str], contexts: list[Context]) -> list[list[Label]]:
        return [[] for _ in texts]


def test_decorators_hand_the_class_back_and_register_it() -> None:
    assert extractor(Places) is Places
    assert classifier(Moods) is Moods
    places, moods = load_extensions(registered())
    assert isinstance(places, Extractor) and isinstance(moods, Classifier)
    assert (places.name, moods.name) == ("places", "moods")
    assert colloquy.extractor is extractor and colloquy.classifier is classifier


def test_a_file_is_loaded_once(file: Path) -> None:
    found = load_extensions([f"{file}:Hashes", f"{file}:Loud", f"{file}:Hashes"])
    assert [one.name for one in found] == ["hashes", "loud"]
    assert type(found[0]).__module__ == type(found[1]).__module__


@pytest.mark.parametrize("how", ["file", "module", "main"])
def test_another_process_finds_what_this_one_registered(file: Path, how: str) -> None:
    """As the compute processes do: from the names alone, without this process's memory."""
    path = file if how != "main" else file.with_name("started.py")
    if how == "main":
        path.write_text(
            SOURCE + "\nif __name__ == '__main__':\n"
            "    from colloquy.understanding.extension import registered\n"
            "    print('\\n'.join(registered()))\n"
        )
        command, folder = [sys.executable, str(path)], file.parent.parent
    else:
        load = f"import {path.stem}"
        folder = path.parent
        if how == "file":
            load = (
                "from pathlib import Path; from colloquy.cli.app import _from_file; "
                f"_from_file(Path({str(path)!r}))"
            )
            folder = path.parent.parent
        script = (
            f"{load}; from colloquy.understanding.extension import registered; "
            "print('\\n'.join(registered()))"
        )
        command = [sys.executable, "-c", script]
    paths = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert len(paths) == 2
    script = (
        "import sys; from colloquy.understanding.extension import load_extensions; "
        "print([one.name for one in load_extensions(sys.argv[1:])])"
    )
    output = subprocess.run(
        [sys.executable, "-c", script, *paths],
        cwd=folder, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    assert output.strip() == "['hashes', 'loud']"


def test_a_class_without_a_module_is_refused_when_it_is_asked_for() -> None:
    """As in a notebook: nothing that a compute process could import."""
    exec(SOURCE, {"__name__": "typed_in"})
    with pytest.raises(InvalidInput, match="Hashes is in no file"):
        registered()


def test_a_module_that_is_there_already_is_not_run_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An assistant's file was imported under a relative path, or is the program itself."""
    monkeypatch.chdir(file.parent)
    for name in ("extension_sample", "__main__"):
        module = ModuleType(name)
        module.__file__ = file.name
        module.Hashes = Places  # type: ignore[attr-defined]
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, module)
            assert type(load_extensions([f"{file}:Hashes"])[0]) is Places


def test_entry_points_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def entry_points(group: str) -> list[metadata.EntryPoint]:
        return [metadata.EntryPoint("x", f"{group}_module : X", group)]

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    assert installed() == ["colloquy.classifiers_module:X", "colloquy.extractors_module:X"]
    extractor(Places)
    assert all_paths(["mine:Y"]) == [*registered(), *installed(), "mine:Y"]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("nowhere", "neither"),
        ("no_such_module:X", "ModuleNotFoundError"),
        ("colloquy.model.understanding:Nothing", "AttributeError"),
        ("/no/such/file.py:X", "no file"),
        ("colloquy.model.understanding:Entity", "TypeError"),
        ("colloquy.model.understanding:EMOTIONS", "`name`"),
    ],
)
def test_what_cannot_be_loaded_says_why(path: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as caught:
        load_extensions([path])
    assert caught.value.field == "understanding.extensions"


def test_a_file_that_raises_can_be_loaded_once_it_is_mended(file: Path) -> None:
    file.write_text("1 / 0")
    with pytest.raises(InvalidInput, match="ZeroDivisionError"):
        load_extensions([f"{file}:Hashes"])
    file.write_text(SOURCE)
    assert load_extensions([f"{file}:Hashes"])[0].version == "2"


def test_two_of_one_name_are_refused(file: Path) -> None:
    file.write_text(SOURCE + "\nclass Copy(Hashes):\n    pass\n")
    with pytest.raises(InvalidInput, match="another extension 'hashes'"):
        load_extensions([f"{file}:Hashes", f"{file}:Copy"])


def test_a_class_has_to_fit(file: Path) -> None:
    with pytest.raises(InvalidInput, match="`name`"):
        load_extensions([f"{file}:Unnamed"])
    with pytest.raises(InvalidInput, match="no method classify"):
        classifier(Places)

    class Wrong(Places):
        version = "a;b"

    with pytest.raises(InvalidInput, match="`version`"):
        extractor(Wrong)

    class Idle(Places):
        budget_ms = 0

    with pytest.raises(InvalidInput, match="budget_ms"):
        extractor(Idle)

    class Local(Places):
        pass

    with pytest.raises(InvalidInput, match="inside a function"):
        extractor(Local)
