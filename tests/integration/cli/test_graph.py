"""`colloquy graph`, through a server and on a database that nobody serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from colloquy.graph.ids import relationship_id
from support.command_line import Shell

FLAT = "docs/flat|12 \N{HOUSE BUILDING}"
KNOWN: dict[str, Any] = {
    "entities": [
        {"id": FLAT, "kind": "product", "attributes": {"name": "Flat 12", "features": ["lift"]}},
        {"id": "ann", "kind": "person", "attributes": {"name": "Ann Lee"}},
        {"id": "annie", "kind": "person", "attributes": {"language": "de"}},
    ],
    "relationships": [{"source": "ann", "type": "INTERESTED_IN", "target": FLAT}],
    "facts": [
        {"subject": FLAT, "predicate": "status", "value": status, "said": "2026-01-01T00:00:00Z",
         "valid_from": "2026-01-01T00:00:00Z", "evidence": {"source": "document", "event": 77}}
        for status in ("available", "sold")
    ],
}  # fmt: skip


def write(folder: Path, name: str, content: str) -> str:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return str(file)


def go_round(shell: Shell, folder: Path) -> None:
    """Learns, looks at it from all sides, takes it back."""
    learned = shell("graph", "learn", write(folder, "known.json", json.dumps(KNOWN)), "--json").json
    assert (learned["new"], learned["contradictions"]) == (10, 1)
    position = learned["position"]
    listed = shell("graph", "entities", "--kind", "person", "--json").json["entities"]
    assert [one["id"] for one in listed] == ["ann", "annie"]
    assert "Flat 12" in shell("graph", "entities", "docs/").out
    flat = shell("graph", "entity", FLAT, "--json").json
    assert flat["attributes"]["features"] == ["lift"]
    assert "name             Flat 12" in shell("graph", "entity", FLAT).out
    facts = shell("graph", "facts", FLAT, "--predicate", "status", "--json").json["facts"]
    (said,) = facts[0]["assertions"]
    assert said["evidence"] == {"source": "document", "event": 77}
    assert "document 77" in shell("graph", "facts", FLAT).out
    (clash,) = shell("graph", "contradictions", "--json").json["contradictions"]
    assert {clash["chosen"]["value"], clash["other"]["value"]} == {"available", "sold"}
    assert "available" in shell("graph", "contradictions").out
    made = shell("graph", "checkpoint", "create", "ann", "--hops", "1", "--json").json
    assert (made["reason"], made["seeds"], made["hops"]) == ("manual", ["ann"], 1)
    assert made["id"] in shell("graph", "checkpoint", "list").out
    assert len(shell("graph", "checkpoint", "list", "--json").json["checkpoints"]) == 1
    shown = shell("graph", "checkpoint", "show", made["id"], "--json").json
    assert {one["id"] for one in shown["entities"]} == {"ann", FLAT}
    assert "Ann Lee" in shell("graph", "checkpoint", "show", made["id"]).out
    assert len(shell("graph", "checkpoint", "create", "ann", "--incident").out.strip()) == 32
    near = shell("graph", "neighbours", "ann", "--type", "INTERESTED_IN", "--json").json
    assert [one["id"] for one in near["entities"]] == ["ann", FLAT]
    assert "INTERESTED_IN" in shell("graph", "neighbours", FLAT, "--direction", "incoming").out
    assert shell("graph", "path", FLAT, "ann").out == f"{FLAT} ←INTERESTED_IN- ann\n"
    assert shell("graph", "path", "ann", "annie", "--all", code=1).out == "No way.\n"
    impact = shell("graph", "impact", FLAT, "--change", "delete")
    assert impact.out.startswith("risk low, score 0.14, 1 entities")
    found = shell("graph", "search", "flat", "--mode", "text", "--json").json
    assert found["mode"] == "text"
    merged = shell("graph", "merge", "ann", "annie", "--note", "the same number", "--json").json
    assert merged["new"] == 1
    assert 'also known as    ["annie"]' in shell("graph", "entity", "annie").out
    assert "facts opened" in shell("graph", "unmerge", "ann", "annie").out
    shell("graph", "retract", "--event", "77", "--reason", "the list was old")
    assert shell("graph", "facts", FLAT, "--predicate", "status").out == "No facts.\n"
    before = shell("graph", "entity", FLAT, "--as-of", str(position), "--json").json
    assert before["attributes"]["status"] in ("available", "sold")
    versions = shell("graph", "timeline", FLAT, "--predicate", "status", "--json").json["versions"]
    assert all(one["learned_to"] for one in versions)
    assert "status" in shell("graph", "timeline", FLAT).out
    figures = shell("graph", "statistics", "--json").json
    assert (figures["entities"], figures["relationships"]) == ({"person": 2, "product": 1}, 1)
    assert "relationships" in shell("graph", "statistics").out
    for wrong in (
        ("retract",), ("retract", "a|b", "--event", "1"), ("entity", FLAT, "--as-of", "yesterday"),
        ("entities", "--kind", "ghost"), ("search", " "),
    ):  # fmt: skip
        assert "error: invalid_input" in shell("graph", *wrong, code=1).err, wrong
    assert "error: not_found" in shell("graph", "entity", "nobody", code=1).err


def test_on_a_database_that_nobody_serves(alone: Shell, tmp_path: Path) -> None:
    go_round(alone, tmp_path)
    # Without a server the command itself indexes what was learned.
    (hit,) = alone("graph", "search", "flat", "--mode", "text", "--json").json["hits"]
    assert hit["id"] == FLAT
    assert "Flat 12" in alone("graph", "search", "apartment with an elevator").out


def test_through_a_server(shell: Shell, tmp_path: Path) -> None:
    go_round(shell, tmp_path)


def test_lines_are_learned_in_batches_and_a_wrong_one_is_named(
    alone: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("colloquy.cli.graph.teaching.MAX_BATCH", 3)
    lines: list[dict[str, Any]] = [
        {"id": f"t{n}", "kind": "topic", "attributes": {"name": f"T {n}"}} for n in range(5)
    ]
    lines += [{"source": "ann", "type": "TALKED_ABOUT", "target": f"t{n}"} for n in range(2)]
    lines += [{"subject": "ann", "predicate": "age", "value": 30}]
    text = "\n".join(json.dumps(one) for one in lines)
    learned = alone("graph", "learn", write(tmp_path, "a.jsonl", text), "--json").json
    assert (learned["new"], learned["repeated"]) == (13, 0)
    assert alone("graph", "statistics", "--json").json["entities"] == {"topic": 5}
    for file, content, place in (
        ("b.jsonl", '\n{"id": "x", "kind": "ghost"}', "line 2.kind: unknown kind"),
        ("c.jsonl", '{"id": "x"}', "line 1: "),
        ("d.jsonl", "{", "line 1: "),
        (
            "e.json",
            json.dumps({"facts": [*[{"subject": "a", "predicate": "b", "value": 1}] * 4,
                                  {"subject": "a", "predicate": "=", "value": 1}]}),
            "facts[4].predicate: ",
        ),
        ("f.json", json.dumps({"facts": [{"subject": "a"}]}), "facts[0].predicate"),
        ("g.json", "{}", "nothing to learn"),
    ):  # fmt: skip
        refused = alone("graph", "learn", write(tmp_path, file, content), code=1)
        assert place in refused.err, (file, refused.err)
    assert "error: invalid_input" in alone("graph", "learn", "nowhere.json", code=1).err


def test_noise_is_named_by_its_place_and_older_ids_are_kept(alone: Shell, tmp_path: Path) -> None:
    calls = [
        {"source": "F", "type": "CALLS", "target": target, "attributes": {"inferred": True}}
        for target in ("external:lodash", "function:ab")
    ]
    text = "\n".join(["", *(json.dumps(one) for one in calls)])
    file = write(tmp_path, "calls.jsonl", text)
    learned = alone("graph", "learn", file, "--older-ids", "--json").json
    assert learned["refused"] == [{"field": "line 3", "reason": "too_short"}]
    assert "1 passed over: too_short" in alone("graph", "learn", file).out
    edge = relationship_id({"fromEntityId": "F", "type": "CALLS", "toEntityId": "external:lodash"})
    facts = alone("graph", "facts", edge, "--predicate", "olderId", "--json").json["facts"]
    assert [one["value"] for one in facts] == ["rel_b2a44fc7c795d2da568fd139be2b1531d5b1a97d"]
