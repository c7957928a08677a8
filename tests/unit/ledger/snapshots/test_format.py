"""The format of snapshots: what goes in comes out, and nothing else is taken for it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.collections import encode_value
from colloquy.ledger.scope import Scope
from colloquy.ledger.snapshots.format import (
    RECORDS,
    Header,
    Packer,
    Record,
    Tally,
    read,
    records_of,
    verify,
)
from colloquy.model.errors import SnapshotCorrupted, SnapshotTooLarge
from support.values import VALUES

LIMIT = 2**30

HEADER = Header(
    engine="1", created_at="2026-01-31T10:00:00.000000Z", position=7, point=None,
    scope=Scope(collections=("prices",)),
)  # fmt: skip

KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1,
               max_size=20)  # fmt: skip
FRAMES = st.lists(st.lists(st.tuples(KEYS, KEYS, VALUES), min_size=1, max_size=4), max_size=3)


def packed(frames: list[list[Record]]) -> bytes:
    packer, tally = Packer(), Tally(LIMIT)
    body = packer.header(HEADER)
    for records in frames:
        frame, size = packer.records(records)
        tally.add(records, size)
        body += frame
    return body + packer.end(tally.trailer())


def encoded(frames: list[list[tuple[str, str, Any]]]) -> list[list[Record]]:
    return [[(one[0], one[1], encode_value(one[2])) for one in records] for records in frames]


@settings(max_examples=60, deadline=None)
@given(FRAMES)
def test_what_goes_in_comes_out(frames: list[list[tuple[str, str, Any]]]) -> None:
    whole = encoded(frames)
    body = packed(whole)
    snapshot, digests = verify(io.BytesIO(body), LIMIT)
    assert snapshot.header == HEADER
    assert snapshot.trailer.records == sum(map(len, whole))
    assert len(digests) == len(whole)
    found = [records_of(frame) for frame in read(io.BytesIO(body)) if frame.kind == RECORDS]
    assert found == whole


@settings(max_examples=60, deadline=None)
@given(FRAMES, st.data())
def test_no_damage_goes_unseen(frames: list[list[tuple[str, str, Any]]], data: Any) -> None:
    body = packed(encoded(frames))
    place = data.draw(st.integers(0, len(body) - 1))
    flipped = bytearray(body)
    flipped[place] ^= data.draw(st.integers(1, 255))
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(body))] * 2)))
    for damaged in (bytes(flipped), body[:place], body + body[place:], body[:start] + body[end:]):
        if damaged != body:
            with pytest.raises(SnapshotCorrupted):
                verify(io.BytesIO(damaged), LIMIT)


def test_streams_that_give_little_at_a_time_are_read_whole() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(1 if size else 0)

    body = packed([[("a", "b", b"1")]])
    assert verify(Slow(body), LIMIT) == verify(io.BytesIO(body), LIMIT)


def test_the_limit_counts_what_is_unpacked() -> None:
    records: list[Record] = [("a", str(number), b'"' + b"x" * 1000 + b'"') for number in range(9)]
    body = packed([records])
    assert len(body) < 1000
    with pytest.raises(SnapshotTooLarge):
        verify(io.BytesIO(body), 9000)
    verify(io.BytesIO(body), 10_000)
