"""What the README promises a newcomer: from a clone to a changed answer in the browser."""

from __future__ import annotations

import subprocess

import pytest

from support.markdown import ROOT
from support.newcomer import INSTALL, promise


def test_the_section_is_whole() -> None:
    said = promise((ROOT / "README.md").read_text(encoding="utf-8"))
    assert said.commands[0] == INSTALL
    assert said.commands[-1].startswith("colloquy serve")
    assert said.before != said.after


@pytest.mark.timeout(600)
def test_the_newcomers_way() -> None:
    """With the environment that is there; without `--installed` it makes one of its own."""
    done = subprocess.run(
        [ROOT / "scripts" / "newcomer", "--installed"],
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ask again" in done.stdout
    assert f"{INSTALL}: left out" in done.stdout, "it says what it did not do"
