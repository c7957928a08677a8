from itertools import permutations

from colloquy.graph.merging import representatives
from colloquy.graph.statements import Merge


def merges(*pairs: str) -> list[Merge]:
    return [Merge(kept=kept, other=other, learned=1) for kept, other in pairs]


def test_the_one_that_is_kept_stands_for_all() -> None:
    for order in permutations(merges("zb", "ba", "bc")):
        assert representatives(order) == dict.fromkeys("zabc", "z")


def test_groups_stay_apart() -> None:
    assert representatives(merges("ab", "dc")) == {"a": "a", "b": "a", "c": "d", "d": "d"}
    assert representatives([]) == {}


def test_where_several_or_none_are_kept_the_first_stands() -> None:
    for order in permutations(merges("dx", "cx")):
        assert set(representatives(order).values()) == {"c"}
    assert set(representatives(merges("ab", "ba")).values()) == {"a"}
