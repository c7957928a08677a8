from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph.confidence import UNSTATED, Features, combined, score_inferred
from colloquy.graph.evidence import Evidence, Location
from colloquy.model.errors import InvalidInput
from colloquy.settings.noise import NoiseSettings


def score(to_id: str, noise: NoiseSettings | None = None, **features: object) -> float:
    return score_inferred(Features(to_id=to_id, **features), noise or NoiseSettings())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to_id", "base"),
    [
        ("external:lodash", 0.4), ("file:a.ts:f", 0.6), ("file:a.ts", 0.6), ("sym:a.ts#f", 0.9),
        ("0190b", 0.9), ("function:f", 0.4), ("import:./x:y", 0.4),
    ],
)  # fmt: skip
def test_the_base_follows_from_the_target(to_id: str, base: float) -> None:
    assert score(to_id) == base


def test_with_the_defaults_boosts_are_neutral() -> None:
    assert score(
        "file:a.ts:f", from_file="a.ts", used_type_checker=True, is_exported=True,
        name_length=20, import_depth=3,
    ) == 0.6  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "features", "expected"),
    [
        ("boost_same_file", {"from_file": ".\\src//a.ts"}, 0.7),
        ("boost_same_file", {"from_file": "src/b.ts"}, 0.6),
        ("boost_typecheck", {"used_type_checker": True}, 0.7),
        ("boost_exported", {"is_exported": True}, 0.7),
        ("step_name_length", {"name_length": 5}, 0.8),
        ("step_name_length", {"name_length": 2}, 0.6),
        ("penalty_import_depth", {"import_depth": 2}, 0.4),
        ("confidence_multiplier", {}, 0.06),
        ("confidence_max", {}, 0.1),
    ],
)
def test_each_setting_does_what_it_says(
    setting: str, features: dict[str, object], expected: float
) -> None:
    noise = NoiseSettings(**{setting: 0.1})
    assert score("file:src/a.ts:f", noise, **features) == pytest.approx(expected)


def test_the_same_file_on_a_drive() -> None:
    noise = NoiseSettings(boost_same_file=0.1)
    assert score("file:C:\\a.ts:f", noise, from_file="c:/a.ts") == pytest.approx(0.7)


def test_bounds() -> None:
    assert score("sym:a.ts#f", NoiseSettings(boost_typecheck=1.0), used_type_checker=True) == 1.0
    assert score("sym:a.ts#f", NoiseSettings(penalty_import_depth=1.0), import_depth=9) == 0.0
    assert score("external:x", NoiseSettings(confidence_min=0.5)) == 0.5
    assert score("external:x", NoiseSettings(confidence_min=0.8, confidence_max=0.3)) == 0.3
    long_name = NoiseSettings(step_name_length=0.01)
    assert score("external:x", long_name, name_length=999) == pytest.approx(0.5)


@pytest.mark.parametrize("field", ["name_length", "import_depth"])
def test_a_negative_figure_is_refused(field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        score("x", **{field: -1})
    assert caught.value.field == field


EVIDENCE = st.builds(
    Evidence, st.sampled_from(["ast", "message"]), st.none() | st.floats(0, 1),
    st.none() | st.builds(Location, st.sampled_from("ab")), st.none() | st.integers(0, 2),
)  # fmt: skip


@given(st.lists(EVIDENCE, max_size=5))
def test_neither_order_nor_repeats_count(evidence: list[Evidence]) -> None:
    whole = combined(evidence)
    assert {combined([*order, *evidence]) for order in permutations(evidence)} <= {whole}
    assert 0.0 <= whole <= 1.0


@given(st.lists(EVIDENCE, min_size=1, max_size=6))
def test_a_retraction_never_raises(evidence: list[Evidence]) -> None:
    assert combined(evidence[1:]) <= combined(evidence) + 1e-12


def test_different_origins_add_up_and_one_does_not() -> None:
    first, second = Evidence("message", 0.5, event=1), Evidence("message", 0.5, event=2)
    assert combined([first]) == 0.5
    assert combined([first, second]) == 0.75
    assert combined([first, Evidence("message", 0.4, event=1)]) == 0.5
    assert combined([Evidence("ast")]) == UNSTATED
    assert combined([]) == 0.0


@given(st.none() | st.floats(0, 1))
def test_one_piece_alone_counts_as_it_does_said_twice(confidence: float | None) -> None:
    entry = Evidence("message", confidence=confidence, event=7)
    assert combined([entry]) == combined([entry, entry])
