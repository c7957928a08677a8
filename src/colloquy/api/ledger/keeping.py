"""Snapshots out and in, and forgetting."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream

from ...model.errors import SnapshotTooLarge, UnsupportedMediaType
from ...model.ledger import CompactionView, CompactRequest, ImportView
from ..access import needs
from ..conversations import actor_of
from ..idempotency import once_per_key
from ..parameters import Caller, Engine
from ..responses import BODY, documented, errors
from .parameters import PointId
from .reading import TAGS

SNAPSHOT_TYPE = "application/vnd.colloquy.snapshot"
CHUNK = 256 * 1024

Policy = Annotated[
    Literal["overwrite", "skip", "abort"],
    QueryParameter(
        required=False,
        description="What becomes of records that are there with another value: `abort` writes "
        "nothing where one is.",
    ),
]
Reason = Annotated[
    str, QueryParameter(required=False, max_length=1000, description="For the audit trail.")
]


@get(
    "/v2/ledger/points/{point_id:str}/export",
    operation_id="exportPoint",
    summary="Download the records as of a rollback point",
    tags=TAGS,
    guards=[needs("admin")],
    responses=documented(
        {200: (bytes, "A snapshot, for `POST /v2/ledger/import`.")},
        401, 403, 404, 410, 413, 422, 503,
        media_type=SNAPSHOT_TYPE,
    ),
)  # fmt: skip
async def export_point(runtime: Engine, principal: Caller, point_id: PointId) -> Stream:
    """Whole, compressed, with a checksum. It is written to a temporary file first."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # it is closed when it was sent
    try:
        await runtime.ledger.export(file, actor_of(principal), point_id)
    except BaseException:
        file.close()
        raise

    async def chunks() -> AsyncIterator[bytes]:
        with file:
            await asyncio.to_thread(file.seek, 0)
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    headers = {"content-disposition": f'attachment; filename="{point_id}.snapshot"'}
    return Stream(chunks(), media_type=SNAPSHOT_TYPE, headers=headers)


@post(
    "/v2/ledger/import",
    operation_id="importSnapshot",
    summary="Write the records of a snapshot",
    tags=TAGS,
    status_code=200,
    guards=[needs("admin")],
    request_max_body_size=None,  # the setting `ledger.max_snapshot_bytes` is checked here
    responses=errors(401, 403, 409, 413, 415, 422, 503),
)
async def import_snapshot(
    runtime: Engine,
    principal: Caller,
    request: Request[Any, Any, Any],
    policy: Policy = "abort",
    reason: Reason = "",
) -> ImportView:
    """After all of it was verified. A point before it is made by itself; what is not in the
    snapshot stays. The same again changes nothing."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (SNAPSHOT_TYPE, "application/octet-stream"):
        raise UnsupportedMediaType(f"send `Content-Type: {SNAPSHOT_TYPE}`", field="Content-Type")
    limit = runtime.ledger.max_snapshot_bytes
    size = 0
    with tempfile.NamedTemporaryFile() as file:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise SnapshotTooLarge(f"a snapshot has at most {limit:,} bytes")
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(file.flush)
        path = Path(file.name)
        return await runtime.ledger.import_snapshot(path, policy, actor_of(principal), reason)


@post(
    "/v2/ledger/compact",
    operation_id="compactLedger",
    summary="Forget history that is old",
    tags=TAGS,
    status_code=200,
    guards=[needs("admin")],
    middleware=[once_per_key],
    responses=errors(*BODY, 401, 403, 409, 503),
)
async def compact_ledger(runtime: Engine, data: JSONBody[CompactRequest]) -> CompactionView:
    """But for what live points need. The server does it by itself every hour."""
    return await runtime.ledger.compact(data)


ROUTES: list[HTTPRouteHandler] = [export_point, import_snapshot, compact_ledger]
