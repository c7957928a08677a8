"""The packs that the documentation shows are packs."""

from __future__ import annotations

from pathlib import Path

from colloquy.understanding.packs.check import check
from colloquy.understanding.packs.folder import load_pack
from support.markdown import ROOT, blocks


def shown(page: str) -> list[str]:
    return [
        block.text for block in blocks((ROOT / "docs" / page).read_text(encoding="utf-8"), "yaml")
    ]


def test_the_reference(tmp_path: Path) -> None:
    intents, entities, emotions = shown("packs.md")
    (tmp_path / "pack.yml").write_text("name: shop\n")
    (tmp_path / "intents.yml").write_text(intents)
    (tmp_path / "entities.yml").write_text(entities)
    (tmp_path / "emotions.yml").write_text(emotions)
    pack = load_pack(tmp_path)
    assert pack.annotated()[1].entities[0].text == "20931"
    assert pack.fuzzy == ["product"]
    assert pack.patterns.keys() == {"tracking_number"}
    assert pack.entities["pet"] == {"parrot": ["parrot"], "goldfish": ["goldfish"]}
    assert pack.emotions[0].emotion == "frustrated"


def test_the_tutorial(tmp_path: Path) -> None:
    head, intents = shown("tutorial.md")
    (tmp_path / "intents").mkdir()
    (tmp_path / "pack.yml").write_text(head)
    (tmp_path / "intents" / "moving.yml").write_text(intents)
    assert load_pack(tmp_path).intents.keys() == {"moving/in", "moving/out"}
    assert all(finding.level == "warning" for finding in check(tmp_path))
