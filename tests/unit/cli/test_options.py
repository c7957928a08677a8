"""Shared options: what they override, and which server they name."""

from __future__ import annotations

import pytest

from colloquy.cli.options import Reach, Where
from colloquy.model.errors import InvalidInput


def test_named_options_win_over_set() -> None:
    where = Where(database_url="sqlite:///a.db", set=["accept.max_batch=7", "port=1"])
    found = where.overrides(port=2, workers=None, **{"security.trust_loopback": True})
    assert found == {
        "accept.max_batch": "7",
        "database_url": "sqlite:///a.db",
        "port": "2",
        "security.trust_loopback": "true",
    }


def test_set_wants_a_name_and_a_value() -> None:
    with pytest.raises(InvalidInput) as caught:
        Where(set=["port"]).overrides()
    assert caught.value.field == "set"
    assert Where(set=["pack="]).overrides() == {"pack": ""}, "an empty value switches off"


def test_a_server_comes_from_the_command_line_or_the_environment() -> None:
    env = {"COLLOQUY_URL": "http://there:1", "COLLOQUY_API_KEY": "cq_env"}
    assert Reach().server({}) is None
    assert Reach().server(env) == ("http://there:1", "cq_env")
    assert Reach(url="https://here", key="cq_own").server(env) == ("https://here", "cq_own")
    with pytest.raises(InvalidInput):
        Reach(url="localhost:8420").server({})
