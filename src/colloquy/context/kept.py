"""What is kept of conversations in the database: the state of the summary, and the index in
stretches. All of it follows from the log, so what is missing or foreign is made anew.

Whoever writes compares positions: of two processes the one that knows less changes nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Sequence
from typing import NamedTuple

import msgspec

from ..model.errors import InvalidInput
from ..storage.commit import Rows
from ..storage.store import Store
from ..telemetry import get_logger
from .compress.forms import SummarySentence
from .compress.rolling import Rolling, decode_rolling, encode_rolling
from .recall.rows import MAX_LINES
from .recall.stretches import LINES, Stretch, decode_stretch

log = get_logger(__name__)

FORMAT = 1
"""Moves when what is kept would be read wrongly: other columns, stems, vectors of words, or another
way from events to lines. Parts of another format are passed over; older ones are replaced."""
MAX_STRETCHES = MAX_LINES // LINES
"""Of one conversation, the newest."""
_SUMMARY = 0
_CHECK_BYTES = 4
_MAX_SUMMARY = 4 * 1024 * 1024
"""Bytes of a state of the summary once it is unpacked; a hundredth of it is usual."""


class Kept(NamedTuple):
    """`stretches` from number `first` on without a gap; the summary stands for all of them, and
    maybe for more."""

    rolling: Rolling
    summary: tuple[SummarySentence, ...]
    first: int
    stretches: list[Stretch]


class _Summary(msgspec.Struct, array_like=True):
    rolling: bytes
    summary: tuple[SummarySentence, ...]


_summary = msgspec.msgpack.Decoder(_Summary)


class Shelf:
    """What is kept in one database. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def load(self, session: int) -> Kept | None:
        """What is kept of a conversation, by its number; None where nothing can be used."""
        rows = await self._store.scan("context_parts_of", session, FORMAT, MAX_STRETCHES + 1)
        try:
            return _kept(rows)
        except InvalidInput as error:
            log.warning("context_parts_damaged", session=session, detail=error.detail)
            await self.forget(session)
            return None

    async def save(
        self,
        session: int,
        rolling: Rolling,
        summary: Sequence[SummarySentence],
        first: int,
        stretches: Sequence[tuple[int, bytes]],
    ) -> None:
        """Keeps stretches from number `first` on, each with the place of its last line, and a
        summary that stands for all of them. What is there already stays."""
        packed = msgspec.msgpack.encode(_Summary(encode_rolling(rolling), tuple(summary)))
        parts = [(_SUMMARY, rolling.position, zlib.compress(packed, 1))]
        parts += [(number, *one) for number, one in enumerate(stretches, first)]
        rows: Rows = [
            (session, part, position, FORMAT, _checked(data)) for part, position, data in parts
        ]
        surplus = first + len(stretches) - 1 - MAX_STRETCHES

        def steps() -> Generator[tuple[str, Rows], Rows, None]:
            yield "context_parts_put", rows
            if surplus > 0:
                yield "context_parts_trim", [(session, surplus)]

        await self._store.transact(steps)

    async def forget(self, session: int) -> None:
        """Deletes all of a conversation: it is damaged, or the log was erased."""
        await self._store.change("context_parts_delete", [(session,)])


def _kept(rows: Rows) -> Kept | None:
    """Of rows of `context_parts_of`. Raises InvalidInput."""
    if not rows or rows[0][0] != _SUMMARY:
        return None
    try:
        unpacker = zlib.decompressobj()
        packed = unpacker.decompress(_whole(rows[0][2]), _MAX_SUMMARY)
        found = _summary.decode(packed)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise InvalidInput(f"a damaged summary: {error}") from None
    rolling = decode_rolling(found.rolling)
    if rolling.position != rows[0][1]:
        return None  # a state of another version
    stretches: list[Stretch] = []
    last = 0
    for part, _, data in rows[1:]:
        if stretches and part != last - 1:
            break
        last = part
        stretches.append(decode_stretch(_whole(data)))
    return Kept(rolling, found.summary, last, stretches[::-1])


def _checked(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECK_BYTES, "little") + data


def _whole(data: bytes) -> bytes:
    """What was checked. Raises InvalidInput where it is damaged."""
    own = data[_CHECK_BYTES:]
    if zlib.crc32(own).to_bytes(_CHECK_BYTES, "little") != data[:_CHECK_BYTES]:
        raise InvalidInput("a damaged part of what is kept for contexts")
    return own
