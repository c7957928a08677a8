"""`colloquy new`: what it makes passes its own tests, runs, and reloads what is changed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from typing import Any

import httpx
import msgspec
import pytest

from colloquy.cli.new import NAME
from support.command_line import Shell
from support.markdown import ROOT

STOP_S = 60.0


def environment() -> dict[str, str]:
    """Without our own settings: the project brings its own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COLLOQUY_")}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("template", ["support", "blank"])
def test_a_new_project_passes_its_own_tests(alone: Shell, template: str) -> None:
    made = alone("new", "shop", "--template", template, "--json").json
    folder = alone.folder / "shop"
    assert all((folder / file).read_text(encoding="utf-8") for file in made["files"])
    sources = [str(folder / "assistant.py"), str(folder / "tests" / "test_assistant.py")]
    for place, command in (
        (folder, ["pytest", "-q", "-p", "no:cacheprovider"]),
        (folder, ["ruff", "check", "--isolated", "."]),
        (ROOT, ["mypy", *sources]),  # here our own modules are in its cache
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=place,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_without_arguments_and_reloads_what_is_changed(alone: Shell) -> None:
    assert "colloquy serve --dev --reload" in alone("new", "shop").out
    folder = alone.folder / "shop"
    with (alone.folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "colloquy.cli", "serve", "--dev", "--reload", "--json",
             "--port", "0"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=log,
        )  # fmt: skip
    try:
        assert answer(process, "When do you open?", "m-1").endswith("Monday to Friday, 9 to 18.")
        source = folder / "assistant.py"
        changed = source.read_text(encoding="utf-8").replace("9 to 18", "10 to 16")
        source.write_text(changed, encoding="utf-8")
        assert answer(process, "When do you open?", "m-2").endswith("Monday to Friday, 10 to 16.")
        assert (folder / "colloquy.db").is_file(), "as its settings say"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)
        assert process.stdout is not None
        process.stdout.close()


def answer(process: subprocess.Popen[bytes], text: str, id: str) -> str:
    """What the next server that starts says to a message."""
    assert process.stdout is not None
    said: dict[str, Any] = msgspec.json.decode(process.stdout.readline())
    body = {"conversation": "ann", "id": id, "text": text}
    answered = httpx.post(
        f"{said['url']}/v2/messages?wait=20", json=body, timeout=60, trust_env=False
    ).json()
    return str(answered["replies"][0]["text"])


def test_a_folder_that_is_in_use_is_left_alone(alone: Shell) -> None:
    folder = alone.folder / "shop"
    folder.mkdir()
    for number in range(5):
        (folder / f"{number}.txt").write_text("mine")
    error = alone("new", "shop", code=1).err
    assert "is not empty: it has 0.txt, 1.txt, 2.txt and 2 more" in error
    assert len(list(folder.iterdir())) == 5
    (alone.folder / "file").write_text("mine")
    assert "is a file" in alone("new", "file", code=1).err


def test_an_empty_folder_will_do(alone: Shell) -> None:
    (alone.folder / "shop").mkdir()
    assert alone("new", "shop").out
    settings = tomllib.loads((alone.folder / "shop" / "colloquy.toml").read_text(encoding="utf-8"))
    assert settings["chat"]["title"] == "shop"


@pytest.mark.parametrize("name", ["9lives", "a b", 'x"y', "ä", "a" * 64, "-rf"])
def test_a_name_that_would_break_the_files_is_refused(alone: Shell, name: str) -> None:
    assert "is no name for a project" in alone("new", "--", name, code=1).err
    assert not (alone.folder / name).exists()
    assert not NAME.match(name)


def test_the_health_check_of_the_container_is_the_documented_one(alone: Shell) -> None:
    alone("new", "shop")
    text = (alone.folder / "shop" / "Dockerfile").read_text(encoding="utf-8")
    assert "--interval=30s --timeout=10s --start-period=5s --retries=3" in text
    assert "USER colloquy" in text
