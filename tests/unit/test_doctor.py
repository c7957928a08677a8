"""Findings of the doctor, one by one."""

from __future__ import annotations

import base64
import socket
from pathlib import Path

import apsw
import pytest

from colloquy import doctor
from colloquy.model.errors import SettingsError
from colloquy.runtime import checks
from colloquy.runtime.checks import Check
from colloquy.settings import load_settings


def test_the_worst_finding_counts() -> None:
    found = [Check("a", "ok", ""), Check("b", "warn", ""), Check("c", "ok", "")]
    assert checks.worst(found) == "warn"
    assert checks.worst([*found, Check("d", "fail", "")]) == "fail"
    assert checks.worst([]) == "ok"


def test_an_old_sqlite_fails() -> None:
    assert checks.check_sqlite().status == "ok"
    assert checks.check_sqlite("3.40.1").status == "fail"
    assert checks.check_sqlite("3.53.0").status == "ok"


def test_each_problem_of_the_settings_is_a_finding_with_its_source() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(None, {"COLLOQUY_PORT": "x"}, {"hots": "1"})
    found = list(checks.settings_problems(caught.value))
    assert [one.status for one in found] == ["fail", "fail"]
    said = " ".join(one.detail for one in found)
    assert "environment COLLOQUY_PORT" in said
    assert "did you mean host?" in said


def test_disk_space(tmp_path: Path) -> None:
    assert checks.check_disk_space(tmp_path, 50 * 1024**3).status == "ok"
    assert checks.check_disk_space(tmp_path, 500 * 1024**2).status == "warn"
    assert checks.check_disk_space(tmp_path, 1024).status == "fail"
    assert "1.0 KB free" in checks.check_disk_space(tmp_path, 1024).detail


def test_fsync_is_measured_and_leaves_nothing(tmp_path: Path) -> None:
    check = checks.check_fsync(tmp_path)
    assert check.status in ("ok", "warn")
    assert " ms (median of 20)" in check.detail
    assert not list(tmp_path.iterdir())


def test_the_file_system_is_that_of_the_longest_mount_point() -> None:
    mounts = "\n".join(
        [
            "/dev/a / ext4 rw 0 0",
            "tmpfs /data tmpfs rw 0 0",
            "there:/x /data/far\\040away nfs4 rw 0 0",
            "broken",
        ]
    )
    assert checks.file_system(Path("/srv"), mounts) == "ext4"
    assert checks.file_system(Path("/data/db"), mounts) == "tmpfs"
    assert checks.file_system(Path("/database"), mounts) == "ext4"
    assert checks.file_system(Path("/data/far away/db"), mounts) == "nfs4"
    assert checks.file_system(Path("/x"), "") == ""


def test_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    assert checks.existing(tmp_path / "a" / "b") == tmp_path


def test_a_database_that_is_none_of_ours_or_damaged(tmp_path: Path) -> None:
    missing = checks.check_database(tmp_path / "none.db")
    assert (missing.status, (tmp_path / "none.db").exists()) == ("ok", False)

    foreign = tmp_path / "foreign.db"
    connection = apsw.Connection(str(foreign))
    connection.execute("CREATE TABLE t (a)").fetchall()
    connection.close()
    assert checks.check_database(foreign).status == "fail"
    assert "no database of Colloquy" in checks.check_database(foreign).detail

    old = tmp_path / "old.db"
    connection = apsw.Connection(str(old))
    connection.execute("CREATE TABLE schema_version (version_num TEXT)").fetchall()
    connection.execute("INSERT INTO schema_version VALUES ('0000')").fetchall()
    connection.execute("CREATE TABLE filler (data BLOB)").fetchall()
    connection.execute("INSERT INTO filler VALUES (zeroblob(200000))").fetchall()
    connection.close()
    assert checks.check_database(old).status == "warn"

    data = bytearray(old.read_bytes())
    data[4096 * 3 : 4096 * 40] = b"\xff" * (4096 * 37)
    old.write_bytes(data)
    assert checks.check_database(old).status == "fail"

    (tmp_path / "text.db").write_text("this is no database at all, but long enough" * 100)
    assert checks.check_database(tmp_path / "text.db").status == "fail"


def test_what_waits_in_the_spool_is_told(tmp_path: Path) -> None:
    settings = load_settings(None, {}, {"data_dir": str(tmp_path)})
    assert checks.check_spool(settings).status == "ok"
    folder = settings.spool_folder / "main"
    folder.mkdir(parents=True)
    (folder / "00000001.spool").write_bytes(b"x" * 2048)
    check = checks.check_spool(settings)
    assert (check.status, check.detail.startswith("2.0 KB in 1 files")) == ("warn", True)


def test_where_the_key_of_secrets_is(tmp_path: Path) -> None:
    settings = load_settings(overrides={"database_url": f"sqlite:///{tmp_path / 'a.db'}"})
    assert checks.check_secret_key(settings).detail == "a.db.key is made when it is needed"
    settings.key_file.write_text("key")
    settings.key_file.chmod(0o644)
    open_to_all = checks.check_secret_key(settings)
    assert (open_to_all.status, open_to_all.advice) == ("warn", f"chmod 600 {settings.key_file}")
    settings.key_file.chmod(0o600)
    assert checks.check_secret_key(settings).status == "ok"


def test_servers_that_share_a_database_need_one_key() -> None:
    shared = {"database_url": "postgresql://somewhere/db"}
    assert checks.check_secret_key(load_settings(overrides=shared)).status == "warn"
    shared["security.secret_key"] = base64.b64encode(bytes(32)).decode()
    assert checks.check_secret_key(load_settings(overrides=shared)).status == "ok"


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        database = f"sqlite:///{tmp_path / 'a.db'}"
        settings = load_settings(None, {}, {"port": str(port), "database_url": database})
        assert not doctor.port_is_free("127.0.0.1", port)
        assert (await doctor.check_server(settings)).status == "warn"
    assert doctor.port_is_free("127.0.0.1", port)


async def test_packs(tmp_path: Path) -> None:
    assert checks.check_pack(load_settings(None, {}, {})).status == "ok"
    own = tmp_path / "own.toml"
    own.write_text('name = "own"\n[intents.hi]\nexamples = ["hi"]\n')
    check = checks.check_pack(load_settings(None, {}, {"pack": str(own)}))
    assert "own: 1 intents" in check.detail


async def test_everything_at_once(tmp_path: Path) -> None:
    overrides = {"database_url": f"sqlite:///{tmp_path / 'a.db'}", "port": "0"}
    names = [check.name for check in await doctor.examine(None, {}, overrides)]
    assert names[:3] == ["python", "sqlite", "settings"]
    assert {"pack", "disk space", "fsync", "database", "spool", "server"} < set(names)
    broken = await doctor.examine(None, {}, {"port": "x"})
    assert [check.status for check in broken if check.name == "settings"] == ["fail"]
    away = {"database_url": "postgresql://nobody@127.0.0.1:9/none"}
    found = {check.name: check for check in await doctor.examine(None, {}, away)}
    assert found["database"].status == "fail"
