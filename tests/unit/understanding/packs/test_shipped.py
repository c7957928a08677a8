"""The shipped packs: complete, without findings, and right on texts that they never saw."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK, SUPPORT_MODEL, SUPPORT_PACK
from colloquy.understanding.evaluation.rows import IntentRow, read_rows
from colloquy.understanding.intent import IntentModel
from colloquy.understanding.packs.check import check
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.packs.judging import judge
from colloquy.understanding.train import model_version

HELD_OUT = Path(__file__).parents[3] / "data" / "packs"
PACKS = [
    pytest.param(PROPERTY_PACK, PROPERTY_MODEL, id="property"),
    pytest.param(SUPPORT_PACK, SUPPORT_MODEL, id="support"),
]


@pytest.mark.parametrize(("folder", "file"), PACKS)
def test_there_is_nothing_to_find_fault_with(folder: Path, file: Path) -> None:
    assert check(folder) == []
    pack = load_pack(folder)
    assert all(len(intent.examples) >= 15 and intent.replies for intent in pack.intents.values())
    assert len(pack.out_of_scope) >= 50
    assert pack.emotions
    assert any(row.entities for row in pack.annotated())


@pytest.mark.parametrize(("folder", "file"), PACKS)
def test_its_model_is_of_its_examples_and_has_a_card(folder: Path, file: Path) -> None:
    version = IntentModel.load(file).version
    assert version == model_version(load_pack(folder))
    assert f"`{version}`" in file.with_suffix(".md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("folder", "file"), PACKS)
def test_texts_that_were_held_out(folder: Path, file: Path) -> None:
    pack = load_pack(folder)
    rows = read_rows(HELD_OUT / f"{folder.name}_heldout.jsonl", IntentRow)
    known = {" ".join(row.text.casefold().split()) for row in pack.rows()}
    unseen = [row for row in rows if row.text.casefold() not in known]
    for name in pack.intents:
        assert sum(row.intent == name for row in unseen) >= 2, name
    report = judge(pack, IntentModel.load(file), unseen)
    assert report.accuracy >= 0.85
    assert report.refused >= 0.8


@pytest.mark.parametrize(("folder", "file"), PACKS)
def test_messages_as_customers_write_them(folder: Path, file: Path) -> None:
    """Three files: labelled before a model saw them; none is an example, a word or two aside."""
    pack = load_pack(folder)
    files = sorted(HELD_OUT.glob(f"{folder.name}_unseen*.jsonl"))
    rows = [row for file in files for row in read_rows(file, IntentRow)]
    known = {" ".join(row.text.casefold().split()) for row in pack.rows()}
    assert len(files) == 3 and len(rows) >= 150
    assert not [row.text for row in rows if row.text in known and len(row.text.split()) > 2]
    report = judge(pack, IntentModel.load(file), rows)
    assert report.accuracy >= 0.85
    assert report.right >= 0.9
    assert report.refused >= 0.8
