"""Flags for programs that ask through OpenFeature: a provider for its SDK (extra `openfeature`).

    from openfeature import api
    api.set_provider(FlagProvider(flags))
    api.get_client().get_boolean_value("enable_tools", False, EvaluationContext("ann"))

An answer looks at memory only. What the specification leaves to providers is decided here: which
reason, variant and error an answer has, and what of a context a flag can go by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.flag_evaluation import Reason as Because
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata
from openfeature.track import TrackingEventDetails

from ..model.errors import InvalidInput, NotFound
from ..model.ids import parse_id
from .deciding import NOBODY, Decider, Decision, FlagSubject, Reason, Scalar
from .reader import Flags

V = TypeVar("V")
Tracked = Callable[[str, EvaluationContext | None, TrackingEventDetails | None], None]
Tree = Sequence[FlagValueType] | Mapping[str, FlagValueType]

NAME = "colloquy"
_BECAUSE: dict[Reason, Because] = {
    "killed": Because.DISABLED,
    "override": Because.STATIC,
    "allowed": Because.TARGETING_MATCH,
    "rule": Because.TARGETING_MATCH,
    "rollout": Because.SPLIT,
    "default": Because.DEFAULT,
}
_OWN = ("conversation", "channel", "tenant", "agent")
"""Attributes of a context that a subject has fields for."""
_SCALARS = (bool, int, float, str)


class FlagProvider(AbstractProvider):
    """Answers from `flags`, and tells what changes in them until it is shut down.

    Of a context the targeting key is the person; `conversation` (32 hexadecimal digits), `channel`,
    `tenant` and `agent` are those of the subject, other attributes its own. A context is looked at
    only where the flag depends on it. Lists and mappings are no conditions' matter and left out;
    times are compared as RFC 3339 texts.
    """

    def __init__(
        self, flags: Flags, *, hooks: Sequence[Hook] = (), tracked: Tracked | None = None
    ) -> None:
        """`hooks` run at every evaluation; `tracked` is called with what clients track."""
        super().__init__()
        self._flags = flags
        self._hooks = list(hooks)
        self._tracked = tracked
        self._told_stale = False

    # -- life -----------------------------------------------------------------------------------

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Listens to the flags; the SDK says that the provider is ready when this returns."""
        self._told_stale = False
        self._flags.listeners.add(self._heard)

    def shutdown(self) -> None:
        """Hears of nothing more. It may be initialized again."""
        self._flags.listeners.discard(self._heard)

    def get_metadata(self) -> Metadata:
        return Metadata(NAME)

    def get_provider_hooks(self) -> list[Hook]:
        return self._hooks

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: EvaluationContext | None = None,
        tracking_event_details: TrackingEventDetails | None = None,
    ) -> None:
        if self._tracked is not None:
            self._tracked(tracking_event_name, evaluation_context, tracking_event_details)

    def _heard(self, names: list[str]) -> None:
        if names:
            self.emit_provider_configuration_changed(ProviderEventDetails(flags_changed=names))
        is_stale = self._flags.is_stale
        if is_stale != self._told_stale:
            self._told_stale = is_stale
            if is_stale:
                self.emit_provider_stale(
                    ProviderEventDetails(message="the database of the flags cannot be asked")
                )
            else:
                self.emit_provider_ready(ProviderEventDetails())

    # -- answers --------------------------------------------------------------------------------

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        return self._resolve(flag_key, default_value, evaluation_context, bool)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        return self._resolve(flag_key, default_value, evaluation_context, str)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        return self._resolve(flag_key, default_value, evaluation_context, int)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """Flags of whole numbers are served too, as floats."""
        return self._resolve(flag_key, default_value, evaluation_context, float)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Tree,
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Tree]:
        """No flag is an object: the default, with the error FLAG_NOT_FOUND or TYPE_MISMATCH."""
        return self._resolve(flag_key, default_value, evaluation_context, dict)

    def _resolve(
        self, key: str, default: V, context: EvaluationContext | None, wanted: type
    ) -> FlagResolutionDetails[V]:
        try:
            decider = self._flags.decider(key)
        except NotFound as error:
            return _failed(default, ErrorCode.FLAG_NOT_FOUND, error.detail)
        kind = decider.flag.type
        if kind is not wanted and not (wanted is float and kind is int):
            return _failed(
                default,
                ErrorCode.TYPE_MISMATCH,
                f"{key} is {kind.__name__}, not {wanted.__name__}",
            )
        decision = decider.constant
        if decision is None:
            try:
                subject = subject_of(context)
            except InvalidInput as error:
                return _failed(default, ErrorCode.INVALID_CONTEXT, error.detail)
            if lacking := decider.lacks(subject):
                return _failed(
                    default,
                    ErrorCode.TARGETING_KEY_MISSING,
                    f"{key} is rolled out by {lacking}, which the context does not say",
                )
            decision = decider.decide(subject)
        value: Any = float(decision.value) if wanted is float else decision.value
        return FlagResolutionDetails(
            value=value,
            reason=_because(decider, decision),
            variant=variant_of(decision.value),
            flag_metadata={
                "reason": decision.reason,
                "detail": decision.detail,
                "owner": decider.flag.owner,
                "stale": self._flags.is_stale,
            },
        )


def subject_of(context: EvaluationContext | None) -> FlagSubject:
    """Whom a context is about. Raises InvalidInput with the attribute that cannot be one."""
    if context is None:
        return NOBODY
    own: dict[str, str] = {}
    attributes: dict[str, Scalar] = {}
    for name, value in context.attributes.items():
        if name in _OWN:
            if not isinstance(value, str):
                raise InvalidInput(f"{name} is a text, not {type(value).__name__}", field=name)
            own[name] = value
        elif isinstance(value, _SCALARS):
            attributes[name] = value
        elif isinstance(value, datetime):
            attributes[name] = value.isoformat()
    person = context.targeting_key or ""
    if not isinstance(person, str):
        raise InvalidInput(
            f"a targeting key is a text, not {type(person).__name__}", field="targeting_key"
        )
    conversation = own.pop("conversation", "")
    return FlagSubject(
        person=person,
        conversation=parse_id(conversation, "conversation") if conversation else b"",
        attributes=attributes,
        **own,
    )


def variant_of(value: Scalar) -> str:
    """The name of a value: `on` and `off`, texts and numbers as they are written."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def _because(decider: Decider, decision: Decision) -> Because:
    """A default that everybody is served is no fallback."""
    if decision.reason == "default" and decider.constant is not None:
        return Because.STATIC
    return _BECAUSE[decision.reason]


def _failed(default: V, code: ErrorCode, message: str) -> FlagResolutionDetails[V]:
    return FlagResolutionDetails(
        value=default, reason=Because.ERROR, error_code=code, error_message=message
    )
