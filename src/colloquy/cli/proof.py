"""`colloquy bench` and `colloquy torture`: what the promises cost, and whether they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..model.errors import InvalidInput
from .options import Json
from .output import print_json

bench = typer.Typer(no_args_is_help=True, help="Measures the engine on this machine.")

DatabaseUrl = Annotated[
    str | None,
    typer.Option("--database-url", metavar="URL", help="An empty database. Default: a new file."),
]


def register(root: typer.Typer) -> None:
    root.add_typer(bench, name="bench")

    @root.command("torture")
    def torture(
        seconds: Annotated[
            float, typer.Option("--seconds", min=1, help="How long faults go on.")
        ] = 120.0,
        seed: Annotated[
            int | None, typer.Option("--seed", help="Replay this seed. Default: a new one.")
        ] = None,
        messages: Annotated[
            int | None,
            typer.Option(
                "--messages",
                min=1,
                help="Most messages to send (60000); with --migration those of the old table "
                "(200000).",
            ),
        ] = None,
        database_url: DatabaseUrl = None,
        migration: Annotated[
            bool,
            typer.Option(
                "--migration",
                help="Move a table of V1 messages to V2 and back meanwhile, however long it takes.",
            ),
        ] = False,
        data: Annotated[
            Path | None,
            typer.Option(
                "--data",
                help="With --migration: a folder with dialogues for the table. Default: made-up "
                "ones.",
            ),
        ] = None,
        v2_database_url: Annotated[
            str | None,
            typer.Option(
                "--v2-database-url",
                metavar="URL",
                help="With --migration and --database-url: another empty one for the V2 table.",
            ),
        ] = None,
        keep: Annotated[
            bool, typer.Option("--keep", help="Keep the folder with database, journal and logs.")
        ] = False,
        json: Json = False,
    ) -> int:
        """Kills, pauses and locks a real server under load, then judges what it left.

        Exits with 1 if anything was lost, doubled or out of order. With --migration also if a V1
        client was answered otherwise than before, or a mismatch not repaired.
        """
        if migration:
            from ..proof.migration.proof import torture_migration
            from ..proof.migration.report import show_report

            moved = torture_migration(
                messages=200_000 if messages is None else messages,
                data=data,
                seed=seed,
                database_url=database_url,
                v2_database_url=v2_database_url,
                keep=keep,
                progress=not json,
            )
            if json:
                print_json(moved)
            else:
                show_report(moved)
            return 0 if moved.ok else 1
        if data is not None or v2_database_url is not None:
            raise InvalidInput("--data and --v2-database-url go with --migration", field="data")
        from ..proof import torture as proof

        report = proof.torture(
            seconds=seconds,
            seed=seed,
            messages=60_000 if messages is None else messages,
            database_url=database_url,
            keep=keep,
            progress=not json,
        )
        if json:
            print_json(report)
        else:
            proof.show_torture(report)
        return 0 if report.ok else 1


@bench.command("pipeline")
def pipeline(
    messages: Annotated[
        int, typer.Option("--messages", min=1, help="Messages of the sustained run.")
    ] = 100_000,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Folder with dialogues to send. Default: made-up ones."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Decides what is sent.")] = 1,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Measures accepting, the whole pipeline and the time to the answer, over real HTTP."""
    from ..proof import bench as proof

    report = proof.bench_pipeline(
        messages=messages, data=data, seed=seed, database_url=database_url, progress=not json
    )
    if json:
        print_json(report)
    else:
        proof.show_pipeline(report)


@bench.command("ledger")
def ledger(
    records: Annotated[
        int, typer.Option("--records", min=1, help="Records in the ledger.")
    ] = 1_000_000,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Measures making a point, and taking back 10,000 changes."""
    from ..proof.bench_ledger import bench_ledger, show_ledger

    report = bench_ledger(records, database_url=database_url, progress=not json)
    if json:
        print_json(report)
    else:
        show_ledger(report)


@bench.command("graph")
def graph(
    relationships: Annotated[
        int, typer.Option("--relationships", min=100, help="Relationships in the graph.")
    ] = 1_000_000,
    entities: Annotated[
        int, typer.Option("--entities", min=100, help="Entities in the graph.")
    ] = 100_000,
    database_url: DatabaseUrl = None,
    json: Json = False,
) -> None:
    """Measures learning in bulk, what lies three hops around an entity, and searching."""
    from ..proof.bench_graph import bench_graph, show_graph

    report = bench_graph(relationships, entities, database_url=database_url, progress=not json)
    if json:
        print_json(report)
    else:
        show_graph(report)


@bench.command("diff")
def diff(
    entities: Annotated[
        int, typer.Option("--entities", min=1, help="Entities in each of the two states.")
    ] = 10_000,
    json: Json = False,
) -> None:
    """Measures the difference of two states beside a hand-made loop, deepdiff, dictdiffer and
    jsonpatch."""
    from ..proof.bench_diff import bench_diff, show_diff

    report = bench_diff(entities, progress=not json)
    if json:
        print_json(report)
    else:
        show_diff(report)


@bench.command("flags")
def flags(
    kills: Annotated[
        int, typer.Option("--kills", min=1, help="How often a kill switch is thrown.")
    ] = 100,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url",
            metavar="URL",
            help="An empty PostgreSQL database for four engines. Default: none, one on SQLite.",
        ),
    ] = None,
    signals: Annotated[
        str | None,
        typer.Option(
            "--signals",
            metavar="URL",
            help="Server of the signals between them, redis://… or nats://…. Default: PostgreSQL.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measures deciding a flag, beside flagd, Unleash and OpenFeature, and the time until a kill
    is in force."""
    from ..proof.bench_flags import bench_flags, show_flags

    report = bench_flags(kills, database_url=database_url, signals_url=signals, progress=not json)
    if json:
        print_json(report)
    else:
        show_flags(report)


@bench.command("migration")
def migration(
    messages: Annotated[
        int, typer.Option("--messages", min=3200, help="Messages of all rounds together.")
    ] = 32_000,
    rows: Annotated[
        int, typer.Option("--rows", min=1, help="Rows of the table that is moved.")
    ] = 20_000,
    json: Json = False,
) -> None:
    """Measures what dual write costs of an engine's throughput, a conversion, and a backfill."""
    from ..proof.bench_migration import bench_migration, show_migration

    report = bench_migration(messages, rows, progress=not json)
    if json:
        print_json(report)
    else:
        show_migration(report)


@bench.command("context")
def context(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Conversations, as JSON lines. Default: made-up ones."),
    ] = None,
    json: Json = False,
) -> None:
    """Measures the first context of a long conversation, each later one, their memory, and which
    share of the key facts survives compression, beside truncation and other libraries."""
    from ..proof.bench_context import bench_context, show_context

    report = bench_context(data, progress=not json)
    if json:
        print_json(report)
    else:
        show_context(report)
