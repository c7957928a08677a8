"""What a pack brings beside phrases: its own expressions, and typing errors where it wants them."""

from colloquy.understanding.entities.extract import EntityExtractor
from colloquy.understanding.pack import Pack

PACK = Pack(
    name="own",
    entities={"city": {"PAR": ["marseille"]}, "colour": {"violet": ["ultramarine"]}},
    fuzzy=["city"],
    patterns={"unit": [r"\bunit \w+", r"x*"]},
)


def found(text: str) -> list[tuple[str, str]]:
    entities = EntityExtractor(PACK).extract(text, 0)
    assert all(text[one.start : one.end] == one.text for one in entities)
    return [(one.label, one.text) for one in entities]


def test_expressions_of_the_pack_find_their_label() -> None:
    assert found("höre 😀 Unit b12, bitte") == [("unit", "Unit b12")]


def test_a_lone_surrogate_does_not_hide_them() -> None:
    assert found("a \ud800 unit b12") == [("unit", "unit b12")]


def test_only_labels_that_say_so_forgive_typing_errors() -> None:
    assert found("in marsielle") == [("city", "marsielle")]
    assert found("in ultramarnie") == []
    assert found("in ultramarine") == [("colour", "ultramarine")]
