"""Parents of intents: sums of calibrated confidences, claimed where no child is sure enough."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.understanding import Understanding
from colloquy.understanding.analyse import Analyser
from colloquy.understanding.intent import Guess
from colloquy.understanding.intents.hierarchy import Hierarchy, nearest
from colloquy.understanding.pack import Pack, pack_from
from colloquy.understanding.train import train
from colloquy.understanding.wire import Item

LABELS = ["", "billing/card/lost", "billing/card/new", "billing/invoice", "help"]


def logs_of(*rows: list[float]) -> np.ndarray:
    return np.log(np.array(rows, np.float32))


def test_two_children_of_one_parent_make_it_sure() -> None:
    (found,) = Hierarchy(LABELS).parents(
        [Guess("billing/card/lost", 0.5, 0.02)], logs_of([0.01, 0.5, 0.46, 0.02, 0.01]), 0.75, 0.1
    )
    assert found == Guess("billing/card", 0.96, 0.94)


def test_three_levels_go_up_only_as_far_as_needed() -> None:
    hierarchy = Hierarchy(LABELS)
    guess = Guess("billing/card/lost", 0.3, 0.0)
    logs = logs_of([0.02, 0.3, 0.28, 0.38, 0.02])
    (found,) = hierarchy.parents([guess], logs, 0.75, 0.1)
    assert found is not None and found.intent == "billing"
    assert found.confidence == pytest.approx(0.96)
    (lower,) = hierarchy.parents([guess], logs, 0.5, 0.1)
    assert lower is not None and lower.intent == "billing/card"
    # At the margin of the two cards over the invoice nothing is claimed below the root.
    (torn,) = hierarchy.parents([guess], logs, 0.5, 0.3)
    assert torn is not None and torn.intent == "billing"


def test_doubt_across_parents_stays_doubt() -> None:
    logs = logs_of([0.02, 0.48, 0.01, 0.01, 0.48])
    assert Hierarchy(LABELS).parents([Guess("billing/card/lost", 0.48, 0.0)], logs, 0.4, 0.1) == [
        None
    ]


def test_a_name_without_children_is_no_parent() -> None:
    logs = logs_of([0.02, 0.04, 0.02, 0.02, 0.9])
    assert Hierarchy(LABELS).parents([Guess("help", 0.9, 0.05)], logs, 0.75, 0.1) == [None]
    assert not Hierarchy(["", "help", "refund"])


def test_a_subject_that_is_not_known_makes_no_parent_sure() -> None:
    """The calibrated confidence says that the text is of no label: its siblings hear that too."""
    logs = logs_of([0.01, 0.5, 0.46, 0.02, 0.01])
    guess = Guess("billing/card/lost", 0.2, 0.0)
    shared = Hierarchy(LABELS).confidences([guess], logs)
    assert shared[0] == pytest.approx([0.004, 0.2, 0.184, 0.008, 0.004])
    assert Hierarchy(LABELS).parents([guess], logs, 0.5, 0.1) == [None]


def test_no_intent_has_no_parent() -> None:
    logs = logs_of([0.2, 0.2, 0.2, 0.2, 0.2])
    assert Hierarchy(LABELS).parents([Guess()], logs, 0.1, 0.0) == [None]


@given(
    st.lists(st.floats(-8, 8), min_size=5, max_size=5),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_confidences_sum_to_one_at_most_and_rise_together(
    scores: list[float], one: float, other: float
) -> None:
    raised = np.exp(np.array([scores]))
    logs = np.log(raised / raised.sum()).astype(np.float32)
    top = LABELS[1 + int(np.argmax(scores[1:]))]
    hierarchy = Hierarchy(LABELS)
    low, high = sorted((one, other))
    less = hierarchy.confidences([Guess(top, low)], logs)[0]
    more = hierarchy.confidences([Guess(top, high)], logs)[0]
    column = LABELS.index(top)
    for shared, sure in ((less, low), (more, high)):
        assert shared.sum() <= 1.0 + 1e-6
        assert shared[column] == sure
        assert (shared >= 0.0).all()
    parent = [place for place, label in enumerate(LABELS) if label.startswith(top.split("/")[0])]
    assert less[parent].sum() <= more[parent].sum() + 1e-6


def test_nearest_is_what_the_accurate_tier_says() -> None:
    logs = logs_of([0.5, 0.1, 0.3, 0.05, 0.05], [0.0001, 0.9, 0.05, 0.04, 0.01])
    found = nearest(LABELS, np.array([2, 1]), np.array([0.4, 0.95], np.float32), logs)
    assert found == [
        Guess("billing/card/new", 0.4, -0.2),  # out of scope is likelier
        Guess("billing/card/lost", 0.95, 0.85),
    ]


# -- in the analyser ---------------------------------------------------------------------------

WAYS = (
    "i want",
    "please give me",
    "can i get",
    "how do i ask for",
    "where is",
    "i need",
    "send me",
)
TREE = {
    "name": "tree",
    "intents": {
        "billing/refund": {"examples": [f"{way} a refund of my bill" for way in WAYS]},
        "billing/invoice": {"examples": [f"{way} an invoice of my bill" for way in WAYS]},
        "parking": {"examples": [f"{way} a space to park the car" for way in WAYS]},
        "greet": {"examples": ["hi", "hello", "good morning", "hey you", "good day", "hi there"]},
    },
    "out_of_scope": ["who won the match", "play some jazz", "is it raining", "tell me a joke"],
    "threshold": 0.6,
}


def read(analyser: Analyser, text: str) -> Understanding:
    (result,) = analyser.analyse([Item(text, 0, None)])
    found = msgspec.json.decode(result.raw, type=Understanding)
    assert (found.intent, found.confidence) == (result.intent, result.confidence)
    return found


@pytest.fixture(scope="module")
def pack() -> Pack:
    return pack_from(TREE)


@pytest.fixture(scope="module")
def analyser(pack: Pack) -> Analyser:
    return Analyser(pack, train(pack))


def test_a_text_between_two_children_gets_their_parent(analyser: Analyser) -> None:
    both = read(analyser, "my bill please")
    assert both.intent == "billing"
    assert both.guess in ("billing/refund", "billing/invoice")
    assert both.confidence >= 0.6
    clear = read(analyser, "give me the refund of my bill please")
    assert clear.intent == clear.guess == "billing/refund"


def test_results_do_not_depend_on_the_batch(analyser: Analyser) -> None:
    texts = ["my bill", "hello", "a refund and an invoice of my bill", "a space", "", "the bill"]
    together = analyser.analyse([Item(text, 0, None) for text in texts])
    alone = [analyser.analyse([Item(text, 0, None)])[0] for text in texts]
    assert [one.raw for one in together] == [one.raw for one in alone]


def test_an_example_is_what_it_was_given_for_before_any_parent(pack: Pack) -> None:
    strict = msgspec.structs.replace(pack, threshold=0.97)
    analyser = Analyser(strict, train(strict))
    found = read(analyser, "i want a refund of my bill")
    assert found.intent == "billing/refund" and found.confidence >= 0.97


def test_packs_without_levels_ask_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    flat = pack_from({"name": "flat", "intents": {"a": {"examples": ["red", "blue"]},
                                                  "b": {"examples": ["one", "two"]}}})  # fmt: skip
    model = train(flat)

    def refuse(*_: object) -> None:
        raise AssertionError("asked for probabilities")

    monkeypatch.setattr(type(model), "log_probabilities", refuse)
    assert read(Analyser(flat, model), "the weather").intent is None
