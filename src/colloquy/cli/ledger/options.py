"""Options of commands that say where to, of what, and how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import typer

from ...model.errors import InvalidInput
from ...model.ledger import LedgerScope, OnConflict, RollbackRequest, Strategy, UndoRequest
from ..target import parse_moment

Texts = list[str] | None
View = Annotated[
    Literal["line", "word", "json", "semantic"],
    typer.Option("--format", help="How differences are shown."),
]
Record = Annotated[
    str | None,
    typer.Option("--record", metavar="COLLECTION/KEY", help="Only this record."),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="Not before (RFC 3339).")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before (RFC 3339).")]


def time_of(text: str | None, field: str) -> datetime | None:
    return None if text is None else parse_moment(text, field)


def split(record: str | None, collection: str | None = None) -> tuple[str | None, str | None]:
    """(collection, key) of what was given. Raises InvalidInput."""
    if record is None:
        return collection, None
    name, slash, key = record.partition("/")
    if not slash or not name or not key:
        raise InvalidInput("a record is COLLECTION/KEY", field="record")
    if collection not in (None, name):
        raise InvalidInput("give --record or --collection", field="record")
    return name, key


@dataclass(frozen=True)
class Of:
    """Of what records."""

    collection: Annotated[
        Texts, typer.Option("--collection", help="Records of this kind; repeatable.")
    ] = None
    record: Annotated[
        Texts,
        typer.Option("--record", metavar="COLLECTION/KEY", help="This record; repeatable."),
    ] = None
    include: Annotated[
        Texts,
        typer.Option(
            "--include", metavar="PATTERN", help="Records that match: prices/flat-*; repeatable."
        ),
    ] = None
    exclude: Annotated[
        Texts, typer.Option("--exclude", metavar="PATTERN", help="None that match; repeatable.")
    ] = None
    actor: Annotated[
        Texts, typer.Option("--actor", help="What this actor changed; repeatable.")
    ] = None
    conversation: Annotated[
        Texts,
        typer.Option("--conversation", metavar="ID", help="What it changed; repeatable."),
    ] = None
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Changes not before (RFC 3339).")
    ] = None
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Changes before (RFC 3339).")
    ] = None
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Matching nothing is no error.")
    ] = False

    def scope(self) -> LedgerScope:
        """Raises InvalidInput."""
        return LedgerScope(
            collections=tuple(self.collection or ()),
            keys=tuple(self.record or ()),
            include=tuple(self.include or ()),
            exclude=tuple(self.exclude or ()),
            actors=tuple(self.actor or ()),
            sessions=tuple(self.conversation or ()),
            since=time_of(self.since, "since"),
            until=time_of(self.until, "until"),
            allow_unmatched=self.allow_unmatched,
        )


@dataclass(frozen=True)
class Where:
    """Back to when."""

    point: Annotated[
        str | None, typer.Option("--point", metavar="ID", help="Back to this rollback point.")
    ] = None
    to: Annotated[
        int | None, typer.Option("--to", metavar="POSITION", min=0, help="Back to this position.")
    ] = None
    time: Annotated[
        str | None, typer.Option("--time", metavar="TIME", help="Back to this time (RFC 3339).")
    ] = None
    undo: Annotated[
        str | None,
        typer.Option("--undo", metavar="ID", help="Take back what this operation wrote."),
    ] = None


@dataclass(frozen=True)
class How:
    """How to go about it."""

    strategy: Annotated[
        Strategy, typer.Option("--strategy", help="auto chooses by size, age and conflicts.")
    ] = "auto"
    on_conflict: Annotated[
        OnConflict | None,
        typer.Option("--on-conflict", help="What becomes of records that others changed since."),
    ] = None
    batch: Annotated[
        int | None, typer.Option("--batch", min=1, max=500, help="Records in one transaction.")
    ] = None
    pause: Annotated[
        float | None, typer.Option("--pause", min=0, help="Seconds between two of them.")
    ] = None
    verify: Annotated[
        bool | None, typer.Option("--verify/--no-verify", help="Check every record afterwards.")
    ] = None
    max_duration: Annotated[
        float | None,
        typer.Option("--max-duration", metavar="SECONDS", help="Then it is cancelled."),
    ] = None
    reason: Annotated[str, typer.Option("--reason", help="Why; for the audit trail.")] = ""

    def request(self, of: Of, where: Where) -> RollbackRequest:
        """Raises InvalidInput."""
        return RollbackRequest(
            point=where.point,
            position=where.to,
            time=time_of(where.time, "time"),
            undo=where.undo,
            scope=of.scope(),
            strategy=self.strategy,
            on_conflict=self.on_conflict,
            batch_size=self.batch,
            pause_s=self.pause,
            verify=self.verify,
            max_duration_s=self.max_duration,
            reason=self.reason,
        )

    def undoing(self, of: Of) -> UndoRequest:
        """Raises InvalidInput."""
        whole = self.request(of, Where())
        return UndoRequest(**{name: getattr(whole, name) for name in UndoRequest.__struct_fields__})
