"""The graph's hot statements; `statement.py` says how they are read."""

from __future__ import annotations

from .statement import insert, statement

_ENTITY = "e.id, e.number, e.stands, e.kind, e.name"

_FACT = """f.number, f.subject, f.predicate, f.single, f.target, f.value, f.valid_from, f.valid_to,
    f.confidence, f.support, f.learned_from"""

_CONTRADICTION = """c.number, c.subject, c.predicate, c.single, c.target, c.kind, c.chosen, c.other,
    c.chosen_key, c.other_key, c.learned_from"""

GRAPH_STATEMENTS = (
    # Who changes what is known of an entity holds its lock until the transaction ends. Locks are
    # of buckets of ids, in order: an entity that does not exist yet has no row to lock.
    statement(
        "graph_lock",
        "bucket:int",
        "SELECT bucket FROM input WHERE false",
        postgres_sql="SELECT pg_advisory_xact_lock(1735549288, bucket::int) FROM input",
    ),
    # -- entities
    statement(
        "graph_entities_by_id",
        "id:text",
        f"SELECT {_ENTITY} FROM input JOIN graph_entities e ON e.id = input.id",
    ),
    statement(
        "graph_entities_by_number",
        "number:int",
        f"SELECT {_ENTITY} FROM input JOIN graph_entities e ON e.number = input.number",
    ),
    statement(
        "graph_entities_behind",
        "number:int",
        f"SELECT {_ENTITY} FROM input JOIN graph_entities e ON e.stands = input.number",
    ),
    insert(
        "graph_entity_insert",
        "graph_entities",
        "number:int id:text kind:text name:text stands:int changed:int",
    ),
    statement(
        "graph_entity_set",
        "number:int kind:text name:text stands:int changed:int",
        """UPDATE graph_entities SET kind = input.kind, name = input.name, stands = input.stands,
                  changed = input.changed
           FROM input WHERE graph_entities.number = input.number""",
    ),
    # -- facts as they are now
    statement(
        "graph_facts_of_predicate",
        "subject:int predicate:text",
        f"""SELECT {_FACT} FROM input JOIN graph_facts f ON f.subject = input.subject
              AND f.predicate = input.predicate AND f.learned_to IS NULL""",
    ),
    statement(
        "graph_facts_of_edge",
        "subject:int predicate:text target:int",
        f"""SELECT {_FACT} FROM input JOIN graph_facts f ON f.subject = input.subject
              AND f.predicate = input.predicate AND f.target = input.target
              AND f.learned_to IS NULL""",
    ),
    statement(
        "graph_facts_out_of",
        "subject:int",
        f"""SELECT {_FACT} FROM input JOIN graph_facts f ON f.subject = input.subject
              AND f.learned_to IS NULL""",
    ),
    statement(
        "graph_facts_into",
        "target:int",
        f"""SELECT {_FACT} FROM input JOIN graph_facts f ON f.target = input.target
              AND f.learned_to IS NULL""",
    ),
    # What lists show of an entity; `graph/labels.py` says which of them counts.
    statement(
        "graph_labels",
        "subject:int",
        """SELECT f.subject, f.predicate, f.value, f.valid_from FROM input
           JOIN graph_facts f ON f.subject = input.subject
              AND f.predicate IN ('type', 'name', 'title', 'text', 'path', 'label', 'value')
              AND f.learned_to IS NULL AND f.valid_to IS NULL AND f.single = 1
              AND f.target IS NULL""",
    ),
    insert(
        "graph_fact_insert",
        "graph_facts",
        "number:int subject:int predicate:text single:int target:int value:bytes valid_from:int "
        "valid_to:int learned_from:int confidence:float support:int",
    ),
    statement(
        "graph_fact_close",
        "number:int learned_to:int",
        """UPDATE graph_facts SET learned_to = input.learned_to
           FROM input WHERE graph_facts.number = input.number""",
    ),
    statement(
        "graph_facts_forget",
        "number:int",
        "DELETE FROM graph_facts WHERE number IN (SELECT number FROM input) RETURNING number",
    ),
    # -- what contradicts what
    statement(
        "graph_contradictions_of",
        "subject:int predicate:text",
        f"""SELECT {_CONTRADICTION} FROM input JOIN graph_contradictions c
              ON c.subject = input.subject AND c.predicate = input.predicate""",
    ),
    statement(
        "graph_contradictions_about",
        "subject:int",
        f"""SELECT {_CONTRADICTION} FROM input JOIN graph_contradictions c
              ON c.subject = input.subject""",
    ),
    statement(
        "graph_contradictions_into",
        "target:int",
        f"""SELECT {_CONTRADICTION} FROM input JOIN graph_contradictions c
              ON c.target = input.target""",
    ),
    insert(
        "graph_contradiction_insert",
        "graph_contradictions",
        "number:int subject:int predicate:text single:int target:int kind:text chosen:text "
        "other:text chosen_key:text other_key:text learned_from:int",
    ),
    statement(
        "graph_contradiction_delete",
        "number:int",
        "DELETE FROM graph_contradictions WHERE number IN (SELECT number FROM input)",
    ),
    # -- which entities are one
    statement(
        "graph_merges_of",
        "number:int",
        """SELECT m.kept, m.other, m.learned_from, m.learned_to FROM input
           JOIN graph_merges m ON m.kept = input.number
           UNION
           SELECT m.kept, m.other, m.learned_from, m.learned_to FROM input
           JOIN graph_merges m ON m.other = input.number""",
    ),
    insert("graph_merge_insert", "graph_merges", "kept:int other:int learned_from:int"),
    statement(
        "graph_merge_close",
        "kept:int other:int learned_to:int",
        """UPDATE graph_merges SET learned_to = input.learned_to
           FROM input WHERE graph_merges.kept = input.kept AND graph_merges.other = input.other
              AND graph_merges.learned_to IS NULL""",
    ),
    # -- what an event said
    insert(
        "graph_source_insert",
        "graph_sources",
        "event:int key:text",
        "ON CONFLICT (event, key) DO NOTHING",
    ),
    statement(
        "graph_sources_of",
        "event:int",
        "SELECT s.event, s.key FROM input JOIN graph_sources s ON s.event = input.event",
    ),
)
