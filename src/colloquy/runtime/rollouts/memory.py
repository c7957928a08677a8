"""How much of the memory that this process may use is used."""

from __future__ import annotations

from pathlib import Path

ROOT = Path("/")


def memory_share(root: Path = ROOT) -> float | None:
    """0 to 1, of the control group where it has a limit (version 2), else of the machine; None
    where the system does not tell. Pages of files that can be dropped at any time do not count."""
    try:
        found = _of_group(root)
        return found if found is not None else _of_machine(root)
    except (OSError, ValueError, KeyError):
        return None


def _of_group(root: Path) -> float | None:
    try:
        text = (root / "proc/self/cgroup").read_text()
        path = next(line[3:] for line in text.splitlines() if line.startswith("0::"))
        group = root / "sys/fs/cgroup" / path.lstrip("/")
        limit = (group / "memory.max").read_text().strip()
        used = int((group / "memory.current").read_text())
        droppable = _numbers((group / "memory.stat").read_text())["inactive_file"]
    except (FileNotFoundError, StopIteration):
        return None
    return None if limit == "max" else max(0, used - droppable) / int(limit)


def _of_machine(root: Path) -> float:
    found = _numbers((root / "proc/meminfo").read_text().replace(":", ""))
    return 1 - found["MemAvailable"] / found["MemTotal"]


def _numbers(text: str) -> dict[str, int]:
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1}
