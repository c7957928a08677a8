"""The schedule of faults follows from the seed and leaves none out."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from colloquy.proof.faults import KILLS, LOCK_S, LOCKS, Kind, schedule


def test_the_same_seed_is_the_same_schedule() -> None:
    assert list(islice(schedule(1), 50)) == list(islice(schedule(1), 50))
    assert list(islice(schedule(1), 50)) != list(islice(schedule(2), 50))


@given(st.integers())
def test_every_kind_comes_in_each_round(seed: int) -> None:
    faults = list(islice(schedule(seed), 26))
    for round_ in (faults[:13], faults[13:]):
        assert set(Counter(fault.kind for fault in round_)) == set(Kind)


@given(st.integers())
def test_two_minutes_have_more_than_twenty_kills(seed: int) -> None:
    clock = kills = 0.0
    for fault in schedule(seed):
        clock += fault.after_s + fault.seconds
        if clock > 120:
            break
        kills += fault.kind in KILLS
    assert kills >= 20


@given(st.integers())
def test_durations(seed: int) -> None:
    for fault in islice(schedule(seed), 40):
        assert 0 < fault.after_s <= 5
        if fault.kind is Kind.PAUSE:
            assert 1 <= fault.seconds <= 6
        else:
            assert fault.seconds == (LOCK_S if fault.kind in LOCKS else 0)
