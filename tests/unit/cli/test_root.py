"""The tree of commands, and what an error looks like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import typer

from colloquy.cli.root import build, run

CONTRACT = {
    "new", "backup", "restore", "config explain",
    "serve", "worker", "chat", "demo", "import", "export", "doctor", "trace", "torture", "version",
    "keys create", "keys list", "keys revoke", "config show", "config check", "db status",
    "db upgrade", "dead-letters list", "dead-letters show", "dead-letters retry",
    "dead-letters discard", "bench pipeline",
}  # fmt: skip


def commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


TREE = dict(commands(typer.main.get_command(build())))


def test_the_names_of_the_contract_are_there() -> None:
    assert set(TREE) >= CONTRACT


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_command_takes_json_and_says_what_it_does(name: str) -> None:
    command = TREE[name]
    options = {option for parameter in command.params for option in parameter.opts}
    assert "--json" in options
    assert len(command.help) > 20
    silent = [one.name for one in command.params if not one.help and one.name != "help"]
    assert not silent, "an option without a word of help"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "No such command"),
        (["keys", "lst"], "Did you mean 'list'"),
        (["trace"], "Missing argument"),
        (["serve", "--port", "x"], "--port"),
        (["serve", "--port", "70000"], "--port"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: usage: ")
    assert said in err
    assert err.count("\n") == 1


def test_an_error_is_one_line_with_its_code(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    database = f"sqlite:///{tmp_path / 'none.db'}"
    assert run(["dead-letters", "list", "--database-url", database]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: not_found: there is no database at ")
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir()), "looking made nothing"


def test_with_json_the_error_is_a_problem_document(
    capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    database = f"sqlite:///{tmp_path / 'none.db'}"
    assert run(["trace", "00" * 16, "--json", "--database-url", database]) == 1
    problem = msgspec.json.decode(capsys.readouterr().err)
    assert problem["code"] == "not_found"
    assert problem["status"] == 404


def test_a_group_alone_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["keys"]) == 2
    out, err = capsys.readouterr()
    assert "revoke" in out
    assert err == ""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["version", "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert set(found) == {"colloquy", "python", "sqlite"}
    assert run(["version", "--short"]) == 0
    assert capsys.readouterr().out == found["colloquy"] + "\n"
