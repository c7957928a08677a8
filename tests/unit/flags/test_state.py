"""What may be said of a flag: what is not allowed is refused with its place."""

import msgspec
import pytest

from colloquy.flags import Flag, FlagState
from colloquy.flags.state import read_state
from colloquy.flags.switches import check_switch, read_switches
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.flags import Condition, Rollout, Rule

FLAG = Flag("shiny", bool, False, False, False, "test", "A test.")
MODE = Flag("mode", str, "old", "old", "old", "test", "A test.", choices=("old", "new"))
EVERY = Flag("every_s", int, 300, 300, 300, "test", "A test.", bounds=(1, 3600))
WEB = {"attribute": "channel", "operator": "in", "values": ["web"]}


def test_a_state_is_json_and_back():
    state = FlagState(
        value=False,
        people=("ann", "bo"),
        tenants=("acme",),
        rules=(Rule("beta", (Condition("age", "above", (17,)),), True, 12.5),),
        rollout=Rollout(25.0, by="conversation"),
    )
    assert read_state(FLAG, msgspec.json.decode(msgspec.json.encode(state))) == state
    assert msgspec.json.encode(FlagState()) == b"{}"


@pytest.mark.parametrize(
    ("flag", "data", "field"),
    [
        (FLAG, [], None),
        (FLAG, {"valeu": True}, None),
        (FLAG, {"value": "yes"}, "value"),
        (FLAG, {"people": "ann"}, "people"),
        (FLAG, {"people": ["ann", ""]}, "people[1]"),
        (FLAG, {"people": ["ann"], "allowed": 1}, "allowed"),
        (FLAG, {"agents": ["a"] * 10_001}, "agents"),
        (FLAG, {"rollout": {"percentage": 101}}, "rollout.percentage"),
        (FLAG, {"rollout": {"percentage": -0.01}}, "rollout.percentage"),
        (FLAG, {"rollout": {"percentage": "5"}}, "rollout.percentage"),
        (FLAG, {"rollout": {"percentage": 5, "by": "moon"}}, "rollout.by"),
        (FLAG, {"rollout": {"percentage": 5, "value": "new"}}, "rollout.value"),
        (FLAG, {"rules": [{"name": "a", "when": [], "value": True}]}, "rules[0].when"),
        (FLAG, {"rules": [{"name": "", "when": [WEB], "value": True}]}, "rules[0].name"),
        (FLAG, {"rules": [{"name": "a", "when": [WEB], "value": True}] * 2}, "rules[1].name"),
        (FLAG, {"rules": [{"name": "a", "when": [WEB], "value": 3}]}, "rules[0].value"),
        (
            FLAG,
            {"rules": [{"name": "a", "when": [WEB | {"operator": "like"}], "value": True}]},
            "rules[0].when[0].operator",
        ),
        (
            FLAG,
            {"rules": [{"name": "a", "when": [WEB | {"operator": "above"}], "value": True}]},
            "rules[0].when[0].values",
        ),
        (
            FLAG,
            {"rules": [{"name": "a", "when": [WEB | {"operator": "absent"}], "value": True}]},
            "rules[0].when[0].values",
        ),
        (
            FLAG,
            {"rules": [{"name": "a", "when": [WEB | {"values": []}], "value": True}]},
            "rules[0].when[0].values",
        ),
        (MODE, {"value": "newer"}, "value"),
        (MODE, {"rollout": {"percentage": 5}}, "rollout.value"),
        (EVERY, {"value": 0}, "value"),
        (EVERY, {"value": 2.5}, "value"),
    ],
)
def test_what_is_wrong_is_named(flag, data, field):
    with pytest.raises(InvalidInput) as caught:
        read_state(flag, data)
    assert caught.value.field == field


def test_no_percentage_is_not_a_number():
    with pytest.raises(InvalidInput, match="0"):
        read_state(FLAG, {"rollout": {"percentage": float("nan")}})


def test_a_file_of_switches():
    text = "# thrown by hand\nenable_tools\n\n  disable_memory_system  # ann, 3 May\n"
    assert read_switches(text) == ["enable_tools", "disable_memory_system"]
    assert check_switch("enable_tools") == "enable_tools"
    with pytest.raises(NotFound, match="no kill switch 'disable'"):
        check_switch("disable")
