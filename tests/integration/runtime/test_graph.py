"""The graph through a running engine, on both databases: taught, read as it was, walked, found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from colloquy import Colloquy, Turn
from colloquy.model.errors import InvalidInput, NotFound, NotRestorable, Unavailable
from colloquy.model.graph import (
    EntityRequest,
    EvidenceView,
    ImpactRequest,
    LearnRequest,
    MergeRequest,
    NewEntity,
    NewFact,
    NewRelationship,
    PathRequest,
    RelationshipFilter,
    RetractionRequest,
    SearchMode,
    TraversalRequest,
)
from colloquy.model.ledger import CompactRequest, PointRequest
from colloquy.runtime.graph import GraphDesk
from support.engine import Talk, echo, running

AWKWARD = "docs/a b|c%2F\N{OTTER}?#&=+"
FLAT = NewEntity(
    id="flat-12",
    kind="product",
    attributes={"name": "Flat 12", "category": "property", "features": ["balcony", "lift"]},
)
ANN = NewEntity(id="ann", kind="person", attributes={"name": "Ann Lee"})
WANTS = NewRelationship(source="ann", type="INTERESTED_IN", target="flat-12")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    if request.param == "sqlite":
        return tmp_path / "colloquy.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
async def talk(database: Path | str, tmp_path: Path) -> AsyncIterator[Talk]:
    async with running(echo(), database, tmp_path) as talk:
        yield talk


@pytest.fixture
def desk(talk: Talk) -> GraphDesk:
    return talk.runtime.knowledge


async def taught(desk: GraphDesk) -> None:
    await desk.learn(LearnRequest(entities=(FLAT, ANN), relationships=(WANTS,)), "tom")


def value(raw: Any) -> Any:
    return msgspec.json.decode(raw)


async def test_what_is_learned_is_read_with_its_evidence_and_both_times(desk: GraphDesk) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    fact = NewFact(
        subject="flat-12", predicate="status", value="available", valid_from=since, said=since,
        evidence=EvidenceView("document", 0.9, note="the listing"),
    )  # fmt: skip
    made = await desk.learn(
        LearnRequest(entities=(FLAT, ANN), relationships=(WANTS,), facts=(fact,)), "tom"
    )
    assert (made.new, made.repeated, made.contradictions) == (9, 0, 0)
    flat = await desk.entity("flat-12")
    assert (flat.kind, flat.truncated, flat.merged) == ("product", False, [])
    assert flat.attributes["features"] == ["balcony", "lift"]
    (known,) = (await desk.facts("flat-12", "status")).facts
    assert (value(known.value), known.valid_from) == ("available", "2026-01-01T00:00:00.000000Z")
    assert known.learned_from <= made.position
    (said,) = known.assertions
    assert (said.key, said.said) == ("flat-12|status", known.valid_from)
    assert said.evidence == EvidenceView("document", 0.9, note="the listing")
    before = datetime(2025, 12, 31, tzinfo=UTC)
    assert "status" not in (await desk.entity("flat-12", valid_at=before)).attributes
    (edge,) = (await desk.facts("ann", "INTERESTED_IN")).facts
    assert (edge.target, edge.value) == ("flat-12", msgspec.UNSET)


async def test_facts_come_page_by_page_each_once(desk: GraphDesk) -> None:
    features = [f"feature {index:03}" for index in range(25)]
    await desk.describe("flat", EntityRequest(
        kind="product", attributes={"name": "Flat", "features": features}), "tom")  # fmt: skip
    found, cursor = [], None
    while True:
        page = await desk.facts("flat", "features", cursor, 10)
        found += [value(fact.value) for fact in page.facts]
        assert all(fact.assertions for fact in page.facts)
        cursor = page.next
        if cursor is None:
            break
    assert sorted(found) == features


async def test_of_prices_that_replace_each_other_each_page_has_its_evidence(
    desk: GraphDesk,
) -> None:
    prices = [f"price-{index}" for index in range(4)]
    await desk.learn(
        LearnRequest(
            relationships=tuple(
                NewRelationship(
                    source="flat", type="PRICED_AT", target=price,
                    said=datetime(2026, 1, 1 + index, tzinfo=UTC),
                    valid_from=datetime(2026, 1, 1 + index, tzinfo=UTC),
                )
                for index, price in enumerate(prices)
            )
        ),
        "tom",
    )  # fmt: skip
    found: list[tuple[Any, list[Any]]] = []
    cursor = None
    while True:
        page = await desk.facts("flat", cursor=cursor, limit=1)
        found += [(f.target, [one.target for one in f.assertions]) for f in page.facts]
        cursor = page.next
        if cursor is None:
            break
    assert sorted(found) == [(price, [price]) for price in prices]


async def test_describing_again_changes_nothing_and_less_takes_nothing_away(
    desk: GraphDesk, talk: Talk
) -> None:
    request = EntityRequest(kind="product", attributes=FLAT.attributes)
    first = await desk.describe("flat-12", request, "tom")
    ((head,),) = await talk.runtime.store.query("ledger_head")
    assert await desk.describe("flat-12", request, "tom") == first
    ((still,),) = await talk.runtime.store.query("ledger_head")
    assert still == head
    request = EntityRequest(kind="product", attributes={"name": "The flat", "features": ["garden"]})
    changed = await desk.describe("flat-12", request, "tom")
    assert changed.attributes["features"] == ["balcony", "garden", "lift"]
    assert (changed.attributes["name"], changed.attributes["category"]) == ("The flat", "property")
    assert (await desk.entity("flat-12", as_of=head)) == first


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (LearnRequest(), "facts"),
        (LearnRequest(entities=(ANN, NewEntity(id="x", kind="ghost"))), "entities[1].kind"),
        (LearnRequest(entities=(NewEntity(id="x", kind="place"),)), "entities[0].attributes.name"),
        (
            LearnRequest(relationships=(NewRelationship(source="a", type="LIKES", target="b"),)),
            "relationships[0].type",
        ),
        (
            LearnRequest(
                entities=(FLAT, ANN),
                relationships=(
                    WANTS,
                    NewRelationship(source="flat-12", type="WORKS_FOR", target="ann"),
                ),
            ),
            "relationships[1].source",
        ),
        (LearnRequest(facts=(NewFact(subject="a", predicate="=", value=1),)), "facts[0].predicate"),
        (
            LearnRequest(
                entities=(FLAT,),
                facts=(
                    NewFact(
                        subject="a", predicate="b", value=1,
                        valid_from=datetime(2026, 1, 2, tzinfo=UTC),
                        valid_to=datetime(2026, 1, 1, tzinfo=UTC),
                    ),
                ),
            ),
            "facts[0].valid_to",
        ),
        (LearnRequest(facts=(NewFact(subject="a", predicate="b", value=2**70),)), "facts[0].value"),
        (
            LearnRequest(
                entities=(ANN,), facts=tuple(NewFact(subject="a", predicate="b", value=n)
                                             for n in range(500))
            ),
            "facts",
        ),
    ],
)  # fmt: skip
async def test_a_wrong_item_is_named_and_nothing_is_learned(
    desk: GraphDesk, talk: Talk, request_: LearnRequest, field: str
) -> None:
    with pytest.raises(InvalidInput) as raised:
        await desk.learn(request_, "tom")
    assert raised.value.field == field
    ((head,),) = await talk.runtime.store.query("ledger_head")
    assert (head, (await desk.entities()).entities) == (0, [])


async def test_ends_that_are_known_already_are_checked_too(desk: GraphDesk) -> None:
    await taught(desk)
    wrong = NewRelationship(source="flat-12", type="WORKS_FOR", target="ann")
    with pytest.raises(InvalidInput, match="cannot have a product here") as raised:
        await desk.learn(LearnRequest(relationships=(wrong,)), "tom")
    assert raised.value.field == "relationships[0].source"


async def test_ids_may_hold_anything(desk: GraphDesk) -> None:
    await desk.describe(AWKWARD, EntityRequest(kind="topic", attributes={"name": "Odd"}), "tom")
    join = NewRelationship(source="ann", type="TALKED_ABOUT", target=AWKWARD)
    await desk.learn(LearnRequest(relationships=(join,)), "tom")
    assert (await desk.entity(AWKWARD)).attributes["name"] == "Odd"
    (fact,) = (await desk.facts(AWKWARD, "name")).facts
    await desk.retract(RetractionRequest(key=fact.assertions[0].key), "tom")
    assert "name" not in (await desk.entity(AWKWARD)).attributes
    assert [one.id for one in (await desk.neighbours("ann")).entities] == ["ann", AWKWARD]


async def test_what_is_taken_back_is_gone_now_and_there_in_the_past(desk: GraphDesk) -> None:
    await taught(desk)
    evidence = EvidenceView("message", 0.8, event=77)
    facts = tuple(
        NewFact(subject="ann", predicate=name, value="de", evidence=evidence)
        for name in ("language", "timeZone")
    )
    position = (await desk.learn(LearnRequest(facts=facts), "tom")).position
    await desk.retract(RetractionRequest(event=77, reason="not her"), "tom")
    assert (await desk.entity("ann")).attributes.keys() == {"name"}
    assert (await desk.entity("ann", as_of=position)).attributes["language"] == "de"
    (edge,) = (await desk.facts("ann", "INTERESTED_IN")).facts
    await desk.retract(RetractionRequest(fact=edge.number), "tom")
    assert (await desk.facts("ann", "INTERESTED_IN")).facts == []
    for again in (
        RetractionRequest(event=77),
        RetractionRequest(fact=edge.number),
        RetractionRequest(key="ann|language"),
    ):
        with pytest.raises(NotFound):
            await desk.retract(again, "tom")
    for wrong in (RetractionRequest(), RetractionRequest(key="a|b", event=1)):
        with pytest.raises(InvalidInput):
            await desk.retract(wrong, "tom")
    kinds = [one.opened for one in (await desk.changes(position)).changes]
    assert kinds == [False] * 3
    timeline = (await desk.timeline("ann", "language")).versions
    assert [one.learned_to is None for one in timeline] == [False]
    assert timeline[0].closed_at is not None


async def test_what_a_message_taught_can_be_learned_again_after_it_was_taken_back(
    tmp_path: Path,
) -> None:
    async with running(Colloquy(pack="property"), tmp_path / "a.db", workers="0") as talk:
        desk = talk.runtime.knowledge
        await talk.send("My name is Anna Schmidt")
        person = f"person:{talk.conversation_id()}"
        facts = (await desk.facts(person)).facts
        for key in sorted({one.key for fact in facts for one in fact.assertions}):
            await desk.retract(RetractionRequest(key=key), "tom")
        with pytest.raises(NotFound):
            await desk.entity(person)
        await talk.send("Hello? My name is Anna Schmidt")
        assert (await desk.entity(person)).attributes["name"] == "Anna Schmidt"


async def test_two_are_one_until_they_are_taken_apart(desk: GraphDesk) -> None:
    await taught(desk)
    await desk.describe("annie", EntityRequest(kind="person", attributes={"language": "de"}), "tom")
    before = await desk.entity("annie")
    await desk.merge(MergeRequest(kept="ann", other="annie", note="the same number"), "tom")
    merged = await desk.entity("annie")
    assert (merged.id, merged.merged) == ("ann", ["annie"])
    assert merged.attributes == {"name": "Ann Lee", "language": "de"}
    with pytest.raises(NotFound):
        await desk.merge(MergeRequest(kept="ann", other="nobody"), "tom")
    await desk.unmerge("ann", "annie", "tom")
    assert await desk.entity("annie") == before
    with pytest.raises(NotFound):
        await desk.unmerge("ann", "annie", "tom")


async def test_walks_are_bounded_and_say_so(desk: GraphDesk) -> None:
    names = [f"f{index}" for index in range(30)]
    calls = [NewRelationship(source=a, type="CALLS", target=b) for a, b in pairwise(names)]
    now = (await desk.learn(LearnRequest(relationships=tuple(calls)), "tom")).position
    near = await desk.neighbours("f0", 3, ("CALLS",), "outgoing")
    assert [(one.id, one.hops) for one in near.entities] == [(f"f{n}", n) for n in range(4)]
    assert not near.truncated
    assert (await desk.neighbours("f0", 5, max_read=2)).truncated
    page = await desk.neighbours("f0", 3, limit=2)
    assert ([one.id for one in page.entities], page.entity_total) == (["f0", "f1"], 4)
    page = await desk.neighbours("f0", 3, limit=2, cursor=page.next)
    assert ([one.id for one in page.entities], page.next) == (["f2", "f3"], None)
    with pytest.raises(InvalidInput):
        await desk.neighbours("f0", 6)
    walk = await desk.traverse(TraversalRequest(start="f0", direction="outgoing", limit=2))
    assert ([one.id for one in walk.entities], walk.truncated) == (["f1", "f2"], True)
    assert walk.paths[1].entities == ["f0", "f1", "f2"]
    (path,) = (await desk.paths(PathRequest(start="f0", end="f4"))).paths
    assert (path.length, path.entities[-1]) == (4, "f4")
    assert (await desk.paths(PathRequest(start="f0", end="f9"))).paths == []
    every = await desk.paths(PathRequest(start="f0", find="all", direction="outgoing", max_depth=2))
    assert [one.entities for one in every.paths] == [["f0", "f1"], ["f0", "f1", "f2"]]
    touched = await desk.impact(ImpactRequest(entity="f3", change="delete"))
    assert (touched.total, touched.direct[0].entities) == (3, ["f2"])
    await desk.retract(RetractionRequest(key="f1|CALLS|>f2"), "tom")
    assert (await desk.paths(PathRequest(start="f0", end="f4"))).paths == []
    assert (await desk.paths(PathRequest(start="f0", end="f4", as_of=now))).paths == [path]


async def test_relationships_are_found_by_what_they_and_their_ends_are(desk: GraphDesk) -> None:
    await taught(desk)
    call = NewRelationship(source="f", type="CALLS", target="g", attributes={"arity": 3})
    await desk.learn(LearnRequest(relationships=(call,)), "tom")

    async def found(**filter: Any) -> list[str]:
        page = await desk.relationships(RelationshipFilter(**filter))
        return [one.type for one in page.relationships]

    assert await found() == ["CALLS", "INTERESTED_IN"] or await found() == [
        "INTERESTED_IN", "CALLS"]  # fmt: skip
    assert await found(source_kind=("person",), target_kind=("product",)) == ["INTERESTED_IN"]
    assert await found(target_attribute=("category:property",)) == ["INTERESTED_IN"]
    assert await found(target_attribute=("category:service",)) == []
    assert await found(where=("arityMin:2",)) == ["CALLS"]
    assert await found(where=("arityMin:4",)) == []
    assert await found(entity="flat-12", direction="outgoing") == []
    for wrong, field in (
        ({"where": ("shoeSize:2",)}, "where"),
        ({"where": ("arity",)}, "where"),
        ({"kind": ("ghost",)}, "kind"),
        ({"type": ("LIKES",)}, "type"),
    ):
        with pytest.raises(InvalidInput) as raised:
            await found(**wrong)
        assert raised.value.field == field


async def test_contradictions_and_figures(desk: GraphDesk) -> None:
    await taught(desk)
    since = datetime(2026, 1, 1, tzinfo=UTC)
    for status in ("available", "sold"):
        fact = NewFact(subject="flat-12", predicate="status", value=status, valid_from=since,
                       said=since)  # fmt: skip
        await desk.learn(LearnRequest(facts=(fact,)), "tom")
    (one,) = (await desk.contradictions()).contradictions
    assert {value(one.chosen.value), value(one.other.value)} == {"available", "sold"}
    figures = await desk.statistics()
    assert figures.entities == {"person": 1, "product": 1}
    assert (figures.relationships, figures.contradictions, figures.merges) == (1, 1, 0)
    assert (figures.hygiene.junk_rate, figures.hygiene.stale_days) == (0, 180)


async def found(desk: GraphDesk, text: str, mode: SearchMode) -> None:
    while not (await desk.search(text, mode)).hits:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(0.01)


async def test_the_engine_indexes_by_itself_and_searches_by_word_and_meaning(
    talk: Talk, desk: GraphDesk
) -> None:
    await taught(desk)
    async with asyncio.timeout(60):
        await found(desk, "flat", "text")
        await found(desk, "apartment with an elevator", "vector")
    page = await desk.search("flat", kinds=["product"])
    assert ([hit.id for hit in page.hits], page.mode) == (["flat-12"], "hybrid")
    assert page.hits[0].why.in_name == ["flat"]
    assert (await desk.search("flat", kinds=["person"])).hits == []
    with pytest.raises(InvalidInput):
        await desk.search(" ")


@pytest.mark.parametrize("embedder", ["http", "nobody:knows"])
async def test_without_an_embedder_words_are_found_all_the_same(
    tmp_path: Path, embedder: str
) -> None:
    async with running(echo(), tmp_path / "a.db", graph__embedder=embedder) as talk:
        desk = talk.runtime.knowledge
        await taught(desk)
        await desk.searching.catch_up()
        page = await desk.search("flat")
        assert ([hit.id for hit in page.hits], page.mode) == (["flat-12"], "text")
        with pytest.raises(Unavailable, match="not possible"):
            await desk.search("flat", "vector")


async def test_a_handler_asks_what_is_known_of_the_person(tmp_path: Path) -> None:
    app = Colloquy()

    @app.on_message
    async def answer(turn: Turn) -> str:
        if turn.text == "who is nobody?":
            return f"{await turn.graph.entity('nobody')} {await turn.graph.neighbours('nobody')}"
        if turn.text == "find":
            return ", ".join(hit.id for hit in await turn.graph.search("flat", mode="text"))
        person = await turn.graph.entity()
        around = await turn.graph.neighbours(types=["INTERESTED_IN"])
        if person is None or around is None:
            return f"I do not know {turn.graph.person}"
        return f"{person.attributes['name']} wants {[one.name for one in around.entities[1:]]}"

    async with running(app, tmp_path / "a.db", graph__learn="false") as talk:
        desk = talk.runtime.knowledge
        me = f"person:{talk.conversation_id()}"
        assert await talk.send("hello") == [f"I do not know {me}"]
        wants = NewRelationship(source=me, type="INTERESTED_IN", target="flat-12")
        ann = NewEntity(id=me, kind="person", attributes={"name": "Ann"})
        await desk.learn(LearnRequest(entities=(FLAT, ann), relationships=(wants,)), "tom")
        assert await talk.send("hello again") == ["Ann wants ['Flat 12']"]
        assert await talk.send("who is nobody?") == ["None None"]
        await desk.searching.catch_up()
        assert await talk.send("find") == ["flat-12"]
        # Another one in the same conversation is somebody else.
        (reply,) = await talk.send("hello", sender="bob")
        assert reply is not None and reply.startswith(f"I do not know {me}:")


async def test_what_the_ledger_forgot_the_graph_forgets_but_for_points(talk: Talk) -> None:
    desk, ledger = talk.runtime.knowledge, talk.runtime.ledger
    positions = []
    for rent in (900, 950, 990):
        price = EntityRequest(kind="product", attributes={"name": "Flat", "rent": rent})
        await desk.describe("flat", price, "me")
        positions.append(await ledger.ledger.history.head())
        if rent == 950:
            await ledger.create_point(PointRequest(name="kept"), "me")
    await ledger.compact(CompactRequest(position=positions[2]))
    assert (await desk.entity("flat")).attributes["rent"] == 990
    assert (await desk.entity("flat", as_of=positions[1])).attributes["rent"] == 950
    with pytest.raises(NotRestorable):
        await desk.entity("flat", as_of=positions[0])
    versions = (await desk.timeline("flat", "rent")).versions
    assert 900 not in [msgspec.json.decode(one.value) for one in versions]  # type: ignore[arg-type]


async def test_code_is_learned_in_one_normal_form(desk: GraphDesk) -> None:
    surely = {"metadata": {"source": "ts", "path": "./src/a.ts", "line": 3}, "strength": 0.8}
    guessed = {"inferred": True, "toRef": {"kind": "external", "name": "lodash"}}
    calls = [
        NewRelationship(source="f", type="CALLS", target="g", attributes=surely),
        NewRelationship(source="f", type="CALLS", target="external:lodash", attributes=guessed),
    ]
    await desk.learn(LearnRequest(relationships=tuple(calls)), "extractor")
    wanted = RelationshipFilter(where=("kind:call", "source:type-checker"))
    (found,) = (await desk.relationships(wanted)).relationships
    assert (found.target, found.confidence) == ("g", 0.8)
    assert found.attributes is not None
    assert found.attributes["context"] == ["./src/a.ts:3"]
    wanted = RelationshipFilter(where=("to_ref_name:lodash",))
    (found,) = (await desk.relationships(wanted)).relationships
    assert (found.target, found.confidence) == ("external:lodash", 0.4)
    wrong = NewRelationship(source="f", type="CALLS", target="g", attributes={"arity": -1})
    with pytest.raises(InvalidInput) as refused:
        await desk.learn(LearnRequest(relationships=(wrong,)), "extractor")
    assert refused.value.field == "relationships[0].attributes.arity"


async def test_noise_is_passed_over_counted_and_named(desk: GraphDesk) -> None:
    def call(target: str, **attributes: Any) -> NewRelationship:
        return NewRelationship(source="f", type="CALLS", target=target, attributes=attributes)

    finding = {
        "tool": "scan", "ruleId": "r", "severity": "low", "title": "t", "description": "d",
        "affectedEntityId": "f", "lineNumber": 1, "codeSnippet": "x", "remediation": "y",
        "status": "open", "discoveredAt": "2026-01-01T00:00:00Z",
        "lastScanned": "2026-01-01T00:00:00Z", "confidence": 0.9,
    }  # fmt: skip
    request = LearnRequest(
        entities=(NewEntity(id="issue", kind="securityIssue", attributes=finding),),
        relationships=(
            call("sym:a.ts#g", inferred=True, confidence=0.3),
            call("function:ab", inferred=True),
            call("sym:a.ts#h", inferred=True),
            NewRelationship(source="f", type="HAS_SECURITY_ISSUE", target="issue"),
        ),
    )
    done = await desk.learn(request, "extractor")
    assert [(one.field, one.reason) for one in done.refused] == [
        ("entities[0]", "minor"), ("relationships[0]", "unsure"),
        ("relationships[1]", "too_short"), ("relationships[3]", "end_refused"),
    ]  # fmt: skip
    found = (await desk.relationships(RelationshipFilter())).relationships
    assert [(one.target, one.confidence) for one in found] == [("sym:a.ts#h", 0.9)]
    with pytest.raises(NotFound):
        await desk.entity("issue")
    hygiene = (await desk.statistics()).hygiene
    assert (hygiene.refused, hygiene.offered) == (4, done.new + 4)
    alone = await desk.learn(LearnRequest(relationships=(call("function:ab", inferred=True),)), "x")
    assert (alone.new, alone.position, len(alone.refused)) == (0, 0, 1)
    assert (await desk.statistics()).hygiene.refused == 5


async def test_noise_is_a_setting(tmp_path: Path) -> None:
    overrides = {
        "graph__noise__min_inferred_confidence": "0.7",
        "graph__noise__confidence_external": "0.65",
        "graph__noise__confidence_concrete": "0.75",
    }
    async with running(echo(), tmp_path / "colloquy.db", **overrides) as talk:
        edges = tuple(
            NewRelationship(source="f", type="CALLS", target=target, attributes={"inferred": True})
            for target in ("external:lodash", "sym:a.ts#g")
        )
        done = await talk.runtime.knowledge.learn(LearnRequest(relationships=edges), "extractor")
        assert [one.field for one in done.refused] == ["relationships[0]"]
        (found,) = (await talk.runtime.knowledge.relationships(RelationshipFilter())).relationships
        assert (found.target, found.confidence) == ("sym:a.ts#g", 0.75)


async def test_what_two_extractors_saw_at_once_is_one_edge(desk: GraphDesk) -> None:
    def seen(source: str, line: int, confidence: float) -> NewRelationship:
        place = {"path": "a.ts", "line": line}
        attributes = {"source": source, "location": place, "confidence": confidence}
        return NewRelationship(source="f", type="CALLS", target="g", attributes=attributes)

    request = LearnRequest(relationships=(seen("ast", 3, 0.6), seen("type-checker", 5, 0.9)))
    assert (await desk.learn(request, "extractor")).contradictions == 0
    wanted = RelationshipFilter(where=("kind:call",))
    (found,) = (await desk.relationships(wanted)).relationships
    assert found.attributes is not None
    assert found.attributes["confidence"] == [0.9]
    assert found.confidence == pytest.approx(0.96)
    (places,) = found.attributes["locations"]
    assert [place["line"] for place in places] == [3, 5]
    (evidence,) = found.attributes["evidence"]
    assert [one["source"] for one in evidence] == ["type-checker", "ast"]


async def test_metrics_and_environments_are_compared_in_their_normal_form(desk: GraphDesk) -> None:
    slow = {"metricId": "Latency P95", "environment": "Production"}
    edge = NewRelationship(
        source="t", type="PERFORMANCE_REGRESSION", target="f", attributes=slow
    )  # fmt: skip
    await desk.learn(LearnRequest(relationships=(edge,)), "ci")
    for where in ("metricId:latency-p95", "metricId:LATENCY p95", "environment:prod",
                  "environment:live"):  # fmt: skip
        wanted = RelationshipFilter(where=(where,))
        (found,) = (await desk.relationships(wanted)).relationships
        assert found.identity == {"metricId": "latency-p95", "environment": "prod"}, where
    wanted = RelationshipFilter(where=("environment:staging",))
    assert not (await desk.relationships(wanted)).relationships
    with pytest.raises(InvalidInput) as refused:
        await desk.relationships(RelationshipFilter(where=("metricId:!!",)))
    assert refused.value.field == "where"


async def test_imports_keep_their_older_ids(desk: GraphDesk) -> None:
    slow = {"metricId": "Latency P95", "environment": "Production", "scenario": " Load "}
    edges = (
        NewRelationship(source="F", type="PERFORMANCE_IMPACT", target="T", attributes=slow),
        NewRelationship(source="F", type="CALLS", target="external:lodash"),
        NewRelationship(source="F", type="IMPORTS", target="file:src/b.ts"),
    )
    await desk.learn(LearnRequest(relationships=edges, older_ids=True), "import")
    ids = {
        "rel_perf_d1984129a9d5d2ee1431658b07714eb436d1ebf2": "T",
        "rel_b2a44fc7c795d2da568fd139be2b1531d5b1a97d": "external:lodash",
        "time-rel_320cd10e9895dcd079d9c7fd4097b5088ed8cfa5": "file:src/b.ts",
        "rel_320cd10e9895dcd079d9c7fd4097b5088ed8cfa5": "file:src/b.ts",
    }
    for id_, target in ids.items():
        wanted = RelationshipFilter(where=(f"olderId:{id_}",))
        (found,) = (await desk.relationships(wanted)).relationships
        assert found.target == target


async def test_a_fact_has_the_type_of_its_attribute(desk: GraphDesk) -> None:
    await taught(desk)
    much = NewFact(subject="rent", predicate="amount", value="much")
    rent = NewEntity(id="rent", kind="price", attributes={"amount": 900, "currency": "EUR"})
    wrong = NewFact(subject="flat-12", predicate="features", value=7, single=False)
    for request, field in (
        (LearnRequest(entities=(rent,), facts=(much,)), "facts[0].value"),
        (LearnRequest(facts=(wrong,)), "facts[0].value"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await desk.learn(request, "tom")
        assert refused.value.field == field
    due = NewFact(subject="plan", predicate="dueAt", value="2026-01-01T01:00:00+01:00")
    plan = NewEntity(id="plan", kind="commitment", attributes={"text": "send the plan"})
    await desk.learn(LearnRequest(entities=(plan,), facts=(due,)), "tom")
    assert (await desk.entity("plan")).attributes["dueAt"] == "2026-01-01T00:00:00.000000Z"
