"""What a person is told about a conflict."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.ledger.merge import (
    MISSING,
    ConflictKind,
    ConflictPolicy,
    PathConflict,
    Resolvers,
    Severity,
    explain,
    merge,
    rule,
    severity_of,
    sum_of_changes,
    text_lines,
)
from colloquy.ledger.merge.measure import extent, similarity
from colloquy.ledger.values import same
from support.values import PAIRS, VALUES

LINES = "".join(f"line {number} of the note\n" for number in range(30))


def conflict_of(base, ours, theirs, kind=None):
    (found,) = merge(base, ours, theirs).conflicts
    if kind is None:
        return found
    return PathConflict(found.path, base, ours, theirs, kind)


def names(found):
    return [option.policy.value for option in found.options]


@pytest.mark.parametrize(
    ("kind", "alike", "severity"),
    [
        (ConflictKind.PERMISSION_DENIED, 100, "high"),
        (ConflictKind.DEPENDENCY_CONFLICT, 100, "critical"),
        (ConflictKind.MISSING_TARGET, 0, "medium"),
        (ConflictKind.TYPE_MISMATCH, 0, "high"),
        (ConflictKind.VALUE_MISMATCH, 29, "critical"),
        (ConflictKind.VALUE_MISMATCH, 30, "medium"),
        (ConflictKind.VALUE_MISMATCH, 60, "low"),
    ],
)
def test_severity(kind, alike, severity):
    assert severity_of(kind, alike).value == severity


def test_small_scalars_are_never_critical():
    assert severity_of(ConflictKind.VALUE_MISMATCH, 0, small=True) is Severity.MEDIUM
    found = explain(conflict_of(850, 900, 950))
    assert (found.severity, found.recommended.value) == (Severity.MEDIUM, "ask_user")
    assert "no merge resolves it" in found.reason


def test_a_line_more_at_the_start_changes_little():
    assert similarity(LINES, "new\n" + LINES) > 95
    numbers = list(range(100))
    assert similarity(numbers, [-1, *numbers]) == pytest.approx(100 * 200 / 201)
    assert similarity("", "") == similarity({}, {}) == similarity([], []) == 100
    assert similarity("", []) == similarity(None, MISSING) == 0
    assert similarity("colour", "color") == pytest.approx(100 * 10 / 11)
    assert similarity("the big cat", "the small cat") == pytest.approx(100 * 12 / 20)
    assert similarity("a  b", "a b") == 99.9


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_likeness_is_bounded_and_whole_only_for_the_same(pair):
    left, right = pair
    found = similarity(left, right)
    assert 0 <= found <= 100
    assert (found == 100) is same(left, right)
    assert (extent(left, right) == 0) is same(left, right)
    assert extent(left, right) >= 0


def test_a_conflict_over_few_lines_of_a_long_text():
    ours, theirs = LINES.replace("line 7 of", "LINE 7 of"), LINES.replace("line 7 of", "row 7 of")
    found = explain(conflict_of(LINES, ours, theirs))
    assert (found.severity, found.recommended) == (Severity.LOW, ConflictPolicy.ASK_USER)
    resolvers = Resolvers([rule("", text_lines)])
    found = explain(conflict_of(LINES, ours, theirs), resolvers=resolvers)
    assert found.recommended is ConflictPolicy.MERGE
    assert names(found)[0] == "merge"


def test_merging_is_offered_only_where_it_resolves():
    conflict = conflict_of(1, 3, 6)
    assert sorted(names(explain(conflict))) == ["ask_user", "overwrite", "skip"]
    found = explain(conflict, resolvers=Resolvers([rule("", sum_of_changes)]))
    assert names(found)[0] == "merge"
    assert (found.options[0].preview, found.options[0].confidence) == ("8", 100)


def test_what_must_be_asked_is_asked_even_if_a_merge_would_go():
    resolvers = Resolvers([rule("", sum_of_changes)])
    for kind in (ConflictKind.PERMISSION_DENIED, ConflictKind.DEPENDENCY_CONFLICT):
        found = explain(conflict_of(1, 3, 6, kind), resolvers=resolvers)
        assert found.recommended is ConflictPolicy.ASK_USER
        assert "merge" not in names(found)
    refused = explain(conflict_of(1, 3, 6, ConflictKind.PERMISSION_DENIED))
    assert {each.policy.value: each.confidence for each in refused.options}["overwrite"] == 0
    assert explain(conflict_of(1, "1", 2)).recommended.value == "ask_user"


def test_a_removal_against_a_change_is_left_as_it_is():
    gone = explain(conflict_of({"a": 1}, MISSING, {"a": 2}))
    assert (gone.recommended.value, gone.options[0].preview) == ("skip", "nothing")
    assert gone.reason == "it was removed here, and the other side changed it"
    assert [row.kind for row in gone.sides.rows] == ["added"] * 3
    there = explain(conflict_of({"a": 1}, {"a": 2}, MISSING))
    assert (there.recommended.value, there.options[0].preview) == ("skip", '{"a":2}')


def test_why_a_resolver_failed_is_told():
    outcome = merge(1, 2, 2.5, resolvers=Resolvers([rule("", sum_of_changes)]))
    assert "only numbers of one type" in explain(outcome.conflicts[0]).reason


@settings(max_examples=60, deadline=None)
@given(VALUES, VALUES, VALUES, st.sampled_from(ConflictKind))
def test_the_first_option_is_the_recommended_one(base, ours, theirs, kind):
    found = explain(PathConflict((), base, ours, theirs, kind))
    assert found.options[0].policy is found.recommended
    assert all(0 <= option.confidence <= 100 for option in found.options)
    rest = [option.confidence for option in found.options[1:]]
    assert rest == sorted(rest, reverse=True)
