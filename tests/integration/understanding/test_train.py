"""Training beside a server: a subprocess, a cache by version, errors that say what to do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from colloquy.model.errors import InvalidInput, Unavailable
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.understanding.intent import IntentModel, tokens_of
from colloquy.understanding.pack import pack_from_examples
from colloquy.understanding.packs.folder import load_pack
from colloquy.understanding.train import ensure_model, model_version

PACK = pack_from_examples(
    {"greet": ["hi", "hello", "good day"], "buy": ["i want one", "can i buy it", "sell me one"]}
)


async def test_trains_once_and_then_finds_the_file(tmp_path: Path) -> None:
    path = await ensure_model(PACK, tmp_path / "cache")
    assert path.parent == tmp_path / "cache"
    assert model_version(PACK) in path.name
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    model = IntentModel.load(path)
    assert model.version == model_version(PACK)
    assert model.classify([tokens_of("hello")])[0].intent == "greet"
    written = path.stat().st_mtime_ns
    assert await ensure_model(PACK, tmp_path / "cache") == path
    assert path.stat().st_mtime_ns == written


async def test_the_shipped_pack_needs_no_training(tmp_path: Path) -> None:
    assert await ensure_model(load_pack(PROPERTY_PACK), tmp_path) == PROPERTY_MODEL
    assert list(tmp_path.iterdir()) == []


async def test_a_pack_without_examples(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        await ensure_model(pack_from_examples({}), tmp_path)


async def test_training_that_takes_too_long(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="longer than"):
        await ensure_model(PACK, tmp_path, timeout_s=0.01)
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_the_field_of_a_bad_pack(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("name = 'x'\n[intents.greet]\nexamples = ['']\n")
    run = subprocess.run(
        [sys.executable, "-m", "colloquy.understanding.packs.training",
         "--pack", str(bad), "--folder", str(tmp_path / "out")],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert run.returncode == 1
    assert run.stderr == "intents.greet.examples[0]: bad.toml:3: a text must not be empty\n"
    assert not (tmp_path / "out").exists()
