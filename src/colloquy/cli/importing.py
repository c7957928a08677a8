"""`colloquy import`: history in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import msgspec
import typer
from msgspec import Struct

from ..formats import Item, Problem, guess, jsonl, open_source, openai, rows
from ..model.errors import ColloquyError, InvalidInput, NotFound, Overloaded, Unavailable
from ..model.message import encode
from ..model.views import Receipt
from .app import AppOption
from .options import Reach, command
from .output import Advance, note, print_json, progress
from .target import Local, recording

if TYPE_CHECKING:
    from ..client import AsyncClient
    from ..formats import Item, Problem

BATCH = 500
"""Messages in one request or transaction."""
BATCH_BYTES = 2 * 1024 * 1024
"""Text in one request: half of the largest body a server takes by default."""
PATIENCE_S = 60.0
"""How long one batch is offered again to a server that is busy."""
WATCHED = 200
"""Conversations that are looked at in the end: the ones before them are done long since."""
LOOK_AGAIN_S = 0.02
SHOWN_PROBLEMS = 20
KEPT_PROBLEMS = 1000


class InFormat(StrEnum):
    AUTO = "auto"
    JSONL = "jsonl"
    OPENAI = "openai"


class Imported(Struct, kw_only=True):
    """What an import did. `duplicates` were there before: nothing was changed for them."""

    format: str
    conversations: int = 0
    messages: int = 0
    stored: int = 0
    spooled: int = 0
    duplicates: int = 0
    refused: int = 0
    bad_rows: int = 0
    problems: list[Problem] = []

    def add(self, problem: Problem) -> None:
        if len(self.problems) < SHOWN_PROBLEMS:
            note(_told(problem))
        if len(self.problems) < KEPT_PROBLEMS:
            self.problems.append(problem)


def register(root: typer.Typer) -> None:
    @command(root, "import")
    def import_(
        reach: Reach,
        file: Annotated[str, typer.Argument(metavar="FILE", help="A file, .gz too; - is stdin.")],
        format: Annotated[
            InFormat,
            typer.Option("--format", help="jsonl: V2 messages. openai: logs with `messages`."),
        ] = InFormat.AUTO,
        strict: Annotated[
            bool, typer.Option("--strict", help="Import nothing if any row is bad.")
        ] = False,
        app: AppOption = None,
    ) -> int:
        """Brings chat logs in as history: recorded in their conversations, not answered.

        Importing the same file twice changes nothing. Bad rows are reported with their line and
        left out. In OpenAI form each log becomes one conversation (channel `import`).
        """
        path = None if file == "-" else Path(file)
        result = asyncio.run(_import(reach, path, format, strict, app))
        if reach.json:
            print_json(result)
        else:
            print(_summary(result))
        return 1 if result.refused or (result.bad_rows and not result.messages) else 0


# -- in ---------------------------------------------------------------------------------------


async def _import(
    reach: Reach, path: Path | None, format: InFormat, strict: bool, app: str | None
) -> Imported:
    if strict and path is None:
        raise InvalidInput("--strict has to read the file twice: give a file", field="file")
    total = None
    if strict:
        total = _check(path, format)
    with contextlib.closing(open_source(path)) as stream:
        read, name = _reader(stream, format)
        result = Imported(format=name)
        with progress("importing", total) as advance:
            async with recording(reach, app) as target:
                await _send(target, read, result, advance)
    return result


def _check(path: Path | None, format: InFormat) -> int:
    """The number of messages of a file without a bad row. Raises InvalidInput."""
    count = 0
    bad: list[Problem] = []
    with contextlib.closing(open_source(path)) as stream:
        read, _ = _reader(stream, format)
        for item in read:
            if isinstance(item, Problem):
                bad.append(item)
            else:
                count += 1
    if bad:
        for problem in bad[:SHOWN_PROBLEMS]:
            note(_told(problem))
        raise InvalidInput(
            f"{len(bad)} bad rows, the first in line {bad[0].line}; nothing was imported",
            field="file",
            problems=msgspec.to_builtins(bad[:KEPT_PROBLEMS]),
        )
    return count


def _reader(stream: BinaryIO, format: InFormat) -> tuple[Iterator[Item | Problem], str]:
    """The items of the stream, and the name of their format."""
    found = rows(stream)
    name = str(format)
    if format is InFormat.AUTO:
        seen, found = guess(found)
        if seen is None:
            raise InvalidInput(
                "its rows are neither V2 messages nor OpenAI-form logs; --format shows what is "
                "wrong with them",
                field="file",
            )
        name = seen
    return (openai.read(found) if name == InFormat.OPENAI else jsonl.read(found)), name


async def _send(
    target: Local | AsyncClient, read: Iterable[Item | Problem], result: Imported, advance: Advance
) -> None:
    batch: list[Item] = []
    size = 0
    latest: dict[str, str] = {}
    conversations: set[tuple[str, str, str, str]] = set()
    for item in read:
        if isinstance(item, Problem):
            result.bad_rows += 1
            result.add(item)
            continue
        message = item.message
        conversations.add((message.channel, message.account, message.conversation, message.thread))
        result.messages += 1
        # Text is nearly all of a message; parts are measured as they are written.
        length = len(message.text or "") + (len(encode(message.parts)) if message.parts else 0)
        if batch and (len(batch) == BATCH or size + length > BATCH_BYTES):
            _remember(latest, await _offer(target, batch, result))
            advance(len(batch))
            batch, size = [], 0
        batch.append(item)
        size += length
    if batch:
        _remember(latest, await _offer(target, batch, result))
        advance(len(batch))
    result.conversations = len(conversations)
    if not isinstance(target, Local):
        await _recorded(target, list(latest.values()))


async def _offer(
    target: Local | AsyncClient, batch: list[Item], result: Imported
) -> list[Receipt | ColloquyError]:
    """Sends a batch, again if the engine is busy: repeats do no harm."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while True:
        try:
            receipts = await target.import_messages([item.message for item in batch])
            break
        except (Overloaded, Unavailable) as error:
            pause = min(error.retry_after_s or 0.5, 5.0)
            if loop.time() + pause > end:
                raise
            await asyncio.sleep(pause)
    for item, receipt in zip(batch, receipts, strict=True):
        if isinstance(receipt, ColloquyError):
            result.refused += 1
            result.add(Problem.of(item.line, receipt))
        elif receipt.status == "stored":
            result.stored += 1
        elif receipt.status == "spooled":
            result.spooled += 1
        else:
            result.duplicates += 1
    return receipts


def _remember(latest: dict[str, str], receipts: list[Receipt | ColloquyError]) -> None:
    """Keeps the last message of those conversations that were written to last."""
    for receipt in receipts:
        if isinstance(receipt, Receipt):
            latest.pop(receipt.conversation_id, None)
            latest[receipt.conversation_id] = receipt.message_id
    for old in list(latest)[:-WATCHED]:
        del latest[old]


async def _recorded(client: AsyncClient, message_ids: list[str]) -> None:
    """Waits until these messages are in the log, so that an export finds what came in before it."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    for message_id in message_ids:
        while not await _is_done(client, message_id):
            if loop.time() > end:
                note("The server has everything and is still busy writing it into its log.")
                return
            await asyncio.sleep(LOOK_AGAIN_S)


async def _is_done(client: AsyncClient, message_id: str) -> bool:
    try:
        return (await client.message(message_id)).state in ("done", "dead")
    except NotFound:
        return False  # it lies in the spool while the database is away


def _told(problem: Problem) -> str:
    field = f"{problem.field}: " if problem.field else ""
    return f"line {problem.line}: {problem.code}: {field}{problem.detail}"


def _summary(result: Imported) -> str:
    said = [
        f"{result.messages} messages of {result.conversations} conversations ({result.format})",
        f"{result.stored + result.spooled} stored",
    ]
    for count, words in (
        (result.duplicates, "there before"),
        (result.refused, "refused"),
        (result.bad_rows, "bad rows left out"),
    ):
        if count:
            said.append(f"{count} {words}")
    return ", ".join(said)
