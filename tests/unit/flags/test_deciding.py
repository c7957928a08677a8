"""Who is served what: what is stronger than what, conditions, roll-outs fair and sticky."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.flags import REGISTRY, Flag, Flags, FlagState, FlagSubject
from colloquy.flags.buckets import BUCKETS, Buckets, threshold
from colloquy.flags.deciding import Decider
from colloquy.model.flags import Condition, Rollout, Rule

FLAG = Flag("shiny", bool, False, False, False, "test", "A test.")
MODE = Flag("mode", str, "old", "old", "old", "test", "A test.", choices=("old", "new", "both"))
PEOPLE = [f"person-{number}" for number in range(100_000)]


def of(person: str = "", **more: object) -> FlagSubject:
    return FlagSubject(person=person, **more)  # type: ignore[arg-type]


def share(percentage: float, name: str = "shiny") -> set[str]:
    flag = Flag(name, bool, False, False, False, "test", "A test.")
    decider = Decider(flag, False, FlagState(rollout=Rollout(percentage)))
    return {person for person in PEOPLE if decider.decide(of(person)).value}


EVERYTHING = FlagState(
    value=False,
    people=("ann",),
    rules=(Rule("beta", (Condition("channel", "in", ("web",)),), True),),
    rollout=Rollout(100.0),
)


def test_the_strongest_that_says_something_decides():
    ann = of("ann", channel="web")
    said = {"killed_by": "shiny (file)", "override": (True, "environment SHINY")}
    asked = [
        Decider(FLAG, False, EVERYTHING, **said).decide(ann),
        Decider(FLAG, False, EVERYTHING, override=said["override"]).decide(ann),
        Decider(FLAG, False, EVERYTHING).decide(ann),
        Decider(FLAG, False, EVERYTHING).decide(of("bo", channel="web")),
        Decider(FLAG, False, EVERYTHING).decide(of("bo", channel="api")),
        Decider(FLAG, True, FlagState(value=False)).decide(ann),
        Decider(FLAG, True).decide(ann),
    ]
    assert [(one.value, one.reason, one.detail) for one in asked] == [
        (False, "killed", "shiny (file)"),
        (True, "override", "environment SHINY"),
        (True, "allowed", "people"),
        (True, "rule", "beta"),
        (True, "rollout", "100 %"),
        (False, "default", ""),
        (True, "default", ""),
    ]


def test_a_roll_out_serves_its_share():
    # Five standard deviations of a binomial share of 100,000 people.
    for percentage in (1.0, 5.0, 25.0, 75.0):
        found = len(share(percentage)) / len(PEOPLE)
        spread = math.sqrt(percentage / 100 * (1 - percentage / 100) / len(PEOPLE))
        assert abs(found - percentage / 100) < 5 * spread
    assert share(0.0) == set()
    assert len(share(100.0)) == len(PEOPLE)


def test_a_growing_roll_out_turns_nobody_off():
    steps = [share(percentage) for percentage in (0.01, 5.0, 25.0, 75.0, 100.0)]
    assert all(small <= large for small, large in pairwise(steps))


def test_two_flags_part_people_independently():
    # Similar names and keys, where a linear hash would part them alike.
    for other in ("shinx", "shiny2", "ynihs"):
        both = len(share(50.0) & share(50.0, other)) / len(PEOPLE)
        assert abs(both - 0.25) < 5 * math.sqrt(0.25 * 0.75 / len(PEOPLE))


@given(st.text(), st.text(max_size=200), st.floats(0, 100), st.floats(0, 100))
def test_whoever_is_in_a_part_is_in_every_larger_one(name, key, one, other):
    place = Buckets(name).of(key)
    assert 0 <= place < BUCKETS
    assert place == Buckets(name).of(key)
    low, high = sorted((one, other))
    assert not (place < threshold(low) and place >= threshold(high))


def test_somebody_unknown_is_told_apart_by_the_conversation():
    decider = Decider(FLAG, False, FlagState(rollout=Rollout(50.0)))
    served = {decider.decide(of(conversation=bytes([n] * 16))).value for n in range(64)}
    assert served == {True, False}
    by_tenant = Decider(FLAG, False, FlagState(rollout=Rollout(50.0, by="tenant")))
    answers = {by_tenant.decide(of(person, tenant="acme")).value for person in PEOPLE[:200]}
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("condition", "fits", "does_not"),
    [
        (("plan", "in", ("gold", "silver")), {"plan": "gold"}, {"plan": "tin"}),
        (("plan", "not_in", ("gold",)), {"plan": "tin"}, {"plan": "gold"}),
        (("plan", "not_in", ("gold",)), {}, {"plan": "gold"}),
        (("plan", "starts_with", ("go", "si")), {"plan": "silver"}, {"plan": "tin"}),
        (("plan", "ends_with", ("ld",)), {"plan": "gold"}, {"plan": 7}),
        (("plan", "contains", ("il",)), {"plan": "silver"}, {}),
        (("age", "above", (17,)), {"age": 18}, {"age": 17}),
        (("age", "below", (17.5,)), {"age": 17}, {"age": "12"}),
        (("age", "above", (0,)), {"age": 0.5}, {"age": True}),
        (("vip", "in", (True,)), {"vip": True}, {"vip": 1}),
        (("vip", "in", (1,)), {"vip": 1}, {"vip": True}),
        (("vip", "present", ()), {"vip": ""}, {}),
        (("vip", "absent", ()), {}, {"vip": False}),
    ],
)
def test_conditions(condition, fits, does_not):
    state = FlagState(rules=(Rule("one", (Condition(*condition),), True),))
    decider = Decider(FLAG, False, state)
    assert decider.decide(of(attributes=fits)).reason == "rule"
    assert decider.decide(of(attributes=does_not)).reason == "default"


def test_all_conditions_of_a_rule_must_hold_and_rules_are_asked_in_order():
    both = (Condition("channel", "in", ("web",)), Condition("tenant", "in", ("acme",)))
    state = FlagState(
        rules=(
            Rule("acme on the web", both, "both"),
            Rule("acme", both[1:], "new"),
        )
    )
    decider = Decider(MODE, "old", state)
    assert decider.decide(of(channel="web", tenant="acme")).value == "both"
    assert decider.decide(of(attributes={"tenant": "acme"})).value == "new"
    assert decider.decide(of(channel="web")).value == "old"


def test_a_rule_may_serve_a_part():
    when = (Condition("channel", "in", ("web",)),)
    decider = Decider(FLAG, False, FlagState(rules=(Rule("some", when, True, 10.0),)))
    web = [decider.decide(of(person, channel="web")).value for person in PEOPLE[:20_000]]
    assert abs(sum(web) / len(web) - 0.1) < 0.011
    assert not any(decider.decide(of(person)).value for person in PEOPLE[:1000])


def test_a_change_is_all_at_once_and_says_what_changed():
    flags = Flags()
    changed = flags.replace({"enable_bursts": FlagState(value=False)}, {})
    assert {name: (one.value, other.value) for name, (one, other) in changed.items()} == {
        "enable_bursts": (True, False)
    }
    assert not flags.enabled("enable_bursts")
    assert flags.replace({"enable_bursts": FlagState(value=False)}, {}) == {}
    assert flags.replace({}, {"enable_tools": "file"}).keys() == {"enable_bursts", "enable_tools"}
    assert flags.version == 3


def test_a_turn_keeps_its_flags_and_learns_of_kills():
    flags = Flags()
    turn = flags.pin(of("ann"))
    assert turn.enabled("enable_tools")
    assert not turn.enabled("verbose_logging")
    flags.replace({"enable_tools": FlagState(value=False)}, {})
    assert turn.enabled("enable_tools")
    assert turn.enabled("enable_responder")
    assert turn.revoked == []
    flags.replace({}, {"enable_tools": "api", "verbose_logging": "api"})
    assert turn.enabled("enable_tools")
    assert turn.revoked == ["enable_tools"]
    assert turn.used == ["enable_tools", "enable_responder"]
    assert "enable_tools" in flags.killed
    assert set(turn.asked) == {"enable_tools", "verbose_logging", "enable_responder"}


def test_a_switch_holds_its_flags_and_the_first_of_several_is_named():
    flags = Flags()
    flags.replace({}, {"disable_new_tools": "console", "enable_tools": "file"})
    assert flags.decide("enable_tools").detail == "disable_new_tools (console)"
    flags.replace({}, {"emergency_rollback": "file", "no_such_switch": "file"})
    held = {name for name in REGISTRY if flags.is_killed(name)}
    assert {"enable_tools", "enable_bursts", "enable_context_recall"} <= held
    assert "capture_metrics" not in held  # its safe value is its own
    flags.replace({}, {})
    assert flags.enabled("enable_tools")


def test_what_the_environment_says_is_stronger_than_operators_and_the_file_is_weaker():
    said = {"enable_bursts": "off", "enable_tools": "off", "enable_apology": False}
    sources = {
        "enable_bursts": "environment COLLOQUY_FLAG_ENABLE_BURSTS",
        "enable_tools": "file colloquy.toml",
        "enable_apology": "environment KILL_SWITCH_ENABLE_APOLOGY",
    }
    flags = Flags(said, sources=sources)
    assert [flags.enabled(name) for name in said] == [False, False, True]
    flags.replace({name: FlagState(value=True) for name in said}, {})
    assert [flags.decide(name).reason for name in said] == ["override", "default", "killed"]
    assert [flags.enabled(name) for name in said] == [False, True, True]
