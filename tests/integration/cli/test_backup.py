"""`colloquy backup` and `restore`: what is taken, what is checked, what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from colloquy.storage.spool import Spool
from support.command_line import Serving, Shell

Damage = Callable[[Path], None]


@pytest.fixture
def backed_up(alone: Shell) -> Path:
    """A backup of a small database."""
    log = alone.folder / "log.jsonl"
    log.write_text(
        "".join(
            f'{{"conversation": "{who}", "id": "{who}-{number}", "text": "Hello {number}"}}\n'
            for who in ("ann", "ben")
            for number in range(3)
        )
    )
    alone("import", str(log))
    alone("backup", "b.db")
    return alone.folder / "b.db"


def sql(*statements: str) -> Damage:
    def run(file: Path) -> None:
        connection = apsw.Connection(str(file))
        for statement in statements:
            connection.execute(statement).fetchall()
        connection.close()

    return run


def test_a_backup_says_what_it_holds_and_comes_back(alone: Shell, backed_up: Path) -> None:
    made = alone("backup", "again.db", "--json").json
    assert made["database"]["counts"]["sessions"] == 2
    assert made["database"]["event_position"] >= 6
    assert len(made["sha256"]) == 64
    assert (backed_up.stat().st_mode & 0o777) == 0o600
    assert not list(alone.folder.glob("b.db-*")), "at rest: it is one file"
    checked = alone("restore", "b.db", "--verify", "--json").json
    assert checked["database"] == made["database"]
    assert "Restored to" in alone("restore", "b.db", "--to", "new/place.db").err
    url = f"sqlite:///{alone.folder / 'new' / 'place.db'}"
    rows = alone("export", "--database-url", url).out.splitlines()
    assert len(rows) == 6


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (sql("DELETE FROM events WHERE seq = 2 AND session = 1"), "without a gap"),
        (sql("UPDATE sessions SET last_seq = last_seq + 1"), "another last number"),
        (sql("DELETE FROM sessions WHERE number = 1"), "have no conversation"),
        (sql("UPDATE counters SET value = 99 WHERE name = 'ledger'"), "its counter does not say"),
        (
            sql(
                "INSERT INTO changes (position, at, actor, operation, collection, key, previous)"
                " SELECT value + 1, 0, 'x', 'set', 'c', 'k', 7 FROM counters WHERE name = 'ledger'",
                "UPDATE counters SET value = value + 1 WHERE name = 'ledger'",
            ),
            "does not point to the change",
        ),
        (sql("UPDATE schema_version SET version_num = '9999'"), "schema revision 9999"),
        (sql("INSERT INTO meta (name, value) VALUES ('x', 'y')"), "another SHA-256"),
    ],
)
def test_what_is_wrong_with_a_backup_is_said(
    alone: Shell, backed_up: Path, damage: Damage, said: str
) -> None:
    damage(backed_up)
    error = alone("restore", "b.db", "--verify", code=1).err
    assert "unsound_backup" in error
    assert said in error
    assert "another SHA-256" in error or "schema revision" in error
    alone("restore", "b.db", "--to", "new.db", code=1)
    assert not (alone.folder / "new.db").exists()


def test_torn_bytes_are_found(alone: Shell, backed_up: Path) -> None:
    data = bytearray(backed_up.read_bytes())
    data[5000:5400] = os.urandom(400)
    backed_up.write_bytes(data)
    assert "unsound_backup" in alone("restore", "b.db", "--verify", code=1).err
    backed_up.write_bytes(b"no database at all")
    assert "no whole SQLite file" in alone("restore", "b.db", "--verify", code=1).err


def test_nothing_is_overwritten_without_being_told_to(alone: Shell, backed_up: Path) -> None:
    before = backed_up.read_bytes()
    assert "is there already" in alone("backup", "b.db", code=1).err
    assert backed_up.read_bytes() == before
    assert "is there already" in alone("restore", "b.db", "--to", "test.db", code=1).err
    alone("keys", "create", "later")
    assert "later" in alone("keys", "list").out
    alone("restore", "b.db", "--to", "test.db", "--force")
    assert "later" not in alone("keys", "list").out, "it is as it was"
    alone("backup", "b.db", "--force")
    assert "say where" in alone("restore", "b.db", code=1).err


def test_the_key_of_secrets_is_taken_only_when_asked_for(alone: Shell, backed_up: Path) -> None:
    key = alone.folder / "test.db.key"
    key.write_text("the key\n")
    assert "Not in it" in alone("backup", "c.db").err
    assert not (alone.folder / "c.db.key").exists()
    assert "opens every stored secret" in alone("backup", "d.db", "--with-key").err
    copy = alone.folder / "d.db.key"
    assert copy.read_text() == "the key\n"
    assert (copy.stat().st_mode & 0o777) == 0o600
    alone("restore", "d.db", "--to", "new.db", "--with-key")
    assert (alone.folder / "new.db.key").read_text() == "the key\n"
    (alone.folder / "new.db.key").write_text("another\n")
    (alone.folder / "new.db").unlink()
    assert "another key" in alone("restore", "d.db", "--to", "new.db", "--with-key", code=1).err
    assert "has no key" in alone("restore", "c.db", "--to", "n.db", "--with-key", code=1).err


def test_messages_in_the_spool_are_taken_and_brought_back(alone: Shell, backed_up: Path) -> None:
    spool = Spool(alone.folder / "test.db.spool", 10_000)
    spool.open()
    spool.append([b"first", b"second"])
    spool.close()
    with next(spool.folder.glob("*.spool")).open("ab") as torn:
        torn.write(b"\x00\x00\x00\xff torn")
    made = alone("backup", "c.db", "--json").json
    assert made["spooled_bytes"] > 0
    alone("restore", "c.db", "--to", "new.db")
    restored = Spool(alone.folder / "new.db.spool", 10_000)
    restored.open()
    assert [record for file in restored.files() for record in restored.read(file)] == [
        b"first",
        b"second",
    ]
    restored.close()
    assert "--force sets them aside" in _refused_for_spool(alone)
    (alone.folder / "c.db.spool").write_bytes(b"")
    assert "c.db.spool has another SHA-256" in alone("restore", "c.db", "--verify", code=1).err


def _refused_for_spool(alone: Shell) -> str:
    (alone.folder / "new.db").unlink()
    return alone("restore", "b.db", "--to", "new.db", code=1).err


def test_a_database_that_a_server_holds_is_not_replaced(server: Serving, shell: Shell) -> None:
    shell("backup", "held.db", "--json")
    error = shell("restore", "held.db", "--to", str(server.folder / "test.db"), "--force", code=1)
    assert "store_locked" in error.err
    assert f"held by process {server.process.pid}" in error.err


def test_postgresql_is_dumped_and_restored_by_its_own_tools(
    alone: Shell, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone("keys", "create", "before", "--database-url", postgres_url)
    made = alone("backup", "p.dump", "--database-url", postgres_url, "--json").json
    assert made["entries"] > 10
    assert len(made["sha256"]) == 64
    alone("keys", "create", "after", "--database-url", postgres_url)
    assert alone("restore", "p.dump", "--verify", "--json").json["entries"] == made["entries"]
    assert "failed" in alone("restore", "p.dump", "--to", postgres_url, code=1).err
    alone("restore", "p.dump", "--to", postgres_url, "--force")
    listed = alone("keys", "list", "--database-url", postgres_url).out
    assert "before" in listed
    assert "after" not in listed
    assert "postgresql://…" in alone("restore", "p.dump", "--to", "x.db", code=1).err
    monkeypatch.setenv("PATH", "")
    error = alone("backup", "q.dump", "--database-url", "postgresql://u:secret@h/d", code=1).err
    assert "pg_dump --format=custom" in error, "it says how to do it by hand"
    assert "secret" not in error
