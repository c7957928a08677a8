"""Real servers are killed, paused and locked out under load; nothing may be lost by it.

COLLOQUY_TEST_TORTURE_S makes it longer than the suite has time for, COLLOQUY_TEST_TORTURE_SEED
replays a run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from colloquy.model.errors import InvalidInput
from colloquy.proof.history import PROMISES, check
from colloquy.proof.records import Log, Receipted, Record, Sent
from colloquy.proof.torture import read_evidence, show_torture, torture

SECONDS = float(os.environ.get("COLLOQUY_TEST_TORTURE_S", "40"))
SEED = int(os.environ.get("COLLOQUY_TEST_TORTURE_SEED", "20"))
PER_SECOND = 300


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_or_inverted(capsys: pytest.CaptureFixture[str]) -> None:
    report = torture(
        seconds=SECONDS,
        seed=SEED,
        messages=int(SECONDS * PER_SECOND),
        keep=True,
        progress=False,
    )
    show_torture(report)
    shown = capsys.readouterr().out
    assert report.problems == {}, shown
    assert report.ok
    assert all(getattr(report, name) == 0 for name in PROMISES)
    # A run in which nothing went wrong proves nothing.
    assert report.kills >= 1
    assert report.locks >= 1
    assert report.spooled > 0
    assert report.refused > 0
    assert report.dead_lettered > 0
    assert report.retried > 0
    assert report.accepted > 0
    assert report.committed + report.dead_lettered >= report.accepted
    assert report.replay in shown
    msgspec.json.encode(report)
    assert report.kept is not None
    folder = Path(report.kept)
    records, log = asyncio.run(read_evidence(folder, f"sqlite:///{folder / 'colloquy.db'}"))
    assert check(records, log).problems == {}
    _damage(records, log)
    shutil.rmtree(folder)


@pytest.mark.timeout(600)
def test_a_server_on_postgresql(postgres_url: str) -> None:
    report = torture(
        seconds=SECONDS / 4,
        seed=SEED,
        messages=int(SECONDS / 4 * PER_SECOND),
        database_url=postgres_url,
        progress=False,
    )
    assert report.problems == {}, report.examples
    assert report.kills >= 1
    assert report.accepted > 0


def _damage(records: list[Record], log: Log) -> None:
    """The same evidence with one thing wrong in it: the checker must see that, too."""
    events = list(log.events)
    receipted: dict[str, int] = {}
    for record in records:
        if isinstance(record, Receipted):
            receipted.setdefault(record.message_id, record.n)
    alive = receipted.keys() - {letter.message_id for letter in log.dead_letters}
    messages = [event for event in events if event.kind == "message" and event.message_id in alive]
    messages.sort(key=lambda event: (event.conversation_id, event.seq))
    victim = messages[len(messages) // 2]

    def judged(changed: list) -> dict[str, int]:  # type: ignore[type-arg]
        return check(records, msgspec.structs.replace(log, events=changed)).problems

    assert judged([event for event in events if event is not victim])["lost"] == 1
    last = max(event.position for event in events)
    end = max(event.seq for event in events if event.conversation_id == victim.conversation_id)
    again = msgspec.structs.replace(victim, position=last + 1, seq=end + 1)
    assert judged([*events, again])["doubled"] == 1
    reply = next(event for event in events if event.about == victim.message_id)
    another = msgspec.structs.replace(
        reply, position=last + 1, seq=end + 1, reply_id="another", count=None
    )
    assert judged([*events, another]) == {"replies_doubled": 1}

    first_sent = {}
    for record in records:
        if isinstance(record, Sent) and record.stream is None:
            first_sent.setdefault(record.message_id, record.n)
    one, two = next(
        (one, two)
        for one, two in pairwise(messages)
        if one.conversation_id == two.conversation_id
        and one.message_id in first_sent
        and receipted[one.message_id or ""] < first_sent.get(two.message_id or "", 0)
    )
    swapped = {
        one.position: msgspec.structs.replace(one, message_id=two.message_id),
        two.position: msgspec.structs.replace(two, message_id=one.message_id),
    }
    assert judged([swapped.get(event.position, event) for event in events])["inverted"] == 1


@pytest.mark.parametrize(("seconds", "messages"), [(0, 1), (1, 0)])
def test_bad_arguments(seconds: float, messages: int) -> None:
    with pytest.raises(InvalidInput):
        torture(seconds=seconds, messages=messages, progress=False)
