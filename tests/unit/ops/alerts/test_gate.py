"""The gate: the same notice once, of one name so many an hour, memory bounded."""

from __future__ import annotations

from colloquy.ops.alerts.gate import NAMES, Gate

S = 1_000_000


def test_the_same_again_is_held_back_for_a_while() -> None:
    gate = Gate(repeat_s=300, max_per_hour=20)
    assert gate.lets_through("disk", "disk|warning", 0)
    assert not gate.lets_through("disk", "disk|warning", 299 * S)
    assert gate.lets_through("disk", "disk|critical", 299 * S)
    assert gate.lets_through("disk", "disk|warning", 300 * S)


def test_of_one_name_only_so_many_an_hour() -> None:
    gate = Gate(repeat_s=0, max_per_hour=3)
    passed = [gate.lets_through("a", f"{number}", number * S) for number in range(5)]
    assert passed == [True, True, True, False, False]
    assert gate.lets_through("b", "0", 5 * S), "others have a share of their own"
    assert gate.lets_through("a", "9", 3600 * S), "the first is an hour old"
    assert not gate.lets_through("a", "9", 3600 * S), "the second is not"


def test_a_clock_that_is_set_back_holds_nothing_for_ever() -> None:
    gate = Gate(repeat_s=300, max_per_hour=20)
    assert gate.lets_through("a", "x", 10_000 * S)
    assert gate.lets_through("a", "x", 100 * S)


def test_memory_is_bounded() -> None:
    gate = Gate(repeat_s=300, max_per_hour=1)
    for number in range(3 * NAMES):
        assert gate.lets_through(f"{number}", f"{number}", 0)
    assert len(gate._last) == len(gate._lately) == NAMES
