"""The settings tree: precedence, names, ranges, and all problems at once."""

import base64
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.flags import Flags
from colloquy.model.errors import SettingsError
from colloquy.settings import (
    ChannelSettings,
    Settings,
    describe,
    environment_name,
    load_settings,
    resolve,
    shown,
)
from colloquy.settings.names import (
    ALIASES,
    CHANNEL_PREFIX,
    FLAG_PREFIX,
    SECRET,
    leaf_of,
    name_of,
)
from colloquy.settings.tree import PRESETS


def problems_of(error: SettingsError) -> dict[str, str]:
    return {problem["setting"]: problem["detail"] for problem in error.extra["problems"]}


def write(folder: Path, text: str) -> Path:
    file = folder / "colloquy.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_no_source_means_defaults():
    assert load_settings() == Settings()


def test_each_source_beats_the_one_before(tmp_path):
    # One more source speaks at each step, so each step shows the newest one winning.
    preset = {"preset": "test"}
    file = write(tmp_path, "[accept]\nmax_age_s = 11\n")
    stored = {"accept.max_age_s": "12"}
    env = {"COLLOQUY_ACCEPT_MAX_AGE_S": "13"}
    line = {"accept.max_age_s": "14"}
    ages = [
        resolve().settings.accept.max_age_s,
        resolve(overrides=preset).settings.accept.max_age_s,
        resolve(file, overrides=preset).settings.accept.max_age_s,
        resolve(file, overrides=preset, stored=stored).settings.accept.max_age_s,
        resolve(file, env, preset, stored).settings.accept.max_age_s,
        resolve(file, env, preset | line, stored).settings.accept.max_age_s,
    ]
    assert ages == [30.0, 60.0, 11.0, 12.0, 13.0, 14.0]


def test_origins_say_where_a_value_came_from(tmp_path):
    file = write(tmp_path, "port = 1\nhost = 'h'\npreset = 'test'\n")
    found = resolve(
        file,
        {"COLLOQUY_PORT": "2", "COLLOQUY_ACCEPT_MAX_BATCH": "3"},
        {"log_level": "debug"},
        {"accept.max_age_s": "4"},
    )
    assert found.origin("host") == f"file {file}"
    assert found.origin("port") == "environment COLLOQUY_PORT"
    assert found.origin("accept.max_batch") == "environment COLLOQUY_ACCEPT_MAX_BATCH"
    assert found.origin("accept.max_age_s") == "stored"
    assert found.origin("log_level") == "command line"
    assert found.origin("workers") == "preset test"
    assert found.origin("accept.group_limit") == "default"
    with pytest.raises(KeyError):
        found.origin("accept.nothing")


def test_the_file_may_be_named_by_the_environment(tmp_path):
    file = write(tmp_path, "port = 99\n")
    assert load_settings(env={"COLLOQUY_CONFIG": str(file)}).port == 99


def test_all_problems_of_all_sources_are_reported_at_once(tmp_path):
    file = write(tmp_path, "prot = 1\nport = 'x'\n[accept]\nmax_batch = 0\nnothing = 1\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(
            file,
            {"COLLOQUY_PRESET": "fast", "COLLOQUY_PIPELINE_BATCH_SIZ": "1"},
            {"delivery.timeout_s": "soon"},
            {"database_url": "sqlite:///other.db", "watchdog.enabled": "perhaps"},
        )
    found = problems_of(caught.value)
    assert set(found) == {
        "prot",
        "port",
        "accept.max_batch",
        "accept.nothing",
        "preset",
        "COLLOQUY_PIPELINE_BATCH_SIZ",
        "delivery.timeout_s",
        "database_url",
        "watchdog.enabled",
    }
    assert "did you mean port?" in found["prot"]
    assert "COLLOQUY_PIPELINE_BATCH_SIZE" in found["COLLOQUY_PIPELINE_BATCH_SIZ"]
    assert "cannot be kept in the store" in found["database_url"]
    sources = {problem["source"] for problem in caught.value.extra["problems"]}
    assert {f"file {file}", "stored", "command line", "environment COLLOQUY_PRESET"} <= sources


@pytest.mark.parametrize("text", ["port = ", "a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_a_problem(tmp_path, text):
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(write(tmp_path, text))


def test_a_missing_or_wrongly_encoded_file_is_a_problem(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "none.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'host = "\xe9"')
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings(latin)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("port", "65536"),
        ("port", "-1"),
        ("accept.max_age_s", "nan"),
        ("accept.max_age_s", "inf"),
        ("accept.max_age_s", "0"),
        ("pipeline.retry_delays_s", "1,inf"),
        ("pipeline.retry_delays_s", "1;2"),
        ("database_url", "mysql://x"),
        ("database_url", "sqlite:///"),
        ("log_level", "LOUD"),
        ("workers", "1.5"),
        ("flags.Bad Name", "1"),
        ("channels.web", "1"),
        ("channels.web.colour", "1"),
    ],
)
def test_values_out_of_range_are_refused(name, text):
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={name: text})
    assert set(problems_of(caught.value)) == {name}


def test_bounds_between_settings_are_checked():
    with pytest.raises(SettingsError, match="critical < warning < recover"):
        load_settings(overrides={"health.warning": "90"})
    with pytest.raises(SettingsError, match="is larger than"):
        load_settings(overrides={"accept.max_pending_bytes": "2048"})


def test_texts_become_typed_values():
    settings = load_settings(
        env={
            "COLLOQUY_SECURITY_AUTH": "off",
            "COLLOQUY_PIPELINE_RETRY_DELAYS_S": "0.5, 1,2",
            "COLLOQUY_REPLIES_APOLOGY": "",
            "COLLOQUY_REPLIES_APOLOGY_HAND_OVER": "",
            "COLLOQUY_REPLIES_FALLBACK": "null",
            "COLLOQUY_DELIVERY_RETRY_DELAYS_S": "[]",
        }
    )
    assert settings.security.auth is False
    assert settings.pipeline.retry_delays_s == (0.5, 1.0, 2.0)
    assert settings.replies.apology is None
    assert settings.replies.apology_hand_over is None
    assert settings.replies.fallback == "null"
    assert settings.delivery.retry_delays_s == ()


def test_a_file_may_switch_off_an_optional_setting(tmp_path):
    file = write(tmp_path, "[replies]\napology = ''\n")
    assert load_settings(file).replies.apology is None


def test_a_file_is_typed_strictly(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load_settings(write(tmp_path, "port = '80'\nworkers = 1.0\n[security]\nauth = 1\n"))
    assert set(problems_of(caught.value)) == {"port", "workers", "security.auth"}


def test_other_names_in_the_environment_are_not_ours():
    env = {
        "HOME": "/",
        "COLLOQUY_TEST_POSTGRES_URL": "x",
        "XCOLLOQUY_PORT": "1",
        "COLLOQUYPORT": "",
    }
    assert load_settings(env=env) == Settings()


def test_channels_keep_the_defaults_of_what_is_not_said(tmp_path):
    file = write(tmp_path, "[channels.web]\nmax_text = 5\n[channels.telegram]\nquiet_s = 1.5\n")
    settings = load_settings(file, {"COLLOQUY_CHANNELS_MY_SITE_QUIET_S": "2"})
    assert settings.channel("web") == ChannelSettings(0.6, 300.0, 5)
    assert settings.channel("telegram") == ChannelSettings(1.5, 300.0, 10_000)
    assert settings.channel("my_site") == ChannelSettings(2.0, 300.0, 10_000)
    assert settings.channel("api") == ChannelSettings(0.0, 0.0, 10_000)
    assert settings.channel("never_named") == ChannelSettings(0.6, 300.0, 10_000)


def test_flags_come_from_file_and_environment(tmp_path):
    file = write(tmp_path, "[flags]\nenable_bursts = false\nrate = 0.5\n")
    settings = load_settings(file, {"COLLOQUY_FLAG_ENABLE_BURSTS": "on"})
    assert settings.flags == {"enable_bursts": "on", "rate": 0.5}


def test_no_two_settings_share_an_environment_name():
    fixed = [leaf for leaf in describe() if "<" not in leaf.name]
    names = [leaf.environment for leaf in fixed]
    assert len(names) == len(set(names))
    for leaf in fixed:
        assert name_of(leaf.environment) == leaf.name
        # The open-ended names begin with these, so no fixed one may.
        assert not leaf.environment.startswith((FLAG_PREFIX, CHANNEL_PREFIX, "COLLOQUY_TEST_"))


def test_every_setting_is_described_and_its_default_is_of_its_type():
    for leaf in describe():
        assert leaf.doc, leaf.name
        assert leaf.type_name
        if "<" not in leaf.name:
            assert msgspec.convert(leaf.default, leaf.type) == leaf.default


@pytest.mark.parametrize("preset", list(PRESETS))
def test_presets_are_valid_settings(preset):
    for name, value in PRESETS[preset].items():
        leaf = leaf_of(name)
        assert leaf is not None, name
        assert msgspec.convert(value, leaf.type) == value
    assert load_settings(overrides={"preset": preset}).preset == preset


_CHANNEL = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)


@given(_CHANNEL, st.sampled_from(["quiet_s", "content_dedup_s", "max_text"]))
def test_channel_names_survive_the_environment(channel, field):
    name = f"channels.{channel}.{field}"
    assert name_of(environment_name(name)) == name


def test_places_of_files_follow_the_database():
    assert Settings().data_folder == Path()
    here = load_settings(overrides={"database_url": "sqlite:////srv/c/a.db"})
    assert here.sqlite_file == Path("/srv/c/a.db")
    assert here.spool_folder == Path("/srv/c/a.db.spool")
    there = load_settings(overrides={"database_url": "postgresql://u@h/d"})
    assert there.sqlite_file is None
    assert there.data_folder == Path("var")
    secret = load_settings(overrides={"database_url": "postgresql://u:secret@h/d"})
    assert secret.files_name == there.files_name
    told = load_settings(overrides={"data_dir": "/d", "accept.spool_dir": "/s"})
    assert (told.data_folder, told.spool_folder) == (Path("/d"), Path("/s/colloquy.db.spool"))


def test_a_password_is_never_shown():
    url = "postgresql://me:pa:ss@host:5432/db"
    assert shown("database_url", url) == "postgresql://me:***@host:5432/db"
    assert shown("database_url", "postgresql://me@host/db") == "postgresql://me@host/db"
    assert shown("host", "a:b@c") == "a:b@c"
    rows = resolve(overrides={"database_url": url}).rows()
    assert "pa:ss" not in repr(rows)
    assert {row[0] for row in rows} >= {leaf.name for leaf in describe() if "<" not in leaf.name}


def test_a_wrong_database_url_does_not_print_its_password():
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"database_url": "mysql://me:secret@host/db"})
    assert "secret" not in str(caught.value)


def test_the_key_of_secrets_is_never_shown_nor_kept_in_the_store():
    key = base64.b64encode(bytes(32)).decode()
    assert key not in repr(resolve(overrides={"security.secret_key": key}).rows())
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"security.secret_key": key[1:]})
    assert key[1:] not in str(caught.value)
    with pytest.raises(SettingsError, match="cannot be kept in the store"):
        resolve(stored={"security.secret_key": key})


@pytest.mark.parametrize("network", ["10.0.0.1/8", "localhost", "10.0.0.0/33"])
def test_networks_that_webhooks_may_reach_are_networks(network: str) -> None:
    with pytest.raises(SettingsError, match=r"webhooks\.allow_networks"):
        load_settings(overrides={"webhooks.allow_networks": network})
    good = load_settings(overrides={"webhooks.allow_networks": "10.0.0.0/8, fd00::/8"})
    assert good.webhooks.allow_networks == ("10.0.0.0/8", "fd00::/8")


def test_names_of_older_systems_stand_for_settings_that_exist() -> None:
    assert all(leaf_of(name) is not None for name in ALIASES.values())
    env = {"AST_CONF_FILE": "0.5", "AST_STOPLIST_EXTRA": "data, tmp", "AST_CONF_MAX": "1"}
    noise = resolve(env=env).settings.graph.noise
    assert (noise.confidence_file, noise.confidence_max) == (0.5, 1.0)
    assert noise.stoplist_extra == ("data", "tmp")


def test_names_that_say_the_opposite() -> None:
    env = {"DISABLE_COMPATIBILITY": "true", "DISABLE_AUTO_MIGRATE": "no", "ENABLE_STREAMING": "off"}
    flags = Flags.of(resolve(env=env).settings)
    assert not flags.enabled("enable_compatibility_mode")
    assert flags.enabled("auto_migrate_messages")
    assert not flags.enabled("enable_streaming_responses")
    assert not Flags.of(resolve(env={"ROLLOUT_PERCENTAGE": "5"}).settings).varies("enable_bursts")
    legacy = resolve(env={"ROLLOUT_PERCENTAGE": "5", "COLLOQUY_PROFILE": "legacy"})
    assert Flags.of(legacy.settings).varies("enable_memory_system")
    with pytest.raises(SettingsError) as raised:
        resolve(env={"DISABLE_COMPATIBILITY": "perhaps"})
    assert "flags.enable_compatibility_mode" in problems_of(raised.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AST_MIN_NAME_LENGTH", "12abc"),
        ("AST_CONF_FILE", "1.2"),
        ("AST_CONF_FILE", "nan"),
        ("SECURITY_MIN_SEVERITY", "dire"),
    ],
)
def test_a_wrong_value_under_an_older_name_is_named(name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=name):
        load_settings(env={name: text})


def test_what_is_named_as_a_secret_is_never_printed() -> None:
    named = {
        leaf.name for leaf in describe() if re.search(r"(key|password|secret|token)$", leaf.name)
    }
    assert named >= {"graph.embedding_key", "security.secret_key", "replies.model.api_key"}
    assert named <= SECRET


def test_tables_in_a_list_come_from_file_and_text(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[[understanding.emotion_rules]]\npattern = "meh+"\nemotion = "frustrated"\n',
    )
    (rule,) = load_settings(file).understanding.emotion_rules
    assert (rule.pattern, rule.emotion, rule.confidence, rule.name) == (
        "meh+", "frustrated", 0.9, None,
    )  # fmt: skip
    text = '[{"pattern": "a{2,3}", "emotion": "joy", "confidence": 0.5, "name": "aa"}]'
    (rule,) = load_settings(
        file, env={"COLLOQUY_UNDERSTANDING_EMOTION_RULES": text}
    ).understanding.emotion_rules
    assert (rule.pattern, rule.confidence, rule.name) == ("a{2,3}", 0.5, "aa")
    assert load_settings(overrides={"understanding.emotion_rules": ""}) == Settings()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[{"pattern": "a"}]', "missing required field `emotion`"),
        ('[{"pattern": "a", "emotion": "joy", "sure": 1}]', "unknown field `sure`"),
        ('[{"pattern": "a",}]', "expected a JSON list"),
        ("meh=frustrated", "expected `object`"),
    ],
)
def test_tables_in_a_list_are_typed_strictly(text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(overrides={"understanding.emotion_rules": text})
    assert said in problems_of(caught.value)["understanding.emotion_rules"]
