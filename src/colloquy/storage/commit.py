"""How a write set becomes one transaction, without I/O: both engines run the same steps.

`accept_steps` and `commit_steps` are generators. They yield (statement name, rows) and are sent the
rows that the statement returned; the engine that drives them only executes. So the rules about
guards, numbering and the ledger exist once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

from ..model.errors import StaleLease
from .write_set import (
    NO_SESSION,
    Accepted,
    AcceptRow,
    Change,
    InboxRow,
    Outcome,
    SessionRow,
    StateRow,
    Unit,
    Verdict,
    WriteSet,
)

Rows = list[tuple[Any, ...]]
Steps = Generator[tuple[str, Rows], Rows, Any]

# Statements that a unit may name in `rows`, in the order in which they run.
_FURTHER = (
    "inbox_delete",
    "inbox_insert",
    "inbox_set",
    "dead_letter_insert",
    "dead_letter_status",
    "outbox_set",
    "effect_insert",
    "session_read",
    "session_unread",
)


class Redo(Exception):
    """A guard failed after something was written: roll back and run again without these units."""

    def __init__(self, verdicts: dict[int, Verdict]) -> None:
        super().__init__(verdicts)
        self.verdicts = verdicts


def accept_steps(
    rows: list[AcceptRow], ids: Sequence[int]
) -> Generator[tuple[str, Rows], Rows, list[Accepted]]:
    """Stores each message once; `ids` are as many free inbox numbers, growing.

    Key rows go in sorted order, so that two processes never wait for each other in a circle; rows
    of one message id stay in the order of `rows`, so that the first of them is the one stored.
    """
    keyed: Rows = [(row.message_id, row.body_hash, key) for row, key in zip(rows, ids, strict=True)]
    keyed.sort(key=lambda row: (row[0], row[2]))
    fresh = {inbox_id for (inbox_id,) in (yield "key_insert", keyed)}
    results: list[Accepted | None] = [None] * len(rows)
    new: Rows = []
    repeats: set[bytes] = set()
    for index, (row, inbox_id) in enumerate(zip(rows, ids, strict=True)):
        if inbox_id in fresh:
            new.append(
                InboxRow(
                    inbox_id, row.message_id, row.conversation, row.partition, row.kind, row.state,
                    row.due_at, row.received_at, row.stream, row.sequence, 0, 0, row.payload,
                )
            )  # fmt: skip
            results[index] = Accepted("stored", inbox_id)
        else:
            repeats.add(row.message_id)
    if new:
        yield "inbox_insert", new
    if repeats:
        found = yield "key_select", [(key,) for key in sorted(repeats)]
        known = {key: (body, inbox_id, dead) for key, body, inbox_id, dead in found}
        for index, row in enumerate(rows):
            if results[index] is None:
                body, inbox_id, dead = known[row.message_id]
                if body != row.body_hash:
                    status = "reused"
                else:
                    status = "dead" if dead == "dead" else "duplicate"
                results[index] = Accepted(status, inbox_id)
    return [result for result in results if result is not None]


def commit_steps(
    write_set: WriteSet, excluded: dict[int, Verdict]
) -> Generator[tuple[str, Rows], Rows, list[Outcome]]:
    """Commits the units of a write set that are not excluded; see `WriteSet` for the guards.

    Raises StaleLease when the worker no longer holds its partitions, Redo when the engine must roll
    back and come again with more units excluded.
    """
    if write_set.leases:
        held = yield "lease_check", sorted(write_set.leases.items())
        if len(held) != len(write_set.leases):
            raise StaleLease("the lease of a partition was taken over; nothing was written")
    units = write_set.units
    outcomes: list[Outcome | None] = [
        Outcome(excluded[index]) if index in excluded else None for index in range(len(units))
    ]
    tails = yield from _guard_sessions(units, outcomes)
    alive = [index for index, outcome in enumerate(outcomes) if outcome is None]
    yield from _guard_rows(units, alive)

    events: Rows = []
    outbox: Rows = []
    touched: dict[int, tuple[Any, ...]] = {}
    states: dict[int, tuple[Any, ...]] = {}
    streams: dict[int, tuple[Any, ...]] = {}
    changes: list[Change] = []
    learned: list[Any] = []
    further: dict[str, Rows] = {}
    for index in alive:
        unit = units[index]
        number = unit.session
        tail = tails.get(number, 0)
        outcomes[index] = Outcome(Verdict.COMMITTED, tail + 1)
        for offset, event in enumerate(unit.events, 1):
            events.append((number, tail + offset, *event))
        for row in unit.outbox:
            outbox.append(
                (
                    number, tail + 1 + row.event, row.reply_id, row.channel, row.account,
                    int(row.automatic), row.owner_epoch, row.priority, "pending", row.due_at, 0,
                    None, row.made,
                )
            )  # fmt: skip
        if number != NO_SESSION:
            tails[number] = tail + len(unit.events)
            touched[number] = _touch(touched.get(number), unit, tail, tails[number])
        elif unit.events or unit.outbox or unit.state is not None:
            raise ValueError("a unit without a session cannot write events or state")
        if unit.state is not None:
            states[number] = (number, *unit.state)
        if unit.streams is not None:
            streams[number] = (number, unit.streams)
        changes.extend(unit.changes)
        learned.extend(unit.learned)
        for name, rows in unit.rows.items():
            further.setdefault(name, []).extend(rows)

    for name, batch in (
        ("session_touch", list(touched.values())),
        ("session_state", list(states.values())),
        ("session_streams", list(streams.values())),
        ("outbox_insert", outbox),
        *((name, further.pop(name, [])) for name in _FURTHER),
        # Last but for the ledger: on PostgreSQL it takes the counter of positions, which the other
        # writers wait for until this transaction ends.
        ("event_insert", events),
    ):
        if batch:
            yield name, batch
    if further:
        raise ValueError(f"a unit may not name these statements: {sorted(further)}")
    learner = write_set.learner
    if learned and learner is None:
        raise ValueError("what a unit learned needs a learner")
    if learned and learner is not None:
        news = yield from learner.changes(learned)
        positions = yield from number_changes([*changes, *news])
        yield from learner.apply(news, positions[len(changes) :])
    elif changes:
        yield from number_changes(changes)
    return [outcome for outcome in outcomes if outcome is not None]


def _touch(before: tuple[Any, ...] | None, unit: Unit, tail: int, last_seq: int) -> tuple[Any, ...]:
    """The row of `session_touch` after this unit; `before` is that of earlier ones of the session.

    `tail` is the last sequence number before the unit.
    """
    line = unit.headline
    said_seq = None if line.said is None else tail + 1 + line.said
    news: tuple[Any, ...] = (
        line.name,
        line.preview,
        line.intent,
        line.feeling,
        said_seq,
        line.flow,
    )
    if before is not None:
        kept = zip(news, before[3:], strict=True)
        news = tuple(new if new is not None else old for new, old in kept)
    return (unit.session, last_seq, unit.at, *news)


def _guard_sessions(
    units: list[Unit], outcomes: list[Outcome | None]
) -> Generator[tuple[str, Rows], Rows, dict[int, int]]:
    """Checks existence and version of each unit's session; returns session → last sequence."""
    live = [index for index, outcome in enumerate(outcomes) if outcome is None]
    creating: dict[int, SessionRow] = {}
    for index in live:
        row = units[index].create
        if row is not None:
            creating[row.number] = row
    tails: dict[int, int] = {}
    versions: dict[int, int] = {NO_SESSION: 0}
    if creating:
        made = yield "session_insert", [creating[number] for number in sorted(creating)]
        for (number,) in made:
            tails[number] = 0
            versions[number] = creating[number].version
    wanted = sorted({units[index].session for index in live} - creating.keys() - {NO_SESSION})
    if wanted:
        for number, version, last_seq in (yield "session_guard", [(number,) for number in wanted]):
            tails[number] = last_seq
            versions[number] = version
    for index in live:
        unit = units[index]
        number = unit.session
        if number not in versions or (
            unit.version is not None and unit.version != versions[number]
        ):
            outcomes[index] = Outcome(Verdict.CONFLICT)
        elif unit.state is not None:
            versions[number] = _next_version(unit.state, versions[number])
    stray = {
        index: Verdict.CONFLICT
        for index in live
        if outcomes[index] is not None and units[index].create is not None
        if units[index].session in tails
    }
    if stray:  # a unit that is left out must not leave its session behind
        raise Redo(stray)
    return tails


def _next_version(state: StateRow, current: int) -> int:
    if state.version != current + 1:
        raise ValueError(f"state version {state.version} does not follow {current}")
    return state.version


def _guard_rows(units: list[Unit], alive: list[int]) -> Generator[tuple[str, Rows], Rows, None]:
    """Deletes the rows that units complete, withdraw or revive; each must have been there, and
    belongs to the first unit of the write set that names it."""
    completed: set[Any] = set()
    withdrawn: set[Any] = set()
    revived: set[Any] = set()
    done: Rows = [(row,) for index in alive for row in units[index].done]
    if done:
        completed = {row for (row,) in (yield "inbox_delete", done)}
    withdraw: Rows = [row for index in alive for row in units[index].withdraw]
    if withdraw:
        withdrawn = {(session, seq) for session, seq in (yield "outbox_withdraw", withdraw)}
    revive: Rows = [(row,) for index in alive for row in units[index].revive]
    if revive:
        revived = {row for (row,) in (yield "dead_letter_delete", revive)}
    if len(completed) + len(withdrawn) + len(revived) == len(done) + len(withdraw) + len(revive):
        return
    failed: dict[int, Verdict] = {}
    for index in alive:
        unit = units[index]
        if not (completed.issuperset(unit.done) and revived.issuperset(unit.revive)):
            failed[index] = Verdict.DONE_ALREADY
        elif not withdrawn.issuperset(unit.withdraw):
            failed[index] = Verdict.CONFLICT
        else:
            completed.difference_update(unit.done)
            withdrawn.difference_update(unit.withdraw)
            revived.difference_update(unit.revive)
    if failed:
        raise Redo(failed)


def number_changes(changes: Sequence[Change]) -> Generator[tuple[str, Rows], Rows, list[int]]:
    """Writes ledger rows and returns their positions, in the order of `changes`.

    Positions come from the one counter row, taken last (engine decision 28). A statement may write
    a key only once, or `previous` would miss the row beside it; a key that changes twice in this
    transaction goes into a second statement.
    """
    if not changes:
        return []
    waves: list[list[int]] = []
    met: dict[tuple[str, str], int] = {}
    for index, change in enumerate(changes):
        key = (change.collection, change.key)
        wave = met.get(key, 0)
        met[key] = wave + 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(index)
    ((top,),) = yield "counter_add", [("ledger", len(changes))]
    position = top - len(changes)
    positions = [0] * len(changes)
    for indexes in waves:
        rows: Rows = []
        for index in indexes:
            position += 1
            positions[index] = position
            rows.append((position, *changes[index]))
        yield "change_insert", rows
    return positions
