"""Hypothesis strategies of statements: few subjects, values and times, so that they collide."""

from hypothesis import strategies as st

from colloquy.graph.evidence import Evidence
from colloquy.graph.statements import Assertion, Merge, Retraction, Statement

APART = st.none() | st.sampled_from([{"sequenceNumber": 1}, {"sequenceNumber": 2}])
"""What tells relationships between the same ends apart."""
TIMES = st.none() | st.integers(0, 6)


@st.composite
def assertions(draw: st.DrawFn) -> Assertion:
    start = draw(TIMES)
    end = draw(st.none() | st.integers(1 if start is None else start + 1, 9))
    is_set = draw(st.booleans())
    refers = draw(st.booleans())
    return Assertion(
        subject=draw(st.sampled_from("abc")),
        predicate=("set" if is_set else "one") + (" of entities" if refers else ""),
        learned=draw(st.integers(0, 5)),
        value=draw(APART if refers else st.sampled_from([1, 2, "x"])),
        target=draw(st.sampled_from("abc")) if refers else None,
        valid_from=start,
        valid_to=end,
        single=not is_set,
        evidence=draw(st.none() | st.builds(Evidence, st.just("message"), st.floats(0, 1))),
    )


@st.composite
def merges(draw: st.DrawFn) -> Merge:
    kept, other = draw(st.permutations("abc"))[:2]
    return Merge(kept=kept, other=other, learned=draw(st.integers(0, 6)))


@st.composite
def statements(draw: st.DrawFn) -> list[Statement]:
    made: list[Statement] = list(draw(st.lists(assertions(), max_size=6)))
    made += draw(st.lists(merges(), max_size=2))
    for _ in range(draw(st.integers(0, 3)) if made else 0):
        taken_back = draw(st.sampled_from(made))
        made.append(Retraction(statement=taken_back.id, learned=draw(st.integers(0, 7))))
    return made
