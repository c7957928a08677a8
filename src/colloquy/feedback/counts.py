"""How many ratings and conversations there were, and how they went."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from ..model.feedback import LOW, Measure
from .summaries import Course

SCORES = 5
EXAMPLES = 5
"""Conversations to look at that are kept of each measure, the newest."""


class Counts:
    """Of everything, of a day, or of one value of a dimension."""

    __slots__ = ("abandoned", "completed", "conversations", "examples", "handed_over", "low",
                 "low_overall", "open", "rated", "repeated", "response_s", "responses", "scores",
                 "taken_over")  # fmt: skip

    def __init__(self) -> None:
        self.scores = [0] * SCORES
        self.rated = self.low = self.low_overall = 0
        """Conversations with ratings here; with a mean up to LOW here; of all ratings in them."""
        self.conversations = self.completed = self.abandoned = self.open = 0
        self.handed_over = self.taken_over = self.repeated = 0
        self.responses = 0
        self.response_s = 0.0
        self.examples: dict[Measure, deque[int]] = {}

    def rate(self, scores: Sequence[int], is_low_overall: bool, number: int) -> None:
        """The ratings of one conversation."""
        for score in scores:
            self.scores[score - 1] += 1
        self.rated += 1
        self.low_overall += is_low_overall
        if sum(scores) <= LOW * len(scores):
            self.low += 1
            self._keep("low_ratings", number)

    def add(
        self, course: Course, is_open: bool, responses: int, response_s: float, number: int
    ) -> None:
        """A conversation, with its responses and their seconds together."""
        self.conversations += 1
        self.responses += responses
        self.response_s += response_s
        if course.handed_over:
            self.handed_over += 1
        if is_open:
            self.open += 1
        elif course.is_completed:
            self.completed += 1
        else:
            self.abandoned += 1
            self._keep("abandoned", number)
        if course.taken_over:
            self.taken_over += 1
            self._keep("taken_over", number)
        if course.repeated:
            self.repeated += 1
            self._keep("repeated", number)

    def _keep(self, measure: Measure, number: int) -> None:
        kept = self.examples.setdefault(measure, deque(maxlen=EXAMPLES))
        if number not in kept:
            kept.append(number)

    @property
    def ratings(self) -> int:
        return sum(self.scores)

    @property
    def average(self) -> float | None:
        """Mean score, 1 to 5."""
        total = sum(score * count for score, count in enumerate(self.scores, 1))
        return total / self.ratings if self.ratings else None

    @property
    def over(self) -> int:
        return self.completed + self.abandoned

    @property
    def completion(self) -> float | None:
        return self.completed / self.over if self.over else None

    def cases(self, measure: Measure) -> tuple[int, int]:
        """How many conversations went badly, and of how many."""
        if measure == "low_ratings":
            return self.low, self.rated
        if measure == "abandoned":
            return self.abandoned, self.over
        return (self.taken_over if measure == "taken_over" else self.repeated), self.conversations
