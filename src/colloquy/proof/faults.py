"""What goes wrong, and when: a schedule that follows from the seed.

Faults come one after the other, never two at once, except that a locked database may be followed
by a kill while it is still locked: then the spool is what must survive.
"""

from __future__ import annotations

import enum
import random
from collections.abc import Iterator

from msgspec import Struct


class Kind(enum.StrEnum):
    """Faults of the torture (engine decision 38)."""

    KILL_SERVER = "kill_server"
    """SIGKILL to the server process alone; its compute processes must end by themselves."""
    KILL_GROUP = "kill_group"
    """SIGKILL to the whole process group at once."""
    KILL_COMPUTE = "kill_compute"
    """SIGKILL to one compute process; the server must go on."""
    PAUSE = "pause"
    """SIGSTOP to the whole group, SIGCONT later: a laptop that sleeps, a frozen container."""
    LOCK = "lock"
    """Another process holds the database's write lock."""
    LOCK_AND_KILL = "lock_and_kill"
    """The same, and SIGKILL to the group in the middle of it."""


KILLS = (Kind.KILL_SERVER, Kind.KILL_GROUP, Kind.KILL_COMPUTE, Kind.LOCK_AND_KILL)
LOCKS = (Kind.LOCK, Kind.LOCK_AND_KILL)
LOCK_S = 3.0

_ROUND = (
    *(Kind.KILL_SERVER,) * 4,
    *(Kind.KILL_GROUP,) * 4,
    *(Kind.KILL_COMPUTE,) * 2,
    Kind.PAUSE,
    Kind.LOCK,
    Kind.LOCK_AND_KILL,
)
"""One round of faults, shuffled anew each time: every kind comes early and stays as frequent."""
_SHORTEST_S, _LONGEST_S = 1.0, 5.0
"""Pauses between faults. A start takes about a second, so some faults hit a server that starts."""
_AT_ONCE = 0.15
"""Share of faults that follow within a moment: recovery is interrupted too."""


class Fault(Struct, frozen=True):
    """One fault: `after_s` after the end of the one before, for `seconds`."""

    after_s: float
    kind: Kind
    seconds: float = 0.0


def schedule(seed: int) -> Iterator[Fault]:
    """Faults without end, the same for the same seed; even a short run locks the database."""
    chance = random.Random(f"faults/{seed}")
    first = True
    while True:
        kinds = list(_ROUND)
        chance.shuffle(kinds)
        if first:
            kinds.remove(Kind.LOCK)
            kinds.insert(1, Kind.LOCK)
            first = False
        for kind in kinds:
            quick = chance.random() < _AT_ONCE
            after = chance.uniform(0.05, 0.6) if quick else chance.uniform(_SHORTEST_S, _LONGEST_S)
            seconds = 0.0
            if kind is Kind.PAUSE:
                seconds = chance.uniform(1, 6)
            elif kind in LOCKS:
                seconds = LOCK_S
            yield Fault(round(after, 3), kind, round(seconds, 3))
