"""The file format of a snapshot.

    prelude  magic, format version, CRC-32 of both
    frame    kind, packed length, unpacked length; the body packed by zlib; digest
    …        one header frame (H), any number of records (R), one end (E), and nothing after it

A digest is BLAKE2b (RFC 7693, 128 bits) of the frame and of the digest before it, so that no frame
can be changed, left out or moved. The end says how much there was, and `History.checksum` of it.
Lengths are checked before anything is read or unpacked. Bodies are JSON; values stand in them as
they do in the ledger.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput, SnapshotCorrupted, SnapshotTooLarge, SnapshotVersion
from ..canonical import CHECKSUM_BYTES, canonical
from ..collections import check_key, decode_value, encode_value
from ..scope import Scope

MAGIC = b"CLQSNAP\n"
FORMAT = 1

MAX_BODY = 4 * 1024 * 1024
"""Bytes of one frame's body: more than the largest record needs."""
CHUNK_BYTES = 256 * 1024
CHUNK_RECORDS = 500
"""A frame of records is one transaction of an import (engine decision 28)."""
LEVEL = 6
DIGEST_BYTES = 16

HEADER, RECORDS, END = b"H", b"R", b"E"

_PRELUDE = struct.Struct(">8sHI")
_FRAME = struct.Struct(">cII")
_START = b"\0" * DIGEST_BYTES

Record = tuple[str, str, bytes]
"""Collection, key, value as JSON."""

_records = msgspec.json.Decoder(list[tuple[str, str, msgspec.Raw]])

T = TypeVar("T")


class Header(Struct, frozen=True, kw_only=True):
    """`engine` is the version that wrote it, `created_at` RFC 3339."""

    engine: str
    created_at: str
    position: int
    point: str | None
    scope: Scope


class Trailer(Struct, frozen=True, kw_only=True):
    """`bytes` of records before compression; `collections` says how many records each has."""

    records: int
    bytes: int
    collections: dict[str, int]
    checksum: str


class Snapshot(NamedTuple):
    header: Header
    trailer: Trailer


class Frame(NamedTuple):
    kind: bytes
    body: bytes
    digest: bytes


class Tally:
    """Counts records and sums them up, as `History.checksum` does."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._digest = blake2b(digest_size=CHECKSUM_BYTES)
        self._collections: Counter[str] = Counter()
        self._bytes = 0

    def add(self, records: list[Record], size: int) -> None:
        """`size` is that of their body. Raises SnapshotTooLarge, InvalidInput for what is no
        record of a ledger."""
        self._bytes += size
        if self._bytes > self._limit:
            raise SnapshotTooLarge(f"the snapshot has more than {self._limit:,} bytes")
        for collection, key, body in records:
            check_key(collection, key)
            value = decode_value(body)
            if encode_value(value) != body:
                raise InvalidInput("a value is not written as the ledger writes it")
            self._digest.update(canonical([collection, key, value]))
            self._collections[collection] += 1

    def trailer(self) -> Trailer:
        return Trailer(
            records=self._collections.total(),
            bytes=self._bytes,
            collections=dict(sorted(self._collections.items())),
            checksum=self._digest.hexdigest(),
        )


class Packer:
    """Makes a snapshot's bytes, frame by frame."""

    def __init__(self) -> None:
        self._digest = _START

    def header(self, header: Header) -> bytes:
        start = MAGIC + FORMAT.to_bytes(2, "big")
        return start + zlib.crc32(start).to_bytes(4, "big") + self._frame(HEADER, header)

    def records(self, records: list[Record]) -> tuple[bytes, int]:
        """The frame, and the size of its body."""
        rows = [(collection, key, msgspec.Raw(body)) for collection, key, body in records]
        body = msgspec.json.encode(rows)
        return self._packed(RECORDS, body), len(body)

    def end(self, trailer: Trailer) -> bytes:
        return self._frame(END, trailer)

    def _frame(self, kind: bytes, content: Struct) -> bytes:
        return self._packed(kind, msgspec.json.encode(content, order="deterministic"))

    def _packed(self, kind: bytes, body: bytes) -> bytes:
        if len(body) > MAX_BODY:
            raise SnapshotTooLarge(f"a part of the snapshot has more than {MAX_BODY:,} bytes")
        packed = zlib.compress(body, LEVEL)
        frame = _FRAME.pack(kind, len(packed), len(body)) + packed
        self._digest = _digest(self._digest, frame)
        return frame + self._digest


def read(stream: BinaryIO) -> Iterator[Frame]:
    """The frames of a snapshot, from its header to its end. Each was found whole when it is given
    out. Raises SnapshotCorrupted, SnapshotVersion."""
    _read_prelude(stream)
    digest = _START
    expected = HEADER
    number = 0
    while expected:
        frame = _read_frame(stream, digest, number)
        if frame.kind != expected and not (expected == RECORDS and frame.kind == END):
            raise SnapshotCorrupted(f"frame {number} is of another kind than expected")
        yield frame
        digest = frame.digest
        expected = b"" if frame.kind == END else RECORDS
        number += 1
    if stream.read(1):
        raise SnapshotCorrupted("there is more after the end")


def records_of(frame: Frame) -> list[Record]:
    """Raises SnapshotCorrupted."""
    try:
        found = [(collection, key, bytes(raw)) for collection, key, raw in
                 _records.decode(frame.body)]  # fmt: skip
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise SnapshotCorrupted(f"records that cannot be read: {error}") from None
    if not 0 < len(found) <= CHUNK_RECORDS:
        raise SnapshotCorrupted(f"a frame has 1 to {CHUNK_RECORDS} records, not {len(found)}")
    return found


def verify(stream: BinaryIO, limit: int) -> tuple[Snapshot, list[bytes]]:
    """Reads all of it; returns what it is, and the digest of each frame of records.

    `limit` are bytes before compression. Raises SnapshotCorrupted, SnapshotVersion,
    SnapshotTooLarge.
    """
    tally = Tally(limit)
    header: Header | None = None
    trailer: Trailer | None = None
    digests: list[bytes] = []
    for frame in read(stream):
        if frame.kind == HEADER:
            header = _decoded(frame.body, Header)
        elif frame.kind == END:
            trailer = _decoded(frame.body, Trailer)
        else:
            records = records_of(frame)
            try:
                tally.add(records, len(frame.body))
            except SnapshotTooLarge:
                raise
            except (InvalidInput, msgspec.DecodeError, RecursionError) as error:
                raise SnapshotCorrupted(f"a record that no ledger has: {error}") from None
            digests.append(frame.digest)
    if header is None or trailer != tally.trailer():
        raise SnapshotCorrupted("its records are not those that its end tells of")
    return Snapshot(header, trailer), digests


def _read_prelude(stream: BinaryIO) -> None:
    start = _exactly(stream, _PRELUDE.size, "prelude")
    magic, version, crc = _PRELUDE.unpack(start)
    if magic != MAGIC:
        raise SnapshotCorrupted("this is no snapshot")
    if zlib.crc32(start[:-4]) != crc:
        raise SnapshotCorrupted("its first bytes are damaged")
    if version != FORMAT:
        raise SnapshotVersion(f"it has format {version}; this version reads format {FORMAT}")


def _read_frame(stream: BinaryIO, before: bytes, number: int) -> Frame:
    what = f"frame {number}"
    head = _exactly(stream, _FRAME.size, what)
    kind, packed_size, size = _FRAME.unpack(head)
    # zlib makes nothing longer than by 5 bytes in 16 KiB, and a few (zlib.net/zlib_tech.html).
    if size > MAX_BODY or packed_size > MAX_BODY + MAX_BODY // 1024 + 64:
        raise SnapshotCorrupted(f"{what} says that it has {packed_size:,} and {size:,} bytes")
    packed = _exactly(stream, packed_size, what)
    digest = _digest(before, head + packed)
    if _exactly(stream, DIGEST_BYTES, what) != digest:
        raise SnapshotCorrupted(f"{what} has another digest than its content")
    unpacking = zlib.decompressobj()
    try:
        # One byte more than it says: what unpacks to more is met without unpacking it.
        body = unpacking.decompress(packed, size + 1)
    except zlib.error as error:
        raise SnapshotCorrupted(f"{what} cannot be unpacked: {error}") from None
    if len(body) != size or not unpacking.eof or unpacking.unused_data:
        raise SnapshotCorrupted(f"{what} unpacks to something else than {size:,} bytes")
    return Frame(kind, body, digest)


def _exactly(stream: BinaryIO, size: int, what: str) -> bytes:
    found = b""
    while len(found) < size:
        part = stream.read(size - len(found))
        if not part:
            raise SnapshotCorrupted(f"the file ends within {what}")
        found += part
    return found


def _decoded(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise SnapshotCorrupted(f"its {kind.__name__.lower()} cannot be read: {error}") from None


def _digest(before: bytes, frame: bytes) -> bytes:
    return blake2b(before + frame, digest_size=DIGEST_BYTES).digest()
