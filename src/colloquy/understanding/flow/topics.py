"""Where a written-down dialogue changes its topic: a trained scorer over cheap features, in numpy.

Each turn gets a row of features (`Lexical.matrix`): how probable its words are as an opening, how
much the words before and after it have in common (as in TextTiling; Hearst, 1997, and over a
latent semantic space), questions, lengths, its place. Further columns, such as the similarity of
sentence embeddings, are joined on. A row is seen together with its neighbours' rows; a logistic
regression and boosted trees give the probability that the turn opens a topic, and `decode` chooses
the openings. `train_topics` makes such a model.

All of a dialogue is looked at, what follows a turn as well; a live conversation has `flow`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from zlib import crc32

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from .words import stem

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

BUCKETS = 1 << 17
"""Addresses of the opening's word features."""
WIDTHS = (1, 2, 4)
"""Turns on either side whose words are compared."""
LOOK_BACK = 6
"""Turns in which a word still counts as said before."""
MAX_TURN_WORDS = 128

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[?!]")


def words_of(text: str) -> list[str]:
    """Words in lower case, question and exclamation marks; numbers as "0"."""
    found = _WORD.findall(text.lower())[:MAX_TURN_WORDS]
    return ["0" if word.isdigit() else word for word in found]


def opening_keys(words: Sequence[Sequence[str]], turn: int) -> list[int]:
    """Addresses of the word features that speak for or against an opening at this turn."""
    current = words[turn]
    names = {f"c {word}" for word in current}
    framed = ["^", *current, "$"]
    names.update(f"c {first} {second}" for first, second in pairwise(framed))
    names.add("s " + " ".join(framed[1:4]))
    if turn:
        before = words[turn - 1]
        names.update(f"p {word}" for word in before)
        names.add("p$ " + " ".join(before[-2:]))
        names.add("p^ " + " ".join(before[:2]))
    if turn + 1 < len(words):
        after = words[turn + 1]
        names.update(f"n {word}" for word in after)
        names.add("n^ " + " ".join(after[:2]))
    return sorted({crc32(name.encode("utf-8", "surrogatepass")) % BUCKETS for name in names})


class Lexical(Struct, frozen=True):
    """What was learned about words. `opening` are the weights of `opening_keys`, with `bias`;
    `space` has for each stem its row in `vectors` (stems, dimensions) and in `idf`."""

    opening: Floats
    bias: float
    space: dict[str, int]
    idf: Floats
    vectors: Floats

    def opening_scores(self, words: Sequence[Sequence[str]]) -> Floats:
        """The log-odds of each turn by its words alone."""
        scores = [
            self.bias + float(self.opening[keys].sum()) / max(1.0, len(keys) ** 0.5)
            for keys in (opening_keys(words, turn) for turn in range(len(words)))
        ]
        return np.array(scores, np.float64)

    def matrix(self, texts: list[str], scores: Floats) -> Floats:
        """(turns, features); `scores` are the opening scores, in training those of a model that has
        not seen the dialogue."""
        words = [words_of(text) for text in texts]
        stems = [[found for word in turn if (found := stem(word))] for turn in words]
        count = len(texts)
        columns: list[Floats] = [scores]
        known = [[self.space[name] for name in turn if name in self.space] for turn in stems]
        dense = np.zeros((count, self.vectors.shape[1]))
        for turn, rows in enumerate(known):
            if rows:
                dense[turn] = (self.vectors[rows] * self.idf[rows, None]).sum(0)
        bags = [self._bag(turn) for turn in stems]
        for width in WIDTHS:
            near = np.ones(count)
            latent = np.ones(count)
            for turn in range(1, count):
                left, right = slice(max(0, turn - width), turn), slice(turn, turn + width)
                near[turn] = _cosine_of_bags(_joined(bags[left]), _joined(bags[right]))
                latent[turn] = _cosine(dense[left].sum(0), dense[right].sum(0))
            columns += [near, latent, _depth(near), _depth(latent)]
        columns += self._single(words, stems, dense)
        return np.stack(columns, axis=1)

    def _bag(self, turn: list[str]) -> dict[str, float]:
        unknown = float(self.idf.max()) if len(self.idf) else 1.0
        bag: dict[str, float] = {}
        for name in turn:
            place = self.space.get(name)
            bag[name] = bag.get(name, 0.0) + (unknown if place is None else float(self.idf[place]))
        return bag

    def _single(
        self, words: list[list[str]], stems: list[list[str]], dense: Floats
    ) -> list[Floats]:
        count = len(words)
        asks = np.array([float("?" in turn) for turn in words])
        length = np.log1p([len(turn) for turn in words])
        place = np.arange(count, dtype=np.float64)
        fresh = np.zeros(count)
        carried = np.zeros(count)
        best = np.zeros(count)
        for turn in range(1, count):
            said = {name for past in stems[max(0, turn - LOOK_BACK) : turn] for name in past}
            own = set(stems[turn])
            later = {name for ahead in stems[turn : turn + LOOK_BACK] for name in ahead}
            fresh[turn] = len(own - said) / (1 + len(own))
            carried[turn] = len(later & said) / (1 + min(len(later), len(said)))
            past = dense[max(0, turn - LOOK_BACK) : turn]
            best[turn] = max(_cosine(row, dense[turn]) for row in past)
        content = np.log1p([len(set(turn)) for turn in stems])
        return [
            asks, length, place, place / max(1, count), count - place, fresh, carried, best, content
        ]  # fmt: skip


def _joined(bags: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for bag in bags:
        for name, weight in bag.items():
            total[name] = total.get(name, 0.0) + weight
    return total


def _cosine_of_bags(one: dict[str, float], other: dict[str, float]) -> float:
    if not one or not other:
        return 0.0
    shared = sum(weight * other[name] for name, weight in one.items() if name in other)
    if not shared:
        return 0.0
    norms = sum(w * w for w in one.values()) * sum(w * w for w in other.values())
    return float(shared / norms**0.5)


def _cosine(one: Floats, other: Floats) -> float:
    norms = float(one @ one) * float(other @ other)
    return float(one @ other) / norms**0.5 if norms > 0.0 else 0.0


def _depth(near: Floats) -> Floats:
    """How deep each place lies below the peaks on either side (TextTiling's depth score)."""
    count = len(near)
    depth = np.zeros(count)
    for turn in range(1, count):
        left = turn
        while left > 1 and near[left - 1] >= near[left]:
            left -= 1
        right = turn
        while right < count - 1 and near[right + 1] >= near[right]:
            right += 1
        depth[turn] = near[left] + near[right] - 2 * near[turn]
    return depth


def with_neighbours(matrix: Floats) -> Floats:
    """Each row with those before and after it, and its distance to the dialogue's mean: what is
    low in one dialogue is usual in another."""
    before = np.vstack([matrix[:1], matrix[:-1]])
    after = np.vstack([matrix[1:], matrix[-1:]])
    return np.hstack([matrix, before, after, matrix - matrix.mean(0)])


class Trees(Struct, frozen=True):
    """Boosted regression trees: log-odds = `base` + the sum of the leaves that a row falls into.

    The arrays are (trees, nodes); a row goes left where its feature is at most the threshold. A
    leaf is its own child.
    """

    base: float
    depth: int
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    value: Floats

    def scores(self, rows: Floats) -> Floats:
        """The log-odds of each row."""
        if not len(self.feature):
            return np.full(len(rows), self.base)
        # Thresholds were learned on single precision, and rows are compared in it.
        rows = rows.astype(np.float32).astype(np.float64)
        trees = np.arange(len(self.feature))[None, :]
        places = np.arange(len(rows))[:, None]
        node = np.zeros((len(rows), len(self.feature)), np.intp)
        for _ in range(self.depth):
            goes_left = rows[places, self.feature[trees, node]] <= self.threshold[trees, node]
            node = np.where(goes_left, self.left[trees, node], self.right[trees, node])
        total: Floats = self.base + self.value[trees, node].sum(1)
        return total


class Decoding(Struct, frozen=True):
    """How openings are chosen. `reach` is the k of Pk, in turns; see `decode`."""

    threshold: float
    together: float
    reach: int


def decode(chances: Floats, rule: Decoding) -> list[int]:
    """The turns that open a topic, by dynamic programming; the first turn never does.

    An opening gains its chance less `threshold`. Every window of `reach` places gains `together`
    times the probability that it is right about holding an opening or none, less one half: that is
    the expected Pk of the whole choice when places are independent (minimum Bayes risk).
    """
    count = len(chances)
    reach = max(1, rule.reach)
    mask = (1 << reach) - 1
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for turn in range(1, count):
        chance = float(chances[turn])
        first = turn - reach + 1
        none = float(np.prod(1.0 - chances[first : turn + 1])) if first >= 1 else 0.5
        gain = rule.together * (0.5 - none)
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for recent, (total, opened) in best.items():
            for opens in (0, 1):
                seen = ((recent << 1) | opens) & mask
                worth = total + (chance - rule.threshold if opens else 0.0)
                worth += gain if seen else -gain
                known = following.get(seen)
                if known is None or worth > known[0]:
                    following[seen] = (worth, (*opened, turn) if opens else opened)
        best = following
    return list(max(best.values(), key=lambda item: item[0])[1])


class LastStep(Struct, frozen=True):
    """From rows to chances: the mean of a logistic regression's log-odds and the trees'. `mean` and
    `spread` bring the features to one scale for `weights`."""

    mean: Floats
    spread: Floats
    weights: Floats
    bias: float
    trees: Trees

    def chances(self, rows: Floats) -> Floats:
        """For each turn of one dialogue the probability that it opens a topic; 0 for the first."""
        logit = ((rows - self.mean) / self.spread) @ self.weights + self.bias
        logit = (logit + self.trees.scores(rows)) / 2
        chances: Floats = 1.0 / (1.0 + np.exp(-np.clip(logit, -40.0, 40.0)))
        chances[0] = 0.0
        return chances


class TopicModel(Struct, frozen=True):
    """A trained scorer; `columns` is how many further columns it was trained with."""

    lexical: Lexical
    columns: int
    last: LastStep
    decoding: Decoding

    def chances(self, texts: list[str], columns: Floats | None = None) -> Floats:
        """For each turn the probability that it opens a topic; 0 for the first.

        `columns` (turns, columns) are the further features. Raises ValueError when they are not
        those that the model was trained with.
        """
        found = 0 if columns is None else columns.shape[1]
        if found != self.columns:
            raise ValueError(f"{found} further columns; the model was trained with {self.columns}")
        if not texts:
            return np.zeros(0)
        scores = self.lexical.opening_scores([words_of(text) for text in texts])
        return self.last.chances(rows_of(self.lexical, texts, scores, columns))

    def boundaries(self, texts: list[str], columns: Floats | None = None) -> list[int]:
        """The turns that open a topic, in order; never the first."""
        return decode(self.chances(texts, columns), self.decoding)


def rows_of(lexical: Lexical, texts: list[str], scores: Floats, columns: Floats | None) -> Floats:
    """What the last step sees of each turn: (turns, features)."""
    matrix = lexical.matrix(texts, scores)
    if columns is not None:
        matrix = np.hstack([matrix, columns])
    return with_neighbours(matrix)


def cohesion_boundaries(texts: list[str]) -> list[int]:
    """Boundaries by lexical cohesion alone, with nothing learned (TextTiling; Hearst, 1997): where
    the depth between two turns on either side exceeds the mean less half a standard deviation."""
    bags: list[dict[str, float]] = []
    for text in texts:
        stems = [found for word in words_of(text) if (found := stem(word))]
        bags.append({name: float(stems.count(name)) for name in stems})
    near = np.ones(len(texts))
    for turn in range(1, len(texts)):
        near[turn] = _cosine_of_bags(
            _joined(bags[max(0, turn - 2) : turn]), _joined(bags[turn : turn + 2])
        )
    depth = _depth(near)
    if len(texts) < 3:
        return []
    limit = float(depth[1:].mean() - depth[1:].std() / 2)
    return [
        turn
        for turn in range(1, len(texts))
        if depth[turn] > max(limit, 0.0) and depth[turn] >= depth[max(1, turn - 1) : turn + 2].max()
    ]
