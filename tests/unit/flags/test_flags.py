"""Flags: profiles, overrides, and no silent misspelling."""

import pytest

from colloquy.flags import REGISTRY, Flag, Flags, FlagState, FlagSubject
from colloquy.flags.buckets import Buckets
from colloquy.flags.explaining import explain
from colloquy.model.errors import NotFound, SettingsError
from colloquy.settings import Settings, load_settings

MONITORING = {
    "monitoring_use_adapter",
    "monitoring_dual_mode",
    "monitoring_enable_validation",
    "monitoring_metrics_persistence",
}
"""Switches that are on in both profiles."""
CORE = {
    "use_advanced_messages",
    "enable_memory_system",
    "enable_state_management",
    "use_new_tool_framework",
    "enable_streaming_responses",
}
V1 = {"enable_compatibility_mode", "auto_migrate_messages", "maintain_dual_write"}
"""What clients of version 1 need: older systems had it on."""


def test_a_fresh_install_has_its_features_on():
    flags = Flags.of(Settings())
    on = {name for name in REGISTRY if flags.enabled(name)}
    assert on == {
        "enable_bursts",
        "enable_apology",
        "enable_content_dedup",
        "enable_context_recall",
        "enable_context_compression",
        "enable_context_graph",
        "enable_context_validation",
        "enable_emotional_intelligence",
        "enable_feedback_collection",
        "enable_responder",
        "enable_tools",
        "capture_metrics",
        "enable_caching",
        "enable_parallel_tools",
        *CORE,
        *MONITORING,
        *V1,
    }


def test_the_legacy_profile_has_them_off():
    flags = Flags.of(load_settings(overrides={"profile": "legacy"}))
    assert {name for name in REGISTRY if flags.enabled(name)} == MONITORING | V1


@pytest.mark.parametrize("text", ["off", "false", "0", "No"])
def test_settings_override_the_profile(text):
    settings = load_settings(
        env={"COLLOQUY_FLAG_ENABLE_BURSTS": text, "COLLOQUY_FLAG_VERBOSE_LOGGING": "on"}
    )
    flags = Flags.of(settings)
    assert not flags.enabled("enable_bursts")
    assert flags.enabled("verbose_logging")
    assert flags.enabled("enable_apology", FlagSubject(channel="web", person="ann"))


def test_unknown_flags_and_wrong_values_are_reported_together():
    with pytest.raises(SettingsError) as caught:
        Flags({"enable_burst": True, "enable_bursts": "perhaps", "capture_metrics": 1})
    assert [problem["setting"] for problem in caught.value.extra["problems"]] == [
        "flags.enable_burst",
        "flags.enable_bursts",
        "flags.capture_metrics",
    ]


def test_asking_for_a_flag_that_does_not_exist_is_an_error():
    with pytest.raises(NotFound, match="no flag 'nothing'"):
        Flags().enabled("nothing")


def test_flags_of_other_types():
    rate = Flag("rate", float, 0.5, 0.0, 0.0, "x", "A rate.")
    registry = {"rate": rate}
    assert Flags(registry=registry).value("rate") == 0.5
    assert Flags({"rate": "0.25"}, registry=registry).value("rate") == 0.25
    assert Flags({"rate": 1.0}, registry=registry).enabled("rate") is False
    with pytest.raises(SettingsError, match="expected float"):
        Flags({"rate": "much"}, registry=registry)


def test_rows_show_every_flag():
    rows = Flags({"enable_bursts": False}).rows()
    assert [flag.name for flag, _ in rows] == sorted(REGISTRY)
    assert {flag.name: value for flag, value in rows}["enable_bursts"] is False


def test_every_flag_is_described_and_typed():
    for name, flag in REGISTRY.items():
        assert flag.name == name
        assert flag.owner
        assert flag.meaning
        assert {type(flag.default), type(flag.legacy), type(flag.fail_safe)} == {flag.type}


def test_the_core_is_rolled_out_as_one():
    flags = Flags({"rollout_percentage": 30, "enabled_agent_ids": "a1, a2"}, profile="legacy")
    people = [FlagSubject(person=f"p{number}") for number in range(2_000)]
    having = {name: {one.person for one in people if flags.enabled(name, one)} for name in CORE}
    assert len({frozenset(one) for one in having.values()}) == 1
    few = having["enable_memory_system"]
    assert 500 < len(few) < 700
    more = Flags({"rollout_percentage": 60}, profile="legacy")
    assert few < {one.person for one in people if more.enabled("enable_memory_system", one)}
    assert all(flags.enabled(name, FlagSubject(person="x", agent="a2")) for name in CORE)
    assert not flags.enabled("enable_bursts", FlagSubject(agent="a2"))


def test_what_is_said_of_a_core_flag_itself_is_stronger_and_kills_are_the_strongest():
    flags = Flags({"rollout_percentage": 100}, profile="legacy")
    assert flags.decide("enable_memory_system", FlagSubject(person="ann")).reason == "rollout"
    flags.replace({"enable_memory_system": FlagState(value=False)}, {})
    assert not flags.enabled("enable_memory_system", FlagSubject(person="ann"))
    assert flags.enabled("enable_state_management", FlagSubject(person="ann"))
    flags.replace({}, {"disable_state_management": "file"})
    assert not flags.enabled("enable_state_management", FlagSubject(person="ann"))
    flags.replace({}, {"rollout_percentage": "file"})
    assert not flags.enabled("enable_memory_system", FlagSubject(person="ann"))
    flags.replace({"enabled_user_ids": FlagState(value="bo,ann")}, {"rollout_percentage": "file"})
    found = flags.decide("enable_memory_system", FlagSubject(person="ann"))
    assert (found.value, found.reason, found.detail) == (True, "allowed", "people")
    # Where the core is on for everybody, its roll-out says nothing.
    assert Flags({"rollout_percentage": 1}).decide("enable_memory_system").reason == "default"


def test_a_core_rollout_is_explained():
    flags = Flags({"rollout_percentage": 100, "enabled_user_ids": "bo"}, profile="legacy")
    found = explain(flags, "enable_memory_system", FlagSubject(person="ann"))
    assert (found.value, found.reason, found.detail) == (True, "rollout", "100 %")
    assert found.bucket == Buckets("core").of("ann")
    assert [one.what for one in found.considered if one.decides] == ["rollout"]
