"""What holds for every two states: there, back, in one go, and through JSON."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.canonical import canonical
from colloquy.ledger.diff import Script, apply, compose, decode, diff, encode, invert
from support.values import PAIRS, TRIPLES, VALUES, edited

CASES = settings(max_examples=400, deadline=None)


def same(left, right):
    return canonical(left) == canonical(right)


@CASES
@given(PAIRS)
def test_a_script_leads_there_and_back_and_touches_nothing(pair):
    old, new = pair
    before = canonical(old), canonical(new)
    script = diff(old, new)
    assert same(apply(old, script), new)
    assert same(apply(new, invert(script)), old)
    assert (canonical(old), canonical(new)) == before
    assert invert(invert(script)) == script


@CASES
@given(PAIRS)
def test_a_script_is_empty_exactly_when_nothing_changed(pair):
    old, new = pair
    assert bool(diff(old, new)) is not same(old, new)


@CASES
@given(VALUES)
def test_a_copy_is_no_change(value):
    assert diff(value, value) == diff(value, copy.deepcopy(value)) == Script()


@CASES
@given(TRIPLES)
def test_two_scripts_in_one_go(triple):
    first, second, third = triple
    joined = compose(diff(first, second), diff(second, third))
    assert same(apply(first, joined), third)
    assert same(apply(third, invert(joined)), first)


@CASES
@given(st.data())
def test_many_scripts_in_one_go(data):
    states = [data.draw(VALUES)]
    joined = Script()
    for _ in range(5):
        states.append(data.draw(edited(states[-1])))
        joined = compose(joined, diff(states[-2], states[-1]))
    assert same(apply(states[0], joined), states[-1])


@CASES
@given(PAIRS)
def test_a_script_survives_json(pair):
    old, new = pair
    script = diff(old, new)
    read = decode(encode(script))
    assert encode(read) == encode(script)
    assert same(apply(old, read), new)
    assert same(apply(new, invert(read)), old)


@CASES
@given(PAIRS)
def test_the_order_of_keys_does_not_matter(pair):
    old, new = pair
    assert encode(diff(_turned(old), _turned(new))) == encode(diff(old, new))


def _turned(value):
    if type(value) is dict:
        return {key: _turned(item) for key, item in reversed(value.items())}
    if type(value) is list:
        return [_turned(item) for item in value]
    return value
