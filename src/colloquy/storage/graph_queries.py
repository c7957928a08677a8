"""The graph's ordinary reads and small writes, by name, as in `queries.py`."""

from __future__ import annotations

GRAPH_QUERIES: dict[str, str] = {
    "graph_is_merged": "SELECT 1 FROM graph_entities WHERE stands IS NOT NULL LIMIT 1",
    "graph_entities_page": """SELECT number, id, kind, name FROM graph_entities
        WHERE number > $1 AND kind IS NOT NULL
            AND (substr(id, 1, length($2)) = $2 OR substr(name, 1, length($2)) = $2)
        ORDER BY number LIMIT $3""",
    "graph_entities_page_of": """SELECT number, id, kind, name FROM graph_entities
        WHERE kind = $1 AND number > $2
            AND (substr(id, 1, length($3)) = $3 OR substr(name, 1, length($3)) = $3)
        ORDER BY number LIMIT $4""",
    "graph_entities_changed": """SELECT changed, number, id, kind, stands FROM graph_entities
        WHERE (changed, number) > ($1, $2) ORDER BY changed, number LIMIT $3""",
    # What changed after a position, the newest first.
    "graph_entities_newest": """SELECT id FROM graph_entities WHERE changed > $1
        AND kind IS NOT NULL ORDER BY changed DESC, number DESC LIMIT $2""",
    "graph_contradictions_page": """SELECT c.number, c.predicate, c.kind, c.chosen, c.other,
            c.chosen_key, c.other_key, c.learned_from, e.id
        FROM graph_contradictions c JOIN graph_entities e ON e.number = c.subject
        WHERE c.number > $1 ORDER BY c.number LIMIT $2""",
    # -- figures
    "graph_kinds_count": """SELECT kind, count(*) FROM graph_entities WHERE kind IS NOT NULL
        GROUP BY kind ORDER BY kind""",
    "graph_facts_count": """SELECT count(*), count(target), count(learned_to),
            sum(CASE WHEN learned_to IS NULL AND target IS NOT NULL THEN 1 ELSE 0 END)
        FROM graph_facts""",
    "graph_contradictions_count": "SELECT count(*) FROM graph_contradictions",
    "graph_merges_count": "SELECT count(*) FROM graph_merges WHERE learned_to IS NULL",
    "graph_counters": """SELECT name, value FROM counters
        WHERE name IN ('graph_offered', 'graph_repeated', 'graph_refused')""",
    # Facts that no longer hold in the world, or were learned before a position and not again.
    "graph_stale_count": """SELECT count(*), sum(CASE WHEN (valid_to IS NOT NULL AND valid_to <= $1)
            OR learned_from <= $2 THEN 1 ELSE 0 END)
        FROM graph_facts WHERE learned_to IS NULL""",
    # -- forgetting
    "graph_facts_closed": """SELECT number, learned_from, learned_to FROM graph_facts
        WHERE number > $1 AND learned_to IS NOT NULL AND learned_to <= $2
        ORDER BY number LIMIT $3""",
}
