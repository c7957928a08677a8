"""Making the shipped model: the model, its card, and what is said of missing data."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from colloquy.understanding.emotion.model import EmotionModel
from colloquy.understanding.emotion.ship import main


def test_model_and_card_are_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"text": f"{text} w{number}", "labels": [label]}
        for number in range(10)
        for text, label in (("so happy", "joy"), ("so sad", "sadness"), ("the bus", "neutral"))
    ]
    lines = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
    (tmp_path / "train.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "dev.jsonl").write_bytes(lines)
    out = tmp_path / "small.model"
    assert main([str(tmp_path), "--out", str(out)]) == 0
    model = EmotionModel.load(out)
    card = out.with_suffix(".md").read_text()
    assert model.labels == ["joy", "neutral", "sadness"]
    assert card.startswith(f"# Emotion model {model.version}\n")
    assert "| joy | 10 |" in card
    assert card in capsys.readouterr().out


def test_missing_data_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--out", str(tmp_path / "x.model")]) == 1
    assert "train.jsonl.gz" in capsys.readouterr().err
    assert not (tmp_path / "x.model").exists()
