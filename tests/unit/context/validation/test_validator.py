"""Validation as a whole: verdict, score, rules that come and go, rules that misbehave."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from colloquy.context.validation import BUILT_IN, Checked, Finding, Rule, Validator
from colloquy.context.validation.contained import MAX_FINDINGS
from colloquy.context.validation.validator import MAX_RULES
from colloquy.model.errors import Conflict, ContextInvalid, InvalidInput, NotFound
from support.contexts import NOON, context_of, known, said
from support.waiting import until

GOOD = context_of()
EXPIRED = context_of(known("rent 940", "fact:flat|rent", valid_to="2020-01-01T00:00:00.000000Z"))
BAD = context_of(said(1, "my password is hunter2", role="assistant"), budget=9)
GENEROUS_S = 60.0
"""Nobody waits that long: rules in these tests answer, or never do."""


def nothing(checked: Checked) -> Iterable[Finding]:
    return ()


def no_greeting(checked: Checked) -> Iterator[Finding]:
    if not any("hello" in item.text.lower() for item in checked.context.items):
        yield Finding("nobody said hello")


async def test_a_good_context() -> None:
    validation = await Validator(strict=True).validate(GOOD, now=NOON)
    assert (validation.valid, validation.score) == (True, 1.0)
    assert (validation.errors, validation.warnings) == ([], [])
    assert validation.details == {rule.id: 0 for rule in BUILT_IN}
    validation.require()


async def test_an_invalid_context_is_refused_with_the_reasons() -> None:
    validation = await Validator().validate(BAD, now=NOON)
    assert not validation.valid
    assert [(one.rule, one.source) for one in validation.errors] == [
        ("oversized", ""), ("privacy", "event:1"),
    ]  # fmt: skip
    assert validation.score == round((1 - 0.4) * (1 - 0.6), 4)
    with pytest.raises(ContextInvalid) as refused:
        validation.require()
    problem = refused.value.problem()
    assert problem["code"] == "context_invalid" and problem["status"] == 422
    assert problem["detail"].startswith("Context validation failed: oversized: 10 tokens")
    assert problem["problems"][1] == {
        "rule": "privacy", "severity": "error", "message": "holds a password",
        "source": "event:1",
    }  # fmt: skip
    assert "hunter2" not in str(problem)


async def test_many_reasons_are_counted_in_the_text_and_told_in_the_document() -> None:
    context = context_of(*(said(seq, "a", role="") for seq in range(1, 10)))
    validation = await Validator().validate(context, now=NOON)
    assert validation.score == 0.5, "a rule counts once, however often it is broken"
    with pytest.raises(ContextInvalid, match=r"and 4 more$") as refused:
        validation.require()
    assert len(refused.value.extra["problems"]) == 9


async def test_a_warning_makes_a_context_invalid_only_where_rules_are_strict() -> None:
    for strict in (False, True):
        validation = await Validator(strict=strict).validate(EXPIRED, now=NOON)
        assert validation.valid is not strict
        assert [one.rule for one in validation.warnings] == ["expired"]
        assert validation.score == 0.8


async def test_rules_come_and_go_while_it_runs() -> None:
    validator = Validator(timeout_s=GENEROUS_S)
    validator.add(Rule("greeting", "error", 0.5, no_greeting))
    validation = await validator.validate(GOOD, now=NOON)
    assert [one.rule for one in validation.errors] == ["greeting"] and validation.score == 0.5
    with pytest.raises(Conflict):
        validator.add(Rule("greeting", "error", 0.5, nothing))
    validator.remove("greeting")
    assert (await validator.validate(GOOD, now=NOON)).valid
    with pytest.raises(NotFound):
        validator.remove("greeting")
    validator.remove("privacy")
    assert "privacy" not in (await validator.validate(BAD, now=NOON)).details


async def test_position_and_lines_reach_the_rules() -> None:
    validation = await Validator().validate(GOOD, now=NOON, position=104)
    assert [one.message for one in validation.errors] == [
        "the conversation went on by 4 since it was put together"
    ]


def raises(checked: Checked) -> Iterator[Finding]:
    yield Finding("not counted")
    raise ValueError("no such thing")


def leaves(checked: Checked) -> Iterable[Finding]:
    sys.exit(3)


def says_nothing(checked: Checked) -> Any:
    return None


def says_nonsense(checked: Checked) -> Any:
    return ["a text"]


@pytest.mark.parametrize(
    ("check", "said"),
    [
        (raises, "ValueError: no such thing"),
        (leaves, "RuntimeError: SystemExit(3)"),
        (says_nothing, "TypeError: 'NoneType' object is not iterable"),
        (says_nonsense, "InvalidInput: a rule yields findings"),
    ],
)
async def test_a_rule_that_fails_is_a_warning_and_no_more(check: Any, said: str) -> None:
    validator = Validator(timeout_s=GENEROUS_S)
    validator.add(Rule("own", "error", 0.5, check))
    validation = await validator.validate(GOOD, now=NOON)
    assert validation.valid and validation.score == 1.0
    (warning,) = validation.warnings
    assert (warning.rule, warning.message[:200]) == ("own", warning.message)
    assert warning.message.startswith(f"the rule itself failed: {said}")
    own = validator.statistics[-1]
    assert (own.rule, own.runs, own.hits, own.failures) == ("own", 1, 0, 1)
    assert own.last_error is not None and own.last_error.startswith(said)


async def test_a_trusted_rule_that_raises_is_contained_too() -> None:
    validator = Validator(strict=True, rules=[Rule("own", "error", 1.0, raises)])
    validation = await validator.validate(GOOD, now=NOON)
    assert not validation.valid, "strict: what could not be checked is not let through"
    assert [one.rule for one in validation.warnings] == ["own"]


async def test_a_rule_that_never_ends_finding_is_cut_short() -> None:
    def endless(checked: Checked) -> Iterator[Finding]:
        while True:
            yield Finding("again" * 1000)

    validator = Validator(timeout_s=GENEROUS_S)
    validator.add(Rule("own", "warning", 0.5, endless))
    validation = await validator.validate(GOOD, now=NOON)
    assert len(validation.warnings) == MAX_FINDINGS
    assert len(validation.warnings[0].message) == 500


async def test_a_rule_that_hangs_is_given_up_and_left_out_until_it_is_back() -> None:
    go_on = threading.Event()
    started: list[int] = []

    def hangs(checked: Checked) -> Iterable[Finding]:
        started.append(1)
        go_on.wait()
        return ()

    validator = Validator(timeout_s=0.02)
    validator.add(Rule("own", "error", 0.5, hangs))
    try:
        for _ in range(3):
            validation = await validator.validate(GOOD, now=NOON)
            assert validation.valid and [one.rule for one in validation.warnings] == ["own"]
        assert len(started) == 1, "no second thread hangs beside the first"
        assert "has not come back" in str(validator.statistics[-1].last_error)
        assert (validator.health().status, validator.health().hanging) == ("degraded", ["own"])
    finally:
        go_on.set()
    await until(lambda: not validator.health().hanging)
    await validator.validate(GOOD, now=NOON)
    assert len(started) == 2


async def test_who_stops_waiting_leaves_a_hanging_rule_behind_and_counted() -> None:
    started, go_on = threading.Event(), threading.Event()

    def hangs(checked: Checked) -> Iterable[Finding]:
        started.set()
        go_on.wait()
        return ()

    validator = Validator(timeout_s=GENEROUS_S)
    validator.add(Rule("own", "error", 0.5, hangs))
    waiting = asyncio.create_task(validator.validate(GOOD, now=NOON))
    await until(started.is_set)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert validator.health().hanging == ["own"]
    go_on.set()
    await until(lambda: not validator.health().hanging)


def test_a_rule_that_comes_back_after_the_loop_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    broken: list[object] = []
    monkeypatch.setattr(threading, "excepthook", broken.append)
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    def hangs(checked: Checked) -> Iterable[Finding]:
        threads.append(threading.current_thread())
        go_on.wait()
        return ()

    async def give_up() -> None:
        validation = asyncio.create_task(validator.validate(GOOD, now=NOON))
        await until(lambda: threads)
        validation.cancel()

    validator = Validator(timeout_s=GENEROUS_S)
    validator.add(Rule("own", "error", 0.5, hangs))
    asyncio.run(give_up())
    go_on.set()
    threads[0].join()
    assert not broken


async def test_statistics_and_health() -> None:
    seconds = iter(range(10_000))
    validator = Validator(
        rules=[Rule("a", "error", 0.5, no_greeting), Rule("b", "error", 0.5, nothing)],
        timer=lambda: float(next(seconds)),
    )
    for context in (GOOD, context_of(said(1, "Hello!"))):
        await validator.validate(context, now=NOON)
    assert [(one.rule, one.runs, one.hits, one.seconds) for one in validator.statistics] == [
        ("a", 2, 1, 2.0), ("b", 2, 0, 2.0),
    ]  # fmt: skip
    health = validator.health()
    assert (health.status, health.validations, health.invalid) == ("healthy", 2, 1)
    assert (health.error_rate, health.mean_ms, health.last_error) == (0.0, 5000.0, None)


async def test_health_is_told_from_the_last_validations() -> None:
    validator = Validator(rules=[])
    assert validator.health().status == "healthy"
    validator.add(Rule("own", "error", 0.5, raises))
    await validator.validate(GOOD, now=NOON)
    assert validator.health().status == "degraded"
    assert validator.health().last_error == "own: ValueError: no such thing"
    validator.remove("own")
    for _ in range(19):
        await validator.validate(GOOD, now=NOON)
    assert (validator.health().error_rate, validator.health().status) == (0.05, "healthy")


@pytest.mark.parametrize(
    "fields",
    [{"id": ""}, {"id": "a" * 65}, {"id": "a\n"}, {"severity": "info"}, {"weight": 1.1},
     {"weight": float("nan")}, {"weight": -0.1}],
    ids=str,
)  # fmt: skip
def test_a_rule_out_of_bounds(fields: dict[str, Any]) -> None:
    given = {"id": "own", "severity": "error", "weight": 0.5, "check": nothing} | fields
    with pytest.raises(InvalidInput):
        Rule(**given)


@pytest.mark.parametrize("timeout_s", [0.0, -1.0, float("inf"), float("nan")])
def test_a_time_out_out_of_bounds(timeout_s: float) -> None:
    with pytest.raises(InvalidInput):
        Validator(timeout_s=timeout_s)


def test_rules_are_bounded() -> None:
    validator = Validator(rules=[])
    for number in range(MAX_RULES):
        validator.add(Rule(f"own {number}", "error", 0.5, nothing))
    with pytest.raises(InvalidInput):
        validator.add(Rule("one more", "error", 0.5, nothing))
