"""Facts that must survive, as they are said in five languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.context.lines import Line
from colloquy.context.musts import Fact, facts_of

SATURDAY = 1_795_255_200_000_000
"""2026-11-21, 10:00 UTC."""


def found(text: str, kind: str, **fields: object) -> list[str]:
    line = Line(1, "visitor", text, SATURDAY)._replace(**fields)
    return [fact.text for fact in facts_of(line) if fact.kind == kind]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("The rent is €1,450 a month.", "money", ["€1,450"]),
        ("Der Preis ist 1.234,50 € im Monat.", "money", ["1.234,50 €"]),
        ("No voy a pagar 300 euros.", "money", ["300 euros"]),
        ("We need 3 bedrooms and 45% off", "number", ["3 bedrooms", "45%"]),
        ("Vorrei due stanze", "number", ["due stanze"]),
        ("On 3 May 2024 and 2026-12-01.", "date", ["3 May 2024", "2026-12-01"]),
        ("Das geht am Montag", "date", ["Montag"]),
        ("See you tomorrow", "date", ["tomorrow"]),
        ("Guten Morgen", "date", []),
        ("SEE YOU ON MONDAY", "date", ["MONDAY"]),
        ("Friday/Saturday is fine", "date", ["Friday", "Saturday"]),
        ("Nächstes Wochenende, ja?", "date", ["Nächstes Wochenende"]),
        ("It is 'this year' again", "date", ["this year"]),
        ("l'année prochaine", "date", ["année prochaine"]),
        ("İstanbul on 3 MAY 2024", "date", ["3 MAY 2024"]),
        ("At NOON", "time", ["NOON"]),
        ("Between 2026\u201305\u201301 and then", "date", ["2026\u201305\u201301"]),
        ("I have 5 GRAND, no 5K a month", "money", ["5K"]),
        ("Let us say 5 pm or 17:30", "time", ["5 pm", "17:30"]),
        ("Thanks Maria, see you", "name", ["Maria"]),
        ("We met Anna de Vries in New York", "name", ["Anna de Vries", "New York"]),
        ("Ich suche eine Wohnung mit Garten", "name", []),
        ("Ich warte auf Frau Schmidt", "name", ["Schmidt"]),
        ("Call +44 20 7946 0958 or mail a.b@example.com", "contact",
         ["+44 20 7946 0958", "a.b@example.com"]),
        ("My booking is AB-12345", "reference", ["AB-12345"]),
        ("I can't come on Friday", "negation", ["can't come on Friday"]),
        ("Das geht leider nicht.", "negation", ["geht leider nicht"]),
        ("Ich habe keine Katze", "negation", ["keine Katze"]),
        ("Je ne veux pas de viande", "negation", ["ne veux pas de viande"]),
        ("No tengo nunca tiempo", "negation", ["No tengo nunca tiempo"]),
        ("Non mangio carne, grazie", "negation", ["Non mangio carne"]),
        ("No problem, thanks", "negation", []),
        ("I will send it tomorrow. Bye.", "promise", ["I will send it tomorrow."]),
        ("Ich werde Sie anrufen.", "promise", ["Ich werde Sie anrufen."]),
        ("Je vais vous rappeler.", "promise", ["Je vais vous rappeler."]),
        ("Te llamaré mañana.", "promise", ["Te llamaré mañana."]),
        ("Ti chiamerò.", "promise", ["Ti chiamerò."]),
        ("Hello. Do you take dogs?", "question", ["Do you take dogs?"]),
        ("Hello there", "name", []),
    ],
)  # fmt: skip
def test_facts(text: str, kind: str, expected: list[str]) -> None:
    assert found(text, kind) == expected


def test_a_pinned_line_is_a_fact() -> None:
    assert found("remember this", "pinned", pinned=True) == ["remember this"]


def test_the_same_day_said_twice_is_one_fact() -> None:
    today = facts_of(Line(1, "visitor", "tomorrow", SATURDAY))
    next_day = facts_of(Line(2, "visitor", "today", SATURDAY + 86_400_000_000))
    assert [fact.key for fact in today] == [fact.key for fact in next_day] == ["date:2026-11-22"]


def test_a_weekday_of_another_week_is_another_fact() -> None:
    one = facts_of(Line(1, "visitor", "on Friday", SATURDAY))
    other = facts_of(Line(2, "visitor", "on Friday", SATURDAY + 7 * 86_400_000_000))
    assert one[0].key != other[0].key


def test_names_that_are_known_need_no_capital() -> None:
    line = Line(1, "visitor", "is alder there", SATURDAY)
    assert [fact.text for fact in facts_of(line, names={"alder"})] == ["alder"]


def test_a_long_text_is_read_to_its_end() -> None:
    text = "That sounds good to me. " * 1000 + "It costs €1,450."
    facts = facts_of(Line(1, "visitor", text, SATURDAY))
    assert [(fact.text, text[fact.start : fact.end]) for fact in facts] == [("€1,450", "€1,450")]


def test_a_plain_text_has_none() -> None:
    assert facts_of(Line(1, "visitor", "sounds good to me", SATURDAY)) == ()


@given(st.text(max_size=300), st.integers(-(2**62), 2**62))
def test_any_text_is_read(text: str, at: int) -> None:
    facts: tuple[Fact, ...] = facts_of(Line(1, "visitor", text, at))
    assert all(text[fact.start : fact.end] == fact.text and fact.text for fact in facts)
    assert [fact.start for fact in facts] == sorted(fact.start for fact in facts)
