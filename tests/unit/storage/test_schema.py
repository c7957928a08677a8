"""The rendered schema files are what Alembic renders from the tables."""

from __future__ import annotations

import pytest

from colloquy.model.errors import UnsupportedVersion
from colloquy.storage import schema


@pytest.mark.parametrize("dialect", schema.DIALECTS)
def test_the_rendered_files_are_current(dialect: str) -> None:
    assert schema.fresh(dialect) == schema.render(dialect), "run python -m colloquy.storage.schema"


@pytest.mark.parametrize("dialect", schema.DIALECTS)
def test_the_first_revision_is_the_fresh_database(dialect: str) -> None:
    assert schema.upgrade(dialect, None) == schema.fresh(dialect)
    assert schema.upgrade(dialect, schema.HEAD) == ""


def test_an_unknown_revision_is_a_newer_program() -> None:
    with pytest.raises(UnsupportedVersion, match="9999"):
        schema.upgrade("sqlite", "9999")


def test_a_script_falls_into_its_statements() -> None:
    parts = schema.statements(schema.fresh("sqlite"))
    assert parts[0].startswith("CREATE TABLE schema_version")
    assert parts[-1].startswith("UPDATE schema_version")
    assert all(part and ";" not in part for part in parts)
