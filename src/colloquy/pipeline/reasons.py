"""Why a turn was answered as it was."""

from __future__ import annotations

from msgspec.structs import replace

from ..flags import PinnedFlags
from ..model.turn import Turn
from ..model.views import ReplyReason

_FORMULAS = frozenset({"fallback", "apology", "hand_over"})


def reason_of(
    turn: Turn, threshold: float | None, flags: PinnedFlags | None = None
) -> ReplyReason | None:
    """Which handler answered and what it went by; None if nobody answered. `flags`: the turn's."""
    if turn.answered_by is None:
        return None
    reason = ReplyReason(
        turn.answered_by,
        model=turn.model_use,
        context=turn.context_record,
        flags={} if flags is None else flags.decided,
        stopped=turn.is_interrupted,
        written=len(turn.written) if turn.is_interrupted else None,
    )
    if not turn.incoming or not turn.raw_understanding or threshold is None:
        return reason
    found = turn.understanding
    return replace(
        reason,
        intent=found.intent or found.guess,
        confidence=round(found.confidence, 4),
        threshold=threshold,
        off=found.off,
    )


def is_formula(why: ReplyReason | None) -> bool:
    """Whether a reply says only that nothing was said: it answers nothing and asks nothing."""
    return why is not None and why.handler in _FORMULAS
