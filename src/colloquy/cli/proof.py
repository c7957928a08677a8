"""`colloquy bench` and `colloquy torture`: what the promises cost, and whether they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
            int, typer.Option("--messages", min=1, help="Most messages to send.")
        ] = 60_000,
        database_url: DatabaseUrl = None,
        keep: Annotated[
            bool, typer.Option("--keep", help="Keep the folder with database, journal and logs.")
        ] = False,
        json: Json = False,
    ) -> int:
        """Kills, pauses and locks a real server under load, then judges what it left.

        Exits with 1 if anything was lost, doubled or out of order.
        """
        from ..proof import torture as proof

        report = proof.torture(
            seconds=seconds,
            seed=seed,
            messages=messages,
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
