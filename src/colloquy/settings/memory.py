"""What is remembered: the knowledge graph, the ledger, contexts."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from .kinds import MIB, Bytes, Count, NoticeUrl, Pair, PositiveSeconds
from .noise import NoiseSettings


class GraphSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The knowledge graph: what conversations teach it, which of its names messages are read by,
    and what searching by meaning uses."""

    learn: Annotated[bool, Meta(description="Whether messages teach the graph anything.")] = True
    min_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Least confidence of what is learned from a message.")
    ] = 0.5
    min_length: Annotated[
        Count, Meta(description="Least characters of a name that is learned.")
    ] = 2
    max_length: Annotated[Count, Meta(description="Most characters of a text that is learned.")] = (
        120
    )
    preferences: Annotated[
        tuple[str, ...],
        Meta(description="Slots, entity labels and roles that say what somebody wants."),
    ] = (
        "rooms", "bedrooms", "bathrooms", "budget", "area", "size", "property_type", "pet",
        "move_in", "colour",
    )  # fmt: skip
    promises: Annotated[
        tuple[Pair, ...],
        Meta(
            description="`intent=what`: answering this intent at a named time is a promise of that."
        ),
    ] = ("book_viewing=viewing",)
    withdrawals: Annotated[
        tuple[Pair, ...],
        Meta(description="`intent=what`: answering this intent takes such a promise back."),
    ] = ("cancel_viewing=viewing",)
    remembered_slots: Annotated[
        Count, Meta(description="Learned slots kept in memory, so that a repeat costs nothing.")
    ] = 100_000
    names: Annotated[
        tuple[str, ...],
        Meta(
            description="Kinds of entities whose names are looked for in messages; of people those "
            "with the role `staff`."
        ),
    ] = ("product", "place", "organisation", "person")
    names_limit: Annotated[
        int, Meta(ge=0, le=100_000, description="Most such entities, the newest first; 0: none.")
    ] = 5000
    names_confidence: Annotated[
        float, Meta(ge=0, le=1, description="Least confidence of a name that is looked for.")
    ] = 0.5
    names_poll_s: Annotated[
        PositiveSeconds, Meta(description="Pause between two looks at the graph's names.")
    ] = 3.0
    checkpoint_every_h: Annotated[
        int,
        Meta(ge=0, le=8760, description="Hours between checkpoints of what changed; 0: none."),
    ] = 24
    checkpoint_hops: Annotated[
        int, Meta(ge=0, le=5, description="How many relationships far a checkpoint reaches.")
    ] = 2
    checkpoint_days: Annotated[
        int,
        Meta(ge=1, le=3650, description="How long a checkpoint is kept, with what it shows."),
    ] = 30
    embedder: Annotated[
        str | None,
        Meta(
            description="What makes vectors of texts: `words` (shipped, offline), `encoder` "
            "(MiniLM, where installed), `http` (a server), the name of an entry point in "
            "`colloquy.embedders`, or `module:callable`; none searches by words alone.",
        ),
    ] = "words"
    embedding_url: Annotated[
        NoticeUrl | None,
        Meta(description="For `http`: the endpoint, as `https://host/v1/embeddings`."),
    ] = None
    embedding_model: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="For `http`: the name of the model."),
    ] = None
    embedding_dimensions: Annotated[
        Annotated[int, Meta(ge=1, le=8192)] | None,
        Meta(description="For `http`: numbers in a vector."),
    ] = None
    embedding_key: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="For `http`: sent as a bearer token."),
    ] = None
    embedding_timeout_s: Annotated[
        PositiveSeconds, Meta(description="For `http`: longest single request.")
    ] = 30.0
    vectors: Annotated[
        Literal["auto", "exact", "pgvector"],
        Meta(
            description="What searches by meaning: `pgvector` in PostgreSQL, `exact` in memory; "
            "`auto` is pgvector where the server offers it and it may be created. The same for all "
            "processes of a database.",
        ),
    ] = "auto"
    max_vectors: Annotated[
        Count,
        Meta(
            description="Vectors kept in memory where pgvector is not used; above it searching by "
            "meaning is refused."
        ),
    ] = 500_000
    noise: NoiseSettings = NoiseSettings()


class LedgerSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Rollbacks and their points, how long history is kept, snapshots, files held as records."""

    poll_s: Annotated[
        PositiveSeconds, Meta(description="How often is looked for operations to go on with.")
    ] = 5.0
    concurrent_operations: Annotated[
        int, Meta(ge=1, le=32, description="Operations that one process carries out at a time.")
    ] = 4
    points_per_conversation: Annotated[
        int,
        Meta(ge=1, le=1000, description="Automatic points of one conversation; the oldest go."),
    ] = 20
    checkpoints: Annotated[
        bool,
        Meta(description="Whether a conversation that changes hands gets an automatic point."),
    ] = True
    checkpoint_every: Annotated[
        Count, Meta(description="Every so many automatic points of a conversation, a checkpoint.")
    ] = 5

    keep_days: Annotated[
        Count,
        Meta(
            description="Any position of the last so many days can be restored; of what is older "
            "only rollback points."
        ),
    ] = 30
    keep_operations_days: Annotated[
        Count, Meta(description="How long finished rollbacks are listed, with items and log.")
    ] = 90
    audit_days: Annotated[Count, Meta(description="How long entries of the audit are kept.")] = 30
    max_snapshot_bytes: Annotated[
        Bytes, Meta(description="Largest snapshot, exported or imported, before compression.")
    ] = 1024 * MIB
    files: Annotated[
        tuple[str, ...],
        Meta(
            description="Folders whose files may be captured and restored; with a pattern at the "
            "end only those that match: `/srv/bot/prompts`, `/etc/bot/*.yaml`, `/srv/bot/**.md`."
        ),
    ] = ()
    max_file_bytes: Annotated[
        int, Meta(ge=1, le=MIB, description="Largest file that is captured.")
    ] = MIB
    max_files_bytes: Annotated[
        Bytes, Meta(description="Most bytes of all files in one capture.")
    ] = 64 * MIB


class ContextSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a turn is answered with (docs/context.md)."""

    budget: Annotated[
        int,
        Meta(ge=16, le=1_000_000, description="Tokens of a context, unless a turn asks for more."),
    ] = 2000
    strict: Annotated[
        bool, Meta(description="A context is refused for warnings as well as for errors.")
    ] = False
    memory_mb: Annotated[
        int,
        Meta(ge=1, le=65_536, description="Of conversations' indices, last lines and summaries."),
    ] = 64
