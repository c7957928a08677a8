"""`colloquy rollout`, through a server and on a database that nobody serves."""

from __future__ import annotations

import pytest

from support.command_line import Serving, Shell

FLAG = "enable_tools"


@pytest.fixture
def unserved(alone: Shell) -> Shell:
    alone("db", "upgrade")
    return alone


def go_through(shell: Shell) -> None:
    shell("flags", "set", FLAG, "off")
    begun = shell("rollout", "plan", FLAG, "--steps", "5,100", "--hold", "60", "--reason", "better")
    assert "serves    5 %, step 1 of 2" in begun.out
    assert shell("flags", "show", FLAG, "--json").json["state"]["rollout"] == {"percentage": 5.0}
    listed = shell("rollout", "status", "--json").json
    assert [(one["flag"], one["state"]) for one in listed["rollouts"]] == [(FLAG, "running")]
    assert FLAG in shell("rollout", "status").out
    assert "paused 5 %" in shell("rollout", "pause", FLAG, "--reason", "lunch").out
    assert shell("rollout", "resume", FLAG, "--json").json["state"] == "running"
    preview = shell("rollout", "rollback", "--level", "partial", "--flag", FLAG, "--preview")
    assert "switch disable_new_tools: thrown" in preview.out
    assert f"ends the roll-outs of {FLAG}" in preview.out
    assert "caches are cleared" in preview.out
    also = shell("evolve", "rollback", "--level", "partial", "--flag", FLAG, "--preview")
    assert also.out == preview.out
    assert shell("rollout", "rollbacks", "--json").json["rollbacks"] == []
    asked = ("rollout", "rollback", "--level", "partial", "--flag", FLAG)
    assert shell(*asked, code=1).code == 1
    back = shell(*asked, "--yes", "--reason", "it books twice", "--json").json
    assert (back["status"], back["reason"]) == ("done", "it books twice")
    assert back["id"] in shell("rollout", "rollbacks").out
    assert "rolled back" in shell("rollout", "status", FLAG).out
    undone = shell("rollout", "rollback", "--undo", back["id"])
    assert f"{back['id']} partial of {FLAG}: undone" in undone.out
    assert shell("flags", "show", FLAG, "--json").json["state"]["rollout"] == {"percentage": 5.0}
    shell("flags", "set", FLAG, "off")
    shell("flags", "rollout", FLAG)
    shell("rollout", "plan", FLAG)
    assert shell("rollout", "cancel", FLAG, "--json").json["state"] == "cancelled"


def test_through_a_server(shell: Shell, server: Serving) -> None:
    go_through(shell)


def test_on_a_database_that_nobody_serves(unserved: Shell) -> None:
    go_through(unserved)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("plan", FLAG, "--steps", "5,x"), "is no list of percentages"),
        (("plan", FLAG, "--steps", "5,200"), "at most 100"),
        (("plan", FLAG), "everybody is served True already"),
        (("status", "enable_apology"), "there is no roll-out"),
        (("rollback",), "--level"),
        (("rollback", "--level", "feature", "--yes"), "is about a flag"),
        (("rollback", "--undo", "1", "--preview"), "stands alone"),
        (("rollback", "--undo", "1"), "no rollback '1'"),
    ],
)
def test_what_is_wrong_is_one_line(unserved: Shell, arguments: tuple[str, ...], said: str) -> None:
    found = unserved("rollout", *arguments, code=1)
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1
