"""Why a turn was answered as it was, and in which tone."""

from __future__ import annotations

from ..model.turn import Turn
from ..model.views import ReplyReason

_TONES = {"negative": "empathetic", "neutral": "neutral", "positive": "positive"}


def reason_of(turn: Turn, threshold: float | None) -> ReplyReason | None:
    """Which handler answered and what it went by; None if nobody answered."""
    if turn.answered_by is None:
        return None
    if not turn.incoming or not turn.raw_understanding or threshold is None:
        return ReplyReason(turn.answered_by)
    found = turn.understanding
    return ReplyReason(
        turn.answered_by, found.intent or found.guess, round(found.confidence, 4), threshold
    )


def tone_of(turn: Turn) -> str:
    """The tone of a reply that says none itself: kind to who is cross, glad with who is glad."""
    return _TONES[turn.understanding.feeling]
