"""Fixtures for every test. PostgreSQL is needed, not optional: its absence is a loud error."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from support import postgres

# No deadline: a slow example on a busy machine is no failure.
hypothesis.settings.register_profile("colloquy", deadline=None)
hypothesis.settings.load_profile("colloquy")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server, for the whole session."""
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh, empty database for one test; dropped afterwards."""
    with postgres.database(postgres_server) as url:
        yield url


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m 'not postgres'` leaves out what needs the server, without anyone marking it by hand."""
    for item in items:
        if "postgres_server" in getattr(item, "fixturenames", ()):
            item.add_marker("postgres")
