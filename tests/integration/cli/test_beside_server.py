"""Commands while a server runs: they go through it."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from colloquy.client import Answer, AsyncClient
from colloquy.model import ids
from colloquy.model.errors import Forbidden, Unauthenticated
from colloquy.model.message import Message
from support.command_line import Serving, Shell


def send(server: Serving, *texts: str, key: str) -> list[Answer]:
    """Messages of one conversation, each answered before the next."""

    async def work() -> list[Answer]:
        async with AsyncClient(server.said["url"], server.said["admin_key"]) as client:
            return [
                await client.send(Message(conversation=key, id=f"{key}-{number}", text=text), 30.0)
                for number, text in enumerate(texts)
            ]

    return asyncio.run(work())


def log_of(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "topic": "parcels",
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Where is it?"},
            {"role": "assistant", "content": None, "tool_calls": [
                {"id": "c1", "type": "function",
                 "function": {"name": "find", "arguments": '{"number":12}'}}]},
            {"role": "tool", "tool_call_id": "c1", "content": "on its way"},
            {"role": "assistant", "content": "It is on its way."},
        ],
    }  # fmt: skip


def test_the_first_start_shows_an_admin_key(server: Serving) -> None:
    assert server.said["admin_key"].startswith("cq_")
    assert server.said["chat"] == server.said["url"] + "/chat"


def test_history_comes_in_once_and_goes_out_as_it_was(shell: Shell, tmp_path: Path) -> None:
    names = [f"log-{uuid4().hex[:8]}" for _ in range(3)]
    file = tmp_path / "logs.jsonl.gz"
    file.write_bytes(gzip.compress(b"".join(json.dumps(log_of(n)).encode() + b"\n" for n in names)))
    first = shell("import", str(file), "--json").json
    assert (first["format"], first["conversations"], first["messages"]) == ("openai", 3, 15)
    assert (first["stored"], first["duplicates"]) == (15, 0)
    again = shell("import", str(file), "--format", "openai", "--json").json
    assert (again["stored"], again["duplicates"]) == (0, 15)

    out = tmp_path / "out.jsonl.gz"
    done = shell("export", str(out), "--format", "openai", "--json").json
    assert done["conversations"] >= 3
    rows = {
        row["id"]: row for row in map(json.loads, gzip.decompress(out.read_bytes()).splitlines())
    }
    for name in names:
        assert rows[name] == log_of(name), "recorded in order, not answered"


def test_export_of_one_conversation_in_each_form(server: Serving, shell: Shell) -> None:
    key = uuid4().hex
    receipt = send(server, "one", "two", key=key)[0].receipt
    chosen = ("--conversation", receipt.conversation_id)
    lines = shell("export", *chosen).out.splitlines()
    said = [msgspec.json.decode(line, type=Message) for line in lines]
    assert [one.text for one in said] == ["one", "You said: one", "two", "You said: two"]
    assert [one.metadata.get("author") for one in said] == [None, "assistant"] * 2
    (row,) = shell("export", "-", "--format", "openai", *chosen).out.splitlines()
    roles = [one["role"] for one in json.loads(row)["messages"]]
    assert roles == ["user", "assistant"] * 2
    events = [
        json.loads(line)
        for line in shell("export", "--format", "events", *chosen).out.split("\n")[:-1]
    ]
    assert [event["seq"] for event in events] == [1, 2, 3, 4, 5]
    assert {event["conversation_id"] for event in events} == {receipt.conversation_id}


def test_an_export_that_cannot_be_written_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    assert "file: " in shell("export", str(tmp_path / "no" / "out"), code=1).err
    assert shell(
        "export", str(tmp_path / "out"), "--conversation", "00" * 16, code=1
    ).err.startswith("error: not_found")
    assert not list(tmp_path.iterdir())


def test_bad_rows_are_told_and_left_out_or_stop_everything(shell: Shell, tmp_path: Path) -> None:
    key = uuid4().hex
    file = tmp_path / "some.jsonl"
    good = [{"conversation": key, "id": str(number), "text": "hi"} for number in range(2)]
    rows = [json.dumps(good[0]), "{oops", json.dumps({"conversation": key}), json.dumps(good[1])]
    file.write_text("\n".join(rows))
    refused = shell("import", str(file), "--json", code=1)
    assert msgspec.json.decode(refused.err.splitlines()[-1])["problems"][0]["line"] == 2
    result = shell("import", str(file), "--keep-going", "--json")
    assert (result.json["stored"], result.json["bad_rows"]) == (2, 2)
    assert [(one["line"], one["code"]) for one in result.json["problems"]] == [
        (2, "malformed_json"),
        (3, "invalid_input"),
    ]
    assert "line 2: malformed_json" in result.err
    changed = tmp_path / "changed.jsonl"
    changed.write_text(json.dumps(good[0] | {"text": "something else"}))
    conflict = shell("import", str(changed), "--json", code=1).json
    assert (conflict["refused"], conflict["problems"][0]["code"]) == (1, "message_id_reused")


def test_files_that_are_no_logs(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text('{"transcript": "user: hi"}\n')
    assert "neither V2 messages, OpenAI-form logs" in shell("import", str(file), code=1).err
    found = shell("import", str(file), "--format", "jsonl", "--keep-going", "--json", code=1).json
    assert found["bad_rows"] == 1
    assert "not_found" in shell("import", str(tmp_path / "none"), code=1).err


def test_long_texts_of_an_import_are_kept(shell: Shell, tmp_path: Path) -> None:
    key = uuid4().hex
    text = "long story " * 30_000
    file = tmp_path / "long.jsonl"
    file.write_text(json.dumps({"conversation": key, "id": "1", "text": text}))
    assert shell("import", str(file), "--json").json["stored"] == 1
    conversation = ids.conversation_id("api", "default", key)
    _until_done(shell, ids.message_id(conversation, "1").hex())
    (row,) = shell("export", "--conversation", conversation.hex()).out.splitlines()
    assert json.loads(row)["text"] == text


def test_a_trace_tells_everything(server: Serving, shell: Shell) -> None:
    (answer,) = send(server, "hello", key=uuid4().hex)
    found = shell("trace", answer.receipt.message_id, "--json").json
    assert found["state"]["state"] == "done"
    assert {"accepted", "message", "reply"} <= {step["what"] for step in found["steps"]}
    shown = shell("trace", answer.receipt.message_id).out
    assert "done" in shown
    assert "reply assistant: You said: hello" in shown
    assert "not_found" in shell("trace", "00" * 16, code=1).err
    assert "invalid_input" in shell("trace", "xyz", code=1).err


def test_dead_letters_from_death_to_rest(server: Serving, shell: Shell) -> None:
    key, other = uuid4().hex, uuid4().hex
    (first, second) = send(server, "poison one", "poison two", key=key)
    (third,) = send(server, "poison three", key=other)
    page = shell("dead-letters", "list", "--json").json
    mine = [one for one in page["dead_letters"] if one["message"]["conversation"] in (key, other)]
    assert [one["message_id"] for one in mine] == [
        answer.receipt.message_id for answer in (third, second, first)
    ], "newest first"
    assert {one["cause"] for one in mine} == {"ValueError"}
    listed = shell("dead-letters", "list", "--limit", "1").out
    assert "ValueError" in listed
    following = listed.rpartition("--cursor ")[2].strip()
    (next_one,) = shell(
        "dead-letters", "list", "--limit", "1", "--cursor", following, "--json"
    ).json["dead_letters"]
    assert next_one["number"] < mine[0]["number"]

    number = str(mine[2]["number"])
    shown = shell("dead-letters", "show", number).out
    assert "this cannot be handled yet" in shown
    assert "poison one" in shown
    assert len(shell("dead-letters", "show", number, "--json").json["attempts"]) >= 2
    assert shell("dead-letters", "retry", code=1).err.startswith("error: invalid_input: numbers")
    both = ("--all", "--conversation", first.receipt.conversation_id)
    assert "invalid_input" in shell("dead-letters", "discard", *both, code=1).err

    (server.folder / "mended").touch()
    try:
        done = shell(
            "dead-letters", "retry", "--conversation", first.receipt.conversation_id, "--json"
        ).json
        assert done == {"retried": [mine[2]["number"], mine[1]["number"]]}
        state = _until_done(shell, second.receipt.message_id)
        assert state["replies"][0]["text"] == "You said: poison two"
    finally:
        (server.folder / "mended").unlink()
    assert shell("dead-letters", "discard", "--all", "--json").json == {
        "discarded": [mine[0]["number"]]
    }
    assert shell("dead-letters", "list").out == "No dead letters.\n"
    assert key not in shell("dead-letters", "list", "--status", "discarded").out
    assert shell("dead-letters", "retry", "--all").out == "0 retried\n"
    assert "conflict" in shell("dead-letters", "retry", str(mine[0]["number"]), code=1).err
    assert "not_found" in shell("dead-letters", "show", "999999", code=1).err


def _until_done(shell: Shell, message_id: str) -> dict[str, Any]:
    """Asks again until the message is done; each question is a round trip."""
    for _ in range(1000):
        state: dict[str, Any] = shell("trace", message_id, "--json").json["state"]
        if state["state"] == "done":
            return state
    raise AssertionError(state)


def test_keys_are_made_listed_and_revoked_and_their_scopes_count(
    server: Serving, shell: Shell
) -> None:
    made = shell(
        "keys", "create", "till", "--scope", "read", "--expires", "2999-01-01T00:00:00Z", "--json"
    ).json
    assert made["key"]["scopes"] == ["read"]
    assert made["key"]["expires_at"].startswith("2999")
    plain = shell("keys", "create", "plain")
    assert plain.out.startswith("cq_")
    assert "Keep it safe" in plain.err
    listed = shell("keys", "list", "--json").json["keys"]
    assert {"first admin key", "till", "plain"} <= {key["name"] for key in listed}
    assert made["secret"] not in shell("keys", "list").out

    async def use(secret: str) -> None:
        async with AsyncClient(server.said["url"], secret) as client:
            await client.conversation_page()
            with pytest.raises(Forbidden):
                await client.keys()

    asyncio.run(use(made["secret"]))
    assert "is revoked" in shell("keys", "revoke", made["key"]["id"]).out
    another = shell("keys", "create", "another", "--json").json["key"]["id"]
    assert shell("keys", "revoke", another, "--json").json == {"revoked": another}
    with pytest.raises(Unauthenticated):
        asyncio.run(use(made["secret"]))
    assert "not_found" in shell("keys", "revoke", made["key"]["id"], code=1).err
    assert "scope" in shell("keys", "create", "x", "--scope", "rule", code=1).err
    assert "expires" in shell("keys", "create", "x", "--expires", "soon", code=1).err


def test_a_named_server_wants_a_key(
    server: Serving, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.said["url"]
    assert "unauthenticated" in shell("dead-letters", "list", "--url", url, code=1).err
    shell("dead-letters", "list", "--url", url, "--key", server.said["admin_key"])
    monkeypatch.setenv("COLLOQUY_URL", url)
    monkeypatch.setenv("COLLOQUY_API_KEY", server.said["admin_key"])
    shell("dead-letters", "list")
    shell("config", "check")
    assert "unavailable" in shell("keys", "list", "--url", "http://127.0.0.1:9", code=1).err


def test_the_doctor_and_the_database_know_of_the_server(server: Serving, shell: Shell) -> None:
    found = {check["name"]: check for check in shell("doctor", "--json").json["checks"]}
    assert found["server"]["status"] == "ok"
    assert server.said["url"] in found["server"]["detail"]
    assert found["database"]["status"] == "ok"
    assert "running at" in shell("doctor").out
    status = shell("db", "status", "--json").json
    assert status["held_by_process"] == server.process.pid
    assert status["schema"] == status["schema_wanted"]
    assert "store_locked" in shell("db", "upgrade", code=1).err


def test_a_chat_through_the_server(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n\nagain\n/quit\nnever sent\n"))
    assert shell("chat", "--as", uuid4().hex).out.splitlines() == [
        "assistant ◂ You said: hello",
        "assistant ◂ You said: again",
    ]
    monkeypatch.setattr("sys.stdin", io.StringIO("hello\n"))
    lines = shell("chat", "--as", uuid4().hex, "--json").out.splitlines()
    assert [json.loads(line)["text"] for line in lines] == ["You said: hello"]
