"""Text out of files of others: encodings, archives, and lines that are not too long.

UTF-8 and UTF-16 with its mark are seen; anything else has to be named, because a wrong guess would
be stored for good.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from ..model.errors import InvalidInput, TooLarge
from .source import MAX_RATIO, open_source

MAX_LINE = 1024 * 1024
"""Characters of one line; a longer one is no line of a chat."""
MAX_UNPACKED = 4 * 1024**3
"""Bytes that a text in an archive may unpack to."""
_ZIP = b"PK\x03\x04"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@contextmanager
def open_text(path: Path, encoding: str | None = None) -> Iterator[Iterator[str]]:
    """The lines of a text, out of .gz and .zip too (the one .txt in it), with their line breaks.

    `encoding` None: UTF-8, or what a byte order mark says. Raises NotFound, InvalidInput or
    TooLarge, also while the lines are read.
    """
    with open_source(path) as source, _unpacked(path, source) as stream:
        peeked = stream.peek(4)[:4]
        found = encoding or next(
            (name for mark, name in _MARKS if peeked.startswith(mark)), "utf-8"
        )
        try:
            text = io.TextIOWrapper(stream, encoding=found, errors="strict", newline="")
        except LookupError:
            raise InvalidInput(f"there is no encoding {found!r}", field="encoding") from None
        yield _lines(text, path, found)


def _lines(text: io.TextIOWrapper, path: Path, encoding: str) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        try:
            line = text.readline(MAX_LINE + 1)
        except UnicodeDecodeError as error:
            raise InvalidInput(
                f"{path.name} is not {encoding} from line {number} on ({error.reason}); "
                "--encoding names another",
                field="encoding",
            ) from None
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise InvalidInput(f"{path.name} cannot be read to its end: {error}") from None
        if not line:
            return
        if len(line) > MAX_LINE:
            raise TooLarge(f"line {number} of {path.name} has over {MAX_LINE} characters")
        if "\0" in line and number == 1:
            raise InvalidInput(f"{path.name} is no text", field="file")
        yield line


@contextmanager
def _unpacked(path: Path, source: BinaryIO) -> Iterator[io.BufferedReader]:
    stream = cast(io.BufferedReader, source)  # `open_source` looks ahead, too
    if stream.peek(4)[:4] != _ZIP:
        yield stream
        return
    try:
        with zipfile.ZipFile(path) as archive:
            texts = [item for item in archive.infolist() if item.filename.endswith(".txt")]
            if len(texts) != 1:
                raise InvalidInput(
                    f"{path.name} has {len(texts)} texts; one is expected", field="file"
                )
            (item,) = texts
            if item.file_size > min(MAX_UNPACKED, MAX_RATIO * max(item.compress_size, 1024)):
                raise TooLarge(f"{item.filename} would unpack to {item.file_size} bytes")
            # Reading stops at the size that the archive names: what says less is cut and fails.
            with archive.open(item) as unpacked:
                yield io.BufferedReader(cast(io.RawIOBase, unpacked))
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise InvalidInput(f"{path.name} cannot be unpacked: {error}", field="file") from None
