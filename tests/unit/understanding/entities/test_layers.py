"""Three layers together: values, rivals, candidates, failures, phrases fed later, rests."""

from __future__ import annotations

import pytest

from colloquy.understanding.entities.breaker import BUDGETS_MS, REST, STRIKES, Breaker
from colloquy.understanding.entities.dictionary import Entry
from colloquy.understanding.entities.extract import EntityExtractor, Source
from colloquy.understanding.entities.merging import MAX_CANDIDATES, THRESHOLD
from colloquy.understanding.entities.tagger.model import Tagger
from colloquy.understanding.entities.tagger.train import Example, Span, train_tagger

DAY_US = 86_400_000_000


class Shelf:
    """A gazetteer that tests change."""

    def __init__(self) -> None:
        self.version = "1"
        self.known = [Entry("dish", "ramen", ["ramen noodles"])]

    def entries(self) -> list[Entry]:
        return self.known


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    examples = []
    for day in ("tomorrow", "today", "on Monday", "on Friday"):
        for verb in ("arrive", "come"):
            text = f"we {verb} {day} and stay"
            at = text.index(day.split()[-1])
            examples.append(Example(text, [Span(at, at + len(day.split()[-1]), "stay", "begin")]))
    return train_tagger(examples, iterations=30)


def test_a_tagged_span_takes_the_pattern_s_value(tagger: Tagger) -> None:
    (result,) = EntityExtractor(tagger=tagger).extract_batch(
        [Source("we arrive tomorrow and stay", 0)]
    )
    every = result.entities + result.candidates
    stay = next(one for one in every if one.extractor == "tagger")
    date = next(one for one in every if one.extractor == "pattern")
    assert (stay.label, stay.role, stay.text, stay.value) == (
        "stay", "begin", "tomorrow", "1970-01-02",
    )  # fmt: skip
    assert (stay.start, stay.end) == (date.start, date.end)
    assert len(result.entities) == 1
    assert result.entities[0].confidence == max(one.confidence for one in every)


def test_batch_is_the_same_as_one_by_one(tagger: Tagger) -> None:
    extractor = EntityExtractor(tagger=tagger, gazetteer=Shelf())
    texts = ["we come on Monday and stay", "", "ramen nodles for $5", "\ud800 today", "hello"]
    sources = [Source(text, DAY_US) for text in texts]
    together = extractor.extract_batch(sources)
    assert together == [extractor.extract_batch([source])[0] for source in sources]
    assert together[::-1] == extractor.extract_batch(sources[::-1])
    for text, result in zip(texts, together, strict=True):
        for one in result.entities + result.candidates:
            assert text[one.start : one.end] == one.text
        assert all(one.confidence >= THRESHOLD for one in result.entities)
    assert [one.value for one in together[2].entities] == [
        "ramen", {"amount": "5.00", "currency": "USD"},
    ]  # fmt: skip


def test_losers_are_candidates_and_bounded() -> None:
    shelf = Shelf()
    shelf.known = [Entry(f"l{at:02d}", "v", ["same"]) for at in range(40)]
    (result,) = EntityExtractor(gazetteer=shelf).extract_batch([Source("same", 0)])
    assert [one.label for one in result.entities] == ["l00"]
    assert len(result.candidates) == MAX_CANDIDATES


def test_phrases_are_fed_while_running() -> None:
    shelf = Shelf()
    extractor = EntityExtractor(gazetteer=shelf)
    before = extractor.version
    assert not extractor.refresh()
    shelf.known, shelf.version = [Entry("dish", "soup", ["miso soup"])], "2"
    assert extractor.refresh()
    assert extractor.version != before
    assert [one.value for one in extractor.extract("ramen noodles, miso soup", 0)] == ["soup"]


def test_a_tagger_that_raises_costs_one_text(
    tagger: Tagger, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tagger.tag

    def breaks(texts, extra=None):  # type: ignore[no-untyped-def]
        if any("bad" in text.tokens.words for text in texts):
            raise ValueError("bad")
        return real(texts, extra)

    monkeypatch.setattr(tagger, "tag", breaks)
    extractor = EntityExtractor(tagger=tagger)
    bad, good = extractor.extract_batch([Source("bad $5", 0), Source("$6", 0)])
    assert (bad.failed, good.failed) == (["tagger"], [])
    assert [one.text for one in bad.entities] == ["$5"]
    with pytest.raises(ValueError, match="bad"):
        extractor.extract("bad", 0)


def test_the_breaker_rests_a_slow_layer_and_tries_it_again() -> None:
    breaker = Breaker()
    slow = int(BUDGETS_MS["tagger"] * 1e6 * 10) + 1
    for _ in range(STRIKES - 1):
        assert breaker.allows("tagger")
        breaker.spent("tagger", slow, 10)
    breaker.spent("tagger", 1, 10)
    for _ in range(STRIKES):
        assert breaker.allows("tagger")
        breaker.spent("tagger", slow, 10)
    assert [breaker.allows("tagger") for _ in range(REST + 1)] == [False] * REST + [True]
    breaker.spent("tagger", slow, 10)
    assert not breaker.allows("tagger")
    assert breaker.allows("patterns")


def test_results_name_layers_that_rest() -> None:
    breaker = Breaker()
    for _ in range(STRIKES):
        breaker.spent("patterns", 10**12, 1)
    (result,) = EntityExtractor(breaker=breaker).extract_batch([Source("$5", 0)])
    assert (result.entities, result.rested) == ([], ["patterns"])
