"""What each strategy keeps beside the facts that must survive: an order in which it asks for room.

All are extractive: what they keep is whole lines and whole sentences, word for word.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from math import log

import numpy as np

from ...model.errors import NotFound
from ...understanding.intent import tokens_of
from ...understanding.vectors.words import WIDTH, Floats, load_words
from .forms import Strategy
from .reading import Sentence, stems_of
from .selection import Selection, Unit

RECENT_SHARE = 0.5
"""Of the room, for the last lines as they stand, where older ones are summed up."""
KEY_RECENT_SHARE = 0.25
NOVEL = 0.4
"""Share of a sentence's content words that the summary must not have yet."""
CLUSTERED = 128
"""Sentences that are clustered, the most telling ones."""
ALIKE = 0.55
"""Cosine from which two sentences are about the same."""
NEAR_US = 30 * 60_000_000
APART = 0.1
"""Cosine that sentences must have in addition where they lie half an hour apart and more."""
_CACHED = 1024


def keep_window(chosen: Selection, units: Sequence[Unit], share: float = 1.0) -> None:
    """The last lines without a gap, as many as fit into that share of the room."""
    limit = chosen.limit
    chosen.limit = chosen.used + int((limit - chosen.used) * share)
    for unit in reversed(units):
        if not chosen.add_unit(unit):
            break
    chosen.limit = limit


def keep_key_messages(
    chosen: Selection, units: Sequence[Unit], sentences: Sequence[Sentence]
) -> None:
    keep_window(chosen, units, KEY_RECENT_SHARE)
    for unit in sorted(units, key=lambda unit: (-unit.score, -unit.last_seq)):
        chosen.add_unit(unit)
    first = units[0].reads[0].line.seq if units else 0
    for sentence in ranked([one for one in sentences if one.seq < first]):
        chosen.add_sentence(sentence)


def keep_clusters(chosen: Selection, units: Sequence[Unit], sentences: Sequence[Sentence]) -> None:
    keep_window(chosen, units, RECENT_SHARE)
    older = [one for one in sentences if not chosen.holds_line(one.seq)]
    best = sorted(ranked(older)[:CLUSTERED], key=lambda one: (one.seq, one.index))
    for cluster in sorted(clusters_of(best), key=lambda cluster: -len(cluster)):
        chosen.add_sentence(max(cluster, key=lambda one: (one.score, one.seq)))


def keep_summary(chosen: Selection, units: Sequence[Unit], sentences: Sequence[Sentence]) -> None:
    """Sentences that say most, each of which says something new."""
    keep_window(chosen, units, RECENT_SHARE)
    told: set[str] = set()
    for sentence in ranked([one for one in sentences if not chosen.holds_line(one.seq)]):
        stems = stems_of(sentence.text)
        if len(stems - told) >= NOVEL * len(stems) and chosen.add_sentence(sentence):
            told |= stems


def ranked(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The most telling first: facts and feeling in it, and words that others use as well."""
    stems = [stems_of(one.text) for one in sentences]
    used = Counter(chain.from_iterable(stems))
    weights = {stem: log(count) for stem, count in used.items()}
    told = [
        one.score + sum(map(weights.__getitem__, found)) / (len(found) + 2)
        for one, found in zip(sentences, stems, strict=True)
    ]
    order = sorted(range(len(sentences)), key=lambda place: (-told[place], -place))
    return [sentences[place] for place in order]


def clusters_of(sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    """Groups of sentences about the same, in order: each joins the group whose first sentence is
    nearest to it, or begins one."""
    if not sentences:
        return []
    vectors = np.stack([_direction(sentence.text) for sentence in sentences])
    alike = (vectors @ vectors.T).tolist()
    leaders: list[int] = []
    clusters: list[list[Sentence]] = []
    for place, sentence in enumerate(sentences):
        row, best, nearest = alike[place], ALIKE, -1
        for number, leader in enumerate(leaders):
            apart = APART if sentence.at - clusters[number][-1].at > NEAR_US else 0.0
            if row[leader] - apart >= best:
                best, nearest = row[leader] - apart, number
        if nearest >= 0:
            clusters[nearest].append(sentence)
        else:
            leaders.append(place)
            clusters.append([sentence])
    return clusters


@lru_cache(_CACHED)
def _direction(text: str) -> Floats:
    try:
        found: Floats = load_words().of_texts([tokens_of(text)])[0]
    except NotFound:
        return np.zeros(WIDTH, np.float32)
    return found


def keep(
    strategy: Strategy,
    chosen: Selection,
    units: Sequence[Unit],
    sentences: Sequence[Sentence],
) -> None:
    """Fills the room of `chosen` as this strategy does."""
    match strategy:
        case "none":
            chosen.require(units)
        case "sliding_window":
            keep_window(chosen, units)
        case "key_messages":
            keep_key_messages(chosen, units, sentences)
        case "semantic_clusters":
            keep_clusters(chosen, units, sentences)
        case "rolling_summary":
            keep_summary(chosen, units, sentences)
