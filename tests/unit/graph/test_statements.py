from typing import Any

import pytest

from colloquy.graph.evidence import Evidence, Location
from colloquy.graph.statements import (
    Assertion,
    Merge,
    Retraction,
    Statement,
    check_statement,
    live,
)
from colloquy.model.errors import InvalidInput


def said(learned: int = 1, **more: Any) -> Assertion:
    return Assertion(**{"subject": "ann", "predicate": "name", "value": "Ann", "learned": learned,
                        **more})  # fmt: skip


def test_a_repeat_has_the_same_id_and_any_difference_another() -> None:
    assert said().id == said().id and said(value=1).id == said(value=1.0).id
    different: list[Statement] = [
        said(), said(2), said(value="Bob"), said(value=None, target="Ann"), said(valid_from=0),
        said(valid_to=0), said(single=False), said(evidence=Evidence("message")),
        said(evidence=Evidence("message", event=1)),
        said(evidence=Evidence("message", location=Location("a"))),
        Merge(kept="a", other="b", learned=1), Merge(kept="b", other="a", learned=1),
        Retraction(statement="a", learned=1),
    ]  # fmt: skip
    assert len({statement.id for statement in different}) == len(different)


def test_a_retraction_takes_back_and_can_be_taken_back() -> None:
    statement = said()
    back = Retraction(statement=statement.id, learned=2)
    again = Retraction(statement=back.id, learned=3)
    assert live([statement, back]) == [back]
    assert live([again, back, statement]) == [statement, again]


def test_a_long_chain_of_retractions() -> None:
    chain: list[Statement] = [said()]
    for learned in range(2, 5000):
        chain.append(Retraction(statement=chain[-1].id, learned=learned))
    holding = live(reversed(chain))
    assert (chain[0] in holding) == (len(chain) % 2 == 1)


def test_a_retraction_waits_for_its_statement() -> None:
    back = Retraction(statement=said().id, learned=2)
    assert live([back]) == [back]
    assert said() not in live([back, said()])


@pytest.mark.parametrize(
    ("statement", "field"),
    [
        (said(-1), "learned"),
        (said(True), "learned"),
        (said(subject=""), "subject"),
        (said(predicate=""), "predicate"),
        (said(value=None), "value"),
        (said(target="x"), "value"),
        (said(value=float("nan")), "value"),
        (said(valid_from=5, valid_to=5), "valid_to"),
        (Merge(kept="a", other="a", learned=1), "other"),
        (Merge(kept="", other="a", learned=1), "kept"),
        (Retraction(statement="", learned=1), "statement"),
    ],
)
def test_a_wrong_statement_is_refused(statement: Statement, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_statement(statement)
    assert caught.value.field == field


def test_a_right_one_passes() -> None:
    right = said(valid_from=1, valid_to=2)
    assert check_statement(right) is right
