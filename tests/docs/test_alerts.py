"""The page about alerts: its rules are the rules, its settings load, its example is sent."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from colloquy.ops.alerts import EVENT_TOGGLES, Rule, default_rules
from colloquy.ops.alerts.engine import AlertEngine
from colloquy.ops.alerts.notices import ESCALATED, OPENED, RESOLVED, TEST, of_alert
from colloquy.ops.alerts.sinks import Door, WebhookSink
from colloquy.settings import Settings, WebhookSettings, load_settings
from colloquy.settings.names import SECRET
from colloquy.webhooks import encode_secret
from support.markdown import ROOT, blocks
from support.receiver import Receiver

PAGE = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
ROWS = {cells[1].strip(" `"): cells for line in PAGE.splitlines()
        if len(cells := line.split("|")) == 8}  # fmt: skip
RULES = default_rules(Settings())
KEY = b"k" * 32


def test_the_table_lists_the_rules_and_no_others() -> None:
    assert set(ROWS) - {"rule", "---"} == {rule.name for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_row_has_the_figures_of_its_rule(rule: Rule) -> None:
    _, _, broken, for_s, good, severity, _, _ = ROWS[rule.name]
    if rule.threshold:
        assert f"{rule.comparison} {rule.threshold:g}" in broken
    assert re.findall(r"\d+", for_s) == ([f"{rule.for_s:g}"] if rule.for_s else [])
    assert re.findall(r"[\d.]+", good) == ([f"{rule.clear_at:g}"] if rule.clear_at else [])
    assert severity.split(";")[0].strip() == rule.severity
    assert ("critical" in severity.partition(";")[2]) == (rule.critical is not None)
    assert rule.clear_for_s == 60, "as the page says"


def test_the_bounds_are_settings() -> None:
    alerts = set(Settings().alerts.__struct_fields__)
    named = {cells[6].strip(" `") for cells in ROWS.values()} - {"bound from", "---", "–"}
    assert named - {"health.critical"} <= alerts
    assert set(EVENT_TOGGLES.values()) <= alerts
    for name in re.findall(r"`alerts\.(\w+)`", PAGE):
        assert name in alerts


def test_the_settings_of_the_page_are_good(tmp_path: Path) -> None:
    (block,) = blocks(PAGE, "toml")
    file = tmp_path / "colloquy.toml"
    file.write_text(block.text, encoding="utf-8")
    password = {"COLLOQUY_ALERTS_SMTP_PASSWORD": "x"}
    loaded = load_settings(file, password).alerts
    assert loaded.channels == tuple(tomllib.loads(block.text)["alerts"]["channels"])
    assert loaded.smtp_password == "x"
    for name in re.findall(r"`(COLLOQUY_ALERTS_\w+)`", PAGE):
        assert f"alerts.{name.removeprefix('COLLOQUY_ALERTS_').lower()}" in SECRET


async def test_the_example_is_what_a_webhook_gets_and_the_program_reads_it() -> None:
    (example,) = (json.loads(block.text) for block in blocks(PAGE, "json"))
    rule = next(rule for rule in RULES if rule.name == "queue_age")
    engine = AlertEngine([rule], retention_s=60)
    for at in (0, 30_000_000):
        engine.evaluate(at, lambda _: 14.2)
    (alert,) = engine.open()
    with Receiver() as receiver:
        here = WebhookSettings(allow_http=True, allow_networks=("127.0.0.0/8",))
        sink = WebhookSink(receiver.url, KEY, Door(here, 5.0))
        assert (await sink.send(of_alert(alert, OPENED, 30_000_000))).is_success
        await sink.close()
        (got,) = receiver.received
    assert shape(got.event) == shape(example)
    assert got.event["data"]["message"] == example["data"]["message"]

    names: dict[str, Any] = {}
    for block in blocks(PAGE, "python"):
        exec(block.text, names)
    line = names["receive"](encode_secret(KEY), got.headers, got.body)
    assert line == "warning: queue_age: the oldest message waits for 14.2 s (bound 10 s)"


def shape(value: Any) -> Any:
    """The names in a document with the kinds of their values."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    return type(value)


def test_the_kinds_of_notices_are_named() -> None:
    for kind in (OPENED, ESCALATED, RESOLVED, TEST):
        assert f"`{kind}`" in PAGE
