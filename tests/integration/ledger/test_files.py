"""Files in the ledger: captured, restored, and never overwritten when somebody changed them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from colloquy.ledger.files import Captured, Files
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.merge import ConflictPolicy
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.snapshots import Snapshots
from colloquy.model.errors import InvalidInput, NotFound, TooLarge
from colloquy.settings import LedgerSettings
from colloquy.storage.store import Store
from support.ledger import ledger_on, rolled_back


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "prompts"
    folder.mkdir()
    return folder


def opened(store: Store, *entries: Path | str, **settings: Any) -> tuple[Ledger, Files]:
    files = Files(store, LedgerSettings(files=tuple(map(str, entries)), **settings))
    return ledger_on(store, files), files


BINARY = bytes(range(256)) * 20


async def test_files_come_back_to_the_byte(store: Store, root: Path) -> None:
    ledger, files = opened(store, root)
    (root / "a.txt").write_bytes(BINARY)
    (root / "sub").mkdir()
    (root / "sub" / "run.sh").write_text("echo\n")
    (root / "sub" / "run.sh").chmod(0o750)
    await files.capture(ledger, [str(root)], "ann")
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    (root / "a.txt").write_text("other")
    (root / "sub" / "run.sh").unlink()
    (root / "sub").rmdir()
    (root / "new").write_text("new")
    done = await files.capture(ledger, [str(root)], "ann")
    assert done == Captured(["prompts/a.txt", "prompts/new"], ["prompts/sub/run.sh"], 0)
    assert await files.capture(ledger, ["prompts"], "ann") == Captured([], [], 2)
    back = await rolled_back(ledger, Request(point=point.id, strategy="safe"))
    assert (back.status, back.error) == ("completed", None)
    assert (root / "a.txt").read_bytes() == BINARY
    assert (root / "sub" / "run.sh").read_text() == "echo\n"
    assert (root / "sub" / "run.sh").stat().st_mode & 0o7777 == 0o750
    assert sorted(one.name for one in root.iterdir()) == ["a.txt", "sub"]
    undone = await rolled_back(ledger, Request(undo=back.id))
    assert undone.status == "completed"
    assert {one.name for one in root.iterdir() if one.is_file()} == {"a.txt", "new"}
    assert (root / "a.txt").read_text() == "other"
    events = [row.event for row in (await ledger.audit.page(None, 50)).rows]
    assert events.count("files_restored") == 2


async def test_what_was_changed_since_its_capture_is_a_conflict(store: Store, root: Path) -> None:
    ledger, files = opened(store, root)
    for name in ("edited", "mode", "gone", "link", "quiet"):
        (root / name).write_text("1")
    await files.capture(ledger, [str(root)], "ann")
    point = await ledger.create_point(NewPoint(name="p"), "ann")
    for name in ("edited", "mode", "gone", "link", "quiet"):
        (root / name).write_text("2")
    await files.capture(ledger, [str(root)], "ann")
    (root / "edited").write_text("by hand")
    (root / "mode").chmod(0o600)
    (root / "gone").unlink()
    (root / "link").unlink()
    (root / "link").symlink_to(root / "quiet")
    request = Request(point=point.id, on_conflict=ConflictPolicy.SKIP)
    assert (await rolled_back(ledger, request)).status == "completed"
    conflicts = (await ledger.operations.conflicts(None, 10)).rows
    assert {row.key.rpartition("/")[2] for row in conflicts} == {"edited", "mode", "gone", "link"}
    assert {row.kind for row in conflicts} == {"permission_denied"}
    assert (root / "edited").read_text() == "by hand"
    assert not (root / "gone").exists()
    assert (root / "link").is_symlink()
    assert (root / "quiet").read_text() == "1"
    aborted = await rolled_back(ledger, Request(point=point.id))
    assert aborted.error_code == "rollback_conflict"


async def test_settling_is_done_again_without_harm(store: Store, root: Path) -> None:
    ledger, files = opened(store, root)
    path = root / "a"
    path.write_text("1")
    await files.capture(ledger, [str(path)], "ann")
    path.write_text("2")
    await files.capture(ledger, [str(path)], "ann")
    for content in ("1", "2"):  # a crash came before the file was written, or after
        path.write_text(content)
        await files.settle(["prompts/a"])
        assert path.read_text() == "2"
    path.write_text("by hand")
    await files.settle(["prompts/a", "prompts/unknown", "elsewhere/x"])
    assert path.read_text() == "by hand"
    path.unlink()
    (root / "a.tmp").write_text("")
    await files.settle(["prompts/a"])
    assert path.read_text() == "2"
    assert sorted(one.name for one in root.iterdir()) == ["a", "a.tmp"]


async def test_what_a_crash_left_undone_is_done_when_the_operation_goes_on(
    store: Store, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, files = opened(store, root)
    (root / "a").write_text("1")
    await files.capture(ledger, [str(root)], "ann")
    point = await ledger.create_point(NewPoint(name="p"), "ann")
    (root / "a").write_text("2")
    await files.capture(ledger, [str(root)], "ann")
    operation = await ledger.start(Request(point=point.id), "ann")

    async def dies(keys: list[str]) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files, "settle", dies)
        with pytest.raises(KeyboardInterrupt):
            await ledger.run(operation.id)
    assert (root / "a").read_text() == "2"
    assert (await ledger.run(operation.id)).status == "completed"
    assert (root / "a").read_text() == "1"


async def test_a_link_never_leads_out(store: Store, root: Path, tmp_path: Path) -> None:
    ledger, files = opened(store, root)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    os.mkfifo(root / "pipe")
    assert await files.capture(ledger, [str(root)], "ann") == Captured([], [], 0)
    for path in (
        "file", "folder/secret", "folder", "pipe", "../outside/secret", "./x", "folder/../file",
        "a//b", "",
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            await files.capture(ledger, [f"prompts/{path}"], "ann")
    for path in (str(outside / "secret"), str(tmp_path), "/etc/passwd", f"{root}/../outside",
                 "outside/secret", f"{root}x", "a\0b"):  # fmt: skip
        with pytest.raises(InvalidInput):
            await files.capture(ledger, [path], "ann")
    assert await ledger.history.head() == 0
    # Nor does one that is put where a file was restored to before.
    (root / "sub").mkdir()
    (root / "sub" / "a").write_text("1")
    await files.capture(ledger, ["prompts/sub/a"], "ann")
    (root / "sub" / "a").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to(outside)
    await files.settle(["prompts/sub/a"])
    assert [one.name for one in outside.iterdir()] == ["secret"]


async def test_only_what_the_settings_allow(store: Store, root: Path, tmp_path: Path) -> None:
    for name in ("a.md", "b.txt", "sub"):
        (root / name).mkdir() if name == "sub" else (root / name).write_text(name)
    (root / "sub" / "c.md").write_text("c")
    ledger, files = opened(store, f"{root}/*.md")
    assert (await files.capture(ledger, [str(root)], "ann")).changed == ["prompts/a.md"]
    with pytest.raises(InvalidInput):
        await files.capture(ledger, ["prompts/b.txt"], "ann")
    ledger, files = opened(store, f"{root}/**.md", f"{root}/*.txt")
    done = await files.capture(ledger, [str(root)], "ann")
    assert done.changed == ["prompts/b.txt", "prompts/sub/c.md"]
    _, files = opened(store)
    with pytest.raises(InvalidInput):
        await files.capture(ledger, [str(root)], "ann")
    with pytest.raises(InvalidInput):
        opened(store, root, tmp_path / "other" / "prompts")
    with pytest.raises(InvalidInput):
        opened(store, "/")


async def test_limits(store: Store, root: Path) -> None:
    ledger, files = opened(store, root, max_file_bytes=2000, max_files_bytes=4096)
    for name in "abc":
        (root / name).write_bytes(b"x" * 2000)
    with pytest.raises(TooLarge, match="together"):
        await files.capture(ledger, [str(root)], "ann")
    (root / "c").write_bytes(b"x" * 2001)
    with pytest.raises(TooLarge, match="prompts/c"):
        await files.capture(ledger, ["prompts/a", "prompts/c"], "ann")
    with pytest.raises(NotFound):
        await files.capture(ledger, ["prompts/missing"], "ann")
    assert await ledger.history.head() == 0
    ledger, files = opened(store, root)
    (root / "c").write_bytes(os.urandom(1024 * 1024))
    assert len((await files.capture(ledger, [str(root)], "ann")).changed) == 3


async def test_a_snapshot_brings_files_along(store: Store, root: Path, tmp_path: Path) -> None:
    ledger, files = opened(store, root)
    (root / "a").write_bytes(BINARY)
    await files.capture(ledger, [str(root)], "ann")
    snapshots = Snapshots(ledger, LedgerSettings())
    await snapshots.export(tmp_path / "s", "ann")
    (root / "a").unlink()
    await files.capture(ledger, [str(root)], "ann")
    done = await snapshots.import_(tmp_path / "s", "overwrite", "ann")
    assert (done.written, done.refused) == (1, [])
    assert (root / "a").read_bytes() == BINARY
    (root / "a").write_text("by hand")
    done = await snapshots.import_(tmp_path / "s", "overwrite", "ann")
    assert (root / "a").read_text() == "by hand"
