"""The suite for a store of one's own, run as its page says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from support.markdown import ROOT, blocks

SECTION = (
    (ROOT / "docs" / "python.md")
    .read_text(encoding="utf-8")
    .partition("## Your own store")[2]
    .partition("\n## ")[0]
)


def test_the_suite_runs_as_the_page_says(tmp_path: Path) -> None:
    (program,) = blocks(SECTION, "python")
    (shell,) = blocks(SECTION, "")
    command, *arguments = shlex.split(shell.text)
    assert command == "pytest"
    (tmp_path / arguments[-1]).write_text(program.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 10
    assert "failed" not in done.stdout
