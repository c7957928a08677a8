"""Cross-validation of a pack: confused pairs with texts, suspected errors with their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.understanding.evaluation.rows import IntentRow
from colloquy.understanding.intent import ALGORITHM, Calibration, Guess, Header, IntentModel
from colloquy.understanding.pack import Pack
from colloquy.understanding.packs.folder import load_pack, read_source
from colloquy.understanding.packs.judging import PAIRS, SHOWN, cross_validate, judge
from colloquy.understanding.train import train

THINGS = ("lamp", "jacket", "tablet", "backpack", "toaster", "laptop", "sofa", "chair")
SAID = {
    "money/refund": ("i want my money back for the {}", "please refund the {}"),
    "money/invoice": ("send me the invoice for the {}", "an invoice of the {} please"),
    "track": ("where is the parcel with the {}", "track the delivery of the {}"),
}
PLANTED = "track the delivery of the piano"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("judged")
    (root / "intents").mkdir()
    (root / "pack.yml").write_text("name: judged\n")
    lines = []
    for name, forms in SAID.items():
        lines += [
            f"{name}: |",
            *(f"  - {form.format(thing)}" for form in forms for thing in THINGS),
        ]
        if name == "money/refund":
            lines.append(f"  - {PLANTED}")
    (root / "intents" / "all.yml").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="module")
def pack(folder: Path) -> Pack:
    return load_pack(folder)


def test_what_stands_under_the_wrong_intent_is_named_with_its_line(
    folder: Path, pack: Pack
) -> None:
    report = cross_validate(pack, source=read_source(folder))
    (suspect,) = report.suspects
    assert (suspect.text, suspect.given, suspect.suggested) == (PLANTED, "money/refund", "track")
    assert suspect.confidence >= 0.9
    line = (folder / "intents" / "all.yml").read_text().splitlines().index(f"  - {PLANTED}") + 1
    assert (suspect.file, suspect.line) == ("intents/all.yml", line)
    assert cross_validate(pack).suspects[0].line == 0, "without a source the place is not known"


def test_confused_pairs_come_with_their_texts(pack: Pack) -> None:
    report = cross_validate(pack)
    assert report.accuracy == pytest.approx(48 / 49, abs=1e-3)
    (pair,) = report.confused
    assert (pair.meant, pair.taken_for, pair.times) == ("money/refund", "track", 1)
    assert pair.texts == [PLANTED]


def test_of_many_mistakes_the_commonest_are_shown(pack: Pack) -> None:
    rows = [
        IntentRow(f"where is the parcel {number}", intent="money/refund") for number in range(5)
    ]
    rows += [IntentRow("please refund it", intent="money/invoice")]
    report = judge(pack, train(pack), rows)
    assert [(one.meant, one.taken_for, one.times) for one in report.confused] == [
        ("money/refund", "track", 5),
        ("money/invoice", "money/refund", 1),
    ]
    assert len(report.confused[0].texts) == SHOWN and len(report.confused) <= PAIRS
    assert report.suspects == []


class Torn(IntentModel):
    """Between the children of "money" whatever it is asked."""

    def __init__(self) -> None:
        labels = ["money/invoice", "money/refund", "track"]
        self.header = Header(ALGORITHM, "torn", labels, 0, 1.0, Calibration(1.0, 0.0, 0.0))

    def classify(self, texts: list[list[str]]) -> list[Guess]:
        return [Guess("money/refund", 0.5, 0.02) for _ in texts]

    def log_probabilities(self, texts: list[list[str]]) -> Any:
        return np.log(np.array([[0.48, 0.5, 0.02]] * len(texts), np.float32))


def test_a_parent_is_judged_too(pack: Pack) -> None:
    rows = [IntentRow("x", intent=name) for name in ("money/refund", "money/invoice", "track")]
    rows.append(IntentRow("x", intent="oos"))
    report = judge(pack, Torn(), rows)
    assert (report.claimed, report.parents) == (0.0, 1.0)
    assert report.parents_right == pytest.approx(2 / 3, abs=1e-3)
    assert report.refused == 0.0


def test_what_cannot_be_judged(pack: Pack) -> None:
    with pytest.raises(InvalidInput, match="no intent of the pack"):
        judge(pack, train(pack), [IntentRow("hi", intent="greet")])
    with pytest.raises(InvalidInput, match="no row"):
        judge(pack, train(pack), [])
    with pytest.raises(InvalidInput, match="folds"):
        cross_validate(pack, folds=1)
