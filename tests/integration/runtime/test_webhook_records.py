"""A rollback of webhooks: settings come back, secrets stay, what is deleted stays deleted."""

from __future__ import annotations

import pytest

from colloquy.ledger.merge import MISSING, ConflictPolicy
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.scope import Scope
from colloquy.model.errors import InvalidInput
from colloquy.runtime.webhook_records import WebhookRecords
from colloquy.storage.store import Store
from colloquy.storage.webhooks import WebhookRow, WebhookRows, ledger_change
from support.ledger import ledger_on, rolled_back


def row(id_: str, url: str, version: int = 1) -> WebhookRow:
    return WebhookRow(
        id_, url, "[]", '["web"]', "", 1, None, b"sealed", None, None, 0, None, 1, version, version
    )


async def test_settings_come_back_and_the_secret_stays(store: Store) -> None:
    heard: list[int] = []
    ledger = ledger_on(store, WebhookRecords(lambda: heard.append(1)))
    webhooks = WebhookRows(store)
    first = row("a", "https://one.example/")
    await webhooks.create(first, ledger_change(first, "create", "ann"), 10)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    changed = first._replace(url="https://two.example/", secret=b"rotated", version=2)
    assert await webhooks.update(changed, ledger_change(changed, "set", "ben"))
    younger = row("b", "https://three.example/")
    await webhooks.create(younger, ledger_change(younger, "create", "ben"), 10)

    done = await rolled_back(ledger, Request(point=point.id))
    assert (done.status, heard) == ("completed", [1])
    (left,) = await webhooks.all()
    assert (left.id, left.url, left.secret, left.version) == (
        "a", "https://one.example/", b"rotated", 3,
    )  # fmt: skip


async def test_a_deleted_one_cannot_come_back_without_its_secret(store: Store) -> None:
    ledger = ledger_on(store, WebhookRecords(lambda: None))
    webhooks = WebhookRows(store)
    first = row("a", "https://one.example/")
    await webhooks.create(first, ledger_change(first, "create", "ann"), 10)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    await webhooks.delete("a", ledger_change(first, "delete", "ben"), 100)
    preview = await ledger.preview(Request(point=point.id))
    assert preview.conflicts == {"permission_denied": 1}
    scope = Scope(keys=("webhooks/a",))
    done = await rolled_back(ledger, Request(point=point.id, scope=scope))
    assert (done.status, done.error_code) == ("failed", "rollback_conflict")
    assert await webhooks.all() == []


async def test_changes_of_two_people_are_merged(store: Store) -> None:
    """Both raised the version; that alone is nothing to decide."""
    ledger = ledger_on(store, WebhookRecords(lambda: None))
    webhooks = WebhookRows(store)
    first = row("a", "https://one.example/")
    await webhooks.create(first, ledger_change(first, "create", "ann"), 10)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    second = first._replace(url="https://two.example/", version=2)
    assert await webhooks.update(second, ledger_change(second, "update", "ben"))
    third = second._replace(description="ours", version=3)
    assert await webhooks.update(third, ledger_change(third, "update", "ann"))
    done = await rolled_back(
        ledger,
        Request(point=point.id, scope=Scope(actors=("ben",)), on_conflict=ConflictPolicy.MERGE),
    )
    assert (done.status, done.figures().conflicts) == ("completed", 0)
    (left,) = await webhooks.all()
    assert (left.url, left.description, left.version) == ("https://one.example/", "ours", 4)
    value = await ledger.get("webhooks", "a")
    assert isinstance(value, dict)
    assert value["version"] == left.version


async def test_a_decision_gives_a_version_of_its_own(store: Store) -> None:
    ledger = ledger_on(store, WebhookRecords(lambda: None))
    webhooks = WebhookRows(store)
    first = row("a", "https://one.example/")
    await webhooks.create(first, ledger_change(first, "create", "ann"), 10)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    for version, actor in ((2, "ben"), (3, "ann")):
        changed = first._replace(url=f"https://{actor}.example/", version=version)
        assert await webhooks.update(changed, ledger_change(changed, "update", actor))
    asked = Request(
        point=point.id, scope=Scope(actors=("ben",)), on_conflict=ConflictPolicy.ASK_USER
    )
    waits = await rolled_back(ledger, asked)
    (conflict,) = (await ledger.operations.conflicts(None, 10, operation=waits.number)).rows
    for wrong in ({"url": 1}, "https://four.example/"):
        with pytest.raises(InvalidInput):
            await ledger.decide(conflict.id, "edit", "ann", wrong)
    await ledger.decide(conflict.id, "take", "ann")
    assert (await ledger.run(waits.id)).status == "completed"
    (left,) = await webhooks.all()
    value = await ledger.get("webhooks", "a")
    assert isinstance(value, dict)
    assert (left.url, left.version, value["version"]) == ("https://one.example/", 4, 4)


async def test_one_that_a_failed_rollback_removed_is_not_said_to_be_back(store: Store) -> None:
    ledger = ledger_on(store, WebhookRecords(lambda: None))
    webhooks = WebhookRows(store)
    point = await ledger.create_point(NewPoint(name="before"), "ann")
    first = row("a", "https://one.example/")
    await webhooks.create(first, ledger_change(first, "create", "ann"), 10)

    def fails(_: object) -> None:
        raise ValueError("a step of ours")

    ledger.steps.register("fails", fails)
    done = await rolled_back(ledger, Request(point=point.id))
    assert (done.status, done.figures().kept) == ("failed", 1)
    assert await webhooks.all() == []
    assert await ledger.get("webhooks", "a") is MISSING
