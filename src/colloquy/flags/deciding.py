"""How one flag is decided for one subject, in memory.

In this order, the first that says something decides: a kill switch; what the environment or the
command line says; the allow-lists; the rules; the roll-out; what everybody is served.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Literal, NamedTuple

from msgspec import Struct

from ..model.flags import Condition, FlagState, Key, Value
from .buckets import Buckets, threshold
from .registry import Flag
from .state import NOTHING_SAID

Reason = Literal["killed", "override", "allowed", "rule", "rollout", "default"]


class FlagSubject(Struct, frozen=True):
    """Whom a flag is asked for. Call sites pass it so that roll-outs can tell people apart."""

    conversation: bytes = b""
    channel: str = ""
    person: str = ""
    attributes: Mapping[str, bool | int | float | str] = {}
    tenant: str = ""
    agent: str = ""


NOBODY = FlagSubject()


class Decision(NamedTuple):
    """A flag's value for somebody, and why. `detail` names what decided: a switch, where an
    override was said, a list, a rule, the percentage."""

    value: Value
    reason: Reason
    detail: str = ""


Decide = Callable[[FlagSubject], Decision]


class Decider:
    """One flag, ready to be asked. `decide` is safe in any thread: nothing in here changes."""

    __slots__ = ("_by", "_default", "_lists", "_rollout", "_rules", "constant", "flag")

    def __init__(
        self,
        flag: Flag,
        default: Value,
        state: FlagState = NOTHING_SAID,
        *,
        killed_by: str | None = None,
        override: tuple[Value, str] | None = None,
        bucket: str | None = None,
    ) -> None:
        """`default`: of the profile or the file; `override`: a value and where it was said;
        `bucket`: what the roll-out is hashed with, the flag's name unless said."""
        self.flag = flag
        self._default = Decision(default if state.value is None else state.value, "default")
        self._lists = [
            (key, frozenset(listed), Decision(state.allowed, "allowed", name))
            for name, key, listed in (
                ("people", key_of("person"), state.people),
                ("agents", key_of("agent"), state.agents),
                ("tenants", key_of("tenant"), state.tenants),
            )
            if listed
        ]
        self._rules = [
            (
                _all_of([_test_of(condition) for condition in rule.when]),
                Decision(rule.value, "rule", rule.name),
                threshold(rule.percentage),
                Buckets(f"{flag.name}/{rule.name}").of,
            )
            for rule in state.rules
        ]
        self._rollout = None
        self._by: Key = "person" if state.rollout is None else state.rollout.by
        if state.rollout is not None:
            rollout = state.rollout
            self._rollout = (
                key_of(rollout.by),
                Buckets(bucket or flag.name).of,
                threshold(rollout.percentage),
                Decision(rollout.value, "rollout", f"{rollout.percentage:g} %"),
            )
        self.constant: Decision | None = None
        """The decision, where it is the same for everybody."""
        if killed_by is not None:
            self.constant = Decision(flag.fail_safe, "killed", killed_by)
        elif override is not None:
            self.constant = Decision(override[0], "override", override[1])
        elif state.is_plain:
            self.constant = self._default

    def decide(self, subject: FlagSubject) -> Decision:
        """The flag for this subject."""
        if self.constant is not None:
            return self.constant
        for key, listed, decision in self._lists:
            if key(subject) in listed:
                return decision
        for fits, decision, limit, bucket_of in self._rules:
            if fits(subject) and (limit >= _EVERYBODY or bucket_of(_person(subject)) < limit):
                return decision
        if self._rollout is not None:
            key, bucket_of, limit, decision = self._rollout
            if limit and (limit >= _EVERYBODY or bucket_of(key(subject)) < limit):
                return decision
        return self._default

    def lacks(self, subject: FlagSubject) -> Key | None:
        """What a part of the subjects is found by and this one does not have, where `decide` gets
        so far: all such subjects are in the same place of a roll-out, which is of no use."""
        if self.constant is not None or (subject.person and self._by in ("person", "conversation")):
            return None
        if any(key(subject) in listed for key, listed, _ in self._lists):
            return None
        for fits, _, limit, bucket_of in self._rules:
            if limit and fits(subject):
                person = _person(subject)
                if limit < _EVERYBODY and not person:
                    return "person"
                if limit >= _EVERYBODY or bucket_of(person) < limit:
                    return None
        if self._rollout is not None:
            key, _, limit, _ = self._rollout
            if 0 < limit < _EVERYBODY and not key(subject):
                return self._by
        return None


_EVERYBODY = threshold(100.0)


def _person(subject: FlagSubject) -> str:
    """Somebody unknown counts by the conversation."""
    return subject.person or subject.conversation.hex()


def _conversation(subject: FlagSubject) -> str:
    return subject.conversation.hex() or subject.person


def _tenant(subject: FlagSubject) -> str:
    return subject.tenant or str(subject.attributes.get("tenant", ""))


def _agent(subject: FlagSubject) -> str:
    return subject.agent or str(subject.attributes.get("agent", ""))


def key_of(by: Key) -> Callable[[FlagSubject], str]:
    """What is hashed of a subject."""
    return {
        "person": _person,
        "conversation": _conversation,
        "tenant": _tenant,
        "agent": _agent,
    }[by]


Scalar = bool | int | float | str
Test = Callable[[FlagSubject], bool]
_OWN: dict[str, Callable[[FlagSubject], str]] = {
    "channel": attrgetter("channel"),
    "person": _person,
    "conversation": _conversation,
    "tenant": _tenant,
    "agent": _agent,
}
_NO_NUMBERS = (bool, str)


def _all_of(tests: list[Test]) -> Test:
    """Whether all of them hold; without a generator, which takes longer than the tests."""
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, other = tests
        return lambda subject: one(subject) and other(subject)

    def holds(subject: FlagSubject) -> bool:
        for test in tests:  # noqa: SIM110
            if not test(subject):
                return False
        return True

    return holds


def _test_of(condition: Condition) -> Test:
    """Whether a condition holds of a subject."""
    name, operator, values = condition.attribute, condition.operator, condition.values
    own = _OWN.get(name)
    texts = tuple(value for value in values if isinstance(value, str))

    def read(subject: FlagSubject) -> Scalar | None:
        if own is not None:
            return own(subject) or None
        return subject.attributes.get(name)

    if operator == "present":
        return lambda subject: read(subject) is not None
    if operator == "absent":
        return lambda subject: read(subject) is None
    if operator in ("in", "not_in"):
        if len(texts) == len(values):
            return _is_text(own, name, frozenset(texts), operator == "in")
        # True is no 1 here: both are compared with their types.
        known = frozenset((type(value) is bool, value) for value in values)
        wanted = operator == "in"

        def is_listed(subject: FlagSubject) -> bool:
            found = read(subject)
            return ((type(found) is bool, found) in known) == wanted

        return is_listed
    if operator in ("above", "below"):
        bound = values[0]
        assert not isinstance(bound, str)
        is_above = operator == "above"

        def compares(subject: FlagSubject) -> bool:
            found = read(subject) if own is not None else subject.attributes.get(name)
            if found is None or isinstance(found, _NO_NUMBERS):
                return False
            return found > bound if is_above else found < bound

        return compares
    if operator == "starts_with":
        return lambda subject: isinstance(one := read(subject), str) and one.startswith(texts)
    if operator == "ends_with":
        return lambda subject: isinstance(one := read(subject), str) and one.endswith(texts)

    def contains(subject: FlagSubject) -> bool:
        found = read(subject)
        return isinstance(found, str) and any(text in found for text in texts)

    return contains


def _is_text(
    own: Callable[[FlagSubject], str] | None, name: str, texts: frozenset[str], wanted: bool
) -> Test:
    """Whether an attribute is one of some texts, or none of them: most conditions are this one."""
    if own is None:
        if wanted:
            return lambda subject: subject.attributes.get(name) in texts
        return lambda subject: subject.attributes.get(name) not in texts
    said = texts - {""}  # an own attribute that is empty is missing
    if wanted:
        return lambda subject: own(subject) in said
    return lambda subject: own(subject) not in said
