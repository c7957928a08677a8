"""`colloquy bench flags`: what deciding a flag takes, beside other libraries, and how long a kill.

One flag with an allow-list, rules and a roll-out is asked for 1,000 people, in a process of its own
for each contender (`flag_contenders`). A kill is thrown in one of four engines on a PostgreSQL
database until the last has it in force, and in the file of switches beside a SQLite database.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from msgspec import Struct

from ..model.errors import InvalidInput
from ..settings.signals import signal_server
from . import flag_contenders
from .figures import cpu_model
from .flag_contenders import CONTENDERS
from .flag_kills import PROCESSES, kills_by_file, kills_on_database
from .sampling import percentile
from .show import Row, print_rows, stages

ROUNDS = 50
PASSES = 3
"""Every contender has as many turns, so that none meets the machine at its worst alone."""
_REMARKS = {
    "evaluate": "allow-list of 100, two rules, roll-out",
    "evaluate_constant": "everybody is served the same",
    "openfeature_ours": "our provider, the same flag, through the SDK's client",
    "openfeature_ours_constant": "our provider, everybody is served the same",
    "openfeature_inmemory": "the SDK's own provider: everybody is served the same",
    "flagd": "in this process from a file, the same flag, through the SDK's client",
    "unleash": "its client without a server, the same flag",
}


class Micros(Struct, frozen=True):
    """Microseconds for one question: of the best round, and of the median one."""

    best: float
    median: float


class FlagMachine(Struct, frozen=True):
    """Where it was measured. `load`: processes that wanted to run in the minute before."""

    cores: int
    cpu: str
    python: str
    load: float


class FlagReport(Struct, frozen=True, kw_only=True):
    """Microseconds for one question, None for what was not measured; `notes` says why. `served`:
    the shares of people who are served the flag, about the same for all that have its rules.
    `kill_signals`: what carried the signals of the kills on a database."""

    evaluate_us: Micros | None
    evaluate_constant_us: Micros | None
    openfeature_ours_us: Micros | None
    openfeature_ours_constant_us: Micros | None
    openfeature_inmemory_us: Micros | None
    flagd_us: Micros | None
    unleash_us: Micros | None
    served: dict[str, float]
    kills: int
    kill_processes: int
    kill_signals: str
    kill_p50_ms: float | None
    kill_p99_ms: float | None
    kill_file_p50_ms: float
    kill_file_p99_ms: float
    notes: dict[str, str]
    machine: FlagMachine


def bench_flags(
    kills: int = 100,
    rounds: int = ROUNDS,
    *,
    database_url: str | None = None,
    signals_url: str | None = None,
    progress: bool = True,
) -> FlagReport:
    """`kills`: how often a switch is thrown; on a database only where `database_url` names an empty
    one of PostgreSQL, whose processes tell each other through `signals_url` (by default its own
    signals). Raises InvalidInput for a `signals_url` that will not do, Unavailable where a kill is
    not in force after 30 seconds."""
    carrier = _carrier(database_url, signals_url)
    import uvloop

    load = os.getloadavg()[0]
    found: dict[str, dict[str, Any]] = {}
    notes: dict[str, str] = {}
    folder = Path(tempfile.mkdtemp(prefix="colloquy-bench-"))
    try:
        with stages(enabled=progress) as stage:
            order = [name for _ in range(PASSES) for name in CONTENDERS]
            with stage("deciding", len(order)) as bar:
                for done, name in enumerate(order):
                    bar(done, name)
                    if "reason" not in found.get(name, {}):
                        found[name] = _better(found.get(name), _apart(name, rounds))
            with stage("kills by file", 1):
                by_file = uvloop.run(kills_by_file(folder / "file", kills))
            by_database: list[float] = []
            if database_url is None:
                notes["kill_p99_ms"] = "not measured: name a PostgreSQL database (--database-url)"
            else:
                with stage("kills on a database", 1):
                    by_database = uvloop.run(
                        kills_on_database(database_url, folder, kills, PROCESSES, signals_url or "")
                    )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    notes |= {f"{name}_us": row["reason"] for name, row in found.items() if "reason" in row}
    return FlagReport(
        **{
            f"{name}_us": None if "reason" in row else Micros(row["best"], row["median"])
            for name, row in found.items()
        },
        served={name: row["served"] for name, row in found.items() if "reason" not in row},
        kills=kills,
        kill_processes=PROCESSES,
        kill_signals=carrier,
        kill_p50_ms=_at(by_database, 50),
        kill_p99_ms=_at(by_database, 99),
        kill_file_p50_ms=round(percentile(sorted(by_file), 50), 1),
        kill_file_p99_ms=round(percentile(sorted(by_file), 99), 1),
        notes=notes,
        machine=FlagMachine(
            cores=len(os.sched_getaffinity(0)),
            cpu=cpu_model(),
            python=platform.python_version(),
            load=round(load, 1),
        ),
    )


def _carrier(database_url: str | None, signals_url: str | None) -> str:
    if signals_url is None:
        return "postgresql"
    if database_url is None:
        raise InvalidInput("signals need a PostgreSQL database: --database-url", field="signals")
    try:
        return "redis" if signal_server(signals_url).is_redis else "nats"
    except ValueError as error:
        raise InvalidInput(f"the URL {error}", field="signals") from None


def _apart(name: str, rounds: int) -> dict[str, Any]:
    """`flag_contenders.measure` in a process of its own; what fails there is a reason, too."""
    command = [sys.executable, "-m", flag_contenders.__name__, name, str(rounds)]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        if name.startswith("evaluate"):
            raise RuntimeError(f"{name} failed: {done.stderr.decode(errors='replace')}")
        words = done.stderr.decode(errors="replace").strip().splitlines()
        return {"reason": f"failed: {words[-1] if words else done.returncode}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _better(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    """The turn with the best round."""
    return other if one is None or "reason" in other or other["best"] < one["best"] else one


def _at(times: list[float], percent: float) -> float | None:
    return round(percentile(sorted(times), percent), 1) if times else None


def show_flags(report: FlagReport) -> None:
    rows: list[Row] = []
    for name, remark in _REMARKS.items():
        micros: Micros | None = getattr(report, f"{name}_us")
        if micros is None:
            rows.append((f"{name}_us", None, report.notes[f"{name}_us"]))
        else:
            rows.append((f"{name}_us", micros.best, f"median {micros.median:.3g}; {remark}"))
    p99 = report.kill_p99_ms
    where = f"thrown {report.kills} times; p50 {report.kill_p50_ms} in all {report.kill_processes}"
    how = f"processes, told by {report.kill_signals}"
    rows.append(("kill_p99_ms", p99, report.notes.get("kill_p99_ms", f"{where} {how}")))
    where = f"p50 {report.kill_file_p50_ms}; by the file, SQLite"
    rows.append(("kill_file_p99_ms", report.kill_file_p99_ms, where))
    machine = report.machine
    title = (
        f"colloquy bench flags: {machine.cores} cores ({machine.cpu}), Python {machine.python}, "
        f"load {machine.load}"
    )
    print_rows(title, rows, alarming=lambda name: False)
