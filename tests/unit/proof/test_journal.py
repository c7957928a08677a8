"""The client's journal: order, durability, and what a torn end leaves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput
from colloquy.proof.journal import Journal, decode_line, encode_line, read_journal
from colloquy.proof.records import Receipted, Received, Record, Refused, Sent

RECORDS: list[Record] = [
    Sent(1, "aa", "cc", "tab", 7),
    Receipted(2, 1, "aa", "stored"),
    Sent(3, "bb", "cc", must_refuse=True),
    Refused(4, 3, "invalid_input"),
    Received(5, "rr", "stream"),
]


async def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal") as journal:
        for record in RECORDS:
            assert journal.next_n() == record.n
            await journal.write(record)
    assert list(read_journal(tmp_path / "journal")) == RECORDS


async def test_it_is_on_disk_when_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal"
    synced = 0

    def fdatasync(file: int) -> None:
        nonlocal synced
        synced = os.fstat(file).st_size

    monkeypatch.setattr("colloquy.proof.journal.os.fdatasync", fdatasync)
    async with Journal(path) as journal:
        await journal.write(RECORDS[0])
        assert synced == len(encode_line(RECORDS[0]))
        await journal.write(*RECORDS[1:])
        assert synced == path.stat().st_size == sum(len(encode_line(one)) for one in RECORDS)


async def test_waiting_lines_share_an_fsync(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal") as journal:
        await asyncio.gather(*(journal.write(RECORDS[0]) for _ in range(200)))
        assert journal.fsyncs < 10
    assert len(list(read_journal(tmp_path / "journal"))) == 200


async def test_notes_are_on_disk_after_the_end(tmp_path: Path) -> None:
    async with Journal(tmp_path / "journal") as journal:
        journal.note(*RECORDS)
    assert list(read_journal(tmp_path / "journal")) == RECORDS


async def test_a_disk_that_fails_stops_the_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fdatasync(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("colloquy.proof.journal.os.fdatasync", fdatasync)
    with pytest.raises(OSError, match="No space"):
        async with Journal(tmp_path / "journal") as journal:
            with pytest.raises(OSError, match="No space"):
                await journal.write(RECORDS[0])
            with pytest.raises(OSError, match="No space"):
                await journal.write(RECORDS[1])


async def test_an_old_journal_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"")
    with pytest.raises(FileExistsError):
        async with Journal(tmp_path / "journal"):
            raise AssertionError("opened")


@given(cut=st.integers(0, 10_000))
def test_a_torn_last_line_is_dropped(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    lines = [encode_line(record) for record in RECORDS]
    whole = b"".join(lines)
    cut %= len(whole) + 1
    path = tmp_path_factory.mktemp("torn") / "journal"
    path.write_bytes(whole[:cut])
    expected = []
    size = 0
    for line, record in zip(lines, RECORDS, strict=True):
        size += len(line)
        if size <= cut:
            expected.append(record)
    assert list(read_journal(path)) == expected


def test_damage_in_the_middle_is_an_error(tmp_path: Path) -> None:
    lines = [encode_line(record) for record in RECORDS]
    lines[1] = lines[1].replace(b"stored", b"stolen")
    (tmp_path / "journal").write_bytes(b"".join(lines))
    with pytest.raises(InvalidInput, match="line 2"):
        list(read_journal(tmp_path / "journal"))


@pytest.mark.parametrize("line", [b"", b"\n", b"00000000 {}\n", b"zz", b"44136fa3 {}\n"])
def test_what_is_no_line(line: bytes) -> None:
    assert decode_line(line) is None
