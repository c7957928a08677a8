"""`colloquy feedback`, through a server and on a database that nobody serves."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from colloquy.client import Client
from colloquy.model.message import Message
from colloquy.model.views import FeedbackRequest
from support.command_line import Serving, Shell


def test_a_report_an_export_and_signals(server: Serving, shell: Shell, tmp_path: Path) -> None:
    key = shell("keys", "create", "feedback", "--scope", "admin", "--json").json["secret"]
    with Client(server.said["url"], key) as client:
        answer = client.send(Message(conversation="mia", text="Hello", channel="sms"), wait_s=30)
        assert answer.replies
        conversation = answer.receipt.conversation_id
        client.feedback(conversation, FeedbackRequest(answer.replies[0].reply_id, 4))

    found = shell("feedback", "report", "--refresh", "--json").json
    assert found["analytics"]["period"]["total_feedback"] == 1
    assert found["recommendations"] == []
    text = shell("feedback", "report", "--channel", "sms").out
    assert "average rating  4" in text
    assert "Nothing is worse than the rest beyond chance" in text

    table = shell("feedback", "export", "--format", "csv").out
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert (row["rating"], row["channel"]) == ("4", "sms")
    file = tmp_path / "signals.json"
    said = shell("feedback", "export", str(file), "--kind", "signals", "--json").json
    assert said["bytes"] == file.stat().st_size
    signals = shell("feedback", "signals", conversation, "--json").json
    assert signals["signals"]["messages"] == 1
    assert "engagement" in shell("feedback", "signals", conversation).out


def test_a_database_that_nobody_serves(alone: Shell) -> None:
    alone("keys", "create", "any")  # makes the database
    found = alone("feedback", "report", "--json").json
    assert found["analytics"]["period"]["total_feedback"] == 0
    assert alone("feedback", "export").json == []
    header = alone("feedback", "export", "--kind", "signals", "--format", "csv").out
    assert header.startswith("conversation,person,channel,messages,")


def test_bad_input_is_named(alone: Shell) -> None:
    alone("keys", "create", "any")
    for arguments, field in (
        (("export", "--format", "xls"), "format"),
        (("export", "--kind", "people"), "kind"),
        (("report", "--since", "yesterday"), "since"),
        (("report", "--since", "2020-01-01T00:00:00Z"), "since"),
        (("export", "/no/such/folder/file"), "file"),
    ):
        refused = alone("feedback", *arguments, code=1)
        assert refused.err.startswith(f"error: invalid_input: {field}: ")
