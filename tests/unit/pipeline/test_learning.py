"""What turns teach the graph, and what they do not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from colloquy.context.window import Window
from colloquy.graph.kinds import check_attribute, shape_of
from colloquy.graph.relationships import SHAPES, check_ends
from colloquy.graph.statements import Assertion, check_statement
from colloquy.model import ids
from colloquy.model.message import Message, Sender, encode
from colloquy.model.reply import Reply
from colloquy.model.session import Session
from colloquy.model.turn import Incoming, Said, Turn
from colloquy.model.understanding import Entity, Understanding
from colloquy.pipeline import teaching
from colloquy.pipeline.cache import Live
from colloquy.pipeline.learning import Learning
from colloquy.pipeline.lesson import Lesson, Taught
from colloquy.pipeline.scheduler import Bundle
from colloquy.pipeline.work import Fate, Work
from colloquy.settings import GraphSettings
from colloquy.storage.store import InboxHeader
from colloquy.storage.write_set import KIND_RECORD
from colloquy.telemetry import Metrics

NOW = 1_795_000_000_000_000
"""18 November 2026, 09:46:40 UTC."""
CONVERSATION = ids.conversation_id("api", "default", "ann")
PERSON = f"person:{CONVERSATION.hex()}"


class Class:
    """A learning with its memory, and one conversation after the other to learn from."""

    def __init__(self, **settings: Any) -> None:
        self.metrics = Metrics()
        self.learning = Learning(GraphSettings(**settings), self.metrics)
        self.number = 0

    def work(
        self,
        text: str,
        found: Understanding | None = None,
        *,
        sender: Sender | None = None,
        channel: str = "api",
        key: str = "ann",
        fate: Fate = Fate.ANSWERED,
        kind: int = 0,
        metadata: dict[str, Any] | None = None,
        window: tuple[Said, ...] = (),
    ) -> Work:
        self.number += 1
        conversation = ids.conversation_id(channel, "default", key)
        message = Message(
            conversation=key, channel=channel, text=text, sender=sender, metadata=metadata or {}
        )
        payload = encode(message)
        header = InboxHeader(
            self.number, b"m%d" % self.number, conversation, 0, kind, "ready", NOW, NOW, None,
            None, 0, 0, len(payload), None,
        )  # fmt: skip
        work = Work(Bundle(conversation, (header,)), epoch=1)
        session = Session(
            number=1, id=conversation, channel=channel, account="default", key=key, thread=""
        )
        lines = Window(10, complete=True)
        for line in window:
            lines.add(line)
        work.live = Live(session, lines, exists=True)
        incoming = Incoming(
            self.number, header.message_id, NOW + self.number, message, payload, False, False, False
        )
        work.turn = Turn(id=b"t", session=session, incoming=[incoming], once=None, write=None)  # type: ignore[arg-type]
        work.turn.raw_understanding = [encode(found if found is not None else Understanding())]
        work.fate = fate
        return work

    def teach(self, work: Work, taught: Taught | None = None) -> Lesson:
        lesson = self.learning.lesson(work, {} if taught is None else taught, NOW)
        assert lesson is not None
        return lesson

    def hear(self, text: str, found: Understanding | None = None, **more: Any) -> Lesson:
        """Teaches and commits."""
        lesson = self.teach(self.work(text, found, **more))
        self.learning.committed([lesson], NOW)
        return lesson


def found(text: str, *spans: tuple[str, str, Any], **more: Any) -> Understanding:
    entities = [
        Entity(label, text.index(part), text.index(part) + len(part), part, value)
        for label, part, value in spans
    ]
    return Understanding(entities=entities, **more)


def listed(text: str, label: str, part: str, value: str, **more: Any) -> Understanding:
    at = text.index(part)
    entity = Entity(label, at, at + len(part), part, value, extractor="dictionary")
    return Understanding(entities=[entity], **more)


def values(lesson: Lesson) -> dict[tuple[str, str], Any]:
    return {(one.subject, one.predicate): one.value for one in lesson.assertions if not one.target}


def edges(lesson: Lesson) -> set[tuple[str, str, str]]:
    return {(one.subject, one.predicate, one.target) for one in lesson.assertions if one.target}


def check(assertions: list[Assertion]) -> None:
    """Everything is a valid statement, and relationships join kinds that they may join."""
    kinds = {one.subject: one.value for one in assertions if one.predicate == "type"}
    for one in assertions:
        check_statement(one)
        if one.target is not None:
            assert one.predicate in SHAPES
            assert not one.single
            check_ends(one.predicate, kinds[one.subject], kinds[one.target])
        elif one.predicate != "type":
            assert check_attribute(kinds[one.subject], one.predicate, one.value) == one.value
    for subject, kind in kinds.items():
        attributes = {one.predicate for one in assertions if one.subject == subject}
        assert {"name", "value", "start", "text"} & attributes or kind in ("person", "price")
        assert shape_of(kind)


def test_a_message_gives_its_person_what_they_spoke_of_and_their_evidence() -> None:
    school = Class()
    text = "My name is Anna Schmidt, is the loft in Riverside free on 5 March for $1500?"
    lesson = school.hear(
        text,
        found(
            text,
            ("place", "Riverside", None),
            ("date", "5 March", "2027-03-05"),
            ("money", "$1500", {"amount": "1500.00", "currency": "USD"}),
            intent="availability",
            confidence=0.9,
            language="en",
            act="question",
        ),
    )
    check(lesson.assertions)
    assert values(lesson)[PERSON, "name"] == "Anna Schmidt"
    assert values(lesson)[PERSON, "language"] == "en"
    assert edges(lesson) == {
        (PERSON, "TALKED_ABOUT", target) for target in ("topic:availability", "place:riverside")
    }
    said = [one for one in lesson.assertions if one.subject == PERSON or one.target]
    assert {one.evidence.event for one in said if one.evidence} == {1}
    assert {one.evidence.source for one in said if one.evidence} == {"message"}
    assert {one.learned for one in said} == {NOW + 1}


def test_days_times_and_prices_are_nothing_that_is_talked_about() -> None:
    school = Class()
    text = "is it free on 5 March at 10 for $1500?"
    lesson = school.hear(
        text,
        found(
            text,
            ("date", "5 March", "2027-03-05"),
            ("datetime", "5 March at 10", "2027-03-05T10:00:00+00:00"),
            ("money", "$1500", {"amount": "1500.00", "currency": "USD"}),
            act="question",
        ),
    )
    assert lesson.assertions == []


def test_of_the_expected_language_only_the_way_back_to_it_is_learned() -> None:
    school = Class()
    school.learning.expect("en")
    languages = []
    for language in ("en", "fr", "fr", "en", "en"):
        spoken = Understanding(language=language)
        lesson = school.hear("long enough that its language shows", spoken)
        languages.append(values(lesson).get((PERSON, "language")))
    assert languages == [None, "fr", None, "en", None]


def test_what_defines_a_shared_thing_stands_on_nobodys_words() -> None:
    school = Class()
    text = "two jackets please"
    first = school.teach(school.work(text, listed(text, "product", "jackets", "jacket")))
    second = school.teach(
        school.work(text, listed(text, "product", "jackets", "jacket"), key="bob")
    )
    about = [
        [one for one in lesson.assertions if one.subject == "product:jacket"]
        for lesson in (first, second)
    ]
    assert [one.id for one in about[0]] == [one.id for one in about[1]]
    assert all(one.evidence and one.evidence.event is None for one in about[0])


def test_small_talk_teaches_nothing_and_makes_nobody() -> None:
    school = Class()
    for intent in ("greet", "smalltalk/thanks", "out_of_scope", None):
        lesson = school.hear("hello there", Understanding(intent=intent, confidence=0.99))
        assert lesson.assertions == []


def test_what_is_known_is_not_written_again() -> None:
    school = Class()
    text = "is a jacket there?"
    understanding = listed(
        text, "product", "jacket", "jacket", intent="product/information", confidence=0.9
    )
    assert len(school.hear(text, understanding).assertions) == 7
    again = school.hear(text, understanding)
    assert again.assertions == []
    assert set(again.refused) == {"known"}
    school.learning.forget()
    assert len(school.hear(text, understanding).assertions) == 7


def test_only_what_was_committed_counts_as_known() -> None:
    school = Class()
    text = "is a jacket there?"
    understanding = listed(text, "product", "jacket", "jacket")
    work = school.work(text, understanding)
    lost = school.teach(work)
    assert school.teach(work).assertions == lost.assertions


def test_what_was_taken_back_while_it_was_committed_does_not_count_as_known() -> None:
    school = Class()
    text = "is a jacket there?"
    work = school.work(text, listed(text, "product", "jacket", "jacket"))
    lesson = school.teach(work)
    school.learning.forget()
    school.learning.committed([lesson], NOW)
    assert school.teach(work).assertions == lesson.assertions


def test_one_commit_says_a_thing_once() -> None:
    school = Class()
    text = "is a jacket there?"
    taught: Taught = {}
    first = school.teach(school.work(text, listed(text, "product", "jacket", "jacket")), taught)
    second = school.teach(school.work(text, listed(text, "product", "jacket", "jacket")), taught)
    assert len(first.assertions) == 4
    assert second.assertions == []


def test_a_value_of_the_dictionary_that_is_an_entity_means_that_entity() -> None:
    school = Class()
    school.learning.know(frozenset({"flat-12"}))
    text = "tell me about the Riverside Loft"
    lesson = school.hear(text, listed(text, "product", "Riverside Loft", "flat-12"))
    assert edges(lesson) == {(PERSON, "TALKED_ABOUT", "flat-12")}
    assert not any(one.subject == "flat-12" for one in lesson.assertions)


def test_preferences_come_from_labels_units_and_budgets_and_a_newer_one_takes_their_place() -> None:
    school = Class()
    text = "we need 2 bedrooms in a house, under $1500"
    lesson = school.hear(
        text,
        found(
            text,
            ("quantity", "2 bedrooms", {"value": 2, "unit": "bedroom"}),
            ("property_type", "house", "house"),
            ("money", "$1500", {"amount": "1500.00", "currency": "USD"}),
            act="request",
        ),
    )
    told = values(lesson)
    assert told[PERSON, "prefers.bedrooms"] == 2
    assert told[PERSON, "prefers.property_type"] == "house"
    assert told[PERSON, "prefers.budget"] == {"amount": "1500.00", "currency": "USD"}
    text = "better 3 bedrooms"
    newer = school.hear(
        text, found(text, ("quantity", "3 bedrooms", {"value": 3, "unit": "bedroom"}), act="inform")
    )
    (three,) = newer.assertions
    assert (three.value, three.single, three.valid_from) == (3, True, NOW + 2)


def test_questions_and_negations_are_no_preferences() -> None:
    school = Class()
    text = "is the studio free?"
    asked = school.hear(text, listed(text, "property_type", "studio", "studio", act="question"))
    text = "I do not want a studio"
    denied = school.hear(text, listed(text, "property_type", "studio", "studio", act="inform"))
    assert asked.assertions == denied.assertions == []
    assert (asked.refused, denied.refused) == (["question"], ["negated"])


def test_slots_that_a_turn_filled_are_preferences_and_other_slots_are_not() -> None:
    school = Class()
    work = school.work("three")
    work.turn.slots = {"bedrooms": 3, "order": "A-12345", "area": "Old Town", "budget": 1200}
    work.live.session.state = {"slots": {"area": "Old Town"}}
    lesson = school.teach(work)
    told = {key: value for key, value in values(lesson).items() if key[1] != "type"}
    assert told == {(PERSON, "prefers.bedrooms"): 3}
    assert lesson.refused == ["bare_number"]  # a budget without a currency


def test_secrets_quotes_and_our_own_words_are_refused() -> None:
    school = Class()
    card = "my card is 4111111111111111"
    quoted = "> the Loft in Riverside\nyes"
    ours = Said("assistant", "The Loft in Riverside is free.", NOW)
    for text, understanding, reason, more in (
        (card, found(card, ("card", "4111111111111111", {"number": "4"})), "secret", {}),
        ("my password is Bella", found("my password is Bella", ("person", "Bella", None)),
         "secret", {}),
        (quoted, found(quoted, ("place", "Riverside", None)), "quoted", {}),
        (ours.text, found(ours.text, ("place", "Riverside", None)), "recalled",
         {"window": (ours,)}),
        ("Riverside", found("Riverside", ("place", "Riverside", None)), "recalled",
         {"metadata": {"origin": "recalled"}}),
        ("Riverside", found("Riverside", ("place", "Riverside", None)), "no_person",
         {"sender": Sender("bot", kind="assistant")}),
        ("Riverside", found("Riverside", ("place", "Riverside", None)), "history",
         {"kind": KIND_RECORD}),
        ("them", found("them", ("person", "them", None)), "stop_word", {}),
    ):  # fmt: skip
        lesson = school.hear(text, understanding, **more)
        assert lesson.assertions == [], text
        assert lesson.refused[0] == reason, text


def test_where_somebody_writes_from_reaches_them_and_ids_show_no_number() -> None:
    school = Class()
    text = "where do you keep the jackets?"
    asks = Understanding(intent="location", confidence=0.9)
    lesson = school.hear(text, asks, channel="whatsapp", key="4915112345678")
    check(lesson.assertions)
    (point,) = (target for _, predicate, target in edges(lesson) if predicate == "REACHED_AT")
    assert values(lesson)[point, "value"] == "+4915112345678"
    assert values(lesson)[point, "medium"] == "whatsapp"
    assert not any("49151" in one.subject for one in lesson.assertions)
    lesson = school.hear(text, asks, channel="email", key="x@mailinator.com")
    assert "throw_away" in lesson.refused
    assert {predicate for _, predicate, _ in edges(lesson)} == {"TALKED_ABOUT"}


def test_another_sender_of_a_conversation_is_another_person() -> None:
    school = Class()
    asks = Understanding(intent="location", confidence=0.9)
    lesson = school.hear("where is it?", asks, sender=Sender("bob", name="Bob  Stone"))
    ((person, _, _),) = edges(lesson)
    assert person.startswith(f"{PERSON}:")
    assert values(lesson)[person, "name"] == "Bob Stone"


def own_name(text: str, entities: Sequence[Entity]) -> str | None:
    return teaching.own_name(text, text.casefold(), entities)


def test_a_name_is_taken_in_capitals_or_where_a_person_was_found() -> None:
    assert own_name("Hi, my name is Anna-Maria van Dyk", []) == "Anna-Maria"
    assert own_name("ich heiße Jürgen Groß. Hallo", []) == "Jürgen Groß"
    assert own_name("ciao, il mio nome è Lucia.", []) == "Lucia"
    assert own_name("me chamo João, e você?", []) == "João"
    assert own_name("my name is on the list", []) is None
    assert own_name("my name is Not important", []) is None
    text = "my name is ann lee"
    assert own_name(text, found(text, ("person", "ann lee", None)).entities) == "ann lee"
    assert own_name("nothing of that", []) is None


def test_an_answered_request_for_a_time_ahead_is_a_promise_and_can_be_taken_back() -> None:
    school = Class()
    text = "book a viewing for tomorrow at 10"

    def booked(at: str, act: str = "request", **more: Any) -> Lesson:
        when = ("datetime", "tomorrow at 10", at)
        asks = found(text, when, intent="book_viewing", confidence=0.9, act=act)
        work = school.work(text, asks)
        work.replies = more.get("replies", [Reply(text="Noted.")])
        work.turn.answered_by = more.get("by", "template:book_viewing")
        lesson = school.teach(work)
        school.learning.committed([lesson], NOW)
        return lesson

    promise = f"commitment:{CONVERSATION.hex()}:viewing"
    for nothing in (
        booked("2026-11-19T10:00:00+00:00", act="question"),
        booked("2026-11-19T10:00:00+00:00", replies=[]),
        booked("2026-11-19T10:00:00+00:00", replies=[Reply(text="In the morning?")]),
        booked("2026-11-19T10:00:00+00:00", by="fallback"),
        booked("2026-11-17T10:00:00+00:00"),
    ):
        assert not any(one.subject == promise for one in nothing.assertions)
    cancel = Understanding(intent="cancel_viewing", confidence=0.95, act="request")
    nothing = school.hear("cancel the viewing", cancel)
    assert not any(one.subject == promise for one in nothing.assertions)

    made = booked("2026-11-19T10:00:00+02:00")
    assert (promise, "PROMISED_TO", PERSON) in edges(made)
    assert values(made)[promise, "dueAt"] == "2026-11-19T08:00:00.000000Z"
    assert values(made)[promise, "status"] == "open"

    work = school.work("cancel the viewing", cancel)
    work.replies = [Reply(text="It is cancelled.")]
    work.turn.answered_by = "template:cancel_viewing"
    (withdrawn,) = school.teach(work).assertions
    assert (withdrawn.subject, withdrawn.predicate) == (promise, "status")
    assert withdrawn.value == "withdrawn"


def test_the_first_commit_of_a_parked_turn_has_the_message_the_second_the_outcome() -> None:
    school = Class()
    text = "a jacket please"
    work = school.work(text, listed(text, "product", "jacket", "jacket"), fate=Fate.PARKED)
    work.turn.slots = {"bedrooms": 2}
    first = school.teach(work)
    assert (PERSON, "TALKED_ABOUT", "product:jacket") in edges(first)
    assert (PERSON, "prefers.bedrooms") not in values(first)
    school.learning.committed([first], NOW)
    work.was_parked, work.fate = True, Fate.ANSWERED
    second = school.teach(work)
    assert edges(second) == set()
    assert values(second) == {(PERSON, "prefers.bedrooms"): 2}


def test_what_the_store_refused_is_not_taught_again() -> None:
    school = Class()
    text = "a jacket please"
    work = school.work(text, listed(text, "product", "jacket", "jacket"))
    assert school.teach(work).assertions
    school.learning.doubt(work)
    assert school.learning.lesson(work, {}, NOW) is None


def test_learning_can_be_switched_off() -> None:
    school = Class(learn=False)
    assert school.learning.lesson(school.work("a jacket"), {}, NOW) is None


def test_a_fault_costs_the_lesson_and_leaves_no_trace_in_the_commit() -> None:
    school = Class()
    text = "book a viewing for some time"
    broken = found(text, ("datetime", "some time", "soon"), intent="book_viewing", confidence=0.9)
    work = school.work(text, broken)
    work.replies = [Reply(text="Noted.")]
    work.turn.answered_by = "template:book_viewing"
    taught: Taught = {}
    assert school.learning.lesson(work, taught, NOW) is None
    assert taught == {}
    assert school.metrics.graph_refused.of("failed").value == 1


def test_what_was_offered_was_learned_or_refused() -> None:
    school = Class()
    text = "is a jacket there? my password is Bella"
    for said in ("is a jacket there?", text, "is a jacket there?"):
        school.hear(said, listed(said, "product", "jacket", "jacket"))
    metrics = school.metrics
    refused = sum(counter.value for _, counter in metrics.graph_refused.items())
    assert metrics.graph_learned.value == 4
    assert metrics.graph_offered.value == metrics.graph_learned.value + refused
