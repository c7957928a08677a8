"""One server for all tests of this folder that only need some server, and a shell beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command_line import Serving, Shell


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    serving = Serving(tmp_path_factory.mktemp("served"))
    serving.start()
    yield serving
    assert serving.stop() == 0, "it stops gracefully"


@pytest.fixture
def shell(
    server: Serving, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """Commands on the served database: they find the server by its lock file."""
    return Shell(server.folder, capsys, monkeypatch)


@pytest.fixture
def alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """Commands on a database that nobody serves."""
    return Shell(tmp_path, capsys, monkeypatch)
