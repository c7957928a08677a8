"""Figures by kind of event: since the start, in windows, and what windows add to hours and days."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from colloquy.ops.monitoring.figures import DAY_US, HOUR_US, Figures, Sums, Window, rollup_rows
from colloquy.ops.monitoring.validation import Checked

NO_DATA = msgspec.Raw(b"null")


def checked(kind: str, errors: int = 0, warnings: int = 0, seconds: float = 0.001) -> Checked:
    return Checked(kind, kind, NO_DATA, ["bad"] * errors, ["odd"] * warnings, seconds)


def test_figures_of_a_kind() -> None:
    figures = Figures()
    for one in (checked("a"), checked("a", errors=2, seconds=0.003), checked("b", warnings=1)):
        figures.add(one)
    view = figures.view()
    assert view.total_validations == 3
    a, b = view.by_event_type["a"], view.by_event_type["b"]
    assert (a.total, a.passed, a.failed, a.pass_rate, a.errors) == (2, 1, 1, 0.5, 2)
    assert a.avg_validation_time_ms == 2.0
    assert (b.passed, b.pass_rate, b.warnings) == (1, 1.0, 1)


def test_a_window_ends_where_the_next_begins() -> None:
    figures = Figures()
    figures.add(checked("a", errors=1))
    figures.add(checked("a"))
    (window,) = figures.close(7)
    assert figures.unwritten == 0
    id_, kind, *rest = window.row(9)
    assert (len(str(id_)), kind) == (32, "a")
    assert rest == [2, 1, 1, 0.5, 1.0, 1, 0, 7, 9]
    assert figures.close(8) == []
    figures.add(checked("a"))
    (following,) = figures.close(9)
    assert following.id != window.id
    assert following.sums.total == 1
    assert figures.view().by_event_type["a"].total == 3, "figures since the start go on"


def test_figures_that_nobody_wants_written_are_forgotten() -> None:
    figures = Figures()
    figures.add(checked("a"))
    figures.discard()
    assert (figures.unwritten, figures.close(1)) == (0, [])


counts = st.integers(0, 50)
windows = st.builds(
    Window,
    id=st.just("x"),
    kind=st.sampled_from(["a", "b"]),
    sums=st.builds(
        Sums,
        total=st.integers(1, 50),
        failed=st.just(1),
        errors=counts,
        warnings=counts,
        seconds=st.integers(0, 1000).map(lambda number: number / 1024),
    ),
    closed_at=st.integers(0, 3 * DAY_US),
)


@given(st.lists(windows, max_size=20))
def test_hours_and_days_add_up_to_the_windows(made: list[Window]) -> None:
    rows = rollup_rows(made)
    keys = [row[:3] for row in rows]
    assert keys == sorted(set(keys)), "each once: one statement must not hit a row twice"
    for span, length in (("hour", HOUR_US), ("day", DAY_US)):
        of_span = [row for row in rows if row[0] == span]
        assert all(int(str(row[1])) % length == 0 for row in of_span)
        sums = [sum(float(str(row[place])) for row in of_span) for place in (3, 5, 6, 7, 8)]
        assert sums == [
            sum(one.sums.total for one in made),
            sum(one.sums.failed for one in made),
            sum(one.sums.seconds for one in made) * 1000,
            sum(one.sums.errors for one in made),
            sum(one.sums.warnings for one in made),
        ]
