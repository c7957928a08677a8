"""`colloquy ledger export | import | compact`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ...model.counting import counted
from ...model.errors import InvalidInput
from ...model.ledger import CompactRequest, ImportPolicy
from ..options import Reach, command
from ..output import note, print_json
from .target import asked


def register(app: typer.Typer) -> None:
    """Adds the commands to the group."""
    command(app, "export")(export)
    command(app, "import")(import_)
    command(app, "compact")(compact)


def export(
    reach: Reach,
    point_id: Annotated[str, typer.Argument(metavar="POINT", help="The rollback point's id.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the snapshot.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Writes all records as of a rollback point into a file."""
    if file.exists() and not force:
        raise InvalidInput(f"{file} is there already; --force replaces it", field="file")
    snapshot = asked(reach, lambda target: target.export_point(point_id))
    try:
        file.write_bytes(snapshot)
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written: {error.strerror}", field="file") from None
    if reach.json:
        print_json({"file": str(file), "bytes": len(snapshot)})
    else:
        note(f"{file}: {len(snapshot):,} bytes")


def import_(
    reach: Reach,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The snapshot.")],
    policy: Annotated[
        ImportPolicy,
        typer.Option("--on-difference", help="What becomes of records that are otherwise."),
    ] = "abort",
    reason: Annotated[str, typer.Option("--reason", help="Why; for the audit trail.")] = "",
) -> None:
    """Writes the records of a snapshot, once all of it was verified.

    A rollback point is made before it. What is not in the snapshot stays.
    """
    try:
        snapshot = file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", field="file") from None
    done = asked(reach, lambda target: target.import_snapshot(snapshot, policy, reason))
    if reach.json:
        print_json(done)
        return
    print(f"{counted(done.written, 'record')} written, {done.unchanged} unchanged, "
          f"{done.skipped} skipped.")  # fmt: skip
    for name in done.refused:
        note(f"not let in: {name}")
    note(f"Back again: colloquy ledger rollback --point {done.point_id}")


def compact(
    reach: Reach,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="POSITION", min=0, help="Up to here. Default: the settings."),
    ] = None,
) -> None:
    """Forgets history that is old, but for what rollback points need. A server does it hourly."""
    done = asked(reach, lambda target: target.compact_ledger(CompactRequest(to)))
    if reach.json:
        print_json(done)
        return
    print(f"{counted(done.rows, 'change')} forgotten ({counted(done.bytes, 'byte')}); "
          f"any position from {done.horizon} on can be restored.")  # fmt: skip
    if done.points or done.operations or done.audit:
        print(f"Also {counted(done.points, 'expired point')}, "
              f"{counted(done.operations, 'finished operation')}, "
              f"{counted(done.audit, 'entry', 'entries')} of the audit trail.")  # fmt: skip
