"""The graph's tables: entities by number, and facts with the two times at which they hold."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from .tables import metadata, number_type

graph_entities = Table(
    "graph_entities",
    metadata,
    # Whatever is spoken of has a number, for ever; short numbers keep the indexes of facts small.
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    # What lists show, as of now; follows from the facts. NULL: nothing is known of it now.
    Column("kind", Text),
    Column("name", Text),
    # The entity that stands for this one since a merge.
    Column("stands", BigInteger),
    # The ledger's position at which what describes it changed last: what searching indexes follow.
    Column("changed", BigInteger, nullable=False),
    Index("graph_entities_of_kind", "kind", "number"),
    Index("graph_entities_by_change", "changed", "number"),
    Index(
        "graph_entities_merged",
        "stands",
        sqlite_where=text("stands IS NOT NULL"),
        postgresql_where=text("stands IS NOT NULL"),
    ),
)

graph_facts = Table(
    "graph_facts",
    metadata,
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("subject", BigInteger, nullable=False),
    Column("predicate", Text, nullable=False),
    # 1: one such fact holds at a time; 0: they hold side by side (members of a set, most edges).
    Column("single", SmallInteger, nullable=False),
    # Either the number of another entity or a value as JSON.
    Column("target", BigInteger),
    Column("value", LargeBinary),
    # When it was so in the world: microseconds, NULL is since ever and until further notice.
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    # When it was what we knew: positions of the ledger, NULL is still.
    Column("learned_from", BigInteger, nullable=False),
    Column("learned_to", BigInteger),
    Column("confidence", Double, nullable=False),
    # How many assertions say so; which, is in the ledger under the fact's key.
    Column("support", BigInteger, nullable=False),
    Index("graph_facts_out", "subject", "predicate", "target"),
    Index(
        "graph_facts_in",
        "target",
        "predicate",
        "subject",
        sqlite_where=text("target IS NOT NULL"),
        postgresql_where=text("target IS NOT NULL"),
    ),
    # The relationships that hold now, whole in the index: walking along them reads nothing else.
    # `learned_to` is in it because SQLite reads the row for a column that only its filter names.
    Index(
        "graph_edges_out",
        "subject",
        "predicate",
        "target",
        "confidence",
        "learned_to",
        sqlite_where=text("target IS NOT NULL AND learned_to IS NULL"),
        postgresql_where=text("target IS NOT NULL AND learned_to IS NULL"),
    ),
    Index(
        "graph_edges_in",
        "target",
        "predicate",
        "subject",
        "confidence",
        "learned_to",
        sqlite_where=text("target IS NOT NULL AND learned_to IS NULL"),
        postgresql_where=text("target IS NOT NULL AND learned_to IS NULL"),
    ),
    # What changed between two positions; both only ever grow at their end.
    Index("graph_facts_learned", "learned_from", "number"),
    Index(
        "graph_facts_closed",
        "learned_to",
        "number",
        sqlite_where=text("learned_to IS NOT NULL"),
        postgresql_where=text("learned_to IS NOT NULL"),
    ),
)

graph_merges = Table(
    "graph_merges",
    metadata,
    # Numbers of entities; positions of the ledger between which they counted as one.
    Column("kept", BigInteger, primary_key=True, autoincrement=False),
    Column("other", BigInteger, primary_key=True, autoincrement=False),
    Column("learned_from", BigInteger, primary_key=True, autoincrement=False),
    Column("learned_to", BigInteger),
    Index("graph_merges_by_other", "other"),
    sqlite_with_rowid=False,
)

graph_contradictions = Table(
    "graph_contradictions",
    metadata,
    # Of what is known now: two assertions that cannot both be true. The facts follow `chosen`.
    Column("number", number_type, primary_key=True, autoincrement=False),
    Column("subject", BigInteger, nullable=False),
    Column("predicate", Text, nullable=False),
    Column("single", SmallInteger, nullable=False),
    # The entity that the other side joins, where it joins one.
    Column("target", BigInteger),
    Column("kind", Text, nullable=False),
    # Ids of the assertions, and the ledger's keys under which they stand.
    Column("chosen", Text, nullable=False),
    Column("other", Text, nullable=False),
    Column("chosen_key", Text, nullable=False),
    Column("other_key", Text, nullable=False),
    Column("learned_from", BigInteger, nullable=False),
    Index("graph_contradictions_of", "subject", "predicate"),
    Index(
        "graph_contradictions_in",
        "target",
        sqlite_where=text("target IS NOT NULL"),
        postgresql_where=text("target IS NOT NULL"),
    ),
)

graph_sources = Table(
    "graph_sources",
    metadata,
    # The position of the event that said it, and the ledger's key of what it said. Where that was
    # taken back since, the row stays: whoever follows it looks into the key's value.
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, primary_key=True),
    sqlite_with_rowid=False,
)

graph_vectors = Table(
    "graph_vectors",
    metadata,
    Column("entity", number_type, primary_key=True, autoincrement=False),
    # Which embedder made it, of which text.
    Column("model", Text, nullable=False),
    Column("text", LargeBinary, nullable=False),
    Column("vector", LargeBinary, nullable=False),
    # Grows with each change, so that a reader's copy is brought up to date by what is above.
    Column("changed", BigInteger, nullable=False),
    Index("graph_vectors_by_change", "changed"),
)
