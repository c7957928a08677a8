"""The schema as SQL: rendered by Alembic from `tables.py`, run by our own drivers.

A fresh database runs the rendered file of its dialect; an older one gets the rendered steps from
its version to `HEAD`. `python -m colloquy.storage.schema` writes the files anew; a test holds them
against Alembic's rendering.
"""

from __future__ import annotations

from importlib.resources import files

from ...model.errors import UnsupportedVersion

HEAD = "0006"
"""The revision this code needs."""

DIALECTS = ("sqlite", "postgresql")

SCRIPTS = "colloquy.storage:migrations"
"""Where Alembic finds the revisions."""


def fresh(dialect: str) -> str:
    """The SQL that makes an empty database of this dialect current."""
    return (files(__package__) / f"{dialect}.sql").read_text(encoding="utf-8")


def render(dialect: str, start: str | None = None) -> str:
    """SQL from revision `start` (None: nothing there) to HEAD, by Alembic in offline mode.

    Imports SQLAlchemy and Alembic, which serving a current database never does.
    """
    import io

    from alembic import command
    from alembic.config import Config

    out = io.StringIO()
    config = Config(output_buffer=out)
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("dialect", dialect)
    command.upgrade(config, HEAD if start is None else f"{start}:{HEAD}", sql=True)
    lines = (line.rstrip() for line in out.getvalue().splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("--")) + "\n"


def upgrade(dialect: str, found: str | None) -> str:
    """The SQL from revision `found` (None: an empty database) to HEAD; "" when it is there.

    Raises UnsupportedVersion for a revision that this code does not know: a newer program's.
    """
    if found == HEAD:
        return ""
    if found is None:
        return fresh(dialect)
    from alembic.util import CommandError

    try:
        return render(dialect, found)
    except CommandError as error:
        raise UnsupportedVersion(
            f"the database has schema revision {found}, this program knows up to {HEAD}"
        ) from error


def statements(sql: str) -> list[str]:
    """The single statements of a rendered script (which has no semicolon inside a statement)."""
    return [part.strip() for part in sql.split(";") if part.strip()]
