"""Users' extensions at work: what they do wrong costs nobody else."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.understanding import Entity, Label
from colloquy.understanding.extending import (
    MAX_RESULTS,
    REST,
    STRIKES,
    Extensions,
    with_entities,
)
from colloquy.understanding.extension import Context

NOW = Context(1_795_273_200_000_000, language="en")


class Finder:
    version = "3"

    def __init__(self, find: Callable[[str], Any], name: str = "finder") -> None:
        self.name = name
        self.find = find
        self.calls = 0

    def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
        self.calls += 1
        return [self.find(text) for text in texts]


class Namer:
    name, version = "namer", "1"

    def __init__(self, label: Callable[[str, Context], Any]) -> None:
        self.label = label

    def classify(self, texts: list[str], contexts: list[Context]) -> list[list[Label]]:
        return [self.label(text, one) for text, one in zip(texts, contexts, strict=True)]


class Clock:
    """Time that an extension spends by itself."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def run(extensions: Extensions, *texts: str) -> list[Any]:
    return extensions.run(list(texts), [NOW] * len(texts))


def first_word(text: str) -> list[Entity]:
    word = text.split()[0]
    return [Entity("word", 0, len(word), word, extractor="something else")]


def test_what_they_find_bears_their_name() -> None:
    labels = Namer(lambda text, where: [Label(where.language or "?", 0.5)])
    extensions = Extensions([Finder(first_word), labels])
    assert extensions.version == "finder@3;namer@1"
    one, two = run(extensions, "hello you", "bye")
    assert one.entities == [Entity("word", 0, 5, "hello", extractor="finder")]
    assert two.entities[0].text == "bye"
    assert one.extra == {"namer": [Label("en", 0.5)]}
    assert (one.failed, one.rested) == ([], [])
    assert run(extensions) == [] and len(extensions) == 2


def test_an_exception_costs_the_text_it_is_raised_for() -> None:
    def find(text: str) -> list[Entity]:
        return first_word(text)

    extensions = Extensions([Finder(find), Namer(lambda text, _: [Label("n", 1.0)])])
    with structlog.testing.capture_logs() as logs:
        good, bad, fine = run(extensions, "a b", "", "c d")  # "" has no first word
    assert [one.entities[0].text for one in (good, fine)] == ["a", "c"]
    assert (bad.entities, bad.failed, bad.extra) == ([], ["finder"], {"namer": [Label("n", 1.0)]})
    assert good.failed == fine.failed == []
    assert extensions.counters["ext_finder_failed"] == 1
    assert all(entry["exc_info"] for entry in logs), "with the traceback"
    assert [entry["texts"] for entry in logs] == [3, 1]


@pytest.mark.parametrize("answer", [None, [], ["x"], [None], "ab", [[], []], {"a": 1}])
def test_an_answer_of_another_shape_is_a_failure(answer: object) -> None:
    class Odd(Finder):
        def extract(self, texts: list[str], contexts: list[Context]) -> Any:
            return answer

    (added,) = run(Extensions([Odd(first_word)]), "hello")
    assert (added.entities, added.failed) == ([], ["finder"])


@pytest.mark.parametrize(
    "wrong",
    [
        Entity("word", -1, 3, "hel"),
        Entity("word", 3, 3, ""),
        Entity("word", 0, 6, "hello"),
        Entity("word", 0, 5, "other"),
        Entity("word", 0.0, 5, "hello"),  # type: ignore[arg-type]
        Entity("word", True, 5, "ello"),
        Entity("", 0, 5, "hello"),
        Entity("\ud800", 0, 5, "hello"),
        Entity(None, 0, 5, "hello"),  # type: ignore[arg-type]
        Entity("word", 0, 5, "hello", confidence=math.nan),
        Entity("word", 0, 5, "hello", confidence=1.5),
        Entity("word", 0, 5, "hello", value=object()),
        Entity("word", 0, 5, "hello", value="\udc00"),
        Entity("word", 0, 5, "hello", role=object()),  # type: ignore[arg-type]
        Label("word", 1.0),
        "hello",
        None,
    ],
)
def test_a_wrong_entity_is_dropped_counted_and_logged_once(wrong: object) -> None:
    extensions = Extensions([Finder(lambda text: [wrong, *first_word(text)])])
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            (added,) = run(extensions, "hello")
            assert [entity.text for entity in added.entities] == ["hello"]
    assert extensions.counters["ext_finder_dropped"] == 3
    assert [entry["event"] for entry in logs] == ["extension_result_dropped"]


@pytest.mark.parametrize("wrong", [Label("", 0.5), Label("a", -0.1), Label("a", math.inf), "a"])
def test_a_wrong_label_is_dropped(wrong: object) -> None:
    extensions = Extensions([Namer(lambda *_: [wrong])])
    assert run(extensions, "hello")[0].extra == {}
    assert extensions.counters["ext_namer_dropped"] == 1


def test_what_changes_its_arguments_changes_nobody_elses() -> None:
    class Greedy(Finder):
        def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
            found = super().extract(texts, contexts)
            texts.clear()
            contexts.clear()
            return found

    added = run(Extensions([Greedy(first_word, "greedy"), Finder(first_word)]), "a", "b")
    assert [[one.extractor for one in each.entities] for each in added] == [
        ["greedy", "finder"],
        ["greedy", "finder"],
    ]


def test_results_have_a_bound() -> None:
    extensions = Extensions([Finder(lambda text: first_word(text) * (MAX_RESULTS + 5))])
    assert len(run(extensions, "x")[0].entities) == MAX_RESULTS


def test_a_slow_one_rests_and_is_tried_again() -> None:
    clock = Clock()
    cost = 60_000_000

    def find(text: str) -> list[Entity]:
        clock.now += cost
        return first_word(text)

    finder = Finder(find)
    extensions = Extensions([finder, Finder(first_word, "quick")], clock=clock)
    for _ in range(STRIKES):
        (added,) = run(extensions, "hello")
        assert len(added.entities) == 2, "its result counts all the same"
    for _ in range(REST):
        (added,) = run(extensions, "hello")
        assert ([one.extractor for one in added.entities], added.rested) == (["quick"], ["finder"])
    assert finder.calls == STRIKES
    run(extensions, "hello")  # one more strike is enough
    assert run(extensions, "hello")[0].rested == ["finder"]
    for _ in range(REST - 1):
        run(extensions, "hello")
    cost = 1_000
    for _ in range(STRIKES + 1):
        assert run(extensions, "hello")[0].rested == []
    counters = extensions.counters
    assert (counters["ext_finder_slow"], counters["ext_finder_rested"]) == (STRIKES + 1, 2 * REST)


def test_one_that_always_fails_rests_too() -> None:
    finder = Finder(lambda text: 1 / 0)
    extensions = Extensions([finder])
    for _ in range(STRIKES):
        assert run(extensions, "a", "b")[0].failed == ["finder"]
    assert run(extensions, "a", "b")[0].rested == ["finder"]
    assert finder.calls == 3 * STRIKES


def test_its_own_budget_counts() -> None:
    clock = Clock()

    def find(text: str) -> list[Entity]:
        clock.now += 60_000_000
        return []

    finder = Finder(find)
    finder.budget_ms = 100  # type: ignore[attr-defined]
    extensions = Extensions([finder], clock=clock)
    for _ in range(STRIKES + 1):
        assert run(extensions, "a")[0].rested == []


def test_history_is_run_without_budgets() -> None:
    clock = Clock()

    def find(text: str) -> list[Entity]:
        clock.now += 10**12
        raise ValueError

    finder = Finder(find)
    extensions = Extensions([finder], limited=False, clock=clock)
    with structlog.testing.capture_logs():
        for _ in range(10 * STRIKES):
            assert run(extensions, "hello")[0].failed == ["finder"]
    assert finder.calls == 10 * STRIKES


def test_results_do_not_depend_on_the_batch() -> None:
    texts = ["a b", "", "c", "", "d"]
    together = run(Extensions([Finder(first_word)]), *texts)
    alone = [run(Extensions([Finder(first_word)]), text)[0] for text in texts]
    assert together == alone


def entity(start: int, end: int, confidence: float = 1.0, extractor: str = "pattern") -> Entity:
    return Entity("x", start, end, "y" * (end - start), confidence=confidence, extractor=extractor)


def test_the_surest_wins_then_the_longest_then_the_former() -> None:
    former, same = entity(0, 3), entity(0, 3, extractor="own")
    assert with_entities([former], [], [same]) == ([former], [same])
    longer = entity(0, 4, extractor="own")
    assert with_entities([former], [], [longer]) == ([longer], [former])
    unsure = entity(0, 9, 0.4, "own")
    assert with_entities([former], [], [unsure]) == ([former], [unsure])
    beside = entity(3, 5, 0.2, "own")
    known = entity(1, 2, 0.3)
    assert with_entities([former], [known], [beside]) == ([former, beside], [known])
    assert with_entities([former], [known], []) == ([former], [known])


SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 8), st.sampled_from([0.5, 0.9, 1.0])), max_size=8
).map(lambda rows: [entity(start, start + size, sure) for start, size, sure in rows])


@given(SPANS, SPANS)
def test_merging_never_overlaps_nor_loses(former: list[Entity], added: list[Entity]) -> None:
    before, _ = with_entities([], [], former)
    kept, lost = with_entities(before, [], added)
    assert all(one.end <= two.start for one, two in pairwise(kept))
    assert len(kept) + len(lost) == len(before) + len(added)
