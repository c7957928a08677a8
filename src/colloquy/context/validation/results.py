"""What came out of a validation, and how the rules do."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from ...model.errors import ContextInvalid
from .rule import Severity

MAX_TOLD = 5
"""Problems that an error's text names; its document has them all."""


class Problem(Struct, frozen=True):
    """`source`: of the item that it is about; empty where it is about the whole context."""

    rule: str
    severity: Severity
    message: str
    source: str = ""


class Validation(Struct, frozen=True, kw_only=True):
    """`score`: 0 to 1, the product of 1 − weight over the rules that are broken. `details`: how
    many problems each rule found, also where that is none."""

    valid: bool
    errors: list[Problem]
    warnings: list[Problem]
    score: float
    details: dict[str, int]

    def require(self) -> None:
        """Raises ContextInvalid with the reasons where the context is not valid."""
        if self.valid:
            return
        problems = [*self.errors, *self.warnings]
        told = [f"{one.rule}: {one.message}" for one in problems[:MAX_TOLD]]
        if len(problems) > MAX_TOLD:
            told.append(f"and {len(problems) - MAX_TOLD} more")
        raise ContextInvalid(
            f"{ContextInvalid.title}: {'; '.join(told)}",
            problems=msgspec.to_builtins(problems),
        )


class RuleStatistics(Struct, frozen=True, kw_only=True):
    """`hits`: contexts that broke the rule. `failures`: runs in which the rule itself raised or
    gave no answer in time. `seconds`: of all runs."""

    rule: str
    runs: int
    hits: int
    failures: int
    seconds: float
    last_error: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """`error_rate` and `mean_ms` are of the last validations, at most `validator.LATELY`:
    the share of them in which a rule failed, and how long one took. `hanging`: rules that have not
    come back yet."""

    status: Literal["healthy", "degraded"]
    validations: int
    invalid: int
    error_rate: float
    mean_ms: float
    last_error: str | None
    hanging: list[str]
