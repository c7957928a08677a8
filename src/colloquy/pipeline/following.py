"""The stage that follows a conversation: where each message stands, and in which thread.

It needs what the turn before left, so it goes in rounds. Nothing of the session changes here: the
standing moves on when a unit writes the message's event (`writes`), so that a turn that fails or is
put back leaves no trace, and a message whose event is in the log already is not counted twice.
"""

from __future__ import annotations

from ..model import ids
from ..model.turn import Incoming
from ..model.understanding import Cues
from ..understanding.flow.cues import cues_of_text
from ..understanding.flow.handle import ThreadHandle
from ..understanding.flow.standing import Standing, advance
from .headline import is_of_peer
from .work import Work


def follow(works: list[Work]) -> list[Work]:
    """Finds each turn's flow; a turn for which that fails is failed."""
    for work in works:
        try:
            _follow(work)
        except Exception as error:
            work.fail(error)
    return [work for work in works if work.error is None]


def _follow(work: Work) -> None:
    turn = work.turn
    work.flows, work.standing = [], None
    if not turn.incoming:
        turn.flow = work.live.standing.now("")
        _offer(work, work.live.standing)
        return
    standing = _with_replies(work)
    for place, incoming in enumerate(turn.incoming):
        message_id = incoming.message_id.hex()
        if incoming.recorded:
            turn.flow = standing.now(message_id)
            work.flows.append(None)
            continue
        message = incoming.message
        standing, turn.flow = advance(
            standing,
            _cues(work, place),
            message_id,
            incoming.received_at,
            from_peer=is_of_peer(message),
            reply_to=_replied_to(work, standing, incoming),
        )
        work.flows.append(turn.flow)
    work.standing = standing
    _offer(work, standing)


def _offer(work: Work, standing: Standing) -> None:
    work.threads = ThreadHandle(standing.threads)
    work.turn.threads = work.threads
    work.turn.feelings = standing.feelings


def _with_replies(work: Work) -> Standing:
    """The standing with what our side has said since the last message: it answers and asks too."""
    standing = work.live.standing
    for reply in work.live.replies:
        standing, flow = advance(
            standing, cues_of_text(reply.text), reply.id, reply.at, from_peer=False
        )
        work.live.window.place(reply.id, flow.thread)
    return standing


def _cues(work: Work, place: int) -> Cues:
    if place < len(work.cues):
        return work.cues[place]
    # History is kept, not understood.
    return cues_of_text(work.turn.incoming[place].message.full_text)


def _replied_to(work: Work, standing: Standing, incoming: Incoming) -> str | None:
    """The id of the message or reply that is replied to: clients may use theirs or ours."""
    named = incoming.message.reply_to
    if named is None or standing.threads.thread_of(named) is not None:
        return named
    return ids.message_id(work.conversation, named).hex()
