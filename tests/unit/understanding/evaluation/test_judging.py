"""`eval intents` and `eval entities` on small files: the contract's keys, both tiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from colloquy.model.errors import InvalidInput
from colloquy.understanding.evaluation import entities, intents

CITIES = ("paris", "rome", "berlin", "madrid", "oslo", "lima", "cairo", "tokyo")


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


def trips(path: Path) -> Path:
    rows = []
    for city in CITIES:
        for before in ("fly to ", "a hotel in ", "the weather of "):
            text = before + city
            span = {"start": len(before), "end": len(text), "label": "city", "text": city}
            rows.append({"text": text, "entities": [span], "requested_slots": ["city"]})
    return write(path, [*rows, {"text": "good morning", "entities": []}])


@pytest.mark.parametrize("tier", ["fast", "accurate"])
def test_entities(tmp_path: Path, tier: str) -> None:
    file = trips(tmp_path / "trips.jsonl")
    report = entities.run(file, file, tier=tier)
    assert report.f1 > 0.9 and report.message_accuracy > 0.9
    assert report.labels["city"].support == 24
    assert 0.0 < report.baseline.f1 <= 1.0
    assert report.ms_per_message > 0 and report.train_s > 0


@pytest.mark.parametrize("tier", ["fast", "accurate", "cascade"])
def test_intents_with_something_out_of_scope(tmp_path: Path, tier: str) -> None:
    rows = [
        {"text": f"{words} {number}", "intent": name}
        for name, words in {
            "flat": "is the flat free on",
            "money": "refund my payment of",
            "dog": "may i bring a dog number",
            "oos": "the capital of country",
        }.items()
        for number in ("one", "two", "three", "four", "five", "six", "seven", "eight")
    ]
    file = write(tmp_path / "rows.jsonl", rows)
    report = intents.run(file, file, tier=tier)
    assert report.accuracy_unrejected > 0.9
    assert report.oos_recall is not None and report.false_oos is not None
    assert sum(report.tier_share.values()) == pytest.approx(1.0)
    assert tier != "accurate" or report.tier_share == {"accurate": 1.0}
    assert report.baseline["majority_accuracy"] == pytest.approx(1 / 3)


def test_several_intents(tmp_path: Path) -> None:
    rows = [
        {"text": f"{words} {number}", "intents": names}
        for names, words in (
            (["flat"], "is the flat free on"),
            (["money"], "refund my payment of"),
            (["flat", "money"], "refund the flat i paid on"),
            ([], "good morning"),
        )
        for number in ("one", "two", "three", "four", "five", "six", "seven", "eight")
    ]
    file = write(tmp_path / "rows.jsonl", rows)
    report = intents.run(file, file)
    assert report.accuracy > 0.7 and report.macro_f1 > 0.7
    assert report.oos_recall is None


def test_unknown_tiers_are_refused(tmp_path: Path) -> None:
    file = trips(tmp_path / "trips.jsonl")
    for module in (entities, intents):
        with pytest.raises(InvalidInput, match="no tier"):
            module.run(file, file, tier="magic")
