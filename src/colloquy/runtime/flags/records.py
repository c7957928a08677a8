"""The ledger collections `flags` and `kill_switches`: a rollback restores what was said of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ...flags import REGISTRY, FlagState
from ...flags.state import NOTHING_SAID, read_state
from ...ledger.collections import Collection, Refused, check_shape
from ...ledger.merge import MISSING, Missing
from ...ledger.values import Value
from ...model.errors import InvalidInput

FLAGS = "flags"
SWITCHES = "kill_switches"


class Thrown(Struct, frozen=True, forbid_unknown_fields=True):
    """A switch that was thrown: why, by whom, and when (microseconds since 1970)."""

    reason: str
    by: str
    at: int


def value_of(state: FlagState) -> Value | Missing:
    """What is said of a flag, as its record has it."""
    if state == NOTHING_SAID:
        return MISSING
    found: Value = msgspec.json.decode(msgspec.json.encode(state))
    return found


class FlagRecords(Collection):
    """By the flag's name. `heard` is called when a rollback or an import changed some."""

    plain = False

    def __init__(self, heard: Callable[[], None]) -> None:
        super().__init__(FLAGS)
        self._heard = heard

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        flag = REGISTRY.get(key)
        if flag is None or then is MISSING:
            return  # of another version: it does nothing here, and is kept
        try:
            read_state(flag, then)
        except InvalidInput as error:
            raise Refused(error.detail) from None

    async def settle(self, keys: Sequence[str]) -> None:
        self._heard()


class SwitchRecords(Collection):
    """By the switch's name; one that is not there is not thrown.

    Not restorable unless it is named: a rollback of everything must not start again what somebody
    stopped in an emergency.
    """

    restorable = False
    plain = False

    def __init__(self, heard: Callable[[], None]) -> None:
        super().__init__(SWITCHES)
        self._heard = heard

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        if then is not MISSING:
            check_shape(then, Thrown)

    async def settle(self, keys: Sequence[str]) -> None:
        self._heard()
