"""Memory that is used, read from files of a system of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy.runtime.rollouts.memory import memory_share


def group(root: Path, limit: str) -> None:
    folder = root / "sys/fs/cgroup/app.slice"
    folder.mkdir(parents=True)
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text("0::/app.slice\n")
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("900\n")
    (folder / "memory.stat").write_text("anon 500\ninactive_file 400\n")


def machine(root: Path) -> None:
    (root / "proc").mkdir(exist_ok=True)
    text = "MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    250 kB\nHugePages: 0\n"
    (root / "proc/meminfo").write_text(text)


def test_a_group_with_a_limit_counts_what_cannot_be_dropped(tmp_path: Path):
    group(tmp_path, "1000")
    machine(tmp_path)
    assert memory_share(tmp_path) == pytest.approx(0.5)


def test_without_a_limit_it_is_the_machine(tmp_path: Path):
    group(tmp_path, "max")
    machine(tmp_path)
    assert memory_share(tmp_path) == pytest.approx(0.75)


def test_a_system_that_does_not_tell(tmp_path: Path):
    assert memory_share(tmp_path) is None
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("nonsense")
    assert memory_share(tmp_path) is None


def test_this_machine_tells():
    share = memory_share()
    assert share is not None and 0 < share < 1
