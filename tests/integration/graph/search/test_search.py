"""Indexing and searching on both engines, with the shipped word vectors."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from colloquy.graph.search.embedder import CheckedEmbedder, Floats
from colloquy.graph.search.index import Indexer
from colloquy.graph.search.search import GraphSearch, SearchPage, SearchQuery
from colloquy.graph.search.vectors import vectors_of
from colloquy.model.errors import InvalidInput, Unavailable
from colloquy.settings import GraphSettings
from colloquy.storage.store import Store
from colloquy.understanding.vectors.embedder import words_embedder
from support.graph_rows import GraphRows

EXACT = GraphSettings(vectors="exact")


def offers() -> GraphRows:
    rows = GraphRows()
    rows.entity(
        "flat", "product", changed=2, name="Harbour loft", description="an apartment by the sea"
    )
    rows.entity("bike", "product", changed=3, name="Bicycle", description="two wheels, red")
    rows.entity("money", "topic", changed=4, name="Refunds", aliases=["money back"])
    rows.entity("ann", "person", changed=5, name="Ann Zürcher", roles=["buyer"])
    rows.entity("red", "topic", changed=6, name="Red paint")
    rows.entity("old", "person", changed=7, stands="ann", name="Annie")
    return rows


def embedder() -> CheckedEmbedder:
    return CheckedEmbedder(words_embedder(GraphSettings()))


async def indexed(store: Store, rows: GraphRows) -> GraphSearch:
    await rows.write(store)
    indexer = Indexer(store, embedder())
    while await indexer.run_once(4):
        pass
    return await searching(store, embedder())


async def searching(
    store: Store, made: CheckedEmbedder, settings: GraphSettings = EXACT
) -> GraphSearch:
    return GraphSearch(store, made, await vectors_of(store, made, settings))


def ids(page: SearchPage) -> list[str]:
    return [hit.id for hit in page.hits]


async def words(search: GraphSearch, text: str, *kinds: str) -> list[str]:
    return ids(await search.search(SearchQuery(text=text, mode="words", kinds=kinds)))


async def test_words_are_found_by_their_beginnings_and_names_count_more(store: Store) -> None:
    search = await indexed(store, offers())
    assert await words(search, "harb") == ["flat"]
    assert await words(search, "ZURCHER an") == ["ann"]
    assert sorted(await words(search, "harbour zurch an")) == ["ann", "flat"]
    assert await words(search, "red") == ["red", "bike"]
    assert await words(search, "red", "product") == ["bike"]
    assert await words(search, "money back") == ["money"]
    assert await words(search, "!?") == []
    assert await words(search, "annie") == []


async def test_all_the_words_come_before_some_of_them(store: Store) -> None:
    search = await indexed(store, offers())
    assert await words(search, "red wheels") == ["bike", "red"]


async def test_of_too_many_to_rank_those_with_the_words_in_their_names_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.graph.search.words.MANY", 4)
    monkeypatch.setattr("colloquy.graph.search.words.FEW", 1)
    rows = GraphRows()
    for number in range(8):
        named = f"Red {number}" if number > 5 else f"Thing {number}"
        rows.entity(f"p{number}", "product", name=named, description="red and small")
    rows.entity("rare", "product", name="Rare", description="small amber")
    search = await indexed(store, rows)
    page = await search.search(SearchQuery(text="red", mode="words"))
    assert (sorted(ids(page)), page.truncated) == (["p6", "p7"], True)
    page = await search.search(SearchQuery(text="amber", mode="words"))
    assert (ids(page), page.truncated) == (["rare"], False)
    # Nobody has all of these: the word that is in everything is left out.
    page = await search.search(SearchQuery(text="small amber wonder", mode="words"))
    assert (ids(page), page.truncated) == (["rare"], True)
    page = await search.search(SearchQuery(text="smal", mode="words"))
    assert (len(page.hits), page.truncated) == (4, True)


async def test_a_paraphrase_is_found_by_meaning_and_not_by_words(store: Store) -> None:
    search = await indexed(store, offers())
    assert "money" not in await words(search, "reimburse my payment")
    page = await search.search(SearchQuery(text="reimburse my payment"))
    assert ids(page)[0] == "money"
    why = page.hits[0].why
    assert (why.word_rank, why.meaning_rank, why.words) == (None, 1, [])
    assert why.similarity is not None
    assert why.similarity > 0.25
    assert (
        ids(await search.search(SearchQuery(text="house near the ocean", mode="meaning")))[0]
        == "flat"
    )


async def test_a_hit_in_both_lists_comes_first_and_says_why(store: Store) -> None:
    search = await indexed(store, offers())
    page = await search.search(SearchQuery(text="refund money"))
    first = page.hits[0]
    assert (first.id, first.name, first.kind) == ("money", "Refunds", "topic")
    assert first.why.words == ["refund", "money"]
    assert first.why.in_name == ["refund", "money"]
    assert first.score == pytest.approx(2 / 61)


async def test_pages_together_are_one_long_page(store: Store) -> None:
    search = await indexed(store, offers())
    text = "red money apartment ann"
    whole = await search.search(SearchQuery(text=text, least_similarity=0.0))
    assert len(whole.hits) >= 4
    found: list[str] = []
    cursor = None
    while True:
        page = await search.search(
            SearchQuery(
                text="red money apartment ann", least_similarity=0.0, limit=1, cursor=cursor
            )
        )
        found += ids(page)
        cursor = page.next
        if cursor is None:
            break
    assert found == ids(whole)


async def test_what_changes_is_indexed_anew_and_what_goes_is_gone(store: Store) -> None:
    search = await indexed(store, offers())
    await store.change(
        "graph_entity_set", [(1, None, None, None, 10), (2, "topic", "Bicycle", None, 11)]
    )
    indexer = Indexer(store, embedder())
    assert await indexer.run_once() == 2
    assert await indexer.run_once() == 0
    assert await words(search, "harbour") == []
    assert await words(search, "bicycle", "topic") == ["bike"]
    meaning = SearchQuery(text="house near the ocean", mode="meaning", least_similarity=-1.0)
    assert "flat" not in ids(await search.search(meaning))
    assert "bike" in ids(
        await search.search(
            SearchQuery(text="a bicycle", mode="meaning", kinds=("topic",), least_similarity=0.0)
        )
    )


async def test_two_indexers_at_once_index_everything_once(store: Store) -> None:
    rows = GraphRows()
    for number in range(30):
        rows.entity(f"p{number}", "person", changed=1 + number // 7, name=f"Person {number}")
    await rows.write(store)

    async def run() -> None:
        indexer = Indexer(store, embedder())
        while await indexer.run_once(4):
            pass

    await asyncio.gather(run(), run())
    search = await searching(store, embedder())
    assert len(await words(search, "person")) == 20
    assert len(await store.select("SELECT changed FROM graph_vectors")) == 30
    changed = await store.select("SELECT count(DISTINCT changed), max(changed) FROM graph_vectors")
    assert changed == [(30, 30)]


class Broken:
    """An embedder whose server is away."""

    model = "broken"
    dimensions = 3

    async def embed(self, texts: Sequence[str]) -> Floats:
        raise Unavailable("away")


async def test_an_embedder_that_is_away_holds_up_no_words(store: Store) -> None:
    await offers().write(store)
    with pytest.raises(Unavailable):
        await Indexer(store, Broken()).run_once()
    search = GraphSearch(store, None)
    assert await words(search, "harbour") == ["flat"]
    assert ids(await search.search(SearchQuery(text="harbour"))) == ["flat"]
    with pytest.raises(Unavailable):
        await search.search(SearchQuery(text="harbour", mode="meaning"))
    assert await store.select("SELECT entity FROM graph_vectors") == []


async def test_another_model_begins_anew(store: Store) -> None:
    await indexed(store, offers())

    class Flat:
        model = "flat"
        dimensions = 2

        async def embed(self, texts: Sequence[str]) -> Floats:
            return np.tile(np.array([1, 0], np.float32), (len(texts), 1))

    other = CheckedEmbedder(Flat())
    await Indexer(store, other).run_once()
    anything = SearchQuery(text="anything", mode="meaning")
    assert len((await (await searching(store, other)).search(anything)).hits) == 5
    # And the first one again: its vectors were overwritten.
    assert await Indexer(store, embedder()).run_once() == 6
    again = await searching(store, embedder())
    page = await again.search(SearchQuery(text="house near the ocean", mode="meaning"))
    assert ids(page)[0] == "flat"


async def test_a_model_that_gives_longer_vectors_begins_anew(store: Store) -> None:
    await offers().write(store)

    class Long:
        model = "long"

        def __init__(self, dimensions: int) -> None:
            self.dimensions = dimensions

        async def embed(self, texts: Sequence[str]) -> Floats:
            return np.eye(1, self.dimensions, dtype=np.float32).repeat(len(texts), 0)

    for dimensions in (3, 5):
        made = CheckedEmbedder(Long(dimensions))
        await Indexer(store, made).run_once()
        search = await searching(store, made)
        page = await search.search(SearchQuery(text="anything", mode="meaning"))
        assert len(page.hits) == 5


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"as_of": 3}, "as_of"),
        ({"text": " "}, "text"),
        ({"mode": "magic"}, "mode"),
        ({"kinds": ("car",)}, "kinds"),
        ({"limit": 101}, "limit"),
        ({"cursor": "?"}, "cursor"),
    ],
)
async def test_a_bad_search_is_named(store: Store, fields: dict[str, object], field: str) -> None:
    search = GraphSearch(store, None)
    with pytest.raises(InvalidInput) as raised:
        await search.search(SearchQuery(**{"text": "x", **fields}))  # type: ignore[arg-type]
    assert raised.value.field == field


async def test_a_search_that_was_prepared_finds_what_came_since(store: Store) -> None:
    search = await indexed(store, offers())
    await search.prepare()
    await store.change("graph_entity_set", [(2, "topic", "Bicycle", None, 11)])
    assert await Indexer(store, embedder()).run_once() == 1
    meaning = SearchQuery(text="a bicycle", mode="meaning", kinds=("topic",), least_similarity=0.0)
    assert "bike" in ids(await search.search(meaning))


async def test_more_vectors_than_fit_are_refused(store: Store) -> None:
    await indexed(store, offers())
    settings = GraphSettings(vectors="exact", max_vectors=3)
    search = await searching(store, embedder(), settings)
    with pytest.raises(Unavailable, match="max_vectors"):
        await search.prepare()
    with pytest.raises(Unavailable, match="max_vectors"):
        await search.search(SearchQuery(text="money", mode="meaning"))
