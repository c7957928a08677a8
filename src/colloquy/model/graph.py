"""The knowledge graph as clients see it: entities, facts with two times, what leads where.

Ids of entities are any text. Times are RFC 3339; a position is one of the ledger. `valid_…` is when
something was so in the world, `learned_…` when we knew it; both ends are open where they are null.
Ranges do not include their end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

Direction = Literal["outgoing", "incoming", "both"]
SearchMode = Literal["text", "vector", "hybrid"]
PathKind = Literal["shortest", "all"]
ChangeName = Literal["modify", "delete", "rename"]
EvidenceSource = Literal[
    "manual", "type-checker", "message", "ast", "document", "heuristic", "index", "runtime", "lsp",
    "model",
]  # fmt: skip

MAX_BATCH = 500
"""Items that are learned by one request."""
MAX_HOPS = 5
MAX_DEPTH = 10
MAX_READ = 20_000
"""Relationships that one walk reads at most."""
MAX_FOUND = 1000
MAX_PATHS = 100

EntityId = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00]+$")]
Kind = Annotated[str, Meta(min_length=1, max_length=64)]
Kinds = Annotated[tuple[Kind, ...], Meta(max_length=64)]
Time = Annotated[datetime, Meta(tz=True)]
Position = Annotated[int, Meta(ge=0, lt=10**14)]
Share = Annotated[float, Meta(ge=0, le=1)]
_Place = Annotated[int, Meta(ge=0, le=2**53)]
_Reason = Annotated[str, Meta(max_length=400)]
_Note = Annotated[str, Meta(max_length=2000)]

Value = msgspec.Raw | UnsetType
"""A value of JSON; UNSET of most relationships."""


# -- evidence ---------------------------------------------------------------------------------


class LocationView(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place in a file."""

    path: Annotated[str, Meta(max_length=4096)] | None = None
    line: _Place | None = None
    column: _Place | None = None


class EvidenceView(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Why something is believed. `event` is the number of the message that said it."""

    source: EvidenceSource
    confidence: Share | None = None
    location: LocationView | None = None
    event: _Place | None = None
    note: _Note | None = None
    extractor_version: Annotated[str, Meta(max_length=200)] | None = None


class AssertionView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was said, on which a fact rests. `key`: its record in the ledger's collection
    `graph`; retracting that takes back all that is said there."""

    key: str
    said: str
    value: Value = UNSET
    target: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    evidence: EvidenceView | None = None


# -- what is known ----------------------------------------------------------------------------


class EntityLine(Struct, frozen=True):
    """An entity as lists show it, as of now; null is what nobody said."""

    id: str
    kind: str | None
    name: str | None


class EntityPage(Struct, frozen=True):
    entities: list[EntityLine]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class EntityView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entity: its id or that of the one that stands for it, and the ids that were merged into
    it. `truncated`: it has more attributes than are shown; its facts are there page by page."""

    id: str
    kind: str | None
    attributes: dict[str, Any]
    merged: list[str]
    truncated: bool
    until: dict[str, str] = {}
    """Of attributes that are known to end, when; of several values the first end. Only where it was
    asked what was so at a time (`valid_at`): else what has an end is no attribute."""


class FactView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of a fact. `single`: there is one such value at a time.

    `support` counts what it rests on; `assertions` says it, where evidence was asked for. `value`
    beside a `target` is what tells the relationship apart from others between the same ends.
    """

    number: int
    subject: str
    predicate: str
    single: bool
    confidence: float
    support: int
    learned_from: int
    value: Value = UNSET
    target: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    learned_to: int | None = None
    assertions: list[AssertionView] = []


class FactPage(Struct, frozen=True):
    facts: list[FactView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class VersionView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A version of a fact on a time line. `learned_at`, `closed_at`: the times of its positions,
    where the ledger still has them."""

    fact: int
    subject: str
    predicate: str
    confidence: float
    support: int
    learned_from: int
    value: Value = UNSET
    target: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    learned_to: int | None = None
    learned_at: str | None = None
    closed_at: str | None = None


class TimelinePage(Struct, frozen=True):
    """Oldest first."""

    versions: list[VersionView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class GraphChangeView(Struct, frozen=True):
    """At `position` this version of a fact began (`opened`) or ended."""

    position: int
    opened: bool
    version: VersionView


class GraphChangePage(Struct, frozen=True):
    changes: list[GraphChangeView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class ContradictionView(Struct, frozen=True, kw_only=True):
    """Two things said that cannot both be true, since position `learned_from`; the facts follow
    `chosen`."""

    number: int
    subject: str
    predicate: str
    kind: str
    chosen: AssertionView
    other: AssertionView
    learned_from: int


class ContradictionPage(Struct, frozen=True):
    contradictions: list[ContradictionView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class HygieneView(Struct, frozen=True, kw_only=True):
    """How clean the graph is. Junk is what was refused of all that was offered, a duplicate was
    known word for word; stale is a fact that ended, or was not confirmed for `stale_days`."""

    offered: int
    refused: int
    repeated: int
    facts: int
    stale: int
    stale_days: int
    junk_rate: float
    duplicate_rate: float
    stale_rate: float


class GraphStatistics(Struct, frozen=True, kw_only=True):
    """`facts` and `relationships` that are known now, `closed` versions of the past. `vectors`:
    what searches by meaning, `exact` (memory) or `pgvector`; null: nothing."""

    entities: dict[str, int]
    facts: int
    relationships: int
    closed: int
    contradictions: int
    merges: int
    hygiene: HygieneView
    vectors: Literal["exact", "pgvector"] | None


# -- learning ---------------------------------------------------------------------------------


class _Saying(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`said` is when it was said, now by default."""

    said: Time | None = None
    valid_from: Time | None = None
    valid_to: Time | None = None
    evidence: EvidenceView | None = None


class EntityRequest(_Saying, frozen=True, kw_only=True):
    """What an entity is. What is left out of its attributes stays as it is known."""

    kind: Kind
    attributes: dict[str, Any] = {}


class NewEntity(EntityRequest, frozen=True, kw_only=True):
    """An entity in a batch."""

    id: EntityId


class NewRelationship(_Saying, frozen=True, kw_only=True):
    """That `source` is joined to `target`. Entities that nobody described may be joined too."""

    source: EntityId
    type: Kind
    target: EntityId
    attributes: dict[str, Any] = {}


class NewFact(_Saying, frozen=True, kw_only=True):
    """That an attribute has this value; with `single` false, that it is one of a set."""

    subject: EntityId
    predicate: EntityId
    value: Any
    single: bool = True


class LearnRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to 500 items in all: learned together, or none of them where one is wrong.

    With `older_ids` each relationship keeps as its attribute `olderId` the id that the older format
    gave it.
    """

    entities: Annotated[tuple[NewEntity, ...], Meta(max_length=MAX_BATCH)] = ()
    relationships: Annotated[tuple[NewRelationship, ...], Meta(max_length=MAX_BATCH)] = ()
    facts: Annotated[tuple[NewFact, ...], Meta(max_length=MAX_BATCH)] = ()
    older_ids: bool = False


class RefusedView(Struct, frozen=True):
    """An item that was not learned because it is noise (`graph.noise`). `field` says which:
    `relationships[3]`."""

    field: str
    reason: Literal["unsure", "too_short", "stop_word", "minor", "end_refused"]


class LearnedView(Struct, frozen=True):
    """What came of statements: how many were new or said before, and what they did to the facts.
    `position` is the newest of the ledger's rows, 0 where nothing was written. `refused` are items
    that were passed over as noise."""

    new: int
    repeated: int
    opened: int
    closed: int
    contradictions: int
    position: int
    refused: list[RefusedView] = []


class RetractionRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to take back: all that is said under a key of the ledger, what a fact rests on (by its
    number), or what one message said (its `event`). Exactly one of them."""

    key: Annotated[str, Meta(min_length=3, max_length=2048, pattern=r"^[^\x00]+$")] | None = None
    fact: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    event: _Place | None = None
    reason: _Reason = ""


class MergeRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That `other` is the same as `kept`: both are known under `kept` from now on."""

    kept: EntityId
    other: EntityId
    note: _Note = ""


# -- searching --------------------------------------------------------------------------------


class HitReason(Struct, frozen=True, omit_defaults=True):
    """What spoke for a hit: its places in the list by words and in that by meaning, from 1."""

    words: list[str]
    """Those of the query that begin a word of it."""
    in_name: list[str]
    """Those that begin a word of its name."""
    word_rank: int | None = None
    word_score: float | None = None
    meaning_rank: int | None = None
    similarity: float | None = None


class HitView(Struct, frozen=True):
    """`score` compares hits of one search only."""

    id: str
    kind: str
    name: str | None
    score: float
    why: HitReason


class HitPage(Struct, frozen=True):
    """Best first. `mode` is how it was searched: `text` for `hybrid` where there is no embedder."""

    hits: list[HitView]
    mode: SearchMode
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


# -- walking ----------------------------------------------------------------------------------


class EdgeView(Struct, frozen=True, omit_defaults=True):
    """A relationship; `fact` is the number of the fact that says so. `valid_to`: when it ends, or
    ended."""

    source: str
    type: str
    target: str
    confidence: float
    fact: int
    valid_to: str | None = None


class ReachedView(Struct, frozen=True):
    """An entity, and the fewest relationships that lead to it."""

    id: str
    kind: str | None
    name: str | None
    hops: int


class NeighbourhoodView(Struct, frozen=True):
    """Nearest first, the start at the beginning; `relationships` are those between these and those
    of earlier pages. `…_total` are of all pages. `truncated`: there is more, on the next page or,
    where `next` is null, because the walk had read its most."""

    start: str
    entities: list[ReachedView]
    relationships: list[EdgeView]
    truncated: bool
    entity_total: int
    relationship_total: int
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class _Walk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`as_of`: what was known at a position or a time; `valid_at`: what was so then."""

    types: Kinds = ()
    as_of: Position | Time | None = None
    valid_at: Time | None = None
    max_read: Annotated[int, Meta(ge=1, le=MAX_READ)] = MAX_READ


class TraversalRequest(_Walk, frozen=True, kw_only=True):
    """A walk from `start`. `kinds` and `properties` (attribute → value) choose what is returned,
    not where it goes through."""

    start: EntityId
    direction: Direction = "both"
    max_depth: Annotated[int, Meta(ge=1, le=MAX_DEPTH)] = 3
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND)] = 100
    kinds: Kinds = ()
    properties: dict[EntityId, Any] = {}


class PathView(Struct, frozen=True):
    """`entities` has one more than `relationships`."""

    entities: list[str]
    relationships: list[EdgeView]
    length: int


class TraversalView(Struct, frozen=True):
    """`paths` are a shortest one to each of the entities; `visited` is how many were seen."""

    entities: list[ReachedView]
    paths: list[PathView]
    visited: int
    truncated: bool


class PathRequest(_Walk, frozen=True, kw_only=True):
    """From `start` to `end`; all paths may do without an end."""

    start: EntityId
    end: EntityId | None = None
    find: PathKind = "shortest"
    direction: Direction = "both"
    max_depth: Annotated[int, Meta(ge=1, le=MAX_DEPTH)] = 6
    limit: Annotated[int, Meta(ge=1, le=MAX_PATHS)] = 20


class PathsView(Struct, frozen=True):
    """No path says that there is none. `truncated`: the search ended before all was looked at."""

    paths: list[PathView]
    truncated: bool


class ImpactRequest(_Walk, frozen=True, kw_only=True):
    """What a change of an entity touches. Without `include_indirect` only what is next to it."""

    entity: EntityId
    change: ChangeName = "modify"
    include_indirect: bool = True
    max_depth: Annotated[int, Meta(ge=1, le=MAX_DEPTH)] = 3


class DirectImpact(Struct, frozen=True):
    """Entities next to the change, of one severity and by one type."""

    entities: list[str]
    severity: str
    relationship: str
    reason: str


class CascadingImpact(Struct, frozen=True):
    """Entities further away, of one level (from 2) and by one type."""

    level: int
    entities: list[str]
    relationship: str
    confidence: float


class ImpactView(Struct, frozen=True):
    """`score` is from 0 to 1; `risk` is critical, high, medium or low."""

    direct: list[DirectImpact]
    cascading: list[CascadingImpact]
    total: int
    score: float
    risk: str
    truncated: bool


class RelationshipView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A relationship with its times; `attributes` where it was asked for some. `identity` tells it
    apart from others of its type between the same ends."""

    source: str
    type: str
    target: str
    confidence: float
    fact: int
    learned_from: int
    learned_to: int | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    identity: dict[str, Any] | None = None
    attributes: dict[str, list[Any]] | None = None


class RelationshipPage(Struct, frozen=True):
    """In the order in which they were learned."""

    relationships: list[RelationshipView]
    next: str | None
    """Pass it as `cursor` for the next page; null at the end."""


class RelationshipFilter(Struct, frozen=True, kw_only=True):
    """Everything given must hold; of several, any. `kind` is that of either end.

    `where`: `name:value` of a filter on the relationship's own attributes; `…_attribute`: what an
    end must have. Values are JSON, or else text.
    """

    entity: str | None = None
    direction: Direction = "both"
    source: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    source_kind: tuple[str, ...] = ()
    target_kind: tuple[str, ...] = ()
    source_attribute: tuple[str, ...] = ()
    target_attribute: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    confidence_min: float | None = None
    confidence_max: float | None = None
    valid_since: datetime | None = None
    valid_until: datetime | None = None
    seen_since: datetime | None = None
    seen_until: datetime | None = None
