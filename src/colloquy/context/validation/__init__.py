"""Looks at an assembled context before anything is answered from it."""

from .results import Health, Problem, RuleStatistics, Validation
from .rule import Checked, Finding, Rule, Severity
from .rules import BUILT_IN
from .validator import Validator

__all__ = [
    "BUILT_IN",
    "Checked",
    "Finding",
    "Health",
    "Problem",
    "Rule",
    "RuleStatistics",
    "Severity",
    "Validation",
    "Validator",
]
