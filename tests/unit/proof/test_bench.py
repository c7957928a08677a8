"""The parts of the benchmark that need no server."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import msgspec
import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.message import decode_message
from colloquy.proof import show
from colloquy.proof.bench import bench_pipeline, shares
from colloquy.proof.dialogue import Dialogue, made_up
from colloquy.proof.load import OPEN, Feed


def test_a_feed_keeps_each_dialogue_in_order_and_loses_nothing() -> None:
    dialogues = list(islice(made_up(1), 2 * OPEN))
    feed = Feed(iter(dialogues), 1, "x-")
    said: dict[str, list[str]] = {}
    seen = set()
    with pytest.raises(StopIteration):
        while True:
            message = decode_message(feed.one())
            assert message.id not in seen
            seen.add(message.id)
            said.setdefault(message.conversation, []).append(message.text or "")
    by_key = {f"x-{dialogue.key}": dialogue.texts for dialogue in dialogues}
    assert len(said) > OPEN
    for key, texts in said.items():
        assert texts == by_key[key][: len(texts)]


def test_a_feed_mixes_conversations() -> None:
    feed = Feed(made_up(1), 1, "")
    batch = msgspec.json.decode(feed.batch(50))["messages"]
    assert len({message["conversation"] for message in batch}) > 30


def test_texts_of_every_kind_survive() -> None:
    texts = ['say "hi"', "back\\slash", "nul\x00", "\U0001f600", "line\nbreak"]
    feed = Feed(iter([Dialogue(f"k{n}", texts) for n in range(OPEN)]), 1, "")
    assert decode_message(feed.one()).text in texts


def test_shares_of_the_time_between_two_looks() -> None:
    found = shares({"load": 1.0}, {"load": 2.0, "commit": 3.0})
    assert found == {"commit": 0.75, "load": 0.25}
    assert list(found) == ["commit", "load"]
    assert shares({}, {}) == {}


def test_bad_arguments_start_no_server(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        bench_pipeline(messages=0)
    with pytest.raises(NotFound):
        bench_pipeline(data=tmp_path)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(12345, "12,345"), (12345.6, "12,346"), (0.1234, "0.123"), ("9 ms", "9 ms"), (None, "None")],
)
def test_figures_for_people(value: object, expected: str) -> None:
    assert show.shown(value) == expected


def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_rows("title", [("name", 1, "[remark]")], alarming=lambda name: True)
    out = capsys.readouterr().out
    assert "title" in out
    assert "[remark]" in out


def test_no_bars_without_a_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with show.stages(enabled=True) as stage, stage("working", 10) as bar:
        bar(5, "half")
    assert capfd.readouterr() == ("", "")
