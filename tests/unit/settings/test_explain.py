"""Why a setting has its value, where the file says it, and the names that come near a wrong one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from colloquy.flags import Flags
from colloquy.model.errors import NotFound, SettingsError
from colloquy.settings import explain, resolve
from colloquy.settings.explain import range_of
from colloquy.settings.lines import line_of
from colloquy.settings.names import ALIASES, KILL_SWITCH_PREFIX, leaf_of

FILE = """\
# comment = 1
port = 9000
accept.max_batch = 12

[channels.web]  # the page
quiet_s = 0.1

[ "health" ]
"warning" = 70

[pipeline]
retry_delays_s = [
  1.0,
]
"""


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("port", 2),
        ("accept.max_batch", 3),
        ("channels.web.quiet_s", 6),
        ("health.warning", 9),
        ("pipeline.retry_delays_s", 12),
        ("comment", None),
        ("accept.max_age_s", None),
    ],
)
def test_the_line_of_a_setting(name: str, line: int | None) -> None:
    assert line_of(FILE, name) == line


def test_a_table_in_one_line_has_the_line_of_its_key() -> None:
    assert line_of("x = 1\naccept = { max_batch = 3 }\n", "accept.max_batch") == 2


def test_everything_that_was_said_strongest_first(tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('preset = "test"\n[channels.web]\nquiet_s = 0.3\n')
    resolution = resolve(
        file, {"COLLOQUY_CHANNELS_WEB_QUIET_S": "0.2"}, {"channels.web.quiet_s": "0.1"}
    )
    found = explain(resolution, "channels.web.quiet_s")
    assert [(one.source, one.value, one.line) for one in found.said] == [
        ("command line", 0.1, None),
        ("environment COLLOQUY_CHANNELS_WEB_QUIET_S", 0.2, None),
        (f"file {file}", 0.3, 3),
        ("preset test", 0.05, None),
        ("default", 0.6, None),
    ]
    assert (found.value, found.origin, found.range) == (0.1, "command line", "≥ 0")
    assert resolution.settings.channel("web").quiet_s == 0.1


def test_a_name_of_the_environment_explains_the_setting_that_it_means() -> None:
    assert explain(resolve(), "COLLOQUY_ACCEPT_MAX_BATCH").name == "accept.max_batch"
    found = explain(resolve(), "CAPTURE_METRICS")
    assert found.name == "flags.capture_metrics"
    assert found.environment == [
        "COLLOQUY_FLAG_CAPTURE_METRICS",
        "CAPTURE_METRICS",
        "KILL_SWITCH_CAPTURE_METRICS",
    ]


def test_secrets_stay_masked_in_every_statement() -> None:
    resolution = resolve(
        None,
        {"COLLOQUY_DATABASE_URL": "postgresql://u:first@h/d"},
        {"database_url": "postgresql://u:second@h/d"},
    )
    said = repr(explain(resolution, "database_url"))
    assert "u:***@h" in said
    assert "first" not in said
    assert "second" not in said


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("max_batch", "accept.max_batch"),
        ("accept.max_bach", "accept.max_batch"),
        ("COLLOQUY_ACCEPT_MAX_BACH", "accept.max_batch"),
        ("databse_url", "database_url"),
    ],
)
def test_a_wrong_name_brings_those_that_come_near(wrong: str, meant: str) -> None:
    with pytest.raises(NotFound, match=f"did you mean .*{meant}"):
        explain(resolve(), wrong)


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("port", "≥ 0, ≤ 65535"),
        ("pipeline.slice_s", "> 0"),
        ("pipeline.retry_delays_s", "≥ 0"),
        ("host", "at least 1 long"),
        ("pack", ""),
    ],
)
def test_ranges_in_words(name: str, bounds: str) -> None:
    leaf = leaf_of(name)
    assert leaf is not None
    assert range_of(leaf) == bounds


def test_names_of_older_systems_are_weaker_than_our_own() -> None:
    flags = resolve(env={"VERBOSE_LOGGING": "true", "CAPTURE_METRICS": "false"}).settings.flags
    assert Flags(flags).enabled("verbose_logging")
    assert not Flags(flags).enabled("capture_metrics")
    both = {"COLLOQUY_FLAG_VERBOSE_LOGGING": "off", "VERBOSE_LOGGING": "on"}
    assert not Flags(resolve(env=both).settings.flags).enabled("verbose_logging")


def test_a_kill_switch_beats_whatever_else_is_said() -> None:
    env = {"KILL_SWITCH_ENABLE_BURSTS": "true", "COLLOQUY_FLAG_ENABLE_BURSTS": "true"}
    resolution = resolve(env=env, overrides={"flags.enable_bursts": "true"})
    assert not Flags(resolution.settings.flags).enabled("enable_bursts")
    assert resolution.origin("flags.enable_bursts") == "environment KILL_SWITCH_ENABLE_BURSTS"
    env["KILL_SWITCH_ENABLE_BURSTS"] = "false"
    assert Flags(resolve(env=env).settings.flags).enabled("enable_bursts")


@pytest.mark.parametrize(
    "variable", ["KILL_SWITCH_ENABLE_NOTHING", "KILL_SWITCH_9", "COLLOQUY_KILL_SWITCH"]
)
def test_a_switch_for_nothing_is_an_error(variable: str) -> None:
    with pytest.raises(SettingsError):
        Flags(resolve(env={variable: "true"}).settings.flags)


def test_the_file_of_a_project_counts_where_no_other_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve().settings.port == 8420
    Path("colloquy.toml").write_text("port = 9000\n")
    Path("other.toml").write_text("port = 9001\n")
    assert resolve().settings.port == 9000
    assert resolve().origin("port") == "file colloquy.toml"
    assert resolve(env={"COLLOQUY_CONFIG": "other.toml"}).settings.port == 9001
    assert resolve(Path("other.toml")).settings.port == 9001


def test_the_documentation_has_every_alias() -> None:
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text(encoding="utf-8")
    section = page.partition("## Names of older systems")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([a-z_.]+)` \|$", section, re.M)
    assert dict(rows) == ALIASES
    assert f"`{KILL_SWITCH_PREFIX}<FLAG>`" in section
