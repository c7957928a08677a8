"""`colloquy torture`: real clients against a real server that is killed, paused and locked out.

Seeded: the traffic and the schedule of faults follow from the seed. What meets what does not: a
kill strikes another moment of another batch each time, because clocks, disks and the scheduler of
the operating system are not ours. A seed brings the same attack again, not the same wound.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog
from msgspec import Struct

from ..model.errors import InvalidInput
from ..settings import load_settings
from ..telemetry import configure
from . import assistant, faults, show
from .attack import Attack
from .evidence import read_log
from .faults import Kind
from .history import PROMISES, check
from .journal import Journal, read_journal
from .records import Log, Receipted, Record
from .server import Server

MAX_REMARKS = 10
JOURNAL = "journal"
EFFECTS = "effects"
"""Files in the folder of a run, beside the database."""


class Report(Struct, kw_only=True):
    """What the torture found. All of `problems` must be empty.

    `sent` counts distinct messages offered, `accepted` those with a receipt; `attempts` every
    sending of one; `recovery_s` is the time from a kill to a server that is ready again.
    """

    ok: bool
    sent: int
    accepted: int
    spooled: int
    kills: int
    lost: int
    doubled: int
    inverted: int
    replies_doubled: int
    redelivered: int
    dead_lettered: int
    refused: int
    pauses: int
    locks: int
    seed: int
    seconds: float
    replay: str
    attempts: int
    committed: int
    replies: int
    conversations: int
    retried: int
    late: int
    faults: dict[str, int]
    recovery_s: dict[str, float]
    failures: dict[str, int]
    problems: dict[str, int]
    examples: dict[str, list[str]]
    kept: str | None = None
    """Folder with journal, log and database; kept when something is wrong."""


def torture(
    *,
    seconds: float = 120.0,
    seed: int | None = None,
    messages: int = 60_000,
    database_url: str | None = None,
    keep: bool = False,
    progress: bool = True,
) -> Report:
    """Runs the torture and judges what it left.

    Faults go on for `seconds`, while up to `messages` things are sent evenly over that time; then
    the server is left alone until it rests. Without a seed one is drawn. `database_url` must name
    a database that holds nothing yet; the default is a file in a temporary folder. Raises
    Unavailable when no server can be started at all.
    """
    if seconds <= 0 or messages <= 0:
        raise InvalidInput("seconds and messages must be above 0", field="seconds")
    if not structlog.is_configured():
        configure("warning")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    folder = Path(tempfile.mkdtemp(prefix="colloquy-torture-"))
    with show.stages(enabled=progress) as stage:
        report = asyncio.run(_run(folder, seed, seconds, messages, database_url, stage))
    if keep or not report.ok:
        report.kept = str(folder)
    else:
        shutil.rmtree(folder)
    return report


async def _run(
    folder: Path,
    seed: int,
    seconds: float,
    messages: int,
    database_url: str | None,
    stage: show.Stage,
) -> Report:
    started = time.monotonic()
    server = Server(
        folder,
        app=f"{assistant.__name__}:app",
        database_url=database_url,
        settings={
            assistant.EFFECTS_VARIABLE: str(folder / EFFECTS),
            # After an apology a person would own the conversation, and nothing in it would be
            # answered any more.
            "COLLOQUY_REPLIES_APOLOGY_HAND_OVER": "",
            "COLLOQUY_LOG_LEVEL": "warning",
        },
    )
    await server.prepare()
    async with Journal(folder / JOURNAL) as journal:
        attack = Attack(server, journal, seed=seed, seconds=seconds, messages=messages)
        await attack.run(stage)
    with stage("judging", 1):
        records, log = await read_evidence(folder, server.database_url)
        verdict = check(records, log)
    receipted = {one.message_id for one in records if isinstance(one, Receipted)}
    logged = Counter(event.kind for event in log.events)
    told = attack.counts
    problems = {**verdict.problems, **attack.wrong}
    examples = dict(verdict.examples)
    if remarks := attack.keeper.remarks + attack.remarks:
        examples["remarks"] = remarks[:MAX_REMARKS]
    return Report(
        ok=not problems,
        sent=attack.sent,
        accepted=len(receipted),
        spooled=told["spooled"],
        kills=sum(attack.keeper.done[kind] for kind in faults.KILLS),
        **{name: getattr(verdict, name) for name in PROMISES},
        redelivered=verdict.redelivered,
        dead_lettered=verdict.dead_lettered,
        refused=told["refused"] + told["garbage"],
        pauses=attack.keeper.done[Kind.PAUSE],
        locks=sum(attack.keeper.done[kind] for kind in faults.LOCKS),
        seed=seed,
        seconds=round(time.monotonic() - started, 1),
        replay=f"colloquy torture --seed {seed} --seconds {seconds:g} --messages {messages}",
        attempts=told["attempts"],
        committed=logged["message"],
        replies=logged["reply"],
        conversations=attack.conversations,
        retried=attack.retried,
        late=verdict.late,
        faults={kind: attack.keeper.done[kind] for kind in Kind},
        recovery_s=_spread(attack.keeper.recovered_s),
        failures={name: count for name, count in sorted(told.items()) if name not in _ORDINARY},
        problems=problems,
        examples=examples,
    )


async def read_evidence(folder: Path, database_url: str) -> tuple[list[Record], Log]:
    """What `history.check` wants, out of the folder of a run (kept with `keep`).

    Raises StoreLocked while a server holds the database, InvalidInput for a damaged journal.
    """
    records = list(read_journal(folder / JOURNAL))
    receipted = {one.message_id for one in records if isinstance(one, Receipted)}
    settings = load_settings(None, {}, {"database_url": database_url, "data_dir": str(folder)})
    return records, await read_log(settings, receipted, folder / EFFECTS)


_ORDINARY = ("attempts", "refused", "garbage", "stored", "spooled", "duplicate", "dead")


def show_torture(report: Report) -> None:
    """The report as a table on standard output."""
    rows: list[show.Row] = [
        ("sent", report.sent, f"in {report.attempts:,} attempts, {report.seconds:g} s"),
        (
            "accepted",
            report.accepted,
            f"{report.committed:,} committed, {report.replies:,} replies",
        ),
        ("spooled", report.spooled, f"{report.locks} times was the database locked"),
        ("kills", report.kills, ", ".join(f"{n} {kind}" for kind, n in report.faults.items() if n)),
        ("refused", report.refused, "bad messages, each with a reason"),
        ("dead-lettered", report.dead_lettered, f"{report.retried} retried"),
        ("redelivered", report.redelivered, "replies that came again under the same id"),
        ("late", report.late, "after a gap that timed out, or retried; marked"),
    ]
    rows += [(name, getattr(report, name), "") for name in PROMISES]
    rows += [(name, count, "") for name, count in report.problems.items() if name not in PROMISES]
    bad = set(report.problems)
    show.print_rows("colloquy torture", rows, alarming=lambda name: name in bad)
    for name, found in report.examples.items():
        for example in found:
            print(f"  {name}: {example}")
    print(f"the same attack, though not to the same moment: {report.replay}")
    if report.kept:
        print(f"evidence: {report.kept}")


def _spread(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    ordered = sorted(values)
    return {"p50": round(ordered[len(ordered) // 2], 3), "max": round(ordered[-1], 3)}
