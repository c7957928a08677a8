"""What an emoji rates, and what stands of reactions and ratings of the same person."""

from __future__ import annotations

import pytest

from colloquy.feedback.log import Rated, ratings_of, said_of_replies
from colloquy.feedback.reactions import RATINGS, TABLE, rating_of
from colloquy.model.feedback import Rating


@pytest.mark.parametrize(
    ("emoji", "rating"),
    [
        ("👍", "up"), ("👍🏿", "up"), ("👎", "down"), ("❤", 5), ("❤️", 5), ("❤︎", 5), ("🙏", 5),
        ("😂", 4), ("😮", 3), ("😢", 2), ("😡", 1), ("🦄", None), ("", None), ("ok", None),
        ("👍👍", None),
    ],
)  # fmt: skip
def test_an_emoji_rates_by_the_table(emoji: str, rating: Rating | None) -> None:
    assert rating_of(emoji) == rating


def test_no_emoji_is_in_the_table_twice() -> None:
    assert len(RATINGS) == sum(len(row.split()) for row in TABLE.values())


def said(at: int, rating: str | int, reaction: str | None = None, by: str = "ann") -> Rated:
    return Rated(at, "r", rating, by, "", "", reaction)


@pytest.mark.parametrize(
    ("log", "standing"),
    [
        ([said(1, "up", "👍")], [("up", "👍")]),
        ([said(1, "up", "👍"), said(2, "", "")], []),
        ([said(1, "up", "👍"), said(2, "down", "👎")], [("down", "👎")]),
        # A reaction that rates nothing leaves the rating, and taking it back does too.
        ([said(1, 4), said(2, "", "🦄")], [(4, None)]),
        ([said(1, 4), said(2, "down", "👎")], [("down", "👎")]),
        ([said(1, 4), said(2, "down", "👎"), said(3, "", "")], [(4, None)]),
        ([said(1, "down", "👎"), said(2, 4)], [(4, None)]),
        ([said(1, "", "🦄")], [("", "🦄")]),
        ([said(1, "up", "👍"), said(2, 1, by="ben")], [("up", "👍"), (1, None)]),
    ],
)
def test_what_stands(log: list[Rated], standing: list[tuple[object, object]]) -> None:
    found = [rated for rated, _ in said_of_replies(log)]
    assert [(one.rating, one.reaction) for one in found] == standing
    assert [rated for rated, _ in ratings_of(log)] == [one for one in found if one.rating != ""]
