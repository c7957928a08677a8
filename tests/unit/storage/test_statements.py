"""Statements: one text for both engines, and what their text columns take."""

from __future__ import annotations

import pytest

from colloquy.storage.statements import (
    STATEMENTS,
    postgres_text,
    sqlite_text,
    storable,
    storable_rows,
)


@pytest.mark.parametrize("name", STATEMENTS)
def test_parameters_match_columns(name: str) -> None:
    width = STATEMENTS[name].width
    assert sqlite_text(name, 3).count("?") == 3 * width
    text = postgres_text(name)
    assert f"${width}::" in text
    assert f"${width + 1}" not in text
    assert "{" not in text + sqlite_text(name, 1)


def test_only_postgres_locks_rows() -> None:
    assert "FOR SHARE OF s" in postgres_text("outbox_release")
    assert "FOR SHARE" not in sqlite_text("outbox_release", 1)
    assert postgres_text("session_guard").endswith("FOR UPDATE OF s")


def test_text_columns_drop_nul_and_bytes_keep_it() -> None:
    rows = [(1, "a\0", 2, 3, 4, b"\0"), (2, "b", 2, 3, 4, None)]
    assert storable_rows("inbox_set", rows) == [(1, "a", 2, 3, 4, b"\0"), rows[1]]
    clean = [(1, "a", 2, 3, 4, b"\0")]
    assert storable_rows("inbox_set", clean) is clean
    assert storable(("x\0y", None, 5, b"\0")) == ("xy", None, 5, b"\0")
    with pytest.raises(TypeError):
        storable_rows("inbox_set", [(1, 7, 2, 3, 4, None)])
