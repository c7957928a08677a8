from colloquy.model.understanding import Emotion, Entity, Label, Understanding
from colloquy.understanding.comparing import MAX_EXAMPLES, Comparer

OLD = Understanding(intent="greet", confidence=0.9, model="1")


def test_alike_but_for_figures_is_alike() -> None:
    comparer = Comparer()
    comparer.add("m1", "hi", OLD, Understanding(intent="greet", confidence=0.8, model="2"))
    result = comparer.result(show_text=True)
    assert (result.messages, result.same, result.agreement) == (1, 1, 1.0)
    assert result.changed == {} and result.examples == []
    assert result.versions == {"1 → 2": 1}


def test_each_kind_of_change_is_counted_and_shown() -> None:
    comparer = Comparer()
    new = Understanding(
        intent="goodbye",
        entities=[Entity("date", 0, 2, "hi", role="from")],
        emotion=Emotion(label="joy"),
        model="2",
    )
    comparer.add("m1", "hi", OLD, new)
    comparer.add("m2", "ho", OLD, OLD)
    result = comparer.result(show_text=False)
    assert result.agreement == 0.5
    assert result.changed == {"intent": 1, "entities": 1, "emotion": 1}
    assert [(one.kind, one.before, one.after) for one in result.examples] == [
        ("intent", "greet", "goodbye"),
        ("entities", "none", "date/from@0-2"),
        ("emotion", "neutral", "joy"),
    ]
    assert all(one.text is None for one in result.examples), "people's words only on request"
    assert comparer.result(show_text=True).examples[0].text == "hi"


def test_examples_have_an_end() -> None:
    comparer = Comparer()
    for number in range(3 * MAX_EXAMPLES):
        comparer.add(str(number), "x", OLD, Understanding(intent="other"))
    result = comparer.result(show_text=False)
    assert result.changed == {"intent": 3 * MAX_EXAMPLES}
    assert len(result.examples) == MAX_EXAMPLES


def test_nothing_compared_agrees() -> None:
    assert Comparer().result(show_text=False).agreement == 1.0


def test_a_second_intent_counts() -> None:
    comparer = Comparer()
    one = Understanding(intent="greet", intents=[Label("greet", 0.9)])
    two = Understanding(intent="greet", intents=[Label("greet", 0.8), Label("buy", 0.7)])
    comparer.add("m1", "hi", one, two)
    (change,) = comparer.result(show_text=True).examples
    assert (change.kind, change.before, change.after) == ("intent", "greet", "buy, greet")
