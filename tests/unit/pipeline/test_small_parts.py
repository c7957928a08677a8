"""The small parts: admission, batch size, the running file, notes."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.errors import ConversationOverloaded, Overloaded, StoreLocked, Transient
from colloquy.pipeline.admission import Admission
from colloquy.pipeline.running import RunningFile
from colloquy.pipeline.tuning import LEAST, BatchTuner
from colloquy.pipeline.work import (
    MAX_ATTEMPTS_NOTED,
    MAX_TRACE,
    Note,
    code_of,
    encode_note,
    note_of,
    with_attempt,
)


def admission(oldest: int | None = None, lane: int = 0) -> Admission:
    return Admission(
        max_bytes=100,
        max_age_us=50,
        max_per_conversation=3,
        oldest_ready=lambda: oldest,
        lane_length=lambda conversation: lane,
    )


def test_bytes_are_a_bound_for_all_together() -> None:
    door = admission()
    door.check(100, 0)
    door.add(2, 60)
    door.check(40, 0)
    with pytest.raises(Overloaded):
        door.check(41, 0)
    door.remove(9, 999)
    assert (door.messages, door.bytes) == (0, 0)


def test_age_is_a_bound_only_beyond_it() -> None:
    admission(oldest=0).check(1, 50)
    with pytest.raises(Overloaded):
        admission(oldest=0).check(1, 51)


def test_a_conversation_has_a_bound_of_its_own_in_memory_and_in_the_database() -> None:
    assert admission(lane=2).check_conversation(b"a", 1) is None
    assert isinstance(admission(lane=2).check_conversation(b"a", 2), ConversationOverloaded)
    door = admission()
    door.observe(5, 50, {b"a": 3})
    assert isinstance(door.check_conversation(b"a", 1), ConversationOverloaded)
    assert door.check_conversation(b"b", 3) is None
    assert (door.messages, door.bytes) == (5, 50)


@given(st.lists(st.tuples(st.integers(1, 300), st.floats(0, 5)), max_size=60))
def test_the_batch_size_stays_in_its_bounds(observed: list[tuple[int, float]]) -> None:
    tuner = BatchTuner(128)
    for turns, seconds in observed:
        before = tuner.size
        tuner.observe(turns, seconds)
        assert LEAST <= tuner.size <= 128
        if turns < before:
            assert tuner.size == before
        elif seconds <= tuner.target_s:
            assert tuner.size >= before
        else:
            assert tuner.size < before or tuner.size == LEAST
    small = BatchTuner(4)
    small.observe(4, 9)
    assert small.size == 4


def opened(folder: Path, owner: str = "") -> tuple[RunningFile, dict[int, int]]:
    file = RunningFile(folder, "db", owner)
    return file, file.open()


def dies(file: RunningFile) -> None:
    """The lock goes with the process; what is in the file stays."""
    assert file._fd is not None
    os.close(file._fd)
    file._fd = None


def test_what_was_running_at_a_death_is_found_and_counted(tmp_path: Path) -> None:
    file, found = opened(tmp_path)
    assert found == {}
    first = file.begin((1, 2, 3))
    file.begin((9, 8))
    file.end(first)
    dies(file)
    file, found = opened(tmp_path)
    assert found == {9: 1, 8: 1}
    file.begin((4, 9))
    dies(file)
    assert opened(tmp_path)[1] == {4: 1, 9: 2}


def test_what_ends_well_is_cleared_of_earlier_deaths(tmp_path: Path) -> None:
    file, _ = opened(tmp_path)
    file.begin((1, 2))
    dies(file)
    file, _ = opened(tmp_path)
    batch = file.begin((1, 2))
    file.begin((2,))  # parked: it goes on beside the batch
    file.end(batch)
    file.begin((1,))
    dies(file)
    assert opened(tmp_path)[1] == {1: 1, 2: 2}


def test_a_clean_end_leaves_no_suspects(tmp_path: Path) -> None:
    file, _ = opened(tmp_path)
    file.begin((1,))
    file.close()
    file.end(1)
    assert opened(tmp_path)[1] == {}


def test_a_torn_write_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file, _ = opened(tmp_path)
    file.begin((1, 2))
    dies(file)
    file.path.write_bytes(struct.pack(">qq", 7, 0) + b"\0\0\0")
    assert opened(tmp_path)[1] == {7: 1}


def test_several_processes_share_a_folder_and_only_the_dead_are_inherited(tmp_path: Path) -> None:
    living, _ = opened(tmp_path, "-one")
    living.begin((1,))
    dead, _ = opened(tmp_path, "-two")
    dead.begin((2,))
    dies(dead)
    other = RunningFile(tmp_path, "other-db", "-x")
    other.open()
    other.begin((3,))
    dies(other)
    file, found = opened(tmp_path, "-three")
    assert found == {2: 1}
    assert not dead.path.exists()
    with pytest.raises(StoreLocked):
        RunningFile(tmp_path, "db", "-one").open()
    assert file.path.exists()


def test_notes_keep_the_last_attempts_and_not_too_much_of_each() -> None:
    note = Note(late=True, gap=4)
    for number in range(MAX_ATTEMPTS_NOTED + 5):
        try:
            raise ValueError("x" * 5000 + str(number))
        except ValueError as error:
            note = with_attempt(note, error, number)
    assert len(note.attempts) == MAX_ATTEMPTS_NOTED
    assert all(len(attempt["trace"]) <= MAX_TRACE for attempt in note.attempts)
    assert all(len(attempt["detail"]) <= 1000 for attempt in note.attempts)
    again = note_of(encode_note(note))
    assert again == note
    assert (again.late, again.gap) == (True, 4)
    assert note_of(None) == Note()


def test_codes_are_stable() -> None:
    class Busy(Transient):
        code = "busy"

    assert (code_of(Transient("x")), code_of(Busy("x"))) == ("transient", "busy")
    assert code_of(ZeroDivisionError()) == "ZeroDivisionError"
