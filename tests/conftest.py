"""Fixtures for every test. PostgreSQL, Redis and NATS are needed, not optional: the absence of one
is a loud error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import hypothesis
import pytest

from support import carriers, postgres

# Threads of PyTorch wait for each other by spinning: with one of two cores taken by something else,
# five seconds became sixty. Read when PyTorch is first imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Nor does an answer after more than httpx's five seconds tell of anything else; a server that hangs
# is found out all the same.
httpx._config.DEFAULT_TIMEOUT_CONFIG.read = 60.0

# Neither a deadline nor a limit to how long examples take to make: both tell of the machine.
hypothesis.settings.register_profile(
    "colloquy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
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


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The URL of a Redis server, for the whole session."""
    with carriers.server("redis") as url:
        yield url


@pytest.fixture(scope="session")
def nats_server() -> Iterator[str]:
    """The URL of a NATS server, for the whole session."""
    with carriers.server("nats") as url:
        yield url


@pytest.fixture(
    params=[
        "postgres",
        pytest.param("redis", marks=pytest.mark.redis),
        pytest.param("nats", marks=pytest.mark.nats),
    ]
)
def signals_url(request: pytest.FixtureRequest) -> str:
    """The setting `signals.url` for each way between processes: every test that takes it runs on
    all three. Empty for PostgreSQL's own."""
    if request.param == "postgres":
        return ""
    url: str = request.getfixturevalue(f"{request.param}_server")
    return url


TESTS = Path(__file__).parent
LONGEST_FIRST = ("reliability", "end_to_end", "docs", "integration")
"""Folders. Processes that share the work end together if what is left last is short."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`-m 'not postgres'` leaves out what needs the server, without anyone marking it by hand."""
    for item in items:
        for kind in ("postgres", "redis", "nats"):
            if f"{kind}_server" in getattr(item, "fixturenames", ()):
                item.add_marker(kind)
    items.sort(key=lambda item: _place(item.path.relative_to(TESTS).parts[0]))


def _place(folder: str) -> int:
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)
