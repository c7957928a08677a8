"""Checkpoints of the knowledge graph as they are asked for and shown."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .graph import MAX_HOPS, EntityId, EntityLine

CheckpointReason = Literal["daily", "incident", "manual"]

MAX_SEEDS = 200
"""Entities that one checkpoint begins at; their ids have 15,000 bytes together at most."""


class CheckpointRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hops`: how far it reaches; without it as `graph.checkpoint_hops` says."""

    seeds: Annotated[tuple[EntityId, ...], Meta(min_length=1, max_length=MAX_SEEDS)]
    reason: Literal["incident", "manual"] = "manual"
    hops: Annotated[int, Meta(ge=0, le=MAX_HOPS)] | None = None
    name: Annotated[str, Meta(max_length=200)] = ""


class CheckpointView(Struct, frozen=True, kw_only=True):
    """`id` is that of the rollback point that it is; `position` the ledger's."""

    id: str
    position: int
    name: str
    reason: CheckpointReason
    hops: int
    seeds: list[str]
    actor: str
    created_at: str
    expires_at: str | None
    """Null: it is kept."""


class CheckpointPage(Struct, frozen=True):
    """Newest first."""

    checkpoints: list[CheckpointView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class CheckpointContent(Struct, frozen=True, kw_only=True):
    """What lay within its hops then, a page of `total` entities. `truncated`: there was more."""

    checkpoint: CheckpointView
    entities: list[EntityLine]
    total: int
    truncated: bool
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""
