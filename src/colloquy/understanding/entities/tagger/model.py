"""A trained tagger and how it serves.

A word's emission scores are sums over features. Almost all features depend on one word and its
distance, or on two neighbours, so the summed weights of each are kept once computed, and a text
costs table look-ups and additions (as in `intent.py`).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ....model.errors import InvalidInput, NotFound
from ...model_bytes import ALIGN, aligned_array, append_aligned
from . import keys as fx
from .decode import Chances, Floats, constrained, lattice, viterbi
from .words import OUTSIDE, Found, Tokens, parts_of, spans_of

_MAGIC = b"COLLOQUY-TAGGER\n"
_LENGTH = struct.Struct("<I")
_MAX_CACHE_BYTES = 16 * 1024 * 1024


class Header(Struct, frozen=True):
    """What the file says about itself. `tags` are the columns, "O" among them.

    `weights` are stored per feature: `features` of them, `entries` weights in all. `outside` is
    added to the scores of "O": below 0 the tagger finds more. `hints`: it was trained with what
    other layers say of words.
    """

    algorithm: int
    version: str
    tags: list[str]
    features: int
    entries: int
    checksum: int = 0
    hints: bool = False
    outside: float = 0.0


class Text(Struct, frozen=True):
    """One text to tag. `asked`: the slots that had just been asked for. `hints`: what other layers
    say of each word ("B-date", "" for nothing), none when they said nothing."""

    tokens: Tokens
    asked: Sequence[str] = ()
    hints: Sequence[str] = ()


class Tagger:
    """Finds spans in batches of texts. Not safe for two threads at once (it caches)."""

    def __init__(
        self,
        header: Header,
        keys: npt.NDArray[np.uint32],
        starts: npt.NDArray[np.uint32],
        columns: npt.NDArray[np.uint16],
        weights: Floats,
        transitions: Floats,
    ) -> None:
        """`keys` (features) ascending; the weights of feature i are entries `starts[i]` to
        `starts[i + 1]` of `columns` (tags) and `weights`; `transitions` (from, to)."""
        self.header = header
        self._keys = keys
        self._known = frozenset(keys.tolist())
        self._starts = starts
        self._columns = columns
        self._weights = weights
        self.transitions = transitions
        self.tags = header.tags
        self._moves, self._begin = constrained(transitions, self.tags)
        self._outside = self.tags.index(OUTSIDE)
        self._place = {tag: column for column, tag in enumerate(self.tags)}
        self._capacity = max(4096, _MAX_CACHE_BYTES // (4 * len(self.tags)))
        self._blocks: dict[str | tuple[str, str], int] = {}
        self._forget()

    @property
    def version(self) -> str:
        """12 hex digits over training data and algorithm."""
        return self.header.version

    @property
    def labels(self) -> list[str]:
        """The labels that spans may carry."""
        return sorted({parts_of(tag[2:])[0] for tag in self.tags if tag != OUTSIDE})

    @property
    def uses_hints(self) -> bool:
        """Was it trained with what other layers say?"""
        return self.header.hints

    def adjusted(self, *, outside: float) -> Tagger:
        """The same tagger that finds more (`outside` below 0) or less."""
        header = msgspec.structs.replace(self.header, outside=outside)
        return Tagger(
            header, self._keys, self._starts, self._columns, self._weights, self.transitions
        )

    def tag(
        self, texts: Sequence[Text], extra: Sequence[Floats] | None = None
    ) -> list[list[Found]]:
        """The spans of each text, in order. `extra`: scores (words, tags) to add, per text."""
        rows = [row for row, text in enumerate(texts) if text.tokens.words]
        found: list[list[Found]] = [[] for _ in texts]
        if not rows:
            return found
        emissions = self.emissions([texts[row] for row in rows])
        if extra is not None:
            emissions = [one + extra[row] for one, row in zip(emissions, rows, strict=True)]
        # Texts of like length together: little of the lattice is behind ends.
        order = sorted(range(len(rows)), key=lambda at: len(emissions[at]))
        for start in range(0, len(order), 32):
            part = order[start : start + 32]
            answers = self._decode([emissions[at] for at in part])
            for at, spans in zip(part, answers, strict=True):
                tokens = texts[rows[at]].tokens
                found[rows[at]] = [
                    self._found(tokens, first, end, name, chance)
                    for first, end, name, chance in spans
                ]
        return found

    def _decode(self, emissions: list[Floats]) -> list[list[tuple[int, int, str, float]]]:
        scores, lengths = lattice(emissions)
        plain = scores
        if self.header.outside:
            scores = scores.copy()
            scores[:, :, self._outside] += self.header.outside
        paths = viterbi(scores, lengths, self._moves, self._begin)
        spans = [spans_of([self.tags[tag] for tag in path]) for path in paths]
        with_spans = [row for row, some in enumerate(spans) if some]
        answers: list[list[tuple[int, int, str, float]]] = [[] for _ in emissions]
        if with_spans:
            longest = int(lengths[with_spans].max())
            chances = Chances(
                plain[with_spans, :longest], lengths[with_spans], self._moves, self._begin
            )
            for place, row in enumerate(with_spans):
                for first, end, name in spans[row]:
                    after = self._place.get("I-" + name)
                    chance = chances.of_path(place, first, paths[row][first:end], after)
                    answers[row].append((first, end, name, round(chance, 4)))
        return answers

    def _found(self, tokens: Tokens, first: int, end: int, name: str, chance: float) -> Found:
        label, role, group = parts_of(name)
        return Found(tokens.starts[first], tokens.ends[end - 1], label, role, group, chance)

    def log_probabilities(self, texts: Sequence[Text]) -> list[Floats]:
        """For each text the logarithms of each tag's marginal probability (words, tags)."""
        empty = np.zeros((0, len(self.tags)), np.float32)
        found = [empty for _ in texts]
        for row, text in enumerate(texts):
            if text.tokens.words:
                scores, lengths = lattice(self.emissions([text]))
                marginals = Chances(scores, lengths, self._moves, self._begin).marginals(0)
                found[row] = np.log(np.maximum(marginals, 1e-9)).astype(np.float32)
        return found

    # -- emissions

    def emissions(self, texts: Sequence[Text]) -> list[Floats]:
        """Scores (words, tags) of each text, which must have words."""
        if self._used > self._capacity:
            self._forget()
        blocks, block_of = self._blocks, self._block
        words: list[int] = []
        pairs: list[int] = []
        places: list[int] = []
        lengths: list[int] = []
        extra_places: list[int] = []
        extra_rows: list[int] = []
        margin = fx.REACH
        edge_start, edge_end = block_of(fx.START), block_of(fx.END)
        for text in texts:
            own = text.tokens.words
            base = sum(lengths)
            lengths.append(len(own))
            places.extend(range(len(words) + margin, len(words) + margin + len(own)))
            words += [edge_start] * margin
            pairs += [0] * (margin - 1)
            before = fx.START
            for word in own:
                row = blocks.get(word)
                words.append(block_of(word) if row is None else row)
                pair = (before, word)
                row = blocks.get(pair)
                pairs.append(block_of(pair) if row is None else row)
                before = word
            pairs.append(block_of((before, fx.END)))
            words += [edge_end] * margin
            pairs += [0] * margin
            if text.asked:
                asked = " ".join(text.asked)
                for at, word in enumerate(own):
                    extra_places.append(base + at)
                    extra_rows.append(self._asked(asked, text.asked, word))
            for at, hint in enumerate(text.hints):
                if hint:
                    row = self._hint(hint)
                    for step in range(fx.HINT_ROWS):
                        to = at + 1 - step
                        if 0 <= to < len(own):
                            extra_places.append(base + to)
                            extra_rows.append(row + step)
        centers = np.array(places, np.intp)
        word_rows = np.array(words, np.intp)
        pair_rows = np.array(pairs, np.intp)
        columns = [
            word_rows[centers + step] + step + fx.REACH for step in range(-fx.REACH, fx.REACH + 1)
        ]
        # pairs[i] is the pair of words i and i + 1
        columns += [pair_rows[centers + step] + rank for rank, step in enumerate(fx.PAIR_STARTS)]
        table = self._matrix
        scores = table[columns[0]]
        for column in columns[1:]:
            scores += table[column]
        if extra_rows:
            np.add.at(scores, extra_places, table[extra_rows])
        own_rows = word_rows[centers]
        starts = np.cumsum([0, *lengths[:-1]])
        spoken = np.logical_or.reduceat(self._speaks[own_rows], starts).tolist()
        found = []
        start = 0
        for length, speaks in zip(lengths, spoken, strict=True):
            part = scores[start : start + length]
            if length > 1 and speaks:
                seen = table[own_rows[start : start + length] + fx.BEFORE].cumsum(axis=0)
                part[1:] += seen[:-1]
                to_come = table[own_rows[start : start + length] + fx.AFTER][::-1].cumsum(axis=0)
                part[:-1] += to_come[::-1][1:]
            found.append(part)
            start += length
        return found

    # -- the cache of rows: the first rows are zeros, the rest blocks of words, pairs and hints

    def _forget(self) -> None:
        self._blocks.clear()
        self._used = fx.WORD_ROWS
        self._matrix: Floats = np.zeros((1024, len(self.tags)), np.float32)
        # Does the word whose block begins here say anything of the words before and after it?
        self._speaks = np.zeros(1024, np.bool_)

    def _block(self, part: str | tuple[str, str]) -> int:
        row = self._blocks.get(part)
        if row is None:
            keys = fx.word_keys(part) if isinstance(part, str) else fx.pair_keys(*part)
            row = self._blocks[part] = self._add(keys)
        return row

    def _asked(self, name: str, asked: Sequence[str], word: str) -> int:
        part = (fx.START + name, word)
        row = self._blocks.get(part)
        if row is None:
            row = self._blocks[part] = self._add([fx.asked_keys(asked, word)])
        return row

    def _hint(self, hint: str) -> int:
        part = (fx.END, hint)
        row = self._blocks.get(part)
        if row is None:
            row = self._blocks[part] = self._add(fx.hint_keys(hint))
        return row

    def _add(self, keys: list[list[int]]) -> int:
        """A block of summed weights, one row for each list; the block of zeros if all are."""
        if all(map(self._known.isdisjoint, keys)):
            return 0
        flat = np.array([key for row in keys for key in row], np.uint32)
        rows = np.repeat(np.arange(len(keys)), [len(row) for row in keys])
        at = np.minimum(np.searchsorted(self._keys, flat), max(0, len(self._keys) - 1))
        known = self._keys[at] == flat
        while self._used + len(keys) > len(self._matrix):
            grown = np.zeros((2 * len(self._matrix), len(self.tags)), np.float32)
            grown[: self._used] = self._matrix[: self._used]
            self._matrix = grown
            self._speaks = np.concatenate([self._speaks, np.zeros_like(self._speaks)])
        first = self._used
        for row, feature in zip(rows[known].tolist(), at[known].tolist(), strict=True):
            begin, end = self._starts[feature], self._starts[feature + 1]
            self._matrix[first + row, self._columns[begin:end]] += self._weights[begin:end]
        if len(keys) == fx.WORD_ROWS:
            self._speaks[first] = self._matrix[first + fx.BEFORE : first + fx.AFTER + 1].any()
        self._used += len(keys)
        return first

    # -- file

    def save(self, path: Path) -> None:
        """One file: magic, header (JSON), then the arrays, each aligned to 64 bytes."""
        body = bytearray()
        for array in (
            self._keys, self._starts, self._columns, self._weights, self.transitions,
        ):  # fmt: skip
            append_aligned(body, array)
        header = msgspec.structs.replace(self.header, checksum=crc32(body))
        head = msgspec.json.encode(header)
        data = bytearray(_MAGIC + _LENGTH.pack(len(head)) + head)
        data += b"\0" * (-len(data) % ALIGN)
        path.write_bytes(data + body)

    @classmethod
    def load(cls, path: Path) -> Tagger:
        """Maps the file into memory. Raises NotFound, or InvalidInput if it is not such a file."""
        try:
            with path.open("rb") as file:
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise NotFound(f"there is no tagger at {path}") from None
        except ValueError:
            raise InvalidInput(f"{path} is empty") from None
        if data[: len(_MAGIC)] != _MAGIC:
            raise InvalidInput(f"{path} is not a tagger")
        try:
            start = len(_MAGIC) + _LENGTH.size
            (length,) = _LENGTH.unpack(data[len(_MAGIC) : start])
            header = msgspec.json.decode(data[start : start + length], type=Header)
            at = start + length
            at += -at % ALIGN
            if crc32(memoryview(data)[at:]) != header.checksum:
                raise ValueError("the checksum differs")
            tags = len(header.tags)
            keys, at = aligned_array(data, at, np.uint32, header.features)
            starts, at = aligned_array(data, at, np.uint32, header.features + 1)
            columns, at = aligned_array(data, at, np.uint16, header.entries)
            weights, at = aligned_array(data, at, np.float32, header.entries)
            transitions, at = aligned_array(data, at, np.float32, tags * tags)
            if OUTSIDE not in header.tags or not columns.max(initial=0) < tags:
                raise ValueError("its tags do not fit its weights")
        except (ValueError, struct.error, msgspec.MsgspecError) as error:
            raise InvalidInput(f"the tagger {path} is damaged: {error}") from None
        if header.algorithm != fx.ALGORITHM:
            raise InvalidInput(
                f"{path} was trained for algorithm {header.algorithm}, this is {fx.ALGORITHM}: "
                "train it again"
            )
        return cls(header, keys, starts, columns, weights, transitions.reshape(tags, tags))
