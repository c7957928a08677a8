"""Operations on flags: `/v2/flags`."""

from __future__ import annotations

from ..model.flags import (
    ExplainRequest,
    Explanation,
    FlagChange,
    FlagList,
    FlagView,
    KillRequest,
    SwitchView,
)
from .operation import operation
from .request import Ask, json


class FlagOperations:
    """`/v2/flags`."""

    @operation("GET", "/v2/flags")
    def flags(self) -> Ask[FlagList]:
        """Every flag and the kill switches, as they are in force."""
        return Ask(json(FlagList))

    @operation("GET", "/v2/flags/{name}")
    def flag(self, name: str) -> Ask[FlagView]:
        """One flag, with what operators said of it."""
        return Ask(json(FlagView), path={"name": name})

    @operation("PUT", "/v2/flags/{name}")
    def change_flag(self, name: str, change: FlagChange) -> Ask[FlagView]:
        """Replaces all that was said of a flag."""
        return Ask(json(FlagView), path={"name": name}, body=change)

    @operation("POST", "/v2/flags/{name}/explain")
    def explain_flag(self, name: str, asked: ExplainRequest) -> Ask[Explanation]:
        """Why somebody is served what they are."""
        return Ask(json(Explanation), path={"name": name}, body=asked)

    @operation("POST", "/v2/flags/{name}/kill")
    def kill_flag(self, name: str, request: KillRequest) -> Ask[SwitchView]:
        """Throws a kill switch, or one flag's."""
        return Ask(json(SwitchView), path={"name": name}, body=request)

    @operation("POST", "/v2/flags/{name}/revive")
    def revive_flag(self, name: str) -> Ask[SwitchView]:
        """Puts a kill switch back."""
        return Ask(json(SwitchView), path={"name": name})
