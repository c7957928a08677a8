"""`colloquy config`: values with their origins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy.cli.root import run


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLLOQUY_CONFIG", raising=False)


def shown(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    return {row["name"]: row for row in msgspec.json.decode(capsys.readouterr().out)}


def test_show_says_where_each_value_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "colloquy.toml"
    file.write_text("port = 1000\nhost = '::1'\n[accept]\nmax_batch = 5\n")
    monkeypatch.setenv("COLLOQUY_HOST", "127.0.0.9")
    arguments = ["config", "show", "--changed", "--config", str(file), "--set", "port=7", "--json"]
    assert run(arguments) == 0
    rows = shown(capsys)
    assert (rows["port"]["value"], rows["port"]["origin"]) == (7, "command line")
    assert (rows["host"]["value"], rows["host"]["origin"]) == (
        "127.0.0.9",
        "environment COLLOQUY_HOST",
    )
    assert rows["accept.max_batch"]["origin"] == f"file {file}"
    assert "accept.max_age_s" not in rows


def test_show_masks_passwords_and_takes_a_prefix(capsys: pytest.CaptureFixture[str]) -> None:
    url = "postgresql://me:secret@there/db"
    assert run(["config", "show", "database", "--database-url", url, "--json"]) == 0
    rows = shown(capsys)
    assert list(rows) == ["database_url"]
    assert "secret" not in str(rows)


def test_check_lists_every_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = ["config", "check", "--set", "acept.max_batch=1", "--set", "port=x"]
    assert run([*arguments, "--json"]) == 1
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["ok"] is False
    assert [one["setting"] for one in found["problems"]] == ["acept.max_batch", "port"]
    assert run(arguments) == 1
    assert "did you mean accept.max_batch" in capsys.readouterr().out
    assert run(["config", "check"]) == 0
    assert capsys.readouterr().out == "All settings are fine.\n"
    assert run(["config", "show", "acept.max", "--set", "port=7"]) == 1
    assert "did you mean accept.max_batch" in capsys.readouterr().err
    assert run(["config", "show", "port", "--set", "port=7"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["port", "7", "command", "line"]


def test_explain_says_what_each_source_says(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["config", "explain", "port", "--set", "port=7"]
    assert run([*arguments, "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert (found["value"], found["origin"], found["range"]) == (7, "command line", "≥ 0, ≤ 65535")
    assert found["said"][-1] == {"source": "default", "value": 8420}
    assert run(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "port = 7"
    assert lines[-2].split() == ["→", "command", "line", "7"]
    assert run(["config", "explain", "prot"]) == 1
    assert "did you mean port" in capsys.readouterr().err


def test_a_flag_is_explained_by_the_registry_of_flags(capsys: pytest.CaptureFixture[str]) -> None:
    name = "flags.enable_bursts"
    assert run(["config", "explain", name, "--set", "profile=legacy", "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert (found["value"], found["origin"]) == (False, "profile legacy")
    assert "answered as one turn" in found["description"]
    assert run(["config", "explain", "flags.enable_nothing"]) == 1
    assert "enable_bursts" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("colloquy config explain accept.max_b", ["accept.max_body_bytes", "accept.max_batch"]),
        ("colloquy config show watch", ["watchdog.enabled", "watchdog.block_s"]),
        ("colloquy serve --set log_", ["log_level=", "log_format="]),
        ("colloquy con", ["config"]),
    ],
)
def test_the_shell_completes_commands_and_names_of_settings(words: str, wanted: list[str]) -> None:
    """As bash asks for it: see `colloquy --show-completion bash`."""
    environment = os.environ | {
        "_COLLOQUY_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "colloquy.cli"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == wanted
