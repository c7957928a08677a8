"""The ledger through both clients: typed answers, pages as iterators, the server's own errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import msgspec
import pytest

from colloquy.client import AsyncClient, Client
from colloquy.model.errors import InvalidInput, NotFound, SnapshotCorrupted
from colloquy.model.ledger import (
    CompactRequest,
    LedgerScope,
    OperationView,
    PointChange,
    PointRequest,
    RollbackRequest,
)
from support.server import Server


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("client")) as running:
        yield running


@pytest.fixture
def client(served: Server) -> Iterator[Client]:
    with Client(served.url, served.key("admin")) as found:
        yield found


def put(server: Server, **values: object) -> None:
    for key, value in values.items():
        server.run(server.runtime.ledger.ledger.put("prices", key, value, "ann"))


def ended(client: Client, operation: OperationView) -> OperationView:
    deadline = time.monotonic() + 60
    while operation.status not in ("completed", "failed", "cancelled", "waiting"):
        assert time.monotonic() < deadline
        operation = client.ledger_operation(operation.id)
    return operation


def test_a_rollback_and_its_undoing(served: Server, client: Client) -> None:
    put(served, a=1, b=2)
    point = client.create_point(PointRequest(name="good"))
    put(served, a=3, **{"c/d e": 4})
    scope = LedgerScope(collections=("prices",))
    request = RollbackRequest(point=point.id, scope=scope)
    preview = client.preview_rollback(request, limit=1)
    assert (preview.total, len(preview.effects)) == (2, 1)
    done = ended(client, client.rollback(request))
    assert (done.status, done.figures.applied, done.request) == ("completed", 2, request)
    record = client.record("prices", "a")
    assert isinstance(record.value, msgspec.Raw)
    assert bytes(record.value) == b"1"
    assert not isinstance(client.record("prices", "c/d e").value, msgspec.Raw)
    assert {item.key for item in client.operation_items(done.id, limit=1)} == {"a", "c/d e"}
    assert [line.number for line in client.operation_log(done.id, limit=1)]
    assert ended(client, client.undo_operation(done.id)).status == "completed"
    different = client.ledger_diff(point.id, limit=1, collection="prices")
    assert [one.key for one in different] == ["a", "c/d e"]
    assert done.id in {one.id for one in client.ledger_operations(limit=1)}
    assert client.change_point(point.id, PointChange(None)).expires_at is None
    client.delete_point(point.id)
    with pytest.raises(NotFound):
        client.point(point.id)


def test_a_snapshot_there_and_back(served: Server, client: Client) -> None:
    put(served, s=1)
    point = client.create_point(PointRequest(name="before"))
    snapshot = client.export_point(point.id)
    put(served, s=2)
    done = client.import_snapshot(snapshot, "overwrite", "as it was")
    assert done.written >= 1
    assert bytes(client.record("prices", "s").value) == b"1"  # type: ignore[arg-type]
    with pytest.raises(SnapshotCorrupted):
        client.import_snapshot(snapshot[:-1])
    assert client.compact_ledger(CompactRequest(0)).rows == 0


def test_the_async_client_reads_the_same(served: Server, client: Client) -> None:
    put(served, z=1)

    async def read() -> list[int]:
        async with AsyncClient(served.url, served.key("read")) as other:
            status = await other.ledger_status()
            found = [
                one.position async for one in other.changes(limit=2, collection="prices", key="z")
            ]
            assert status.head >= found[0]
            with pytest.raises(InvalidInput) as met:
                await other.ledger_diff_page("never")
            assert met.value.field == "from"
            return found

    newest = next(iter(client.changes(collection="prices", key="z"))).position
    assert asyncio.run(read())[0] == newest
