"""What Linux tells about processes: children, groups, CPU time, memory. From /proc, see proc(5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Status(NamedTuple):
    """One process. `cpu_s` is user and system time of all its threads so far; sizes in bytes."""

    pid: int
    parent: int
    group: int
    state: str
    cpu_s: float
    rss: int


def status_of(pid: int) -> Status | None:
    """The process, or None when there is none (any more)."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The command stands in brackets and may have any character in it.
    fields = line.rpartition(")")[2].split()
    return Status(
        pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        state=fields[0],
        cpu_s=(int(fields[11]) + int(fields[12])) * _TICK_S,
        rss=int(fields[21]) * _PAGE,
    )


def resident() -> int:
    """Bytes of this process in memory."""
    status = status_of(os.getpid())
    return status.rss if status is not None else 0


def living() -> list[Status]:
    """All processes that are not just waiting to be buried."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    found = [status_of(pid) for pid in pids]
    return [status for status in found if status is not None and status.state not in "ZX"]


def children_of(pid: int) -> list[Status]:
    """The living children of a process, oldest first."""
    return sorted((one for one in living() if one.parent == pid), key=lambda one: one.pid)


def members_of(group: int) -> list[Status]:
    """The living members of a process group."""
    return [one for one in living() if one.group == group]
