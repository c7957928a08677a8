"""`colloquy backup` and `colloquy restore`: the whole database, while its server runs, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..model.errors import InvalidInput, NotFound
from .options import Json, Where, command, settings_of
from .output import note, print_json, progress

if TYPE_CHECKING:
    from ..settings import Settings
    from ..storage.backup import Manifest, Places

File = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
WithKey = Annotated[
    bool,
    typer.Option("--with-key", help="Also FILE.key, the key that opens stored secrets."),
]


def register(root: typer.Typer) -> None:
    @command(root, "backup")
    def backup(
        where: Where,
        file: File,
        with_key: WithKey = False,
        force: Force = False,
        json: Json = False,
    ) -> None:
        """Copies the database and its spool as they are at one moment, while the server goes on.

        Everything that had a receipt when this began is in it. PostgreSQL: calls pg_dump.
        """
        settings = settings_of(where).settings
        found = (
            _backup_postgres(settings, file, with_key, force)
            if settings.sqlite_file is None
            else _backup_sqlite(settings, file, with_key, force)
        )
        if json:
            print_json(found)

    @command(root, "restore")
    def restore(
        where: Where,
        file: File,
        to: Annotated[
            str | None,
            typer.Option("--to", metavar="DB", help="A SQLite file, or postgresql://…"),
        ] = None,
        verify: Annotated[
            bool,
            typer.Option("--verify", help="Without --to: only checks it. With it: always done."),
        ] = False,
        with_key: WithKey = False,
        force: Force = False,
        json: Json = False,
    ) -> None:
        """Checks a backup, and puts it into the place of a database that no server holds.

        The check reads everything: SQLite's own integrity, the numbers of each conversation's
        events, the ledger, and the SHA-256 of the manifest.
        """
        if to is None and not verify:
            raise InvalidInput("say where: --to DB; or --verify to check it only", field="to")
        found = (
            _restore_postgres(file, to, force)
            if _is_dump(file)
            else _restore_sqlite(where, file, to, with_key, force)
        )
        if json:
            print_json(found)


def _backup_sqlite(settings: Settings, file: Path, with_key: bool, force: bool) -> Manifest:
    from ..storage.backup import PAGE_BYTES, backup

    source = places(settings)
    if not source.database.is_file():
        raise NotFound(f"there is no database at {source.database}; name one: --database-url")
    with progress("copying pages", source.database.stat().st_size // PAGE_BYTES) as advance:
        manifest = backup(source, file, with_key=with_key, force=force, advance=advance)
    note(_summary(manifest, file))
    if with_key:
        note(
            f"{file}.key opens every stored secret: keep it away from the backup, readable by few."
        )
    elif source.key.is_file():
        note(
            f"Not in it: {source.key}, which opens stored secrets (of webhooks). Keep a copy of it "
            "elsewhere; --with-key puts one beside the backup."
        )
    return manifest


def _backup_postgres(settings: Settings, file: Path, with_key: bool, force: bool) -> dict[str, Any]:
    from ..storage import postgres_backup
    from ..storage.backup import sha256

    if with_key:
        raise InvalidInput(
            f"with PostgreSQL keep {settings.key_file} yourself: each machine may have its own",
            field="with_key",
        )
    postgres_backup.dump(settings.database_url, file, force=force)
    entries = postgres_backup.check(file)
    size = file.stat().st_size
    note(f"{file}: {size:,} bytes, {entries} entries. Spools are not in it: drain them first.")
    return {"bytes": size, "entries": entries, "sha256": sha256(file)}


def _restore_sqlite(
    where: Where, file: Path, to: str | None, with_key: bool, force: bool
) -> Manifest:
    from ..storage.backup import restore, verify

    with progress("checking"):
        manifest = verify(file)
    note(f"{_summary(manifest, file)} Sound.")
    if to is not None:
        there = {"database_url": f"sqlite:///{to}", "signals.url": ""}
        target = places(settings_of(where, **there).settings)
        restore(file, target, with_key=with_key, force=force)
        note(f"Restored to {target.database}.")
    return manifest


def _restore_postgres(file: Path, to: str | None, force: bool) -> dict[str, Any]:
    from ..storage import postgres_backup
    from ..storage.backup import sha256

    entries = postgres_backup.check(file)
    note(f"{file}: {entries} entries. Readable.")
    if to is not None:
        if not to.startswith(("postgres://", "postgresql://")):
            raise InvalidInput("this is a dump of PostgreSQL: --to postgresql://…", field="to")
        postgres_backup.load(file, to, force=force)
        note(f"Restored to {postgres_backup.without_password(to)}.")
    return {"bytes": file.stat().st_size, "entries": entries, "sha256": sha256(file)}


def _is_dump(file: Path) -> bool:
    """Whether a file is of pg_dump's custom format, which begins with these bytes."""
    try:
        with file.open("rb") as stream:
            return stream.read(5) == b"PGDMP"
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}", field="file") from None


def places(settings: Settings) -> Places:
    """Where the database of these settings and what belongs to it lie."""
    from ..storage.backup import Places

    assert settings.sqlite_file is not None
    return Places(settings.sqlite_file, settings.spool_folder, settings.key_file)


def _summary(manifest: Manifest, file: Path) -> str:
    held = manifest.database
    spooled = f", {manifest.spooled_bytes:,} bytes of the spool" if manifest.spooled_bytes else ""
    return (
        f"{file}: {held.counts['sessions']:,} conversations, {held.counts['events']:,} events up "
        f"to position {held.event_position:,}, ledger up to {held.ledger_position:,}{spooled}; "
        f"{manifest.bytes:,} bytes, made {manifest.made_at}, SHA-256 {manifest.sha256[:16]}…"
    )
