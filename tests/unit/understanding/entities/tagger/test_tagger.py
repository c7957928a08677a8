"""The tagger: words and tags, the same answers as the library's, its file."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.understanding.entities.tagger import train as training
from colloquy.understanding.entities.tagger.decode import Chances, constrained, lattice, viterbi
from colloquy.understanding.entities.tagger.model import Tagger, Text
from colloquy.understanding.entities.tagger.train import Example, Span, train_tagger
from colloquy.understanding.entities.tagger.words import spans_of, tags_of, tokens_of

CITIES = ("Paris", "Oslo", "New York", "Lima", "Rome", "San Juan")
FORMS = (
    ("fly from {} to {}", ("from", "to")),
    ("a ticket to {} from {} please", ("to", "from")),
    ("I leave {} for {}", ("from", "to")),
)


def example(form: str, roles: tuple[str, ...], cities: tuple[str, ...]) -> Example:
    text, spans = "", []
    pieces = form.split("{}")
    for piece, role, city in zip(pieces, roles, cities, strict=False):
        text += piece
        spans.append(Span(len(text), len(text) + len(city), "city", role))
        text += city
    return Example(text + pieces[-1], spans)


EXAMPLES = [
    example(form, roles, cities)
    for (form, roles), cities in itertools.product(FORMS, itertools.permutations(CITIES, 2))
] + [
    Example("thanks a lot", [], ("city",)),
    Example("Oslo", [Span(0, 4, "city", "to")], ("city",)),
    Example("tomorrow", [Span(0, 8, "day")], ("day",), ("B-date",)),
]


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return train_tagger(EXAMPLES, iterations=40)


TEXTS = st.text(max_size=40) | st.lists(
    st.sampled_from(
        ["fly", "from", "to", "Paris", "New York", "Quito", "for", ",", "🙂", "é", "\ud800"]
    ),
    max_size=12,
).map(" ".join)


@given(TEXTS)
def test_words_slice_the_text(text: str) -> None:
    tokens = tokens_of(text)
    end = 0
    for word, start, after in zip(tokens.words, tokens.starts, tokens.ends, strict=True):
        assert text[start:after] == word
        assert start >= end
        assert not text[end:start].strip()
        end = after


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dave's flat, 3rd", ["Dave", "'s", "flat", ",", "3", "rd"]),
        ("ne\u0301e 👍🏽!", ["ne\u0301e", "👍🏽", "!"]),
        ("हिन्दी", ["हिन्दी"]),
        ("'quoted' don't", ["'", "quoted", "'", "don", "'t"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert tokens_of(text).words == words


def test_tags_and_back() -> None:
    tokens = tokens_of("from New York to Rome")
    tags = tags_of(tokens, [(5, 13, "a"), (17, 21, "b")])
    assert tags == ["O", "B-a", "I-a", "O", "B-b"]
    assert spans_of(tags) == [(1, 3, "a"), (4, 5, "b")]
    assert spans_of(["I-a", "I-b", "B-b", "I-b"]) == [(0, 1, "a"), (1, 2, "b"), (2, 4, "b")]


def test_finds_roles_in_words_it_has_not_seen(tagger: Tagger) -> None:
    text = "fly from Quito to Rome"
    (found,) = tagger.tag([Text(tokens_of(text))])
    assert [(text[one.start : one.end], one.label, one.role) for one in found] == [
        ("Quito", "city", "from"),
        ("Rome", "city", "to"),
    ]
    assert all(0.5 < one.confidence <= 1 for one in found)


def test_what_was_asked_counts(tagger: Tagger) -> None:
    plain, asked = tagger.emissions(
        [Text(tokens_of("Oslo")), Text(tokens_of("Oslo"), asked=("city",))]
    )
    assert not np.array_equal(plain, asked)


def test_hints_count(tagger: Tagger) -> None:
    assert tagger.uses_hints
    plain, hinted = tagger.emissions(
        [Text(tokens_of("friday")), Text(tokens_of("friday"), hints=("B-date",))]
    )
    day = tagger.tags.index("B-day")
    assert hinted[0, day] > plain[0, day]


def test_same_as_the_library(tmp_path: Path) -> None:
    """Trained once more by the library itself: its tags and marginals are ours."""
    import pycrfsuite

    texts = [training.text_of(one) for one in EXAMPLES]
    tags = [
        tags_of(text.tokens, [(span.start, span.end, span.label) for span in one.spans])
        for text, one in zip(texts, EXAMPLES, strict=True)
    ]
    ours = training._fit(texts, tags, 0.05, 0.02, 30, training.silent)
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params({"c1": 0.05, "c2": 0.02, "max_iterations": 30})
    reader = training._Reader(training.frequent_words(texts))
    for text, row in zip(texts, tags, strict=True):
        trainer.append(reader.attributes(text), row)
    trainer.train(str(tmp_path / "crf"))
    theirs = pycrfsuite.Tagger()
    theirs.open(str(tmp_path / "crf"))
    fresh = [Text(tokens_of(one)) for one in ("go to Lima from Rome", "Hm, from: New York.", "x")]
    free = np.zeros(len(ours.tags), np.float32)
    for text in [*texts[::7], *fresh]:
        scores, lengths = lattice(ours.emissions([text]))
        (path,) = viterbi(scores, lengths, ours.transitions, free)
        assert [ours.tags[tag] for tag in path] == theirs.tag(reader.attributes(text))
        marginals = Chances(scores, lengths, ours.transitions, free).marginals(0)
        for word in range(len(path)):
            for column, tag in enumerate(ours.tags):
                assert marginals[word, column] == pytest.approx(
                    theirs.marginal(tag, word), abs=1e-4
                )


def test_chances_of_spans_are_sums_over_paths() -> None:
    generator = np.random.default_rng(3)
    tags = ["B-a", "I-a", "O"]
    emissions = [generator.normal(size=(words, 3)).astype(np.float32) for words in (4, 2)]
    moves, starts = constrained(generator.normal(size=(3, 3)).astype(np.float32), tags)
    scores, lengths = lattice(emissions)
    chances = Chances(scores, lengths, moves, starts)
    for row, own in enumerate(emissions):
        weights = {}
        for path in itertools.product(range(3), repeat=len(own)):
            total = starts[path[0]] + sum(own[at, tag] for at, tag in enumerate(path))
            total += sum(moves[one, two] for one, two in itertools.pairwise(path))
            weights[path] = math.exp(total)
        whole = sum(weights.values())
        exact = sum(w for path, w in weights.items() if path[:2] == (0, 1) and path[2:3] != (1,))
        assert chances.of_path(row, 0, [0, 1], 1) == pytest.approx(exact / whole, abs=1e-5)
        (best,) = viterbi(*lattice([own]), moves, starts)
        assert tuple(best) == max(weights, key=lambda path: weights[path])


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_neither_batch_nor_order_counts(tagger: Tagger, texts: list[str]) -> None:
    sources = [Text(tokens_of(text)) for text in texts]
    together = tagger.tag(sources)
    assert together == [tagger.tag([source])[0] for source in sources]
    assert together[::-1] == tagger.tag(sources[::-1])
    for text, found in zip(texts, together, strict=True):
        end = 0
        for one in found:
            assert end <= one.start < one.end <= len(text)
            end = one.end


def test_file(tagger: Tagger, tmp_path: Path) -> None:
    path = tmp_path / "tagger"
    tagger.save(path)
    texts = [Text(tokens_of(one.text)) for one in EXAMPLES[:20]]
    loaded = Tagger.load(path)
    assert loaded.tag(texts) == tagger.tag(texts)
    assert (loaded.version, loaded.labels) == (tagger.version, ["city", "day"])
    whole = path.read_bytes()
    for damaged in (whole[:-9], whole[:30], whole[:-4] + b"abcd", b"x" + whole, b""):
        path.write_bytes(damaged)
        with pytest.raises(InvalidInput):
            Tagger.load(path)
    path.write_bytes(whole.replace(b'"algorithm":1', b'"algorithm":9', 1))
    with pytest.raises(InvalidInput, match="train it again"):
        Tagger.load(path)
    with pytest.raises(NotFound):
        Tagger.load(tmp_path / "none")


def test_training_needs_spans() -> None:
    with pytest.raises(InvalidInput):
        train_tagger([Example("hello", [])])


def test_the_same_examples_make_the_same_tagger(tagger: Tagger) -> None:
    again = train_tagger(EXAMPLES, iterations=40)
    assert again.version == tagger.version
    assert np.array_equal(again.transitions, tagger.transitions)
