"""`colloquy torture --migration`: a table is moved while it is in use and everything is killed.

Seeded as the torture is: what is sent and what is spoilt follows from the seed, which moment a kill
meets does not.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from ...evolution.migration import Tables, read_plan
from ...model.errors import InvalidInput
from ...telemetry import configure
from .. import show
from ..dialogue import Dialogue, endless, made_up, read_dialogues
from ..server import Server
from . import assistant
from .answers import Answers
from .callers import Callers
from .child import Child, Worker
from .damage import Damage
from .engine import Engine
from .report import MUST_BE_NONE, LayoutReport, MigrationTortureReport
from .table import make_table, rows_of
from .traffic import Traffic
from .truth import Truth
from .walk import Walk

ONE, TWO = "one database", "two databases"
FEWEST = 1_000
"""Messages: with fewer there is nothing left to be spoilt at the last stage."""
PROGRAMS = 2
LARGE = 20_000
"""From so many messages on more is killed."""
EDITED_SHARE = 10
"""Of so many conversations of the old table one is written on."""
MOST_BATCH = 500
PAUSE_S = 0.4
"""Between two batches of a writer: the machine is to have time for the work that they meet."""


def torture_migration(
    *,
    messages: int = 200_000,
    data: Path | None = None,
    seed: int | None = None,
    database_url: str | None = None,
    v2_database_url: str | None = None,
    layouts: Sequence[str] = (ONE, TWO),
    keep: bool = False,
    progress: bool = True,
) -> MigrationTortureReport:
    """Moves a table of so many messages to V2 and back again under fire, and judges what is left.

    `data` is a folder of dialogues (see `dialogue.read_dialogues`); without it they are made up.
    By default the tables are SQLite files in a temporary folder, once in one database and once in
    two. `database_url` names an empty database for the old table, and both are there; with
    `v2_database_url` the new one is in that other empty database. Raises InvalidInput, NotFound,
    and Unavailable when a part of it cannot be started at all.
    """
    if messages < FEWEST:
        raise InvalidInput(f"at least {FEWEST} messages", field="messages")
    if v2_database_url is not None and database_url is None:
        raise InvalidInput("it needs --database-url, too", field="v2_database_url")
    if database_url is not None:
        layouts = (ONE,) if v2_database_url is None else (TWO,)
    if not structlog.is_configured():
        configure("error")
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    known = None if data is None else read_dialogues(data)
    folder = Path(tempfile.mkdtemp(prefix="colloquy-torture-"))
    started = time.monotonic()
    found = []
    with show.stages(enabled=progress) as stage:
        for layout in layouts:
            place = folder / layout.replace(" ", "-")
            place.mkdir()
            url = database_url or f"sqlite:///{place / 'old.db'}"
            v2_url = v2_database_url
            if layout == TWO and v2_url is None:
                v2_url = f"sqlite:///{place / 'new.db'}"
            run = _run(place, layout, url, v2_url, messages, known, seed, stage)
            found.append(asyncio.run(run))
    ok = all(one.is_ok for one in found)
    report = MigrationTortureReport(
        ok=ok,
        database="SQLite" if database_url is None else database_url.partition(":")[0],
        data="made up" if data is None else data.name,
        seed=seed,
        messages=messages,
        kills=sum(one.killed for one in found),
        injected=sum(sum(one.injected.values()) for one in found),
        found=sum(one.found for one in found),
        repaired=sum(one.repaired for one in found),
        **{name: sum(getattr(one, name) for one in found) for name in MUST_BE_NONE},
        answers=sum(one.table_answers + one.server_answers for one in found),
        seconds=round(time.monotonic() - started, 1),
        replay=f"colloquy torture --migration --seed {seed} --messages {messages}"
        + (f" --data {data}" if data is not None else ""),
        layouts=found,
    )
    if keep or not ok:
        report.kept = str(folder)
    else:
        shutil.rmtree(folder)
    return report


async def _run(
    folder: Path,
    layout: str,
    url: str,
    v2_url: str | None,
    messages: int,
    known: list[Dialogue] | None,
    seed: int,
    stage: show.Stage,
) -> LayoutReport:
    started = time.monotonic()

    def dialogues(which: int) -> Iterator[Dialogue]:
        return made_up(seed + which) if known is None else endless(known)

    with stage(f"{layout}: table", 1):
        rows, conversations = rows_of(dialogues(0), messages)
        await make_table(url, rows)
    edited = {id: one.name for one in conversations[::EDITED_SHARE] for id in one.ids}
    kept = [one for place, one in enumerate(conversations) if place % EDITED_SHARE]
    plan = folder / "migration.toml"
    _write_plan(plan, url, v2_url, min(MOST_BATCH, messages // 40))
    server = Server(
        folder,
        app=f"{assistant.__name__}:app",
        settings={
            "COLLOQUY_VERSIONS_MIGRATION": str(plan),
            "COLLOQUY_WORKERS": "0",
            "COLLOQUY_LOG_LEVEL": "error",
        },
    )
    await server.prepare()
    await server.start()
    log = folder / "processes.log"
    programs = [Child(plan, folder / "colloquy.db", log) for _ in range(PROGRAMS)]
    worker = Worker(plan, log, random.Random(f"worker {seed}"))
    truth, engine = Truth(kept), Engine(server)
    traffic = Traffic(
        programs,
        truth,
        dialogues(1),
        seed=seed,
        first=messages + 1,
        edited=edited,
        pause_s=PAUSE_S,
    )
    callers = Callers(engine, truth, dialogues(2), seed=seed)
    answers = Answers(engine, truth)
    try:
        async with Tables(read_plan(plan)) as tables:
            damage = Damage(tables, messages + 1, [id for one in kept for id in one.ids], seed)
            walk = Walk(
                tables=tables,
                worker=worker,
                engine=engine,
                programs=programs,
                traffic=traffic,
                callers=callers,
                answers=answers,
                truth=truth,
                damage=damage,
                olds=messages,
                kills=1 if messages < LARGE else 2,
                seed=seed,
                stage=stage,
            )
            try:
                await walk.run()
            finally:
                await traffic.stop()
    finally:
        for program in programs:
            await program.close()
        await worker.close()
        await server.stop()
    wrong = truth.wrong
    return LayoutReport(
        layout=layout,
        messages=messages,
        conversations=len(conversations),
        live=traffic.counts["accepted"],
        server_messages=callers.messages,
        kills={where: dict(kinds) for where, kinds in walk.kills.items()},
        injected=dict(damage.counts),
        refused=walk.counts["refused"],
        found=walk.counts["found"],
        repaired=walk.counts["repaired"],
        others=walk.counts["others"],
        quieted=walk.counts["quieted"],
        table_answers=truth.compared,
        server_answers=answers.compared + callers.reads,
        **{name: wrong[name] for name in MUST_BE_NONE},
        other_problems={name: n for name, n in wrong.items() if name not in MUST_BE_NONE},
        steps=walk.steps,
        seconds=round(time.monotonic() - started, 1),
        examples=truth.examples,
    )


def _write_plan(file: Path, url: str, v2_url: str | None, batch: int) -> None:
    lines = [f"url = {json.dumps(url)}", f"batch = {batch}"]
    if v2_url is not None:
        lines.append(f"v2_url = {json.dumps(v2_url)}")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
