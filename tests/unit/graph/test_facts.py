from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.graph.evidence import Evidence
from colloquy.graph.facts import Fact, settle
from colloquy.graph.statements import Assertion, Merge, Retraction, Statement, live
from support.graph_statements import merges, statements


def rent(value: Any, learned: int, start: int | None = None, end: int | None = None) -> Assertion:
    return Assertion(
        subject="flat", predicate="rent", value=value, learned=learned, valid_from=start,
        valid_to=end,
    )  # fmt: skip


def times(facts: list[Fact]) -> list[tuple[Any, int | None, int | None]]:
    return [(fact.value, fact.valid_from, fact.valid_to) for fact in facts]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_order_and_repeats_do_not_matter(data: st.DataObject) -> None:
    made = data.draw(statements())
    other = data.draw(st.permutations(made))
    other += data.draw(st.lists(st.sampled_from(made))) if made else []
    assert settle(other) == settle(made)


@settings(deadline=None, max_examples=60)
@given(statements())
def test_one_value_at_a_time_and_no_empty_spans(made: list[Statement]) -> None:
    before: dict[tuple[str, str], Fact] = {}
    for fact in settle(made).facts:
        assert fact.valid_to is None or fact.valid_from is None or fact.valid_from < fact.valid_to
        if fact.predicate.startswith("one"):
            last = before.get((fact.subject, fact.predicate))
            if last is not None:
                assert last.valid_to is not None and fact.valid_from is not None
                assert last.valid_to <= fact.valid_from
            before[fact.subject, fact.predicate] = fact


@settings(deadline=None, max_examples=60)
@given(statements())
def test_nothing_that_holds_is_dropped_silently(made: list[Statement]) -> None:
    settled = settle(made)
    by_id = {one.id: one for one in made}
    shown = {id_ for fact in settled.facts for id_ in fact.support}
    lost = [by_id[one.other] for one in settled.contradictions if one.kind == "same_start"]
    for one in live(made):
        if isinstance(one, Assertion) and one.id not in shown:
            assert any(
                isinstance(other, Assertion)
                and (other.predicate, other.valid_from) == (one.predicate, one.valid_from)
                for other in lost
            )


@settings(deadline=None, max_examples=60)
@given(statements(), merges())
def test_a_merge_taken_back_leaves_everything_as_it_was(
    made: list[Statement], merge: Merge
) -> None:
    if merge.id in {one.id for one in made}:
        return
    back = Retraction(statement=merge.id, learned=8)
    assert settle([*made, merge, back]) == settle(made)


def test_a_later_value_closes_the_earlier_one() -> None:
    settled = settle([rent(900, 1, 10), rent(1000, 2, 20)])
    assert times(settled.facts) == [(900, 10, 20), (1000, 20, None)]
    assert settled.contradictions == []
    assert [fact.holds_at(19) for fact in settled.facts] == [True, False]
    assert [fact.holds_at(20) for fact in settled.facts] == [False, True]


def test_an_earlier_value_learnt_late_takes_its_place_in_time() -> None:
    made = [rent(1000, 1, 20), rent(900, 2, 10)]
    assert times(settle(made).facts) == [(900, 10, 20), (1000, 20, None)]
    assert times(settle(made[:1]).facts) == [(1000, 20, None)]


def test_two_values_from_one_time_on_are_a_contradiction() -> None:
    first, second = rent(900, 1, 10), rent(950, 2, 10)
    settled = settle([first, second])
    assert times(settled.facts) == [(950, 10, None)]
    (found,) = settled.contradictions
    assert (found.kind, found.chosen, found.other) == ("same_start", second.id, first.id)
    assert times(settle([first, second, Retraction(statement=second.id, learned=3)]).facts) == [
        (900, 10, None)
    ]


def test_a_value_that_was_to_hold_longer_is_a_contradiction() -> None:
    lease, new = rent(900, 1, 0, 100), rent(1000, 2, 50)
    settled = settle([lease, new])
    assert times(settled.facts) == [(900, 0, 50), (1000, 50, None)]
    (found,) = settled.contradictions
    assert (found.kind, found.chosen, found.other) == ("overlap", new.id, lease.id)


def test_of_one_start_the_last_learnt_holds_however_sure_the_first_was() -> None:
    def heard(value: int, learned: int, confidence: float) -> Assertion:
        return Assertion(
            subject="flat", predicate="rent", value=value, learned=learned, valid_from=0,
            evidence=Evidence("message", confidence, event=learned),
        )  # fmt: skip

    assert times(settle([heard(1, 1, 0.9), heard(2, 2, 0.2)]).facts) == [(2, 0, None)]
    assert times(settle([heard(1, 2, 0.9), heard(2, 2, 0.2)]).facts) == [(1, 0, None)]


def test_one_ends_where_the_next_begins() -> None:
    settled = settle([rent(900, 1, 0, 10), rent(1000, 2, 10)])
    assert times(settled.facts) == [(900, 0, 10), (1000, 10, None)]
    assert settled.contradictions == []
    assert times(settle([rent(900, 1, 0, 10), rent(900, 2, 10)]).facts) == [
        (900, 0, 10), (900, 10, None),
    ]  # fmt: skip


def test_an_end_is_learnt_and_corrected() -> None:
    made = [rent(900, 1, 0), rent(900, 2, 0, 50), rent(900, 3, 0)]
    settled = settle(made)
    assert times(settled.facts) == [(900, 0, 50)] and settled.contradictions == []
    corrected = settle([*made, rent(900, 4, 0, 60)])
    assert times(corrected.facts) == [(900, 0, 60)]
    assert [found.kind for found in corrected.contradictions] == ["end"]


def test_the_same_value_again_is_more_evidence() -> None:
    def heard(event: int) -> Assertion:
        return Assertion(
            subject="flat", predicate="rent", value=900, learned=event, valid_from=event,
            evidence=Evidence("message", 0.5, event=event),
        )  # fmt: skip

    first, second = heard(1), heard(2)
    (fact,) = settle([first, second]).facts
    assert (fact.confidence, fact.valid_from, fact.valid_to) == (0.75, 1, None)
    assert fact.support == tuple(sorted([first.id, second.id]))
    one_back = [first, second, Retraction(statement=first.id, learned=3)]
    (fact,) = settle(one_back).facts
    assert (fact.confidence, fact.valid_from) == (0.5, 2)
    assert settle([*one_back, Retraction(statement=second.id, learned=3)]).facts == []


def test_a_value_can_come_back() -> None:
    made = [rent(1, 1, 0), rent(2, 2, 10), rent(1, 3, 20)]
    assert times(settle(made).facts) == [(1, 0, 10), (2, 10, 20), (1, 20, None)]


def test_values_of_a_set_hold_side_by_side() -> None:
    def likes(target: str, learned: int) -> Assertion:
        return Assertion(
            subject="ann", predicate="INTERESTED_IN", target=target, learned=learned, single=False
        )

    settled = settle([likes("flat-1", 1), likes("flat-2", 2), likes("flat-1", 3)])
    assert [(fact.target, len(fact.support)) for fact in settled.facts] == [
        ("flat-1", 2), ("flat-2", 1),
    ]  # fmt: skip
    assert settled.contradictions == []


def test_merged_entities_share_what_is_known_also_as_targets() -> None:
    phone = Assertion(subject="p2", predicate="phone", value="+49", learned=1, single=False)
    knows = Assertion(subject="x", predicate="KNOWS", target="p2", learned=1, single=False)
    merge = Merge(kept="p1", other="p2", learned=2)
    facts = settle([phone, knows, merge]).facts
    assert [(fact.subject, fact.target) for fact in facts] == [("p1", None), ("x", "p1")]
    back = Retraction(statement=merge.id, learned=3)
    apart = settle([phone, knows, merge, back]).facts
    assert [(fact.subject, fact.target) for fact in apart] == [("p2", None), ("x", "p2")]


def test_a_merge_brings_contradictions_to_light() -> None:
    born = [
        Assertion(subject=person, predicate="born", value=year, learned=1)
        for person, year in (("p1", 1980), ("p2", 1990))
    ]
    assert settle(born).contradictions == []
    merged = settle([*born, Merge(kept="p1", other="p2", learned=2)])
    assert [found.kind for found in merged.contradictions] == ["same_start"]
    assert len(merged.facts) == 1
