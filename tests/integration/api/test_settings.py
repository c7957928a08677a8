"""The settings that a server runs with, as its administrator sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy import Colloquy
from colloquy.runtime import Runtime
from support.server import Server


def test_values_and_where_they_came_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLLOQUY_ACCEPT_MAX_BATCH", "7")
    with Server(tmp_path, **{"channels.web.quiet_s": "0.5"}) as server, server.client() as admin:
        found = {row["name"]: row for row in admin.get("/v2/settings").json()["settings"]}
    batch = found["accept.max_batch"]
    assert (batch["value"], batch["default"]) == (7, 1000)
    assert batch["origin"] == "environment COLLOQUY_ACCEPT_MAX_BATCH"
    assert batch["environment"] == "COLLOQUY_ACCEPT_MAX_BATCH"
    assert batch["description"] == "Most messages in one request."
    assert found["channels.web.quiet_s"]["origin"] == "command line"
    assert found["shutdown.grace_s"]["origin"] == "preset test"
    assert (found["port"]["value"], found["port"]["origin"]) == (8420, "default")


def test_secrets_are_masked() -> None:
    key = "A" * 43 + "="
    settings = Colloquy().settings(
        {"database_url": "postgresql://maya:hidden@db/colloquy", "security.secret_key": key}
    )
    rows = {
        name: (value, origin)
        for name, value, origin in Runtime(Colloquy(), settings).resolution.rows()
    }
    assert rows["database_url"] == ("postgresql://maya:***@db/colloquy", "program")
    assert rows["security.secret_key"] == ("***", "program")
    assert rows["port"] == (8420, "default")
