"""What several processes know of a release is what one would know that saw all of it."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from colloquy.evolution.guard import Limits
from colloquy.evolution.guard.judging import judged
from colloquy.evolution.guard.release import Fresh, KeptRelease, Release
from colloquy.evolution.guard.sources import MAX_SOURCES, Sources
from colloquy.evolution.guard.versions import KeptVersions, Versions
from colloquy.evolution.guard.window import Outcomes

LIMITS = Limits()


def seen(rng: np.random.Generator, on: int, off: int, rate: float = 0.1) -> Fresh:
    fresh = Fresh()
    for outcomes, count, failing in ((fresh.on, on, rate), (fresh.off, off, 0.01)):
        fine = (rng.random(count) >= failing).tolist()
        outcomes.note(fine, rng.lognormal(0, 0.5, count).tolist(), LIMITS.worst_response_s)
    return fresh


def stored(release: Release) -> Release:
    data = msgspec.json.encode(release.kept())
    return Release.of(msgspec.json.decode(data, type=KeptRelease), LIMITS)


def test_what_is_stored_in_between_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    whole, parted = Release(LIMITS), Release(LIMITS)
    for second in range(200):
        fresh = seen(rng, *rng.integers(0, 12, 2).tolist())
        if second == 90:
            assert whole.step(90) and parted.step(90)
        whole.take(float(second), fresh)
        parted.take(float(second), fresh, f"process {second % 3}", second)
        parted = stored(parted)
        verdict = judged(parted, LIMITS, float(second), [])
        assert verdict == judged(whole, LIMITS, float(second), [])
    assert verdict.judgement == "alert"
    assert whole.slower_value == parted.slower_value
    assert 0 < parted.seen(90) == whole.seen(90) < verdict.on.count + parted.on.all.count
    assert parted.seen(91) == 0


def test_what_is_handed_in_twice_counts_once() -> None:
    rng = np.random.default_rng(4)
    release, fresh = Release(LIMITS), seen(rng, 30, 30)
    assert release.take(0.0, fresh, "one", 1)
    release = stored(release)
    evidence = release.errors.value
    assert not release.take(1.0, fresh, "one", 1)
    assert (release.on.all.count, release.errors.value) == (30, evidence)
    assert release.take(1.0, fresh, "other", 1) and release.take(1.0, fresh, "one", 2)
    assert release.on.all.count == 90
    for number in range(MAX_SOURCES + 5):
        release.take(2.0, fresh, f"process {number}", 1)
    assert len(release.kept().sources) == MAX_SOURCES


def test_a_step_begins_once() -> None:
    release = Release(LIMITS)
    assert release.step(7)
    assert not release.step(7)
    # A process that has not heard of the newer step yet.
    assert not release.step(6)


def test_a_comparison_waits_for_others_but_not_for_long() -> None:
    rng = np.random.default_rng(5)
    release = Release(LIMITS)
    release.take(0.0, seen(rng, 5, 5, 1.0))
    assert release.worse.value == 1.0 and not release.is_due(9.9)
    release = stored(release)
    assert release.is_due(10.0)
    release.compare(10.0)
    assert release.worse.value > 5
    assert not release.is_due(1000.0)


@pytest.mark.parametrize("field", ["bets", "values"])
def test_bets_of_another_version_are_refused(field: str) -> None:
    kept = Release(LIMITS).kept()
    bets = kept.bets[1:] if field == "bets" else [*kept.bets[1:], kept.bets[0]]
    with pytest.raises(ValueError, match=r"version|shorter"):
        Release.of(msgspec.structs.replace(kept, bets=bets), LIMITS)


def test_versions_of_two_processes_are_added_up() -> None:
    outcomes = Outcomes()
    outcomes.note([True, False], [0.1, 0.2], 10.0)
    versions = Versions(300.0)
    assert versions.take(0.0, {"v1": outcomes}, "one", 1)
    assert versions.take(0.0, {"v1": outcomes, "v2": outcomes}, "other", 1)
    assert not versions.take(0.0, {"v1": outcomes}, "one", 1)
    data = msgspec.json.encode(versions.kept())
    again = Versions.of(msgspec.json.decode(data, type=KeptVersions), 300.0)
    counts = {name: one.count for name, one in again.figures(0.0, {"v2": outcomes}).items()}
    assert counts == {"v1": 4, "v2": 4}
    assert again.figures(700.0, {})["v1"].count == 0


def test_an_older_number_does_not_open_the_way_for_a_newer_one_again() -> None:
    sources = Sources()
    assert sources.is_new("a", 1) and sources.is_new("a", 2)
    assert not sources.is_new("a", 1)
    assert not sources.is_new("a", 2)
    assert sources.is_new("a", 3)
