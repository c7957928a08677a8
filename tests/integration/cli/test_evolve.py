"""`colloquy evolve`: a table is moved by hand, step by step, there and back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from colloquy.evolution.migration.database import database_of
from support.command_line import Serving, Shell
from support.migration import make_old_table, old_row, run, sqlite_url, write_plan


def change(url: str, *statements: str) -> None:
    async def work() -> None:
        database = database_of(url)
        await database.open()
        await run(database, *statements)
        await database.close()

    asyncio.run(work())


def prepared(folder: Path, rows: Iterable[int] = range(1, 31)) -> str:
    """A table beside the shell, with the plan of its migration; its URL."""
    url = sqlite_url(folder)
    asyncio.run(make_old_table(url, [old_row(number) for number in rows]))
    write_plan(folder, url)
    return url


def evolve(shell: Shell, *words: str, code: int = 0) -> dict[str, object]:
    found: dict[str, object] = shell("evolve", *words, "--json", code=code).json
    return found


def test_a_table_is_moved_and_back(alone: Shell) -> None:
    url = prepared(alone.folder)
    assert "no database" in alone("evolve", "status", code=1).err
    assert evolve(alone, "start", "--reason", "spring")["stage"] == "shadow"
    refused = alone("evolve", "advance", code=1).err
    assert "the backfill is not complete; the tables were not compared" in refused

    done = evolve(alone, "backfill")
    assert (done["passed"], done["written"], done["total"]) == (30, 30, 30)
    assert evolve(alone, "backfill", "--restart", "--rate", "1000000")["written"] == 0
    change(url, "UPDATE chat SET body = 'edited' WHERE id = 3", "DELETE FROM chat WHERE id = 9")
    assert evolve(alone, "verify", code=1)["mismatched"] == 2
    assert "2 mismatches open" in alone("evolve", "advance", code=1).err

    page = evolve(alone, "mismatches", "--limit", "1")
    assert page["next"] is not None and len(page["mismatches"]) == 1
    rest = evolve(alone, "mismatches", "--cursor", str(page["next"]))
    assert rest["next"] is None and len(rest["mismatches"]) == 1
    assert "edited" in alone("evolve", "mismatches").out
    assert "cursor" in alone("evolve", "mismatches", "--cursor", "x", code=1).err

    assert evolve(alone, "reconcile") == {"looked_at": 2, "repaired": 2, "left": 0}
    assert evolve(alone, "verify")["parity"] == 1.0
    for stage in ("dual_v1", "dual_v2", "v2_only"):
        assert evolve(alone, "advance")["stage"] == stage
        evolve(alone, "verify")
    assert "last stage" in alone("evolve", "advance", code=1).err
    assert evolve(alone, "back")["stage"] == "dual_v2"
    assert "were not compared" in alone("evolve", "back", code=1).err
    assert "reason" in alone("evolve", "back", "--force", code=1).err
    forced = evolve(alone, "back", "--force", "--reason", "it burns")
    assert forced["stage"] == "dual_v1" and forced["forced"] is True

    history = evolve(alone, "status")["history"]
    assert [step["stage"] for step in history] == [
        "dual_v1", "dual_v2", "v2_only", "dual_v2", "dual_v1", "shadow",
    ]  # fmt: skip
    shown = alone("evolve", "status").out
    assert "it burns (forced)" in shown and "spring" in shown


def test_the_report_says_what_is_missing_and_what_stands_still(alone: Shell) -> None:
    url = prepared(alone.folder)
    evolve(alone, "start")
    evolve(alone, "backfill")
    change(url, "UPDATE chat SET role = 'system' WHERE id = 3")
    alone("evolve", "verify", code=1)
    report = evolve(alone, "report")
    assert report["next"] == "dual_v1" and report["stalled_s"] is None
    assert report["mismatches"] == {"open": {"different": {"role": 1}}}
    assert "1 mismatches open" in str(report["missing"])
    assert "not ready for dual_v1" in alone("evolve", "report").out
    page = evolve(alone, "mismatches")
    (row,) = page["mismatches"]
    evolve(alone, "ignore", str(row["number"]), "--reason", "a joke")
    assert evolve(alone, "verify")["mismatched"] == 0
    assert "is ignored" in alone("evolve", "ignore", "1", "--reason", "a joke").out
    assert "no mismatch 99" in alone("evolve", "ignore", "99", "--reason", "a", code=1).err

    plan = alone.folder / "migration.toml"
    plan.write_text("stall_after_s = 0.001\n" + plan.read_text(encoding="utf-8"), encoding="utf-8")
    assert "Nothing has moved" in alone("evolve", "report", code=1).out


def test_the_messages_come_into_the_log_once(alone: Shell) -> None:
    prepared(alone.folder)
    evolve(alone, "start")
    evolve(alone, "backfill")
    assert evolve(alone, "record") == {"stored": 30, "known": 0, "refused": 0}
    assert evolve(alone, "record") == {"stored": 0, "known": 0, "refused": 0}
    assert evolve(alone, "record", "--restart") == {"stored": 0, "known": 30, "refused": 0}
    lines = alone("export", "--format", "jsonl").out.splitlines()
    assert sum("Message " in line for line in lines) == 30


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('table = "chat"', 'table = "nowhere"', "has no table 'nowhere'"),
        ('"body"', '"text"', "has no column 'text'; it has id, chat_id"),
        ('"said_at"', '"body"', "body is named for two fields"),
        ('metadata = "extra"', 'metadata = "seen"', "column 'seen' has the type INTEGER"),
        ("batch = 7", "batch = 0", "batch"),
        ("batch = 7", "bath = 7", "bath"),
        ("sqlite:///", "mysql://", "no tables are moved from mysql"),
        ("sqlite:///", "sqlite:///nowhere", "there is no file"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(alone: Shell, old: str, new: str, said: str) -> None:
    prepared(alone.folder, [1])
    plan = alone.folder / "migration.toml"
    plan.write_text(plan.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert said in alone("evolve", "start", code=1).err


def test_tables_that_no_message_could_be_written_to_are_refused(alone: Shell) -> None:
    url = prepared(alone.folder, [1])
    change(url, "ALTER TABLE chat ADD COLUMN tenant TEXT NOT NULL DEFAULT 'x'")
    alone("evolve", "start")
    change(
        url,
        "ALTER TABLE chat RENAME TO former",
        "CREATE TABLE chat (id INTEGER, chat_id TEXT, role TEXT, body TEXT, extra TEXT, "
        "said_at TEXT)",
    )
    assert "must be the primary key, or unique" in alone("evolve", "backfill", code=1).err
    change(
        url,
        "DROP TABLE chat",
        "CREATE TABLE chat (id INTEGER PRIMARY KEY, chat_id TEXT, role TEXT, body TEXT, "
        "extra TEXT, said_at TEXT, tenant TEXT NOT NULL)",
    )
    assert "'tenant' takes no NULL" in alone("evolve", "backfill", code=1).err


def test_a_server_that_holds_the_database_keeps_its_stage(server: Serving, shell: Shell) -> None:
    prepared(server.folder)
    said = shell("evolve", "start", code=1).err
    assert "store_locked" in said and "a server holds this database file" in said
    assert "--url" in said and "versions.migration" in said
    assert evolve(shell, "status")["state"]["stage"] == "off"
    assert evolve(shell, "backfill")["written"] == 30
    assert evolve(shell, "record") == {"stored": 30, "known": 0, "refused": 0}


def test_steps_are_taken_through_a_server_that_has_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = prepared(tmp_path)
    plan = str(tmp_path / "migration.toml")
    serving = Serving(tmp_path, "--set", f"versions.migration={plan}")
    address = str(serving.start()["url"])
    try:
        shell = Shell(tmp_path, capsys, monkeypatch)
        key = shell("keys", "create", "ops", "--scope", "admin", "--json").json["secret"]
        there = ("--url", address, "--key", key)
        # The plan is the server's: no file is read here.
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        assert evolve(shell, "status", *there)["state"]["stage"] == "off"  # type: ignore[index]
        assert evolve(shell, "start", "--reason", "spring", *there)["stage"] == "shadow"
        assert "under way" in shell("evolve", "start", *there, code=1).err
        refused = shell("evolve", "advance", *there, code=1).err
        assert "migration_not_ready" in refused and "the backfill is not complete" in refused

        shell("evolve", "backfill", "--plan", plan)
        change(url, "UPDATE chat SET body = 'edited' WHERE id = 3")
        shell("evolve", "verify", "--plan", plan, code=1)
        page = evolve(shell, "mismatches", *there)
        (found,) = page["mismatches"]  # type: ignore[misc]
        number = str(found["number"])
        ignored = evolve(shell, "ignore", number, "--reason", "a test", *there)
        assert (ignored["state"], ignored["reason"]) == ("ignored", "a test")
        assert evolve(shell, "mismatches", *there)["mismatches"] == []
        shell("evolve", "verify", "--plan", plan)

        report = evolve(shell, "report", *there)
        assert (report["stage"], report["rows_v1"]) == ("shadow", 30)
        assert evolve(shell, "advance", *there)["stage"] == "dual_v1"
        assert "The stage is shadow." in shell("evolve", "back", "--reason", "no", *there).out
        said = evolve(shell, "status", "--limit", "2", *there)
        assert [step["stage"] for step in said["history"]] == ["shadow", "dual_v1"]  # type: ignore[attr-defined]
        refused = shell("evolve", "reconcile", "--plan", plan, *there, code=1).err
        assert "databases themselves" in refused
    finally:
        assert serving.stop() == 0
