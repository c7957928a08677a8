"""`colloquy ledger`, through a server and on a database that nobody serves."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from colloquy.ledger.collections import Collections
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.snapshots import Snapshots
from colloquy.settings import LedgerSettings
from colloquy.storage.file_lock import FileLock
from colloquy.storage.sqlite import SqliteStore
from support.command_line import Serving, Shell


async def write(database: Path, *records: tuple[str, Any, str]) -> None:
    """Records of the collection `prices` in a database that nobody serves."""
    store = SqliteStore(database)
    await store.open()
    ledger = Ledger(store, Collections())
    for key, value, actor in records:
        await ledger.put("prices", key, value, actor)
    await store.close()


def put(shell: Shell, *records: tuple[str, Any, str]) -> None:
    asyncio.run(write(shell.folder / "test.db", *records))


async def export_prices(database: Path, to: Path, count: int) -> None:
    """A snapshot of so many records of the collection `prices`."""
    await write(database, *((f"k{number}", number, "ann") for number in range(count)))
    store = SqliteStore(database)
    await store.open()
    await Snapshots(Ledger(store, Collections()), LedgerSettings()).export(to, "ann")
    await store.close()


ONLY = ("--collection", "prices")


def test_back_to_a_point_and_forward_again(alone: Shell) -> None:
    put(alone, ("a", {"amount": 1}, "ann"), ("b", {"amount": 2}, "ann"))
    point = alone("ledger", "points", "create", "good", "--tag", "x").out.strip()
    put(alone, ("a", {"amount": 9}, "import"), ("c", {"amount": 3}, "import"))
    preview = alone("ledger", "preview", "--point", point, *ONLY).out
    assert "2 records (1 remove, 1 restore)" in preview
    assert "amount changed from 9 to 1" in preview
    refused = alone("ledger", "rollback", "--point", point, code=1)
    assert "error: invalid_input: yes:" in refused.err, "nobody can be asked"
    done = alone("ledger", "rollback", "--point", point, *ONLY, "--yes", "--reason", "bad").out
    assert "completed: 2 records restored." in done
    assert '"amount": 1' in alone("ledger", "record", "prices/a").out
    assert "No such record" in alone("ledger", "record", "prices/c", code=1).err
    assert alone("ledger", "record", "prices/a", "--at", point, "--json").json["value"] == {
        "amount": 1
    }
    (operation,) = alone("ledger", "operations", "list", "--json").json["operations"]
    assert (operation["status"], operation["actor"], operation["reason"]) == (
        "completed", "cli", "bad",
    )  # fmt: skip
    shown = alone("ledger", "operations", "show", operation["id"]).out
    assert "completed (done)" in shown
    log = alone("ledger", "operations", "log", operation["id"]).out
    assert "2 records restored" in log
    assert alone("ledger", "operations", "log", operation["id"], "--follow").out == log
    items = alone("ledger", "operations", "items", operation["id"], "--json").json["items"]
    assert [(item["key"], item["state"]) for item in items] == [("a", "applied"), ("c", "applied")]
    undone = alone("ledger", "operations", "undo", operation["id"], "--yes", "--json").json
    assert (undone["kind"], undone["status"]) == ("undo", "completed")
    different = alone("ledger", "diff", point, *ONLY).out
    assert "changed prices/a" in different
    assert '+   "amount": 9' in different
    trail = alone("ledger", "audit", "--event", "rollback_executed", "--json").json["entries"]
    assert len(trail) == 2


def test_the_log_and_the_points_are_listed(alone: Shell) -> None:
    put(alone, ("a", 1, "ann"), ("a", 2, "ben"), ("b", 1, "ann"))
    assert "prices/a" in alone("ledger", "log").out
    (by_ben,) = alone("ledger", "log", "--record", "prices/a", "--actor", "ben", "--json").json[
        "changes"
    ]
    shown = alone("ledger", "show", str(by_ben["position"]), "--format", "word").out
    assert "[-1-]{+2+}" in shown
    assert "error: invalid_input: record" in alone("ledger", "log", "--record", "x", code=1).err
    assert "No rollback points" in alone("ledger", "points", "list").out
    point = alone("ledger", "points", "create", "p", "--days", "2", "--json").json["id"]
    assert "is kept" in alone("ledger", "points", "keep", point).out
    assert "expires at" in alone("ledger", "points", "expire", point, "--days", "1").out
    assert point in alone("ledger", "points", "list").out
    alone("ledger", "points", "delete", point)
    assert "error: not_found" in alone("ledger", "points", "delete", point, code=1).err
    assert "newest position  3" in alone("ledger", "status").out
    assert "kept for points  nothing was compacted yet" in alone("ledger", "status").out
    kept = alone("ledger", "points", "create", "kept", "--keep").out.strip()
    put(alone, ("a", 3, "ann"))
    assert "0 changes forgotten" in alone("ledger", "compact").out
    assert "1 change forgotten" in alone("ledger", "compact", "--to", "4").out
    assert "kept for points  1 change, 1 byte (counted" in alone("ledger", "status").out
    (listed,) = alone("ledger", "points", "list", "--json").json["points"]
    assert (listed["id"], listed["pinned_rows"], listed["pinned_bytes"]) == (kept, 1, 1)


def test_a_conflict_is_shown_and_decided(alone: Shell) -> None:
    put(alone, ("a", {"amount": 1}, "ann"), ("a", {"amount": 2}, "import"),
        ("a", {"amount": 3}, "ben"))  # fmt: skip
    waits = alone("ledger", "rollback", "--to", "1", *ONLY, "--actor", "import",
                  "--on-conflict", "ask_user", "--yes")  # fmt: skip
    assert "waits: 1 conflict to decide" in waits.out
    (conflict,) = alone("ledger", "conflicts", "list", "--state", "open", "--json").json[
        "conflicts"
    ]
    shown = alone("ledger", "conflicts", "show", conflict["id"]).out
    assert '-   "amount": 3' in shown
    assert '+   "amount": 1' in shown
    bad = alone("ledger", "conflicts", "decide", conflict["id"], "edit", "--value", "{", code=1)
    assert "error: invalid_input: value" in bad.err
    decided = alone(
        "ledger", "conflicts", "decide", conflict["id"], "edit", "--value", '{"amount": 7}'
    )
    assert decided.out == "prices/a: edit\n"
    assert alone("ledger", "record", "prices/a", "--json").json["value"] == {"amount": 7}
    (operation,) = alone("ledger", "operations", "list", "--json").json["operations"]
    assert operation["status"] == "completed"


def test_a_failed_rollback_ends_with_one(alone: Shell) -> None:
    put(alone, ("a", 1, "ann"), ("a", 2, "import"), ("a", 3, "ben"))
    failed = alone("ledger", "rollback", "--to", "1", *ONLY, "--actor", "import", "--yes", code=1)
    assert "failed: rollback_conflict" in failed.out
    assert alone("ledger", "record", "prices/a", "--json").json["value"] == 3


def test_a_snapshot_goes_out_and_in(alone: Shell) -> None:
    put(alone, ("a", 1, "ann"), ("b", 2, "ann"))
    point = alone("ledger", "points", "create", "good").out.strip()
    file = str(alone.folder / "good.snapshot")
    alone("ledger", "export", point, file)
    assert "--force" in alone("ledger", "export", point, file, code=1).err
    put(alone, ("a", 5, "ben"))
    assert "error: rollback_conflict" in alone("ledger", "import", file, code=1).err
    done = alone("ledger", "import", file, "--on-difference", "overwrite", "--json").json
    assert (done["written"], done["unchanged"]) == (1, 1)
    assert alone("ledger", "record", "prices/a", "--json").json["value"] == 1
    (alone.folder / "bad").write_bytes(b"no snapshot")
    assert "error: snapshot_corrupted" in alone("ledger", "import", "bad", code=1).err


def test_through_a_server(shell: Shell, server: Serving) -> None:
    with httpx.Client(
        base_url=server.said["url"],
        headers={"authorization": f"Bearer {FileLock(server.folder / 'test.db').read()['token']}"},
    ) as client:
        message = {"conversation": "ann", "text": "hello"}
        answer = client.post("/v2/messages?wait=20", json=message).raise_for_status()
        conversation = answer.json()["receipt"]["conversation_id"]
        client.post(f"/v2/conversations/{conversation}/owner", json={"owner": "human"})
    (newest, *_) = shell("ledger", "log", "--json").json["changes"]
    assert newest["collection"] == "session_state"
    point = shell("ledger", "points", "create", "good").out.strip()
    done = shell("ledger", "rollback", "--point", point, "--wait", "--yes", "--json").json
    assert (done["status"], done["total"]) == ("completed", 0)
    begun = shell("ledger", "rollback", "--point", point, "--yes").out
    assert "has begun: colloquy ledger operations show" in begun
    missing = shell("ledger", "operations", "show", "0" * 32, code=1)
    assert "error: not_found" in missing.err
    file = shell.folder / "out.snapshot"
    shell("ledger", "export", point, str(file))
    unchanged = shell("ledger", "import", str(file), "--json").json
    assert unchanged["written"] == 0
    assert shell("ledger", "compact", "--json").json["rows"] == 0
    assert shell("ledger", "diff", point, "--json").json["differences"] == []
    assert shell("ledger", "conflicts", "list").out == "No conflicts.\n"


def test_the_log_is_followed_until_the_operation_ends(shell: Shell, server: Serving) -> None:
    file = shell.folder / "prices.snapshot"
    asyncio.run(export_prices(shell.folder / "other.db", file, 8))
    shell("ledger", "import", str(file))
    slow = shell("ledger", "rollback", "--to", "0", *ONLY, "--strategy", "gradual", "--batch", "2",
                 "--pause", "0.2", "--yes", "--json").json  # fmt: skip
    followed = shell(
        "ledger", "operations", "log", slow["id"], "--follow", "--limit", "2", "--json"
    )
    lines = [json.loads(line) for line in followed.out.splitlines()]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["message"] == "8 records restored"
    shown = shell("ledger", "operations", "log", slow["id"]).out
    assert shell("ledger", "operations", "log", slow["id"], "--follow").out == shown


@pytest.mark.parametrize(
    "words",
    [
        ("rollback", "--yes"),
        ("rollback", "--to", "0", "--point", "0" * 32, "--yes"),
        ("rollback", "--to", "99", "--yes"),
        ("rollback", "--time", "yesterday", "--yes"),
        ("preview", "--to", "0", "--record", "nokey"),
    ],
)
def test_what_does_not_fit_is_said(alone: Shell, words: tuple[str, ...]) -> None:
    put(alone, ("a", 1, "ann"))
    assert "error: invalid_input" in alone("ledger", *words, code=1).err
