"""Notices: bounded whatever they are made from, and no text of theirs is markup elsewhere."""

from __future__ import annotations

from typing import Any

import pytest

from colloquy.model.alerts import Severity
from colloquy.ops.alerts.notices import RESOLVED, Notice, of_event
from colloquy.ops.alerts.sinks.http import slack_text
from colloquy.ops.alerts.sinks.mail import mail_of


def notice(**fields: Any) -> Notice:
    base = {"id": "0" * 32, "type": "alert.opened", "name": "disk", "at": 0}
    return Notice(**base | {"severity": Severity.WARNING, "message": "full"} | fields)


def test_long_texts_and_large_data_are_cut() -> None:
    made = of_event("n" * 99, Severity.INFO, "a\nb" + "c" * 999, {"x": "y" * 9000}, 0)
    assert len(made.name) == 64
    assert made.message.startswith("a bc")
    assert len(made.message) == 500
    assert made.data == {"left_out": "9008 bytes of data"}


def nested() -> dict[str, Any]:
    data: dict[str, Any] = {}
    data["self"] = data
    return data


@pytest.mark.parametrize("data", [{"x": object()}, {"x": "\ud800"}, nested()])
def test_data_that_are_no_json_are_left_out(data: dict[str, Any]) -> None:
    assert list(of_event("e", Severity.INFO, "m", data, 0).data) == ["left_out"]


def test_data_are_a_copy() -> None:
    data = {"points": [1]}
    made = of_event("e", Severity.INFO, "m", data, 0)
    data["points"].append(2)
    assert made.data == {"points": [1]}


def test_headlines_say_when_it_is_over() -> None:
    assert notice().headline() == "warning: disk: full"
    assert notice(type=RESOLVED).headline() == "resolved: disk: full"


def test_no_text_makes_a_mention_in_slack() -> None:
    text = slack_text(notice(message="<!channel> & <@U1>"))
    assert text == ":warning: warning: disk: &lt;!channel&gt; &amp; &lt;@U1&gt;"


def test_no_text_makes_a_header_in_a_mail() -> None:
    mail = mail_of(notice(message="x\r\nBcc: eve@evil.test"), "a@b.test", ["c@d.test", "e@f.test"])
    assert mail["Bcc"] is None
    assert mail["Subject"] == "[Colloquy] warning: disk: x Bcc: eve@evil.test"
    assert mail["To"] == "c@d.test, e@f.test"
    assert mail["Message-ID"].endswith("@b.test>")
