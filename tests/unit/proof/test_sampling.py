"""Percentiles, growth, and what /proc says about this very process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.proof.processes import children_of, living, members_of, status_of
from colloquy.proof.sampling import MB, Sample, growth_mb, machine_time, percentile


@pytest.mark.parametrize(
    ("percent", "expected"),
    [(50, 50), (95, 95), (99, 99), (100, 100), (0, 1), (0.5, 1), (99.5, 100)],
)
def test_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([float(value) for value in range(1, 101)], percent) == expected


def test_few_values() -> None:
    assert percentile([], 99) == 0
    assert percentile([3.0], 1) == percentile([3.0], 99) == 3.0
    assert percentile([1.0, 2.0], 50) == 1.0
    assert percentile([1.0, 2.0], 51) == 2.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 100))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(
    values: list[float], percent: float
) -> None:
    values.sort()
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= len(values) * percent / 100 - 1e-6


def samples(*rss_mb: float) -> list[Sample]:
    return [
        Sample(float(place), place, 0, 0, int(size * MB), 0, 0) for place, size in enumerate(rss_mb)
    ]


def test_growth_begins_at_a_fifth() -> None:
    assert growth_mb(samples(10, 20, 100, 100, 100, 101, 102, 103, 104, 104, 104)) == 4


def test_a_spike_is_no_growth() -> None:
    assert growth_mb(samples(100, 100, 100, 100, 100, 100, 100, 100, 100, 500, 100)) == 0


def test_no_samples_no_growth() -> None:
    assert growth_mb([]) == 0


def test_this_process() -> None:
    before = status_of(os.getpid())
    assert before is not None
    assert before.parent == os.getppid()
    assert before.group == os.getpgid(0)
    assert before.rss > MB
    sum(range(3_000_000))
    after = status_of(os.getpid())
    assert after is not None
    assert after.cpu_s > before.cpu_s
    assert os.getpid() in {one.pid for one in living()}


def test_a_child_in_a_group_of_its_own() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.pid in {one.pid for one in children_of(os.getpid())}
        assert {one.pid for one in members_of(child.pid)} == {child.pid}
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        # Dead but not yet buried: it works no more.
        assert members_of(child.pid) == []
    assert status_of(child.pid) is None


def test_the_machine_has_worked() -> None:
    now = machine_time()
    assert 0 < now.busy_s <= now.total_s
