"""Rows of a file: lines, arrays, gzip, and everything that can be wrong with one."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

from colloquy.formats import Problem, Row, open_source, rows, source
from colloquy.model.errors import InvalidInput, NotFound


def read(data: bytes) -> list[tuple[int, bytes] | Problem]:
    found = rows(io.BytesIO(data))
    return [row if isinstance(row, Problem) else (row.line, bytes(row.data)) for row in found]


def test_lines_keep_their_numbers_over_blank_ones_and_windows_line_ends() -> None:
    assert read(b'{"a":1}\r\n\n  \n{"a":2}\n{"a":3}') == [
        (1, b'{"a":1}'),
        (4, b'{"a":2}'),
        (5, b'{"a":3}'),
    ]


def test_a_byte_order_mark_is_not_part_of_the_first_row() -> None:
    assert read(b"\xef\xbb\xbf{}\n") == [(1, b"{}")]


def test_an_empty_file_has_no_rows() -> None:
    assert read(b"") == []
    assert read(b"\n\n") == []


def test_items_of_an_array_know_the_line_they_begin_on() -> None:
    data = b'\n[\n  {"a": 1},\n  {"a":\n   2}, {"a": 1}\n]\n'
    assert read(data) == [(3, b'{"a": 1}'), (4, b'{"a":\n   2}'), (5, b'{"a": 1}')]


def test_a_broken_array_is_one_problem_with_the_line_of_the_error() -> None:
    (problem,) = read(b'[\n{"a": 1},\n{"a": x}\n]')
    assert isinstance(problem, Problem)
    assert (problem.line, problem.code) == (3, "malformed_json")


def test_an_array_nested_without_end_is_a_problem_and_no_crash() -> None:
    (problem,) = read(b"[" * 200_000)
    assert isinstance(problem, Problem)
    assert problem.code in ("invalid_input", "malformed_json")


def test_a_row_over_the_limit_is_reported_and_the_next_one_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(source, "MAX_ROW", 16)
    first, second = read(b'{"long":"' + b"x" * 50 + b'"}\n{"a":1}\n')
    assert isinstance(first, Problem)
    assert (first.line, first.code) == (1, "too_large")
    assert second == (2, b'{"a":1}')


def test_gzip_is_recognised_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes(gzip.compress(b'{"a":1}\n{"a":2}\n'))
    with open_source(file) as stream:
        assert [row.line for row in rows(stream) if isinstance(row, Row)] == [1, 2]


def test_a_gzip_file_cut_off_gives_its_whole_rows_and_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "log.gz"
    lines = b"".join(b'{"number": %d}\n' % number for number in range(20_000))
    file.write_bytes(gzip.compress(lines)[:-2000])
    with open_source(file) as stream:
        *good, last = rows(stream)
    assert all(isinstance(row, Row) for row in good)
    assert isinstance(last, Problem)
    assert "to its end" in last.detail


def test_a_file_that_is_not_there_or_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_source(tmp_path / "none")
    with pytest.raises(InvalidInput):
        open_source(tmp_path)
