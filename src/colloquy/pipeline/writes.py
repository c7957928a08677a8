"""From a finished work to the rows that its commit writes. Pure: no I/O, no clock of its own.

Every function moves the cached session on as if the commit will succeed; when it does not, the
worker drops the cache entry and the turn is done again from the store.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from ..delivery.made import Made, MadeFrom
from ..model import ids
from ..model.message import encode
from ..model.reply import Reply, plain
from ..model.times import rfc3339
from ..model.turn import Incoming, Said, Turn
from ..model.understanding import Flow
from ..model.views import ReplyReason
from ..settings import ReplySettings
from ..storage.write_set import (
    KIND_TIMER,
    NO_SESSION,
    Change,
    EventRow,
    InboxRow,
    OutboxRow,
    StateRow,
    Unit,
)
from ..understanding.flow.standing import encode_standing
from .cache import LastIn, MessageBody, ReplyBody, Spoken
from .calls import append_calls
from .headline import feel, hear, preview_of
from .reasons import is_formula, reason_of
from .work import Work, code_of, encode_note, with_attempt

STATE = "enable_state_management"
"""The flag without which turns find nothing of what earlier ones kept, and keep nothing."""
HIGH, NORMAL = 1, 0
"""Outbox priorities: an urgent message's reply goes first (decision 22)."""


def state_of(turn: Turn) -> bytes:
    """The session's state after this turn, encoded."""
    state: dict[str, object] = {}
    if turn.state:
        state["data"] = turn.state
    if turn.slots:
        state["slots"] = turn.slots
    if turn.asked is not None:
        state["asked"] = turn.asked
    if turn.pinned:
        state["pinned"] = turn.pinned
    return encode(state)


def finished(
    work: Work,
    now: int,
    timer_ids: list[int],
    hand_over_text: str | None = None,
    threshold: float | None = None,
) -> Unit:
    """The commit of an answered turn: events, replies, state, timers, and its rows' completion.

    `threshold`: the confidence from which an intent is sure, to be kept beside what was understood.
    """
    if work.turn.owner is not None and not work.replies and hand_over_text:
        work.replies = [Reply(text=hand_over_text)]
        work.turn.answered_by = "hand_over"
    unit = _begin(work, now)
    unit.done = work.ids
    _append_incoming(work, unit, now)
    _change_threads(work, unit)
    if work.turn.fired is not None:
        unit.events.append(
            EventRow("timer_fired", now, work.turn.id, None, encode(work.turn.fired))
        )
    append_calls(work, unit, now)
    asked = work.live.session.state.get("asked")
    _move_state(work, unit, now)
    why = reason_of(work.turn, threshold, work.flags)
    _append_replies(work, unit, now, why)
    _note_made(work, unit, asked, timer_ids)
    if work.turn.is_interrupted and not work.replies:
        # No reply says so: it was stopped before its first word.
        unit.events.append(EventRow("reply_stopped", now, work.turn.id, None, encode({"why": why})))
    _append_timers(work, unit, now, timer_ids)
    return unit


def parked(work: Work, now: int, due: int) -> Unit:
    """The first commit of a slow turn: what came in and what was understood; the row is parked."""
    unit = _begin(work, now)
    _append_incoming(work, unit, now)
    unit.rows["inbox_set"] = [
        (header.id, "parked", due, header.attempts, 1, header.note) for header in work.headers
    ]
    return unit


def duplicate(work: Work, now: int) -> Unit:
    """A repeat of the newest message: recorded, not answered."""
    unit = _begin(work, now)
    unit.done = work.ids
    _append_repeats(work, unit, now)
    _count_stream(work, unit)
    return unit


def retried(work: Work, now: int, due: int, error: Exception, *, counts: bool) -> Unit:
    """A failed attempt: the rows wait until `due`. A burst is taken apart and tried one by one."""
    unit = Unit(session=NO_SESSION, at=now)
    rows = []
    headers = []
    tried = with_attempt(work.note, error, now)
    calls = work.calls
    for header in work.headers:
        # Of a burst that is taken apart, the tools were called for the turn of the first message.
        note = encode_note(replace(tried, calls=calls if header is work.headers[0] else []))
        changed = header._replace(
            state="retry",
            due_at=due,
            attempts=header.attempts + (1 if counts else 0),
            recorded=1 if work.was_parked else header.recorded,
            note=note,
        )
        headers.append(changed)
        rows.append((changed.id, "retry", due, changed.attempts, changed.recorded, changed.note))
    work.headers = tuple(headers)
    unit.rows["inbox_set"] = rows
    return unit


def dead(work: Work, now: int, error: Exception, replies: ReplySettings | None) -> Unit:
    """The end of a message that cannot be handled: kept with its cause; the visitor hears of it.

    `replies` None: say nothing (the apology is switched off, or somebody else answers here).
    """
    unit = _begin(work, now)
    unit.done = work.ids
    if not work.was_parked:
        # The message is not in the log, so its thread may be none.
        work.turn.flow = Flow()
    tried = with_attempt(work.note, error, now)
    if work.turn.incoming or work.turn.fired is not None:
        # Else its message cannot be read, or nothing that it said can be written.
        logged = [*work.note.logged, *append_calls(work, unit, now)]
        tried = replace(tried, calls=[], logged=logged)
    note = encode_note(tried)
    rows = []
    for header in work.headers:
        rows.append(
            (
                header.id,
                header.message_id,
                work.conversation,
                header.kind,
                header.received_at,
                now,
                header.stream,
                header.sequence,
                1 if work.was_parked else header.recorded,
                code_of(error),
                str(error)[:2000],
                "dead",
                work.payloads[header.id],
                note,
            )
        )
        body = {
            "message_id": header.message_id.hex(),
            "number": header.id,
            "cause": code_of(error),
            "detail": str(error)[:500],
        }
        unit.events.append(EventRow("dead_lettered", now, work.turn.id, header.id, encode(body)))
    unit.rows["dead_letter_insert"] = rows
    _count_stream(work, unit)
    work.replies = []
    if replies is not None and work.turn.incoming:
        work.turn.owner = None
        if replies.apology_hand_over is not None:
            work.turn.owner = (replies.apology_hand_over, None, f"dead letter: {code_of(error)}")
            _move_owner(work, unit, now)
        if replies.apology:
            work.replies = [Reply(text=replies.apology)]
    _append_replies(work, unit, now, ReplyReason("apology"))
    return unit


# -- parts ------------------------------------------------------------------------------------


def _begin(work: Work, now: int) -> Unit:
    live = work.live
    unit = Unit(session=live.session.number, at=now, version=live.session.version)
    if not live.exists:
        unit.create = live.row()
        live.exists = True
        session = live.session
        body = {
            "channel": session.channel,
            "account": session.account,
            "conversation": session.key,
            "thread": session.thread,
        }
        unit.events.append(EventRow("session_opened", now, None, None, encode(body)))
    return unit


def _append_incoming(work: Work, unit: Unit, now: int) -> None:
    turn = work.turn
    live = work.live
    raws = turn.raw_understanding
    for index, incoming in enumerate(turn.incoming):
        if incoming.recorded or work.was_parked:
            continue
        if incoming.gap:
            unit.events.append(_gap_event(incoming, turn.id, now))
        raw = raws[index] if index < len(raws) else None
        flow = work.flows[index] if index < len(work.flows) else None
        body = MessageBody(
            message_id=incoming.message_id.hex(),
            received_at=rfc3339(incoming.received_at),
            message=msgspec.Raw(incoming.payload),
            understanding=msgspec.Raw(raw) if raw else None,
            flow=flow,
            late=incoming.late,
            gap=incoming.gap,
        )
        unit.events.append(EventRow("message", now, turn.id, incoming.inbox_id, encode(body)))
        message = incoming.message
        hear(unit.headline, message, len(unit.events) - 1)
        kind = message.sender.kind if message.sender is not None else "person"
        text = message.full_text
        live.window.add(
            Said(
                "visitor" if kind == "person" else kind,
                text,
                now,
                flow.thread if flow is not None else None,
                incoming.message_id.hex(),
            )
        )
        live.replies.clear()
        live.last_in = LastIn(
            message.sender_id, text, incoming.received_at, incoming.message_id.hex()
        )
    if unit.headline.said is not None:
        feel(unit.headline, turn)
    if work.standing is not None and not work.was_parked:
        live.standing = work.standing
        unit.headline.flow = encode_standing(work.standing)
    _append_repeats(work, unit, now)
    _count_stream(work, unit)


def _change_threads(work: Work, unit: Unit) -> None:
    """What the handler did to the threads. Nothing else moved them while the turn was under way."""
    if work.threads is not None and work.threads.changed:
        live = work.live
        live.standing = msgspec.structs.replace(live.standing, threads=work.threads.state)
        unit.headline.flow = encode_standing(live.standing)


def _append_repeats(work: Work, unit: Unit, now: int) -> None:
    for incoming, of in work.repeats:
        if incoming.recorded or work.was_parked:
            continue
        body = {"message_id": incoming.message_id.hex(), "of": of}
        unit.events.append(
            EventRow("message_duplicate", now, work.turn.id, incoming.inbox_id, encode(body))
        )


def _gap_event(incoming: Incoming, turn: bytes, now: int) -> EventRow:
    body = {
        "stream": incoming.message.stream,
        "before": incoming.message.sequence,
        "message_id": incoming.message_id.hex(),
    }
    return EventRow("sequence_gap", now, turn, None, encode(body))


def _count_stream(work: Work, unit: Unit) -> None:
    sequenced = [header for header in work.headers if header.sequence is not None]
    if not sequenced or work.note.late:
        return
    for header in sequenced:
        assert header.stream is not None
        assert header.sequence is not None
        work.live.saw(header.stream, header.sequence)
    unit.streams = encode(work.live.session.streams)


def _append_replies(work: Work, unit: Unit, now: int, why: ReplyReason | None) -> None:
    turn = work.turn
    replies = work.replies
    session = work.live.session
    urgent = any(incoming.message.urgent for incoming in turn.incoming)
    manner = None if turn.manner.is_plain else turn.manner
    tone: str | None = turn.manner.tone
    if replies and not work.flags.enabled("use_advanced_messages"):
        replies, manner, tone = [plain(reply) for reply in replies], None, None
    for index, reply in enumerate(replies):
        reply_id = ids.reply_id(turn.id, index)
        body = ReplyBody(
            reply_id=reply_id.hex(),
            text=reply.text,
            parts=list(reply.parts),
            quick_replies=reply.quick_replies,
            metadata=reply.metadata,
            tone=reply.tone or tone,
            manner=manner,
            why=why,
            thread=turn.thread,
            interrupted=turn.is_interrupted,
        )
        unit.outbox.append(
            OutboxRow(
                len(unit.events), reply_id, session.channel, session.account, True,
                session.owner_epoch, HIGH if urgent else NORMAL, now,
            )
        )  # fmt: skip
        unit.events.append(EventRow("reply", now, turn.id, None, encode(body)))
        unit.headline.preview = preview_of(reply.text, reply.parts) or unit.headline.preview
        said = Said("assistant", reply.text or "", now, turn.thread, reply_id.hex())
        work.live.window.add(said)
        if not is_formula(why):
            work.live.replies.append(Spoken(said.id, said.text, now))
        work.live.last_in = None


def _note_made(work: Work, unit: Unit, asked: dict[str, Any] | None, timer_ids: list[int]) -> None:
    """With the replies goes what they were made with: a kill may take them back. `asked`: the
    question that was open before the turn."""
    if not unit.outbox:
        return
    rows = [MadeFrom(header.id, header.message_id.hex(), header.kind) for header in work.headers]
    made = encode(Made(work.flags.used, rows, len(unit.outbox), asked, timer_ids))
    unit.outbox = [row._replace(made=made) for row in unit.outbox]


def _move_state(work: Work, unit: Unit, now: int) -> None:
    """Writes the session's state when the turn changed it, and the ledger row with it."""
    live = work.live
    session = live.session
    for reply in work.replies:
        if reply.hand_over is not None and work.turn.owner is None:
            work.turn.owner = (reply.hand_over, None, reply.reason)
    keeps = work.flags.enabled(STATE)
    after = state_of(work.turn) if keeps else live.state_bytes
    status = session.status
    if session.owner == "assistant":
        status = "waiting" if keeps and work.turn.asked is not None else "open"
    moved = work.turn.owner is not None and work.turn.owner[0] != session.owner
    if after == live.state_bytes and status == session.status and not moved:
        return
    live.state_bytes = after
    session.state = msgspec.json.decode(after)
    before, session.status = session.status, status
    if moved:
        _move_owner(work, unit, now)
        return
    if status != before:
        body = {"from": before, "to": status}
        unit.events.append(EventRow("status_changed", now, work.turn.id, None, encode(body)))
    _write_state(work, unit, now)


def _move_owner(work: Work, unit: Unit, now: int) -> None:
    """The turn passes the conversation on: automatic replies of the old epoch are over."""
    assert work.turn.owner is not None
    owner, owner_id, reason = work.turn.owner
    session = work.live.session
    body = {
        "from": session.owner,
        "owner": owner,
        "owner_id": owner_id,
        "reason": reason,
        "actor": "engine",
        "epoch": session.owner_epoch + 1,
    }
    session.owner = owner
    session.owner_id = owner_id
    session.owner_epoch += 1
    session.status = "open" if owner == "assistant" else "handed_over"
    unit.events.append(EventRow("owner_changed", now, work.turn.id, None, encode(body)))
    _write_state(work, unit, now)


def _write_state(work: Work, unit: Unit, now: int) -> None:
    session = work.live.session
    session.version += 1
    unit.state = StateRow(
        session.status,
        session.owner,
        session.owner_id,
        session.owner_epoch,
        session.version,
        work.live.state_bytes,
    )
    unit.changes.append(
        state_change(now, "engine", session.number, session.id, unit.state, work.live.state_bytes)
    )


def state_change(
    at: int, actor: str, number: int, conversation: bytes, row: StateRow, state: bytes
) -> Change:
    """The ledger row of a session's new state; its value is all that a restore would need."""
    after = encode(
        {
            "status": row.status,
            "owner": row.owner,
            "owner_id": row.owner_id,
            "owner_epoch": row.owner_epoch,
            "state": msgspec.Raw(state),
        }
    )
    return Change(at, actor, number, "set", "session_state", conversation.hex(), after)


def _append_timers(work: Work, unit: Unit, now: int, timer_ids: list[int]) -> None:
    turn = work.turn
    rows: list[tuple[object, ...]] = []
    for index, (number, timer) in enumerate(zip(timer_ids, turn.timers, strict=True)):
        payload = encode({"name": timer.name, "data": timer.data})
        rows.append(
            InboxRow(
                number,
                ids.timer_id(turn.id, index),
                work.conversation,
                ids.partition_of(work.conversation),
                KIND_TIMER,
                "ready",
                now + int(timer.delay_s * 1e6),
                now,
                None,
                None,
                0,
                0,
                payload,
            )
        )
    if rows:
        unit.rows["inbox_insert"] = rows
