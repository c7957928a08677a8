"""What lists show of an entity."""

from __future__ import annotations

from colloquy.graph.labels import MAX_NAME, labels, newest


def test_the_best_name_counts() -> None:
    assert labels({"type": b'"spec"', "path": b'"a.md"', "title": b'"A"'}) == ("spec", "A")
    assert labels({"value": b'"+351"'}) == (None, "+351")
    assert labels({"name": b"5", "label": b'" "', "path": b'"p"'}) == (None, "p")
    assert labels({}) == (None, None)
    assert len(labels({"name": b'"%b"' % (b"x" * 999)})[1] or "") == MAX_NAME


def test_of_several_values_the_last_to_begin_counts() -> None:
    rows = [(1, "name", b'"new"', 5), (1, "name", b'"old"', None), (2, "name", b'"other"', 1)]
    assert newest(rows) == {1: {"name": b'"new"'}, 2: {"name": b'"other"'}}
