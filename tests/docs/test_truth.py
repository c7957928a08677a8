"""The pages are as the code is: tables, links, rooms, states, events, references to decisions."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from colloquy.model.session import EventKind, InboxState, Owner, SessionStatus
from colloquy.storage.tables import metadata
from support.markdown import ROOT, anchors, links, pages

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DECISIONS = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")

_REFERENCE = re.compile(
    r"\b(?P<list>engine(?: decisions?)?|decisions?) (?P<numbers>\d+(?:(?:-|, | and )\d+)*)", re.I
)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_generated_tables_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert generator().current(text) == text, "run scripts/docs"


def test_each_table_is_on_a_page_and_whole() -> None:
    everything = "".join(page.read_text(encoding="utf-8") for page in pages())
    for name, rows in generator().TABLES.items():
        assert f"<!-- generated: {name} -->" in everything
        assert len(list(rows())) > 5


def test_every_error_class_is_in_the_table() -> None:
    table = "\n".join(generator().codes())
    for kind in generator().error_kinds():
        assert f"`{kind.code}`" in table


def test_every_code_in_the_sources_is_in_the_table() -> None:
    """A new error outside `model/errors.py` must be named too, unless only a terminal sees it."""
    table = "\n".join(generator().codes())
    for file in (ROOT / "src" / "colloquy").rglob("*.py"):
        if file.parent.name in ("cli", "demo", "proof"):
            continue
        for code in re.findall(r"^    code = \"(\w+)\"$", file.read_text(encoding="utf-8"), re.M):
            assert f"`{code}`" in table, f"{file.name}: {code}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        place, _, fragment = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{page.name}: {link}"
        if fragment:
            assert fragment in anchors(target.read_text(encoding="utf-8")), f"{page.name}: {link}"


def test_a_link_that_leads_nowhere_is_found() -> None:
    assert links("see [x](docs/no.md#y) and ![z](a.png)") == ["docs/no.md#y", "a.png"]
    assert anchors("## What is promised, and what is not\n") == {"what-is-promised-and-what-is-not"}


def test_every_table_of_the_database_is_described() -> None:
    for name in metadata.tables:
        assert f"| `{name}` |" in ARCHITECTURE


def test_every_state_event_and_owner_is_described() -> None:
    for name in (*EventKind, *InboxState, *SessionStatus):
        assert f"| `{name}` |" in ARCHITECTURE
    for owner in Owner:
        assert owner in ARCHITECTURE


def test_every_room_is_described() -> None:
    source = ROOT / "src" / "colloquy"
    rooms = {path.parent.name for path in source.glob("*/__init__.py")}
    rooms |= {path.stem for path in source.glob("*.py")} - {"__init__"}
    assert rooms
    table = ARCHITECTURE.partition("## Rooms")[2].partition("## The way")[0]
    assert not {room for room in rooms if f"`{room}`" not in table}


def test_every_file_named_exists() -> None:
    """`storage/commit.py` and the like, in the architecture."""
    named = re.findall(r"\b([a-z_]+/[a-z_/]+\.py)\b", ARCHITECTURE)
    assert len(named) > 20
    for name in named:
        assert (ROOT / "src" / "colloquy" / name).exists() or (ROOT / name).exists(), name


def test_every_decision_that_is_referred_to_is_listed() -> None:
    engine, product = DECISIONS.split("## Product decisions")
    listed = {
        "engine": {int(number) for number in re.findall(r"^(\d+)\. ", engine, re.M)},
        "product": {int(number) for number in re.findall(r"^(\d+)\. ", product, re.M)},
    }
    assert listed["engine"] == set(range(1, 41))
    assert listed["product"] == set(range(1, 38))
    found = 0
    for folder in ("src", "tests", "benchmarks", "docs", "scripts", "examples"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix not in (".py", ".md", "") or not file.is_file():
                continue
            text = " ".join(file.read_text(encoding="utf-8").split())
            for match in _REFERENCE.finditer(text):
                kind = "engine" if match["list"].lower().startswith("engine") else "product"
                for number in numbers_of(match["numbers"]):
                    found += 1
                    assert number in listed[kind], f"{file}: {match[0]}"
    assert found > 40


def numbers_of(text: str) -> set[int]:
    """ "5-9, 14 and 20" → {5, 6, 7, 8, 9, 14, 20}."""
    found: set[int] = set()
    for part in re.split(r", | and ", text):
        first, _, last = part.partition("-")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def test_numbers_of_a_reference() -> None:
    assert numbers_of("5-9, 14 and 20") == {5, 6, 7, 8, 9, 14, 20}
