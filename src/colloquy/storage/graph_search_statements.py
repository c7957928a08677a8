"""The statements of the graph's search: full text, vectors, and how far both have read."""

from __future__ import annotations

from .statement import Statement, statement

GRAPH_SEARCH_STATEMENTS: tuple[Statement, ...] = (
    # The first time there is no row yet; later the place moves only from where it was read.
    statement(
        "graph_index_begin",
        "name:text value:text",
        """INSERT INTO meta (name, value) SELECT name, value FROM input WHERE true
           ON CONFLICT (name) DO NOTHING RETURNING name""",
    ),
    statement(
        "graph_index_move",
        "name:text former:text value:text",
        """UPDATE meta SET value = input.value FROM input
           WHERE meta.name = input.name AND meta.value = input.former RETURNING meta.name""",
    ),
    # An entity has one vector: where one model's begin, the places of the others mean nothing.
    statement(
        "graph_vectors_forget",
        "name:text",
        """DELETE FROM meta WHERE substr(name, 1, 20) = 'graph_vectors_place:'
           AND name NOT IN (SELECT name FROM input)""",
    ),
    # -- full text; SQLite gets folded words parted by blanks, PostgreSQL the text of a tsvector
    statement(
        "graph_search_delete",
        "entity:int",
        "DELETE FROM graph_search WHERE rowid IN (SELECT entity FROM input)",
        postgres_sql="DELETE FROM graph_search WHERE entity IN (SELECT entity FROM input)",
    ),
    statement(
        "graph_search_insert",
        "entity:int name:text words:text lexemes:text",
        """INSERT INTO graph_search (rowid, name, words)
           SELECT entity, name, words FROM input WHERE true""",
        postgres_sql="""INSERT INTO graph_search (entity, words)
            SELECT entity, CAST(lexemes AS tsvector) FROM input
            ON CONFLICT (entity) DO UPDATE SET words = excluded.words""",
    ),
    # -- vectors; an empty one says that there is none any more
    statement(
        "graph_vector_put",
        "entity:int model:text text:bytes vector:bytes changed:int",
        """INSERT INTO graph_vectors (entity, model, text, vector, changed)
           SELECT entity, model, text, vector, changed FROM input WHERE true
           ON CONFLICT (entity) DO UPDATE SET model = excluded.model, text = excluded.text,
              vector = excluded.vector, changed = excluded.changed""",
    ),
    statement(
        "graph_vector_texts",
        "entity:int",
        """SELECT v.entity, v.model, v.text FROM input
           JOIN graph_vectors v ON v.entity = input.entity""",
    ),
)
