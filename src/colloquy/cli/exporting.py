"""`colloquy export`: what was said, in a form that can be imported, or the bare log of events."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from msgspec import Struct

from ..formats import csv, jsonl, messages_of, openai
from ..model.errors import InvalidInput
from ..model.message import encode
from ..model.session import Event
from ..model.views import ConversationView
from .options import Reach, command
from .output import print_json, progress
from .target import Local, parse_moment, reached

if TYPE_CHECKING:
    from ..client import AsyncClient

PAGE = 500


class OutFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    OPENAI = "openai"
    EVENTS = "events"


class Exported(Struct, kw_only=True):
    format: str
    conversations: int = 0
    rows: int = 0
    file: str | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """What is exported: one conversation or all, and what was recorded at `since` or later."""

    format: OutFormat
    conversation: str | None = None
    since: datetime | None = None


def register(root: typer.Typer) -> None:
    @command(root, "export")
    def export(
        reach: Reach,
        file: Annotated[
            str, typer.Argument(metavar="[FILE]", help="A file (.gz packs it); - is stdout.")
        ] = "-",
        format: Annotated[
            OutFormat,
            typer.Option(
                "--format", help="jsonl, csv and openai can be imported; events is the log."
            ),
        ] = OutFormat.JSONL,
        conversation: Annotated[
            str | None, typer.Option("--conversation", metavar="ID", help="Only this one.")
        ] = None,
        since: Annotated[
            str | None,
            typer.Option(
                "--since", metavar="TIME", help="Only what was recorded then or later (RFC 3339)."
            ),
        ] = None,
    ) -> None:
        """Writes conversations out: V2 messages, a table, OpenAI-form logs, or the bare event log.

        What was said is written, replies included, so that another database can import it. In a
        table no text is a formula: an apostrophe stands before one that would be.
        """
        path = None if file == "-" else Path(file)
        moment = None if since is None else parse_moment(since, "since")
        wanted = Wanted(format=format, conversation=conversation, since=moment)
        result = asyncio.run(_export(reach, path, wanted))
        if path is None:
            return
        if reach.json:
            print_json(result)
        else:
            print(f"{result.conversations} conversations, {result.rows} rows → {file}")


async def _export(reach: Reach, path: Path | None, wanted: Wanted) -> Exported:
    result = Exported(format=str(wanted.format), file=None if path is None else str(path))
    with _sink(path) as write, progress("exporting") as advance:
        if wanted.format is OutFormat.CSV:
            write(csv.header())
        async with reached(reach) as target:
            async for view in _conversations(target, wanted):
                log = target.events(view.conversation_id, limit=PAGE)
                events = [event async for event in log if _is_in(wanted.since, event.at)]
                count = 0
                for row in _rows(view, events, wanted.format):
                    write(row)
                    count += 1
                result.rows += count
                result.conversations += count > 0
                advance(1)
    return result


async def _conversations(
    target: Local | AsyncClient, wanted: Wanted
) -> AsyncIterator[ConversationView]:
    if wanted.conversation is not None:
        yield await target.conversation(wanted.conversation)
        return
    # Newest activity comes first: one that moves while the list is read may jump from below to
    # above our place. So its top is read again until nothing is new there. What began later waits
    # for the next export, or this one would never end.
    seen: set[bytes] = set()
    began = newest = ""
    while True:
        top, found = "", False
        async for view in target.conversations(limit=PAGE):
            top = top or view.updated_at
            began = began or top
            if view.updated_at < newest:
                break
            identity = bytes.fromhex(view.conversation_id)
            if identity in seen or view.created_at > began:
                continue
            seen.add(identity)
            found = True
            if _is_in(wanted.since, view.updated_at):
                yield view
        if not found:
            return
        newest = top


def _is_in(since: datetime | None, at: str) -> bool:
    return since is None or datetime.fromisoformat(at) >= since


def _rows(view: ConversationView, events: Iterable[Event], format: OutFormat) -> Iterator[bytes]:
    if format is OutFormat.EVENTS:
        for event in events:
            row = {"conversation_id": view.conversation_id, **msgspec.structs.asdict(event)}
            yield encode(row) + b"\n"
        return
    messages = messages_of(view, events)
    if format is OutFormat.JSONL:
        yield from jsonl.write(messages)
    elif format is OutFormat.CSV:
        yield from csv.write(messages)
    elif log := openai.write(messages):
        yield log


@contextlib.contextmanager
def _sink(path: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Writes to standard output, or to a file that takes its name only when it is whole."""
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer.write
        sys.stdout.buffer.flush()
        return
    part = path.with_name(path.name + ".part")
    try:
        with contextlib.ExitStack() as stack:
            stream: io.BufferedIOBase = stack.enter_context(part.open("wb"))
            if path.suffix == ".gz":
                stream = stack.enter_context(gzip.GzipFile(path.stem, "wb", fileobj=stream))
            yield stream.write
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InvalidInput(f"{path} cannot be written: {error.strerror}", field="file") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
