"""Several intents per message: trained in the subprocess, served by compute processes, routed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from colloquy import Colloquy, Turn
from colloquy.model.errors import InvalidInput
from colloquy.model.understanding import Understanding
from colloquy.understanding.compute import ComputePool
from colloquy.understanding.model_files import intent_name, several_name
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.packs.training import train_pack
from colloquy.understanding.train import ensure_model
from colloquy.understanding.wire import Item

THINGS = ("lamp", "jacket", "tablet", "backpack", "toaster", "laptop", "sofa", "chair")
SAID = {
    "refund": ["i want my money back for the {}", "please refund the {}", "a refund of the {}"],
    "track": ["where is the parcel with the {}", "track the {}", "when does the {} arrive"],
    "greet": ["hello there", "good morning to you", "hi"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of three intents; some texts stand under two of them."""
    root = tmp_path_factory.mktemp("packs") / "shop"
    (root / "intents").mkdir(parents=True)
    (root / "pack.yml").write_text("name: shop\nmulti_label: true\n")
    rows = []
    for name, forms in SAID.items():
        rows += [
            {"text": form.format(thing), "intents": [name]}
            for form in forms
            for thing in (THINGS if "{}" in form else THINGS[:1])
        ]
    rows += [
        {
            "text": f"where is the parcel with the {thing} or refund it",
            "intents": ["track", "refund"],
        }
        for thing in THINGS
    ]
    rows += [{"text": f"i like the colour of the {thing}", "intents": []} for thing in THINGS]
    lines = b"\n".join(msgspec.json.encode(row) for row in rows)
    (root / "intents" / "rows.jsonl").write_bytes(lines)
    return root


def read(raw: bytes) -> Understanding:
    return msgspec.json.decode(raw, type=Understanding)


async def test_trained_and_served_by_processes(folder: Path, tmp_path: Path) -> None:
    pack = load_pack(folder)
    path = await ensure_model(pack, tmp_path)
    assert path == tmp_path / intent_name(pack)
    several = tmp_path / several_name(pack)
    assert several.exists()
    pool = ComputePool(1, folder, path, backoff_s=0.01)
    await pool.start()
    texts = [
        "where is the parcel with my lamp, or refund it",
        "please refund the chair now",
        "the colour of the jacket, i like it",
        "Where is the parcel with the lamp or refund it",
        "",
    ]
    try:
        both, one, none, example, empty = [
            read(found.raw) for found in await pool.analyse([Item(text, 0, None) for text in texts])
        ]
    finally:
        await pool.stop()
    assert {label.name for label in both.intents} == {"refund", "track"}
    assert both.intent == both.guess == both.intents[0].name
    assert both.confidence == both.intents[0].confidence >= both.intents[1].confidence
    assert [label.name for label in one.intents] == [one.intent] == ["refund"]
    assert none.intent is None and none.intents == [] and none.guess is not None
    assert {label.name for label in example.intents} == {"refund", "track"}
    assert min(label.confidence for label in example.intents) >= pack.threshold
    assert empty.intents == [] and empty.guess is None
    assert "several@" in both.model


async def test_a_missing_file_beside_the_model_is_trained_again(
    folder: Path, tmp_path: Path
) -> None:
    pack = load_pack(folder)
    await ensure_model(pack, tmp_path)
    several = tmp_path / several_name(pack)
    before = several.read_bytes()
    several.unlink()
    await ensure_model(pack, tmp_path)
    assert several.read_bytes() == before


def test_the_first_intent_finds_the_handler(folder: Path) -> None:
    app = Colloquy(pack=str(folder))
    seen: list[list[str]] = []

    @app.on_intent("refund")
    def refund(turn: Turn) -> str:
        seen.append([label.name for label in turn.understanding.intents])
        return "Your money is on its way."

    @app.on_fallback
    def fallback(turn: Turn) -> str:
        return "Nothing fits."

    with app.test_client() as client:
        assert client.send("please refund the sofa now")[0].text == "Your money is on its way."
        assert client.send("the colour of the sofa, i like it")[0].text == "Nothing fits."
    assert seen == [["refund"]]


def test_there_is_no_accurate_tier(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no accurate tier"):
        train_pack(load_pack(folder), tmp_path / "models", accurate=True)
    assert not (tmp_path / "models").exists()
