"""Operations on checkpoints of the knowledge graph: `/v2/graph/checkpoints`."""

from __future__ import annotations

from ..model.checkpoints import (
    CheckpointContent,
    CheckpointPage,
    CheckpointRequest,
    CheckpointView,
)
from .operation import operation, paged
from .request import Ask, json


class CheckpointOperations:
    """`/v2/graph/checkpoints`."""

    @operation("GET", "/v2/graph/checkpoints")
    def checkpoint_page(
        self, cursor: str | None = None, limit: int | None = None
    ) -> Ask[CheckpointPage]:
        """One page of checkpoints that have not expired, newest first."""
        return Ask(json(CheckpointPage), query={"cursor": cursor, "limit": limit})

    checkpoints = paged(
        checkpoint_page,
        lambda page: page.checkpoints,
        lambda page: None if page.next is None else {"cursor": page.next},
    )

    @operation("POST", "/v2/graph/checkpoints")
    def create_checkpoint(self, request: CheckpointRequest) -> Ask[CheckpointView]:
        """A new checkpoint at the newest position."""
        return Ask(json(CheckpointView), body=request)

    @operation("GET", "/v2/graph/checkpoints/{checkpoint_id}")
    def checkpoint(
        self, checkpoint_id: str, cursor: str | None = None, limit: int | None = None
    ) -> Ask[CheckpointContent]:
        """A checkpoint, and one page of what lay around its seeds."""
        return Ask(
            json(CheckpointContent),
            path={"checkpoint_id": checkpoint_id},
            query={"cursor": cursor, "limit": limit},
        )
