"""`colloquy import`: history of others, looked through first and then recorded."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer
from msgspec import Struct

from ..formats import Options, Reader, Survey, open_reader, survey
from ..model.errors import InvalidInput
from ..model.message import encode
from .app import AppOption
from .checkpoint import Checkpoint
from .options import Reach, command
from .output import note, print_json, progress
from .sending import SHOWN_PROBLEMS, Imported, send, told
from .target import recording

if TYPE_CHECKING:
    from ..formats.rasa import Remark


class InFormat(StrEnum):
    AUTO = "auto"
    JSONL = "jsonl"
    OPENAI = "openai"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    CSV = "csv"
    RASA = "rasa"


def register(root: typer.Typer) -> None:
    @command(root, "import")
    def import_(
        reach: Reach,
        file: Annotated[
            str, typer.Argument(metavar="FILE", help="A file, .gz or .zip too; - is stdin.")
        ],
        format: Annotated[
            InFormat,
            typer.Option("--format", help="What the file is. auto looks at its beginning."),
        ] = InFormat.AUTO,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Read everything, write nothing, tell what is in.")
        ] = False,
        keep_going: Annotated[
            bool, typer.Option("--keep-going", help="Import the good rows of a file with bad ones.")
        ] = False,
        me: Annotated[
            str | None,
            typer.Option("--me", metavar="NAME", help="Who is our side: whatsapp, telegram, csv."),
        ] = None,
        conversation: Annotated[
            str | None,
            typer.Option("--conversation", metavar="KEY", help="Whose chat it is, if it is open."),
        ] = None,
        time_zone: Annotated[
            str, typer.Option("--time-zone", metavar="ZONE", help="Of times that have none.")
        ] = "UTC",
        date_order: Annotated[
            Literal["dmy", "mdy", "ymd"] | None,
            typer.Option("--date-order", help="Where day and month stand, if it is open."),
        ] = None,
        encoding: Annotated[
            str | None,
            typer.Option("--encoding", help="Of a text that is neither UTF-8 nor UTF-16."),
        ] = None,
        map: Annotated[
            str | None,
            typer.Option(
                "--map",
                metavar="FIELD=COLUMN,…",
                help="Columns of a table, or a TOML file that has them.",
            ),
        ] = None,
        time_format: Annotated[
            str | None,
            typer.Option("--time-format", metavar="FORMAT", help="Of a table's times: %d.%m.%Y …"),
        ] = None,
        pack: Annotated[
            Path | None,
            typer.Option("--pack", metavar="FILE", help="rasa: the pack to write, in TOML."),
        ] = None,
        app: AppOption = None,
    ) -> int:
        """Brings chat logs in as history: recorded in their conversations, not answered.

        The whole file is read before anything is written. If a row of it is bad, nothing is
        imported, unless you say --keep-going. Importing the same file twice changes nothing, and
        of a later export of the same chat only the new messages are added.

        A Rasa project is no history: it becomes an intent pack (--format rasa --pack FILE).
        """
        if (format is InFormat.RASA) != (pack is not None):
            raise InvalidInput("--format rasa and --pack FILE go together", field="pack")
        if pack is not None:
            return _make_pack(Path(file), pack, dry_run=dry_run, as_json=reach.json)
        options = Options(
            encoding=encoding,
            time_zone=time_zone,
            date_order=date_order,
            time_format=time_format,
            me=me,
            conversation=conversation,
            columns={} if map is None else columns_of(map),
        )
        with _file(file) as path:
            reader = open_reader(path, None if format is InFormat.AUTO else str(format), options)
            with progress("reading") as advance:
                found = survey(reader, advance)
            if dry_run:
                _tell(found, as_json=reach.json)
                return 1 if found.bad_rows else 0
            if found.bad_rows and not keep_going:
                _refuse(found)
            result = asyncio.run(_import(reach, path, reader, found, options, app))
        if reach.json:
            print_json(result)
        else:
            print(_summary(result))
        return 1 if result.refused or (result.bad_rows and not result.messages) else 0


# -- reading ----------------------------------------------------------------------------------


def columns_of(text: str) -> dict[str, str]:
    """`field=column,…`, or the name of a TOML file with such pairs. Raises InvalidInput."""
    if text.endswith(".toml"):
        try:
            tree = tomllib.loads(Path(text).read_text(encoding="utf-8"))
            return msgspec.convert(tree, dict[str, str])
        except (OSError, ValueError) as error:  # msgspec's and tomllib's errors are ValueErrors
            raise InvalidInput(f"{text} cannot be read: {error}", field="map") from None
    columns: dict[str, str] = {}
    for pair in text.split(","):
        field, separator, column = pair.partition("=")
        if not separator or not field.strip() or not column.strip():
            raise InvalidInput(f"--map wants FIELD=COLUMN, not {pair!r}", field="map")
        columns[field.strip()] = column.strip()
    return columns


@contextlib.contextmanager
def _file(name: str) -> Iterator[Path]:
    """The file; standard input is put into one, because it has to be read twice."""
    if name != "-":
        yield Path(name)
        return
    with tempfile.NamedTemporaryFile(prefix="colloquy-import-") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.flush()
        yield Path(copy.name)


def _refuse(found: Survey) -> None:
    """Raises InvalidInput with the problems of the file."""
    for problem in found.problems[:SHOWN_PROBLEMS]:
        note(told(problem))
    rows = "1 bad row" if found.bad_rows == 1 else f"{found.bad_rows} bad rows, the first"
    raise InvalidInput(
        f"{rows} in line {found.problems[0].line}; nothing was imported "
        "(--keep-going leaves bad rows out)",
        field="file",
        problems=msgspec.to_builtins(found.problems),
    )


class Converted(Struct, kw_only=True):
    """What became of a Rasa project. `remarks` are what packs do not have."""

    pack: str
    intents: int
    examples: int
    replies: int
    entities: int
    remarks: list[Remark]


def _make_pack(folder: Path, out: Path, *, dry_run: bool, as_json: bool) -> int:
    from ..formats.rasa import read_project  # with it comes all that understands

    pack, remarks = read_project(folder)
    if not dry_run:
        try:
            with out.open("x", encoding="utf-8") as stream:  # a pack that people edited stays
                stream.write(pack.toml())
        except OSError as error:
            raise InvalidInput(f"{out} cannot be written: {error.strerror}", field="pack") from None
    done = Converted(
        pack=str(out),
        intents=len(pack.intents),
        examples=sum(len(one.examples) for one in pack.intents.values()),
        replies=sum(len(one.replies) for one in pack.intents.values()),
        entities=len(pack.entities),
        remarks=remarks,
    )
    if as_json:
        print_json(done)
        return 0
    print(
        f"{done.intents} intents with {done.examples} examples and {done.replies} replies, "
        f"{done.entities} entities → {out}"
    )
    for remark in remarks:
        print(f"{remark.file}:{remark.line}: {remark.detail}")
    return 0


# -- writing ----------------------------------------------------------------------------------


async def _import(
    reach: Reach, path: Path, reader: Reader, found: Survey, options: Options, app: str | None
) -> Imported:
    result = Imported(
        format=reader.format, conversations=found.conversations, guesses=found.guesses
    )
    checkpoint = Checkpoint.of(reach, path, reader.format, encode(options))
    with progress("importing", found.messages) as advance:
        async with recording(reach, app) as target:
            result.resumed_at = await checkpoint.reached(target)
            await send(target, reader.read(), result, checkpoint, advance)
    checkpoint.clear()
    return result


def _tell(found: Survey, *, as_json: bool) -> None:
    """The report of a dry run."""
    if as_json:
        print_json(found)
        return
    print(
        f"{found.messages} messages of {found.people} people in {found.conversations} "
        f"conversations ({found.format})"
    )
    if found.first is not None and found.last is not None:
        print(f"from {found.first.isoformat()} to {found.last.isoformat()}")
    for guess in found.guesses:
        print(f"{guess.about}: {guess.value} ({'sure' if guess.sure else 'likely'})")
    for problem in found.problems[:SHOWN_PROBLEMS]:
        print(told(problem))
    if found.bad_rows > SHOWN_PROBLEMS:
        print(f"… {found.bad_rows} bad rows in all (--json has more of them)")


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
