"""The page on versions: its curls are answered so, its code runs, its flags and settings exist."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import astuple

from colloquy.api.v1.document import SCHEMAS, document
from colloquy.evolution.migration import Columns, Plan, Stage, read_plan
from colloquy.evolution.migration.database import database_of
from colloquy.evolution.v1 import ALIASES, ROLES, Shape
from colloquy.flags.registry import REGISTRY
from colloquy.settings import load_settings
from support.command_line import Shell
from support.curls import curls, play
from support.markdown import ROOT, blocks
from support.migration import run
from support.server import Server

PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")


async def test_every_curl_is_answered_as_the_page_says(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        values = {"URL": server.url, "AUTH": f"Authorization: Bearer {server.key()}"}
        await play(curls(PAGE), values)
        async with httpx.AsyncClient() as client:
            made = (await client.get(f"{server.url}/v1/openapi.json")).json()
    assert made == json.loads(json.dumps(document()))


def test_its_code_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_table(tmp_path)
    for block in blocks(PAGE, "python"):
        exec(compile(block.text, "docs/versions.md", "exec", dont_inherit=True), {})
    for one in blocks(PAGE, "json"):
        json.loads(one.text)


def test_its_flags_and_settings_exist(tmp_path: Path) -> None:
    flags = {name for name in REGISTRY if REGISTRY[name].owner == "evolution"}
    assert flags and flags == set(re.findall(r"^\| `(\w+_\w+)` \| .* \| .* \|$", PAGE, re.M)) & set(
        REGISTRY
    )
    block, _ = blocks(PAGE, "toml")
    file = tmp_path / "colloquy.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load_settings(file, {}).versions.v1_sunset == "2027-06-30T12:00:00Z"


def test_its_table_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_table(tmp_path)
    shell = Shell(tmp_path, capsys, monkeypatch)
    (block,) = [one for one in blocks(PAGE, "sh") if "colloquy evolve" in one.text]
    for line in block.text.splitlines():
        shell(*shlex.split(line)[1:])
    assert "shadow" in shell("evolve", "status").out
    section = PAGE.partition("## Moving an existing table")[2]
    stages = re.findall(r"^\| `(\w+)` \| V", section, re.M)
    assert stages == [str(stage) for stage in Stage]
    plan = read_plan(tmp_path / "migration.toml")
    assert plan == Plan(url=plan.url)


def make_table(folder: Path) -> None:
    """The table that the page moves, and its plan."""
    _, block = blocks(PAGE, "toml")
    (folder / "migration.toml").write_text(block.text, encoding="utf-8")

    async def work() -> None:
        database = database_of(f"sqlite:///{folder / 'chat.db'}", creates=True)
        await database.open()
        names = [f"{name} TEXT" for name in astuple(Columns()) if name != "id"]
        await run(
            database,
            f"CREATE TABLE messages (id INTEGER PRIMARY KEY, {', '.join(names)})",
            "INSERT INTO messages (conversation_id, role, content, created_at) "
            "VALUES ('ann', 'user', 'Is it free?', '2026-01-31 10:00:00')",
        )
        await database.close()

    asyncio.run(work())


def test_its_fields_and_the_documents_are_those_of_v1() -> None:
    described: dict[str, Any] = SCHEMAS["Message"]["properties"]
    assert set(described) == set(Shape.__struct_fields__)
    table = PAGE.partition("## A V1 message")[2].partition("**Nothing is lost")[0]
    for name in (*Shape.__struct_fields__, *ROLES, *ALIASES):
        assert f"`{name}`" in table
    for path in document()["paths"]:
        assert path in PAGE
