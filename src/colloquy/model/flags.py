"""Flags and kill switches as the API, the client and the console show them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Value = bool | int | float | str
Text = Annotated[str, Meta(min_length=1, max_length=256)]
Asked = Annotated[str, Meta(max_length=256)]
Listed = Annotated[tuple[Text, ...], Meta(max_length=10_000)]
Percentage = Annotated[float, Meta(ge=0, le=100)]
Operator = Literal[
    "in", "not_in", "starts_with", "ends_with", "contains", "above", "below", "present", "absent"
]
Key = Literal["person", "conversation", "tenant", "agent"]


class Condition(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that must hold of a subject. `attribute`: `channel`, `person`, `tenant`, `agent`,
    or one of its own. An attribute that is missing fits `not_in` and `absent` only.

    `above` and `below` compare numbers and take one value; texts are compared as they are.
    """

    attribute: Text
    operator: Operator
    values: Annotated[tuple[bool | int | float | Text, ...], Meta(max_length=1_000)] = ()


class Rule(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Who fits all conditions is served `value`, or this percentage of them. Rules are asked in
    their order; the first that serves decides."""

    name: Text
    when: Annotated[tuple[Condition, ...], Meta(min_length=1, max_length=20)]
    value: Value
    percentage: Percentage = 100.0


class Rollout(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """This percentage is served `value`, whoever they are; the same ones at every asking, and the
    same ones and more at every larger percentage. `by`: what counts as one of them."""

    percentage: Percentage
    value: Value = True
    by: Key = "person"


class FlagState(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was said of one flag; what was not said is as the flag's own default.

    `value`: what everybody is served of whom nothing else is said. `people`, `agents`, `tenants`
    are served `allowed`.
    """

    value: Value | None = None
    allowed: Value = True
    people: Listed = ()
    agents: Listed = ()
    tenants: Listed = ()
    rules: Annotated[tuple[Rule, ...], Meta(max_length=50)] = ()
    rollout: Rollout | None = None

    @property
    def is_plain(self) -> bool:
        """Is everybody served the same?"""
        return not (self.people or self.agents or self.tenants or self.rules or self.rollout)


class FlagChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be said of a flag from now on. With `revision`, as `FlagView` has it, the change
    is refused where somebody else changed it since."""

    state: FlagState = FlagState()
    revision: Annotated[int, Meta(ge=0, le=2**53)] | None = None


class FlagView(Struct, frozen=True, kw_only=True):
    """A flag, and what somebody is served of whom nothing is known.

    `reason`: killed, override, allowed, rule, rollout or default, `detail` what decided. `state` is
    what operators said, {} if nothing; `revision` the ledger position of that, 0 where nobody ever
    said anything: give it back with a change, which is refused where somebody was faster.
    """

    name: str
    type: str
    value: Any
    reason: str
    detail: str = ""
    default: Any
    legacy: Any
    fail_safe: Any
    choices: tuple[str, ...] = ()
    owner: str
    meaning: str
    state: dict[str, Any]
    revision: int = 0
    varies: bool = False
    """Whether it depends on who is asked for."""

    @property
    def version(self) -> int:
        """What a change may be conditioned on."""
        return self.revision


class SwitchView(Struct, frozen=True, kw_only=True):
    """A kill switch. `flags` are those that it holds; `thrown` where it is thrown (file, store,
    environment), None while it is not."""

    name: str
    flags: tuple[str, ...]
    meaning: str
    thrown: str | None = None
    reason: str = ""
    by: str = ""
    at: str | None = None


class FlagList(Struct, frozen=True):
    """All flags and the kill switches that hold several, by name; `is_stale`: the database could
    not be asked lately, and what was last known is in force."""

    flags: list[FlagView]
    switches: list[SwitchView]
    is_stale: bool = False


class ExplainRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a flag is asked for."""

    person: Asked = ""
    conversation: Annotated[str, Meta(pattern="^(?:[0-9a-f]{32})?$")] = ""
    channel: Asked = ""
    tenant: Asked = ""
    agent: Asked = ""
    attributes: dict[str, bool | int | float | str] = {}


class Considered(Struct, frozen=True):
    """One thing that might decide: whether it did, and what it says."""

    what: str
    decides: bool
    says: str


class Explanation(Struct, frozen=True, kw_only=True):
    """Why somebody is served this value: everything that was considered, the strongest first.
    `bucket` is the part of a roll-out they are in, 0 to 9,999, None where there is none."""

    flag: str
    value: Any
    reason: str
    detail: str = ""
    bucket: int | None = None
    considered: list[Considered]


class KillRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a switch is thrown, for whoever asks later."""

    reason: Annotated[str, Meta(max_length=500)] = ""
