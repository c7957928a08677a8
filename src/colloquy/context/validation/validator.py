"""Holds contexts to rules, its own and those that are added while it runs.

validator = Validator()
validator.add(Rule("greeting", "warning", 0.1, finds_no_greeting))
(await validator.validate(context, now=now_us())).require()
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from ...model.context import AssembledContext
from ...model.errors import Conflict, InvalidInput, NotFound
from ...telemetry import get_logger
from ..lines import Lines
from .contained import Hung, contained
from .results import Health, Problem, RuleStatistics, Validation
from .rule import Checked, Finding, Rule, view_of
from .rules import BUILT_IN

log = get_logger(__name__)

MAX_RULES = 64
TIMEOUT_S = 0.1
LATELY = 100
"""Validations that health is told from."""
DEGRADED = 0.05
"""Share of them in which a rule failed."""
_MAX_ERROR = 200


class _Outcome(NamedTuple):
    rule: Rule
    findings: Sequence[Finding]
    error: str | None = None


class _Kept:
    """A rule and how it did. `hanging`: runs that were given up and have not come back."""

    __slots__ = ("failures", "hanging", "hits", "is_own", "last_error", "rule", "runs", "seconds")

    def __init__(self, rule: Rule, *, is_own: bool) -> None:
        self.rule = rule
        self.is_own = is_own
        self.runs = self.hits = self.failures = self.hanging = 0
        self.seconds = 0.0
        self.last_error: str | None = None

    def found(self, findings: Sequence[Finding], seconds: float) -> _Outcome:
        self.runs += 1
        self.hits += bool(findings)
        self.seconds += seconds
        return _Outcome(self.rule, findings)

    def failed(self, error: Exception, seconds: float) -> _Outcome:
        said = f"{type(error).__name__}: {error}"[:_MAX_ERROR]
        self.runs += 1
        self.failures += 1
        self.seconds += seconds
        self.last_error = said
        log.warning("context_rule_failed", rule=self.rule.id, error=said)
        return _Outcome(self.rule, (), said)

    def hangs(self, by: int) -> None:
        self.hanging += by


class Validator:
    """For one event loop. `strict`: a warning, too, makes a context invalid.

    A rule that is added runs in a thread of its own, so that one that raises or hangs is a warning
    of that validation and no more. It is left out while a former run of it hangs; a thread that
    computes for ever cannot be ended, and slows the process down.
    """

    def __init__(
        self,
        *,
        strict: bool = False,
        rules: Sequence[Rule] = BUILT_IN,
        timeout_s: float = TIMEOUT_S,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`rules`: trusted, they run at once. `timeout_s`: of one that is added; `timer`: seconds.
        Raises InvalidInput, Conflict."""
        if not 0 < timeout_s < math.inf:
            raise InvalidInput("a time-out is longer than nothing, and ends", field="timeout_s")
        self._strict = strict
        self._timeout_s = timeout_s
        self._timer = timer
        self._kept: dict[str, _Kept] = {}
        self._lately: deque[tuple[float, bool]] = deque(maxlen=LATELY)
        """Seconds of each, and whether a rule failed in it."""
        self._validations = self._invalid = 0
        self._last_error: str | None = None
        for rule in rules:
            self._keep(rule, is_own=False)

    def add(self, rule: Rule) -> None:
        """Holds contexts to one more rule from now on. Raises Conflict where there is one of that
        id, InvalidInput where there are too many."""
        self._keep(rule, is_own=True)

    def remove(self, rule_id: str) -> None:
        """Drops a rule, also one of those built in, and its statistics. Raises NotFound."""
        if self._kept.pop(rule_id, None) is None:
            raise NotFound(f"there is no rule {rule_id!r}")

    async def validate(
        self,
        context: AssembledContext,
        *,
        now: int,
        position: int | None = None,
        lines: Lines = (),
    ) -> Validation:
        """Never raises for a context or for a rule.

        `now`: microseconds since 1970. `position`: the conversation's last event, if others than
        those of the context may have come. `lines`: a stretch of the log, whole, which items are
        compared with.
        """
        started = self._timer()
        checked = view_of(context, now, position, lines)
        kept = list(self._kept.values())
        own = [one for one in kept if one.is_own]
        found = [self._run(one, checked) for one in kept if not one.is_own]
        if own:
            found += await asyncio.gather(*(self._run_own(one, checked) for one in own))
        return self._result(found, self._timer() - started)

    @property
    def statistics(self) -> list[RuleStatistics]:
        """Of each rule, since it was added."""
        return [
            RuleStatistics(
                rule=kept.rule.id,
                runs=kept.runs,
                hits=kept.hits,
                failures=kept.failures,
                seconds=kept.seconds,
                last_error=kept.last_error,
            )
            for kept in self._kept.values()
        ]

    def health(self) -> Health:
        """Degraded while a rule hangs, or where rules fail in more than `DEGRADED` of the last
        validations."""
        count = len(self._lately)
        error_rate = sum(failed for _, failed in self._lately) / count if count else 0.0
        mean_s = sum(seconds for seconds, _ in self._lately) / count if count else 0.0
        hanging = [kept.rule.id for kept in self._kept.values() if kept.hanging]
        return Health(
            status="degraded" if hanging or error_rate > DEGRADED else "healthy",
            validations=self._validations,
            invalid=self._invalid,
            error_rate=error_rate,
            mean_ms=mean_s * 1000,
            last_error=self._last_error,
            hanging=hanging,
        )

    def _keep(self, rule: Rule, *, is_own: bool) -> None:
        if rule.id in self._kept:
            raise Conflict(f"there is a rule {rule.id!r} already")
        if len(self._kept) >= MAX_RULES:
            raise InvalidInput(f"at most {MAX_RULES} rules", field="rules")
        self._kept[rule.id] = _Kept(rule, is_own=is_own)

    def _run(self, kept: _Kept, checked: Checked) -> _Outcome:
        started = self._timer()
        try:
            return kept.found(list(kept.rule.check(checked)), self._timer() - started)
        except Exception as error:
            return kept.failed(error, self._timer() - started)

    async def _run_own(self, kept: _Kept, checked: Checked) -> _Outcome:
        if kept.hanging:
            return kept.failed(Hung("it has not come back from a former run"), 0.0)
        started = self._timer()
        try:
            found = await contained(kept.rule.check, checked, self._timeout_s, kept.hangs)
        except Exception as error:
            return kept.failed(error, self._timer() - started)
        return kept.found(found, self._timer() - started)

    def _result(self, found: Iterable[_Outcome], seconds: float) -> Validation:
        errors: list[Problem] = []
        warnings: list[Problem] = []
        details: dict[str, int] = {}
        score, failed = 1.0, False
        for rule, findings, error in found:
            details[rule.id] = len(findings)
            if findings:
                score *= 1 - rule.weight
                into = errors if rule.severity == "error" else warnings
                into += [Problem(rule.id, rule.severity, *finding) for finding in findings]
            if error is not None:
                failed = True
                self._last_error = f"{rule.id}: {error}"
                warnings.append(Problem(rule.id, "warning", f"the rule itself failed: {error}"))
        valid = not errors and not (self._strict and warnings)
        self._validations += 1
        self._invalid += not valid
        self._lately.append((seconds, failed))
        return Validation(
            valid=valid,
            errors=errors,
            warnings=warnings,
            score=round(score, 4),
            details=details,
        )
