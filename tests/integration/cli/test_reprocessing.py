"""`colloquy reprocess --dry-run`: on a served database, and on one that nobody serves."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from colloquy import Colloquy
from colloquy.model.message import Message
from colloquy.runtime import Runtime
from colloquy.settings import load_settings
from support.command_line import Shell, settings
from support.waiting import until

NOW = """
name = "other"
[intents.feline]
examples = ["my cat meows", "the cat purrs", "a cat scratched me", "cat food please"]
[intents.canine]
examples = ["my dog barks", "the dog sleeps", "a dog bit me", "dog food please"]
[entities.animal]
cat = ["cat"]
"""


def converse(shell: Shell) -> None:
    """Two messages, understood under the shipped pack."""

    async def work() -> None:
        app = Colloquy(pack="property")
        runtime = Runtime(
            app, load_settings(None, {**settings(shell.folder), "COLLOQUY_WORKERS": "0"})
        )
        await runtime.start()
        await runtime.accept([Message(conversation="ana", text="hello there")])
        await runtime.accept([Message(conversation="bo", text="my cat meows")])
        await until(lambda: runtime.stats()["pending"] == 0)
        await runtime.stop()

    asyncio.run(work())


def test_the_same_versions_agree_and_another_pack_does_not(alone: Shell, tmp_path: Path) -> None:
    converse(alone)
    same = alone("reprocess", "--dry-run", "--pack", "property", "--json").json
    assert (same["messages"], same["same"], same["agreement"]) == (2, 2, 1.0)
    assert list(same["versions"].values()) == [2]
    other = tmp_path / "other.toml"
    other.write_text(NOW)
    before = alone("export", "--format", "events").out
    report = alone("reprocess", "--dry-run", "--pack", str(other), "--json").json
    assert report["messages"] == 2 and report["changed"]["intent"] >= 1
    cat = [one for one in report["examples"] if one["after"] == "feline"]
    assert len(cat) == 1 and "text" in cat[0] and cat[0]["text"] is None
    assert any(one["after"] == "animal@3-6" for one in report["examples"])
    assert alone("export", "--format", "events").out == before, "nothing is written"
    shown = alone("reprocess", "--dry-run", "--pack", str(other), "--show-text").out
    assert "my cat meows" in shown
    assert "2 messages, " in shown


def test_how_much_is_looked_at_can_be_limited(alone: Shell) -> None:
    converse(alone)
    one = alone("reprocess", "--dry-run", "--pack", "property", "--limit", "1", "--json").json
    assert one["messages"] == 1
    none = alone(
        "reprocess", "--dry-run", "--pack", "property", "--since", "2999-01-01T00:00:00Z", "--json"
    ).json
    assert none["messages"] == 0 and none["agreement"] == 1.0


def test_without_dry_run_nothing_is_done(alone: Shell) -> None:
    converse(alone)
    refused = alone("reprocess", code=1)
    assert "dry_run" in refused.err


def test_a_training_file_judges_itself(
    alone: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`colloquy eval` reads the files, trains and prints the contract's keys."""
    rows = [
        {"text": f"my {animal} is number {number}", "intent": animal}
        for animal in ("cat", "dog", "bird")
        for number in range(12)
    ]
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    report = alone(
        "eval", "intents", "--train", str(file), "--test", str(file), "--tier", "fast", "--json"
    ).json
    assert report["accuracy"] == 1.0 and report["tier_share"] == {"fast": 1.0}
    wanted = {"macro_f1", "ece", "ms_per_message", "train_s", "model_mb", "baseline", "test_rows"}
    assert wanted <= report.keys()
    shown = alone(
        "eval", "intents", "--train", str(file), "--test", str(file), "--tier", "fast"
    ).out
    assert "majority_accuracy" in shown
    refused = alone("eval", "topics", "--train", str(file), "--test", str(file), code=1)
    assert "rows.jsonl:1" in refused.err
