"""Recall judged on a small folder: figures by hand, baselines, budgets, files that are wrong."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy.context.evaluation import RecallReport, run
from colloquy.model.errors import InvalidInput, NotFound

SAID = [
    ("2026-05-02T10:00:00", [("Ann", "Hello Ben!"), ("Ben", "We adopted a puppy in spring.")]),
    ("2026-06-02T10:00:00", [("Ben", "The rent is 940 euros."), ("Ann", "That is dear.")]),
    ("2026-07-02T10:00:00", [("Ann", "I broke my arm."), ("Ben", "Oh no."), ("Ann", "See you!")]),
]
"""Turns 1:1 to 3:3, seven lines."""


class Words:
    """Counts words: what a line costs can be told by hand."""

    name = "words"

    def count(self, text: str) -> int:
        return len(text.split())


def conversation(name: str = "c") -> dict[str, Any]:
    return {
        "id": name,
        "sessions": [
            {
                "at": at,
                "turns": [
                    {"id": f"{session}:{turn}", "speaker": speaker, "text": text}
                    for turn, (speaker, text) in enumerate(turns, 1)
                ],
            }
            for session, (at, turns) in enumerate(SAID, 1)
        ],
    }


def question(text: str, *evidence: str, **more: str) -> dict[str, Any]:
    return {"question": text, "conversation_id": "c", "evidence": list(evidence), **more}


QUESTIONS = [
    question("How much rent does Ben pay?", "2:1", category_name="fact"),
    question("Who adopted a puppy, and what did Ann break?", "1:2", "3:1", category_name="joined"),
    question("Was it said?", "9:9"),
    question("Was it?"),
]


def folder(
    root: Path,
    conversations: list[dict[str, Any]] | None = None,
    questions: list[dict[str, Any]] | None = None,
) -> Path:
    for name, rows in (
        ("conversations", [conversation()] if conversations is None else conversations),
        ("qa", QUESTIONS if questions is None else questions),
    ):
        (root / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return root


def judged(root: Path, *sizes: int, **options: Any) -> RecallReport:
    return run(folder(root), sizes=sizes, counter=Words(), **options)


def test_figures_by_hand(tmp_path: Path) -> None:
    heard: list[str] = []
    report = judged(tmp_path, 1, 7, progress=heard.append)
    assert (report.questions, report.skipped, report.conversations, report.lines) == (2, 2, 1, 7)
    # The first question's line comes first, and one of the second's two.
    assert report.recall == pytest.approx((1 + 1 / 2) / 2)
    assert report.hit_rate == 1.0
    assert {name: one.recall for name, one in report.by_category.items()} == {
        "fact": 1.0,
        "joined": 0.5,
    }
    assert report.at["1"].recall == report.recall
    assert report.at["7"].hit_rate == 1.0
    assert report.ms_per_question > 0
    assert report.index_ms > 0
    assert heard == ["conversation 1 of 1: c"]


def test_recency_is_the_last_lines(tmp_path: Path) -> None:
    """The last three hold one of the second question's two lines; the last five hold 2:1 too."""
    at = judged(tmp_path, 3, 5, 7).at
    found = {size: one.baselines["recency"] for size, one in at.items()}
    assert (found["3"].recall, found["3"].hit_rate) == (0.25, 0.5)
    assert found["5"].recall == 0.75
    assert found["7"].recall == 1.0
    assert set(at["3"].baselines) == {"recency", "bm25", "embedding"}


def test_each_line_costs_its_text_its_speaker_and_its_date(tmp_path: Path) -> None:
    """ "Ben, 2026-06-02: The rent is 940 euros." are seven words."""
    at = judged(tmp_path, 6, 7, unit="tokens").at
    assert at["6"].by_category["fact"].recall == 0.0
    assert at["7"].by_category["fact"].recall == 1.0
    assert at["7"].lines == 0.5, "the best line for the second question has eight"
    # "Ann, 2026-07-02: See you!" and "Ben, 2026-07-02: Oh no." are four each, then six of 3:1.
    assert judged(tmp_path, 13, unit="tokens").baselines["recency"].recall == 0.0
    assert judged(tmp_path, 14, unit="tokens").baselines["recency"].recall == 0.25


def test_contexts_and_compressed_forms_are_judged_by_tokens(tmp_path: Path) -> None:
    """A line costs its words and four tokens; the first question has six, the second nine."""
    at = judged(tmp_path, 6, 16, 60, 500, unit="tokens").at
    for one in at.values():
        assert one.assembly is not None and one.compression is not None
    nothing, least, all_of_it = at["6"].assembly, at["16"].assembly, at["500"].assembly
    assert nothing is not None and least is not None and all_of_it is not None
    assert (nothing.recall, nothing.tokens) == (0.0, 0.0), "the questions alone have no room"
    assert least.recall == 0.0 and least.tokens <= 16
    assert all_of_it.recall == all_of_it.whole == 1.0
    assert {name: one.recall for name, one in all_of_it.by_category.items()} == {
        "fact": 1.0,
        "joined": 1.0,
    }
    assert "truncation" in at["60"].baselines


def test_compression_counts_notes_beside_whole_lines(tmp_path: Path) -> None:
    """The amount survives as a note of its line, which is not there itself."""
    said = conversation()
    for number in range(40):
        said["sessions"][2]["turns"].append(
            {"id": f"4:{number}", "speaker": "Ann", "text": "well then, so it goes on and on"}
        )
    root = folder(tmp_path, [said], QUESTIONS[:1])
    report = run(root, sizes=[40, 1000], unit="tokens", counter=Words())
    small, large = report.at["40"].compression, report.at["1000"].compression
    assert small is not None and large is not None
    assert (small.recall, small.hit_rate, small.whole) == (1.0, 1.0, 0.0)
    assert small.tokens <= 40
    assert (large.recall, large.whole) == (1.0, 1.0)
    assert report.at["40"].baselines["truncation"].recall == 0.0


def test_lines_alone_are_judged_without_contexts(tmp_path: Path) -> None:
    report = judged(tmp_path, 3)
    assert report.assembly is None
    assert "assembly" not in msgspec.to_builtins(report)["at"]["3"]


def test_a_picture_is_found_by_its_caption(tmp_path: Path) -> None:
    shown = conversation()
    shown["sessions"][0]["turns"][0]["image_caption"] = "a red bicycle"
    root = folder(tmp_path, [shown], [question("Who has a bicycle?", "1:1")])
    assert run(root, sizes=[1]).recall == 1.0


def test_a_conversation_without_lines_is_no_harm(tmp_path: Path) -> None:
    root = folder(tmp_path, [conversation(), {"id": "empty", "sessions": []}])
    assert run(root, sizes=[7]).conversations == 2


def test_packed_files_are_read(tmp_path: Path) -> None:
    root = folder(tmp_path)
    plain = root / "qa.jsonl"
    (root / "qa.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    assert run(root, sizes=[1]).questions == 2


@pytest.mark.parametrize("sizes", [[], [0], [5, -1], [1_000_001]])
def test_a_size_out_of_range_is_refused(tmp_path: Path, sizes: list[int]) -> None:
    with pytest.raises(InvalidInput, match="whole number"):
        run(folder(tmp_path), sizes=sizes)


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no folder at .*nowhere"):
        run(tmp_path / "nowhere", sizes=[5])
    with pytest.raises(NotFound, match=r"no file at .*conversations.jsonl"):
        run(tmp_path, sizes=[5])
    (folder(tmp_path) / "qa.jsonl").unlink()
    with pytest.raises(NotFound, match=r"no file at .*qa.jsonl"):
        run(tmp_path, sizes=[5])
    (tmp_path / "qa.jsonl").mkdir()
    with pytest.raises(InvalidInput, match=r"qa.jsonl"):
        run(tmp_path, sizes=[5])


def test_what_is_wrong_in_a_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"conversations.jsonl: 'c' is there twice"):
        run(folder(tmp_path, [conversation(), conversation()]), sizes=[5])
    twice = conversation()
    twice["sessions"][1]["turns"][0]["id"] = "1:1"
    with pytest.raises(InvalidInput, match="'c' has two turns '1:1'"):
        run(folder(tmp_path, [twice]), sizes=[5])
    with pytest.raises(InvalidInput, match=r"qa.jsonl: there is no conversation 'c'"):
        run(folder(tmp_path, [conversation("other")]), sizes=[5])
    with pytest.raises(InvalidInput, match=r"no question .* has evidence"):
        run(folder(tmp_path, questions=QUESTIONS[2:]), sizes=[5])
    timeless = conversation()
    timeless["sessions"][0]["at"] = "some day"
    with pytest.raises(InvalidInput, match=r"conversations.jsonl:1: .*\$\.sessions\[0\]\.at"):
        run(folder(tmp_path, [timeless]), sizes=[5])
    (tmp_path / "qa.jsonl").write_text('{"question": "Who?"}')
    (tmp_path / "conversations.jsonl").write_text(json.dumps(conversation()))
    with pytest.raises(InvalidInput, match=r"qa.jsonl:1: .*conversation_id"):
        run(tmp_path, sizes=[5])
