"""What holds for every three states."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.canonical import canonical
from colloquy.ledger.diff import Item
from colloquy.ledger.merge import MISSING, merge
from colloquy.ledger.values import same
from support.values import KEYS, PAIRS, VALUES, edited

CASES = settings(max_examples=150, deadline=None)
PLACES = VALUES | st.just(MISSING)
# Two sides that both come from one base, as they do in a ledger.
THREE = VALUES.flatmap(
    lambda base: st.tuples(st.just(base), edited(base) | VALUES, edited(base) | PLACES)
)


def clean(outcome, wanted):
    return same(outcome.value, wanted) and not outcome.conflicts and outcome.confidence == 100


@CASES
@given(PLACES, PLACES)
def test_what_one_side_changed_or_both_alike_is_merged(base, side):
    again = copy.deepcopy(base)
    assert clean(merge(base, side, again), side)
    assert clean(merge(base, again, side), side)
    assert clean(merge(base, side, copy.deepcopy(side)), side)


@CASES
@given(PAIRS)
def test_edits_of_one_side_are_merged(pair):
    base, side = pair
    assert clean(merge(base, side, base), side)
    assert clean(merge(base, base, side), side)


@CASES
@given(THREE)
def test_the_sides_conflict_in_the_same_places_whoever_is_ours(three):
    base, left, right = three
    one, other = merge(base, left, right), merge(base, right, left)
    assert [(found.path, found.kind) for found in one.conflicts] == [
        (found.path, found.kind) for found in other.conflicts
    ]
    assert abs(one.confidence - other.confidence) < 1e-9


@CASES
@given(THREE)
def test_a_merge_touches_nothing_keeps_types_and_has_ours_where_it_conflicts(three):
    base, ours, theirs = three
    before = canonical(base), canonical(ours)
    outcome = merge(base, ours, theirs)
    assert (canonical(base), canonical(ours)) == before
    assert 0 <= outcome.confidence <= 100
    if not outcome.conflicts:
        assert outcome.confidence == 100
    else:
        assert outcome.confidence < 100
    if type(ours) is type(theirs):
        assert type(outcome.value) is type(ours)
    for conflict in outcome.conflicts:
        assert same(at(outcome.value, conflict.path), conflict.ours)
    paths = [*outcome.kept, *outcome.taken, *outcome.merged]
    assert len({conflict.path for conflict in outcome.conflicts} | set(paths)) == len(
        outcome.conflicts
    ) + len(paths)


@CASES
@given(st.lists(KEYS, unique=True, min_size=2), st.data())
def test_changes_of_different_keys_are_both_made(keys, data):
    base = dict.fromkeys(data.draw(st.sets(st.sampled_from(keys))), 0)
    cut = data.draw(st.integers(0, len(keys)))
    ours, theirs, both = dict(base), dict(base), dict(base)
    for place, key in enumerate(keys):
        new = data.draw(PLACES)
        for side in (ours if place < cut else theirs, both):
            side.pop(key, None)
            if new is not MISSING:
                side[key] = new
    assert clean(merge(base, ours, theirs), both)


@CASES
@given(st.lists(st.text("ab\r", max_size=2), min_size=1), st.data())
def test_a_text_without_conflict_has_both_changes(lines, data):
    # Each side changes its own part, with an unchanged line between them that occurs once.
    first, last = data.draw(st.lists(st.text("xy"))), data.draw(st.lists(st.text("xy")))
    cut = data.draw(st.integers(0, len(lines)))
    left, right = lines[:cut], lines[cut:]
    outcome = merge(*map("\n".join, (
        [*left, "|", *right], [*first, "|", *right], [*left, "|", *last],
    )))  # fmt: skip
    assert clean(outcome, "\n".join([*first, "|", *last]))


def at(value, path):
    for step in path:
        if isinstance(step, Item):
            value = next((item for item in value if item["id"] == step.id), MISSING)
        elif isinstance(step, str):
            value = value.get(step, MISSING)
        else:
            value = value[step]
    return value
