"""Whether the tables of the graph say what the ledger says: for checks after a rollback."""

from __future__ import annotations

from collections.abc import Mapping

from ..storage.store import Store
from .nodes import Nodes
from .settling import FactRow, Group, Held, gather, group_of, read_slots, settled
from .slots import Name, Slot, parse_key, read_slot
from .views import drive


async def drifted(store: Store, records: Mapping[str, bytes | None]) -> list[str]:
    """Keys of slots, given as they are now, whose facts or merges are not in the tables, or are
    there although nothing says so. Raises InvalidInput for what is no slot."""
    slots: dict[str, Slot | None] = {}
    names: dict[str, Name] = {}
    for key, value in records.items():
        slots[key] = slot = None if value is None else read_slot(key, value)
        name = parse_key(key) if slot is None else slot.name
        if name is not None:
            names[key] = name
    nodes = Nodes()
    await drive(store, nodes.find({end for name in names.values() for end in _ends(name)}))
    unknown = {
        key for key, name in names.items() if any(end not in nodes.by_id for end in _ends(name))
    }
    wrong = {key for key in unknown if records[key] is not None}
    there = {key: name for key, name in names.items() if key not in unknown}
    merges = {key: name for key, name in there.items() if name.is_merge}
    wrong |= await _wrong_merges(store, merges, records, nodes)
    await drive(
        store, nodes.find_behind(node.representative for node in list(nodes.by_id.values()))
    )
    groups = {key: group_of(name, nodes) for key, name in there.items() if key not in merges}
    held = Held()
    await drive(store, gather(set(groups.values()), held))
    await drive(store, nodes.find_behind(held.representatives()))
    told = {key: slots[key] for key in groups}
    await drive(store, read_slots(held.names(nodes), told))
    news = settled(told, held, nodes, {}, 1)
    changed: set[Group] = {row.group for row, _ in news.closed}
    changed |= {FactRow._make([0, *row[:7], row[8], row[9], row[7]]).group for row in news.facts}
    return sorted(wrong | {key for key, group in groups.items() if group in changed})


async def _wrong_merges(
    store: Store,
    merges: Mapping[str, Name],
    records: Mapping[str, bytes | None],
    nodes: Nodes,
) -> set[str]:
    pairs = {
        key: (nodes.by_id[name.subject].number, nodes.by_id[name.target or ""].number)
        for key, name in merges.items()
    }
    rows = await store.read("graph_merges_of", sorted({(kept,) for kept, _ in pairs.values()}))
    holding = {(kept, other) for kept, other, _, until in rows if until is None}
    return {key for key, pair in pairs.items() if (pair in holding) != (records[key] is not None)}


def _ends(name: Name) -> list[str]:
    return [end for end in (name.subject, name.target) if end is not None]
