"""`colloquy eval recall` on a folder of made-up conversations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.command_line import Shell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    turns = [
        {"id": f"1:{number}", "speaker": "Ann" if number % 2 else "Ben", "text": text}
        for number, text in enumerate(
            ("Hello!", "We adopted a puppy.", "The rent is 940 euros.", "I see.", "Goodbye!"), 1
        )
    ]
    sessions = [{"session": 1, "at": "2026-05-02T10:00:00", "turns": turns}]
    (root / "conversations.jsonl").write_text(json.dumps({"id": "c", "sessions": sessions}))
    asked = {"conversation_id": "c", "category": 4, "category_name": "single_hop"}
    rows = [
        {**asked, "question": "How much is the rent?", "evidence": ["1:3"]},
        {**asked, "question": "Did they adopt a puppy?", "evidence": ["1:2"]},
        {**asked, "question": "Was it said?", "evidence": []},
    ]
    (root / "qa.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


def test_lines_are_judged_at_every_size(alone: Shell, folder: Path) -> None:
    report = alone("eval", "recall", "--data", str(folder), "--k", "1,5", "--json").json
    assert report["unit"] == "lines"
    assert list(report["at"]) == ["1", "5"]
    assert report["recall"] == report["at"]["1"]["recall"] == 1.0
    assert report["hit_rate"] == 1.0
    assert report["by_category"]["single_hop"]["questions"] == 2
    assert set(report["baselines"]) == {"recency", "bm25", "embedding"}
    assert report["baselines"]["recency"]["recall"] == 0.0
    assert report["at"]["5"]["baselines"]["recency"]["recall"] == 1.0
    assert report["ms_per_question"] > 0
    assert (report["questions"], report["skipped"]) == (2, 1)


def test_a_budget_is_in_tokens(alone: Shell, folder: Path) -> None:
    report = alone("eval", "recall", "--data", str(folder), "--budget", "5,1000", "--json").json
    assert report["unit"] == "tokens"
    assert report["recall"] == 0.0, "no line with its speaker and date is that short"
    assert report["at"]["1000"]["recall"] == 1.0


def test_people_get_a_table_of_ten_lines(alone: Shell, folder: Path) -> None:
    shown = alone("eval", "recall", "--data", str(folder)).out
    assert "hit_rate" in shown
    assert "ms_per_question" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--k", "5,x"], "k: '5,x' is no list of whole numbers"),
        (["--budget", "0"], "whole number from 1"),
        (["--k", "5", "--budget", "5"], "not both"),
    ],
)
def test_sizes_that_make_no_sense(
    alone: Shell, folder: Path, options: list[str], said: str
) -> None:
    assert said in alone("eval", "recall", "--data", str(folder), *options, code=1).err


def test_a_folder_that_is_not_there(alone: Shell, tmp_path: Path) -> None:
    refused = alone("eval", "recall", "--data", str(tmp_path / "nowhere"), "--json", code=1)
    assert "there is no folder at" in refused.err
