"""The page on versions: its curls are answered so, its code runs, its flags and settings exist."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx

from colloquy.api.v1.document import SCHEMAS, document
from colloquy.evolution.v1 import ALIASES, ROLES, Shape
from colloquy.flags.registry import REGISTRY
from colloquy.settings import load_settings
from support.curls import curls, play
from support.markdown import ROOT, blocks
from support.server import Server

PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")


async def test_every_curl_is_answered_as_the_page_says(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        values = {"URL": server.url, "AUTH": f"Authorization: Bearer {server.key()}"}
        await play(curls(PAGE), values)
        async with httpx.AsyncClient() as client:
            made = (await client.get(f"{server.url}/v1/openapi.json")).json()
    assert made == json.loads(json.dumps(document()))


def test_its_code_runs() -> None:
    (block,) = blocks(PAGE, "python")
    exec(compile(block.text, "docs/versions.md", "exec", dont_inherit=True), {})
    for one in blocks(PAGE, "json"):
        json.loads(one.text)


def test_its_flags_and_settings_exist(tmp_path: Path) -> None:
    flags = {name for name in REGISTRY if REGISTRY[name].owner == "evolution"}
    assert flags and flags == set(re.findall(r"^\| `(\w+_\w+)` \| .* \| .* \|$", PAGE, re.M)) & set(
        REGISTRY
    )
    (block,) = blocks(PAGE, "toml")
    file = tmp_path / "colloquy.toml"
    file.write_text(block.text, encoding="utf-8")
    assert load_settings(file, {}).versions.v1_sunset == "2027-06-30T12:00:00Z"


def test_its_fields_and_the_documents_are_those_of_v1() -> None:
    described: dict[str, Any] = SCHEMAS["Message"]["properties"]
    assert set(described) == set(Shape.__struct_fields__)
    table = PAGE.partition("## A V1 message")[2].partition("**Nothing is lost")[0]
    for name in (*Shape.__struct_fields__, *ROLES, *ALIASES):
        assert f"`{name}`" in table
    for path in document()["paths"]:
        assert path in PAGE
