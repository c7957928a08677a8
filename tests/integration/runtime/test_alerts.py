"""A running engine watches itself: its figures reach the rules, its channels those outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from colloquy import Colloquy, Message
from colloquy.model.alerts import AlertState, RuleState
from colloquy.model.errors import SettingsError
from colloquy.runtime import Runtime
from colloquy.settings import Settings, load_settings, resolve
from colloquy.webhooks import encode_secret, verify
from support.receiver import LOCAL, Reaction, Receiver
from support.smtp import MailPeer
from support.waiting import until

OF_ROLLBACKS = {"rollback_failures", "rollback_time"}
"""Their metrics have no value while there was no rollback."""
SECRET = encode_secret(b"k" * 32)


def settings(folder: Path, **fields: str) -> Settings:
    dotted = {name.replace("__", "."): value for name, value in fields.items()}
    base = {"preset": "test", "database_url": f"sqlite:///{folder / 'a.db'}"}
    return load_settings(None, {}, base | dotted)


def assistant() -> Colloquy:
    app = Colloquy()

    @app.on_message
    def answer(turn: Any) -> str:
        raise ValueError("as asked")

    return app


def without_data(runtime: Runtime) -> set[str]:
    rules = runtime.alerts.rules().rules
    return {rule.name for rule in rules if rule.state is RuleState.NO_DATA}


async def test_every_rule_of_the_engine_has_data(tmp_path: Path) -> None:
    runtime = Runtime(assistant(), settings(tmp_path))
    await runtime.start()
    try:
        await until(lambda: without_data(runtime) == OF_ROLLBACKS | {"migration_stalled"})
        disk = next(rule for rule in runtime.alerts.rules().rules if rule.name == "disk")
        assert disk.value is not None
        assert 0 < disk.value < 100
    finally:
        await runtime.stop()


async def test_dead_letters_are_an_alert_in_every_channel(tmp_path: Path) -> None:
    with Receiver() as receiver:
        async with MailPeer() as mail:
            chosen = settings(
                tmp_path,
                alerts__max_dead_letters="0",
                alerts__off="error_rate, disk",
                alerts__channels="log, console, webhook, slack, email",
                alerts__webhook_url=f"{receiver.url}/webhook",
                alerts__webhook_secret=SECRET,
                alerts__slack_url=f"{receiver.url}/slack",
                alerts__email_from="colloquy@a.test",
                alerts__email_to="ops@b.test",
                alerts__smtp_host="127.0.0.1",
                alerts__smtp_port=str(mail.port),
                alerts__smtp_security="none",
                **LOCAL,
            )
            receiver.reactions.append(Reaction(503))  # whoever comes first comes again
            runtime = Runtime(assistant(), chosen)
            await runtime.start()
            try:
                await until(lambda: "dead_letters" not in without_data(runtime))
                await runtime.accept([Message(conversation="ann", text="fail")])
                await until(lambda: len(receiver.received) == 3 and mail.mails)
                (alert,) = runtime.alerts.page().alerts
            finally:
                await runtime.stop()
            (sent,) = mail.mails
    assert alert.rule == "dead_letters"
    assert sent.message["Subject"].startswith("[Colloquy] warning: dead_letters: 1 messages")
    by_path = {one.path: one for one in receiver.received}
    told = verify(SECRET, by_path["/hook/webhook"].headers, by_path["/hook/webhook"].body)
    assert (told["type"], told["data"]["data"]["alert_id"]) == ("alert.opened", alert.id)
    assert by_path["/hook/slack"].event["text"].startswith(":warning: warning: dead_letters:")


async def test_alerts_outlive_the_process(tmp_path: Path) -> None:
    chosen = settings(tmp_path, alerts__max_pending_operations="0")
    first = Runtime(assistant(), chosen)
    first.alerts.provide("pending_operations", lambda: 51.0)
    await first.start()
    await until(lambda: first.alerts.page().alerts)
    (alert,) = first.alerts.page().alerts
    await first.stop()
    second = Runtime(assistant(), chosen, worker=False)
    await second.start()
    try:
        assert second.alerts.get(alert.id).state is AlertState.OPEN
    finally:
        await second.stop()


@pytest.mark.postgres
async def test_processes_on_one_database_keep_their_own_alerts(
    tmp_path: Path, postgres_url: str
) -> None:
    runtimes = []
    for port in ("8431", "8432"):
        chosen = settings(tmp_path, database_url=postgres_url, port=port)
        runtimes.append(Runtime(assistant(), chosen))
    one, other = runtimes
    one.alerts.provide("pending_operations", lambda: 51.0)
    await one.start()
    await other.start()
    try:
        await until(lambda: one.alerts.page().alerts)
        await other.alerts.look()
        assert other.alerts.page().alerts == []
        (alert,) = one.alerts.page().alerts
    finally:
        await other.stop()
        await one.stop()
    again = Runtime(assistant(), one.settings, worker=False)
    await again.start()
    try:
        assert again.alerts.get(alert.id).rule == "pending_operations"
    finally:
        await again.stop()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"alerts__off": "dsik"}, "alerts.off"),
        (
            {"alerts__channels": "slack", "alerts__slack_url": "http://hooks.slack.com/x"},
            "alerts.slack_url",
        ),
        (
            {"alerts__channels": "slack", "alerts__slack_url": "https://10.0.0.1/x"},
            "alerts.slack_url",
        ),
        (
            {
                "alerts__channels": "webhook",
                "alerts__webhook_url": "https://a.example/",
                "alerts__webhook_secret": "whsec_" + "A" * 33,
            },
            "alerts.webhook_secret",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    tmp_path: Path, fields: dict[str, str], field: str
) -> None:
    with pytest.raises(SettingsError) as error:
        Runtime(assistant(), settings(tmp_path, **fields))
    assert error.value.field == field


@pytest.mark.parametrize(
    ("channel", "missing"),
    [
        ("webhook", ["alerts.webhook_url", "alerts.webhook_secret"]),
        ("slack", ["alerts.slack_url"]),
        ("email", ["alerts.email_from", "alerts.email_to", "alerts.smtp_host"]),
    ],
)
def test_a_channel_names_the_settings_that_it_lacks(channel: str, missing: list[str]) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(None, {}, {"alerts.channels": channel})
    assert [problem["setting"] for problem in error.value.extra["problems"]] == missing


def test_secrets_are_printed_nowhere() -> None:
    secrets = {
        "alerts.webhook_url": "https://a.example/t0ken",
        "alerts.webhook_secret": SECRET,
        "alerts.slack_url": "https://hooks.slack.com/t0ken",
        "alerts.smtp_password": "t0ken",
    }
    shown = {name: value for name, value, _ in resolve(None, {}, secrets).rows()}
    assert {name: shown[name] for name in secrets} == dict.fromkeys(secrets, "***")
    with pytest.raises(SettingsError) as error:
        load_settings(None, {}, {"alerts.slack_url": "t0ken", "alerts.webhook_secret": "t0ken"})
    assert "t0ken" not in str(error.value)
