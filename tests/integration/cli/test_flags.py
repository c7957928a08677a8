"""`colloquy flags`, through a server and on a database that nobody serves."""

from __future__ import annotations

import json

import pytest

from support.command_line import Serving, Shell


@pytest.fixture
def unserved(alone: Shell) -> Shell:
    alone("db", "upgrade")
    return alone


def go_through(shell: Shell) -> None:
    assert "enable_apology" in shell("flags", "list").out
    names = [flag["name"] for flag in shell("flags", "list", "--json").json["flags"]]
    assert names == sorted(names)
    changed = shell("flags", "set", "enable_apology", "off", "--person", "ann", "--json").json
    assert changed["state"] == {"value": False, "people": ["ann"]}
    rolled = shell("flags", "rollout", "enable_apology", "25", "--json").json
    assert rolled["state"] == {"value": False, "people": ["ann"], "rollout": {"percentage": 25.0}}
    explained = shell("flags", "explain", "enable_apology", "--person", "ann")
    assert "enable_apology is on" in explained.out
    assert "→ allowed people: 1 person is served on" in explained.out
    assert "it depends" in shell("flags", "show", "enable_apology").out
    assert shell("flags", "rollout", "enable_apology", "--json").json["state"] == {
        "value": False,
        "people": ["ann"],
    }
    assert shell("flags", "set", "enable_apology", "--clear", "--json").json["state"] == {}
    history = shell("flags", "history", "enable_apology", "--json").json["changes"]
    assert [change["operation"] for change in history] == ["delete", "set", "set", "set"]

    killed = shell("flags", "kill", "disable_new_tools", "--reason", "it pays twice").out
    assert "thrown in the store" in killed
    assert ": it pays twice" in killed
    assert shell("flags", "show", "enable_tools", "--json").json["reason"] == "killed"
    assert "not thrown" in shell("flags", "revive", "disable_new_tools").out
    assert (
        len(shell("flags", "history", "disable_new_tools", "--switch", "--json").json["changes"])
        == 2
    )


def test_through_a_server(shell: Shell, server: Serving) -> None:
    go_through(shell)


def test_on_a_database_that_nobody_serves(unserved: Shell) -> None:
    go_through(unserved)


def test_a_file_says_all_of_it(unserved: Shell) -> None:
    rule = {
        "name": "gold",
        "when": [{"attribute": "plan", "operator": "in", "values": ["gold"]}],
        "value": False,
    }
    path = unserved.folder / "state.json"
    path.write_text(json.dumps({"rules": [rule]}))
    unserved("flags", "set", "enable_bursts", "--file", str(path))
    explained = unserved(
        "flags", "explain", "enable_bursts", "--attribute", "plan=gold", "--json"
    ).json
    assert (explained["value"], explained["reason"], explained["detail"]) == (False, "rule", "gold")
    path.write_text("{")
    assert (
        "error: invalid_input"
        in unserved("flags", "set", "enable_bursts", "--file", str(path), code=1).err
    )


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("set", "no_such_flag", "on"), "not_found"),
        (("set", "enable_bursts", "7"), "invalid_input"),
        (("set", "enable_bursts"), "invalid_input"),
        (("set", "enable_bursts", "on", "--clear"), "invalid_input"),
        (("rollout", "enable_bursts", "101"), "invalid_input"),
        (("kill", "everything"), "not_found"),
        (("explain", "enable_bursts", "--attribute", "gold"), "invalid_input"),
    ],
)
def test_bad_input(unserved: Shell, words: tuple[str, ...], code: str) -> None:
    assert f"error: {code}" in unserved("flags", *words, code=1).err
