"""Which handler answers, what it may return, and how slots and templates are filled."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy import Colloquy, Entity, Message, Reply, Understanding
from colloquy.model.errors import InvalidInput
from colloquy.model.message import encode
from colloquy.model.session import Session
from colloquy.model.turn import Fired, Incoming, Turn
from colloquy.replies.handlers import Handlers, Templates, fill_slot, replies_of


def turn(
    text: str = "hello",
    understanding: Understanding | None = None,
    *,
    asked: dict[str, Any] | None = None,
    fired: Fired | None = None,
    last_seq: int = 0,
) -> Turn:
    async def once(*_: Any) -> None:
        raise AssertionError

    message = Message(conversation="ann", text=text)
    incoming = [Incoming(1, b"m" * 16, 0, message, encode(message), False, False, False)]
    session = Session(
        number=1, id=b"c" * 16, channel="api", account="a", key="ann", thread="", last_seq=last_seq
    )
    made = Turn(
        id=b"t" * 16,
        session=session,
        incoming=[] if fired else incoming,
        once=once,
        write=once,
        fired=fired,
    )
    made.raw_understanding = [encode(understanding or Understanding())]
    made.asked = asked
    return made


def names(handlers: Handlers, made: Turn) -> list[str]:
    return [registration.name for registration in handlers.for_turn(made)]


def full() -> Colloquy:
    app = Colloquy()

    @app.on_intent("hours", examples=["when do you open"])
    def hours(turn: Turn) -> str:
        return "9 to 5"

    @app.on_message
    def first(turn: Turn) -> None: ...

    @app.on_message
    def second(turn: Turn) -> None: ...

    @app.on_timer("remind")
    def remind(turn: Turn) -> None: ...

    @app.on_fallback
    def fallback(turn: Turn) -> str:
        return "?"

    return app


def test_the_order_of_handlers() -> None:
    handlers = full().handlers
    messages = [name for name in handlers.named if name.startswith("message:")]
    assert names(handlers, turn()) == messages
    assert names(handlers, turn(understanding=Understanding(intent="hours"))) == [
        *messages,
        "intent:hours",
    ]
    assert names(handlers, turn(understanding=Understanding(intent="other"))) == messages
    asked = {"slot": "name", "handler": "intent:hours"}
    assert names(handlers, turn(asked=asked)) == ["intent:hours", *messages]
    assert names(handlers, turn(asked={"slot": "name", "handler": "gone"})) == messages
    assert names(handlers, turn(fired=Fired("remind", {}))) == ["timer:remind"]
    assert names(handlers, turn(fired=Fired("other", {}))) == []
    assert handlers.examples == {"hours": ["when do you open"]}


def test_a_name_is_taken_once() -> None:
    app = full()
    with pytest.raises(InvalidInput):
        app.on_intent("hours")(lambda turn: None)
    with pytest.raises(InvalidInput):
        app.on_timer("remind")(lambda turn: None)
    with pytest.raises(InvalidInput):
        app.on_fallback(lambda turn: None)


def test_what_a_handler_may_return() -> None:
    reply = Reply("a")
    assert replies_of(None) == []
    assert replies_of("x") == [Reply("x")]
    assert replies_of(reply) == [reply]
    assert replies_of(["x", reply, ("y", None)]) == [Reply("x"), reply, Reply("y")]  # type: ignore[list-item]
    for wrong in (5, {"text": "x"}, [object()], Reply("x", hand_over="nobody")):
        with pytest.raises(InvalidInput):
            replies_of(wrong)  # type: ignore[arg-type]


def test_a_slot_takes_the_text_or_the_entity() -> None:
    made = turn("  Ann ", asked={"slot": "name"})
    assert fill_slot(made) is None
    assert made.slots == {"name": "Ann"}
    mail = Entity("email", 3, 8, "A@B.c", value="a@b.c")
    made = turn("x", Understanding(entities=[mail]), asked={"slot": "mail", "entity": "email"})
    assert fill_slot(made) is None
    assert made.slots == {"mail": "a@b.c"}
    bare = Entity("city", 0, 1, "Rome")
    made = turn("Rome", Understanding(entities=[bare]), asked={"slot": "c", "entity": "city"})
    fill_slot(made)
    assert made.slots == {"c": "Rome"}


def test_an_interval_and_a_bare_number_answer_too() -> None:
    span = Entity("interval", 0, 4, "3-5pm", value={"from": "T15", "to": "T17"})
    for label in ("date", "time", "datetime"):
        made = turn("3-5pm", Understanding(entities=[span]), asked={"slot": "w", "entity": label})
        assert fill_slot(made) is None
        assert made.slots == {"w": "T15"}
    three = Understanding(entities=[Entity("number", 0, 1, "3", value=3)])
    made = turn("3", three, asked={"slot": "rooms", "entity": "quantity"})
    fill_slot(made)
    assert made.slots == {"rooms": {"value": 3, "unit": None}}


def test_a_missing_entity_is_asked_for_once_more() -> None:
    asked = {"slot": "mail", "entity": "email", "question": "Which?", "tries": 0}
    made = turn("no", asked=asked)
    again = fill_slot(made)
    assert again == Reply("Which?")
    assert made.slots == {}
    assert fill_slot(made) is None
    assert made.slots == {"mail": "no"}


def test_nothing_is_filled_when_nothing_was_asked() -> None:
    assert fill_slot(turn()) is None
    assert fill_slot(turn(fired=Fired("x", {}), asked={"slot": "s"})) is None


def test_templates_rotate_and_need_all_their_slots() -> None:
    templates = Templates({"hi": ["one", "two"], "price": ["{unit} costs {money}"], "none": []})
    hi = Understanding(intent="hi")
    answers = [templates.answer(turn("x", hi, last_seq=number)) for number in range(3)]
    assert [answer.text for answer in answers if answer] == ["one", "two", "one"]
    price = Understanding(intent="price", entities=[Entity("money", 0, 2, "5 EUR")])
    made = turn("x", price)
    assert templates.answer(made) is None
    made.slots["unit"] = 7
    answer = templates.answer(made)
    assert answer is not None
    assert answer.text == "7 costs 5 EUR"
    assert templates.answer(turn("x", Understanding(intent="none"))) is None
    assert templates.answer(turn()) is None


def test_a_handler_answers_what_is_below_its_intent() -> None:
    app = Colloquy()
    app.on_intent("billing")(lambda turn: "billing")
    app.on_intent("billing/refund")(lambda turn: "refund")

    def chosen(intent: str) -> list[str]:
        return names(app.handlers, turn("x", Understanding(intent=intent)))

    assert chosen("billing/refund/status") == ["intent:billing/refund"]
    assert chosen("billing/invoice") == ["intent:billing"]
    assert chosen("billings/invoice") == []
