"""The spool: whole records come back in order, whatever happened to the end of the file."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import StoreLocked, Unavailable
from colloquy.storage.spool import Spool

HEADER = 8
MANY = 1 << 20


def opened(folder: Path, max_bytes: int = MANY) -> Spool:
    spool = Spool(folder, max_bytes)
    spool.open()
    return spool


def everything(spool: Spool) -> list[bytes]:
    return [record for path in spool.files() for record in spool.read(path)]


records = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12)


@given(records, st.data())
def test_a_file_cut_anywhere_gives_back_exactly_its_whole_records(
    written: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        spool = opened(Path(folder))
        spool.append(written)
        spool.close()
        (path,) = spool.files()
        size = path.stat().st_size
        cut = data.draw(st.integers(0, size), label="cut")
        os.truncate(path, cut)
        ends = [
            sum(HEADER + len(one) for one in written[: count + 1]) for count in range(len(written))
        ]
        whole = sum(end <= cut for end in ends)
        assert everything(opened(Path(folder))) == written[:whole]


@given(records, st.data())
def test_nothing_after_a_damaged_byte_is_believed(
    written: list[bytes], data: st.DataObject
) -> None:
    with TemporaryDirectory() as folder:
        spool = opened(Path(folder))
        spool.append(written)
        spool.close()
        (path,) = spool.files()
        raw = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(raw) - 1), label="place")
        raw[place] ^= data.draw(st.integers(1, 255), label="flip")
        path.write_bytes(raw)
        found = spool.read(path)
        assert found == written[: len(found)]
        assert len(found) < len(written)


def test_zeros_at_the_end_are_no_records(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([b"one"])
    (path,) = spool.files()
    with path.open("ab") as file:
        file.write(bytes(4096))
    assert spool.read(path) == [b"one"]


def test_an_inherited_file_is_read_first_and_never_appended_to(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.append([b"1", b"2"])
    first.close()
    second = opened(tmp_path)
    assert not second.is_empty
    before = second.files()[0].read_bytes()
    second.append([b"3"])
    second.abandon()
    second.append([b"4"])
    assert second.files()[0].read_bytes() == before
    assert everything(second) == [b"1", b"2", b"3", b"4"]
    assert [path.stem for path in second.files()] == ["00000001", "00000002", "00000003"]


def test_files_stay_in_order_beyond_the_width_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "99999999.spool").touch()
    spool = opened(tmp_path)
    spool.append([b"late"])
    assert [path.stem for path in spool.files()] == ["99999999", "100000000"]


def test_a_full_spool_refuses_whole_and_counts_what_is_left(tmp_path: Path) -> None:
    spool = opened(tmp_path, max_bytes=3 * (HEADER + 4))
    spool.append([b"aaaa", b"bbbb"])
    with pytest.raises(Unavailable) as refused:
        spool.append([b"cccc", b"dddd"])
    assert refused.value.retry_after_s
    spool.append([b"eeee"])
    assert everything(spool) == [b"aaaa", b"bbbb", b"eeee"]
    spool.abandon()
    for path in spool.files():
        spool.remove(path)
    assert spool.is_empty
    spool.append([b"ffff"])


def test_what_cannot_be_written_is_refused_and_a_new_file_begun(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([b"kept"])
    (spool.folder / "00000002.spool").mkdir()
    spool.abandon()
    with pytest.raises(Unavailable, match="cannot be written"):
        spool.append([b"lost"])
    spool.append([b"next"])
    assert spool.read(spool.folder / "00000001.spool") == [b"kept"]
    assert spool.read(spool.folder / "00000003.spool") == [b"next"]


def test_what_the_database_refuses_is_set_aside(tmp_path: Path) -> None:
    spool = opened(tmp_path)
    spool.append([b"odd"])
    (path,) = spool.files()
    spool.set_aside(path)
    assert spool.files() == []
    assert spool.is_empty
    spool.close()
    again = opened(tmp_path)
    again.append([b"fine"])
    again.abandon()
    again.set_aside(again.files()[0])
    kept = sorted(again.folder.glob("*.refused"))
    assert [spool.read(path) for path in kept] == [[b"odd"], [b"fine"]]


def test_the_spool_of_a_dead_process_is_taken_over_and_that_of_a_living_one_is_not(
    tmp_path: Path,
) -> None:
    dead, living = Spool(tmp_path, MANY, "main-1"), Spool(tmp_path, MANY, "main-2")
    for spool, record in ((dead, b"orphan"), (living, b"mine")):
        spool.open()
        spool.append([record])
    dead.close()
    heir = Spool(tmp_path, MANY, "main-3")
    heir.open()
    heir.append([b"new"])
    assert everything(heir) == [b"orphan", b"new"]
    assert everything(living) == [b"mine"]
    with pytest.raises(StoreLocked):
        Spool(tmp_path, MANY, "main-2").open()
