"""Reading: entities, facts, time lines, contradictions, figures, searching."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from ...model.graph import AssertionView, FactView, SearchMode, Value, VersionView
from ..options import Cursor, Limit, Reach, command
from ..output import clock_time, note, print_json, print_table, shortened
from .target import AsOf, Id, Predicate, ValidAt, asked, moment, time

Kind = Annotated[str | None, typer.Option("--kind", help="Only this kind, such as person.")]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Only entities of this kind; repeatable.")
]
Hits = Annotated[int, typer.Option("--limit", min=1, max=100, help="Most hits to show.")]


def register(app: typer.Typer) -> None:
    command(app, "entities")(entities)
    command(app, "entity")(entity)
    command(app, "facts")(facts)
    command(app, "timeline")(timeline)
    command(app, "search")(search)
    command(app, "contradictions")(contradictions)
    command(app, "statistics")(statistics)


def entities(
    reach: Reach,
    prefix: Annotated[
        str | None, typer.Argument(metavar="[PREFIX]", help="How their ids or names begin.")
    ] = None,
    kind: Kind = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> None:
    """Lists entities of which the kind is known."""
    page = asked(reach, lambda target: target.entity_page(kind, prefix, cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "kind", "name"],
        [(one.id, one.kind, one.name) for one in page.entities],
        empty="No entities.",
    )
    more(page.next)


def entity(reach: Reach, id: Id, as_of: AsOf = None, valid_at: ValidAt = None) -> None:
    """Shows an entity: its kind and attributes."""
    known, so = moment(as_of), time(valid_at, "valid-at")
    view = asked(reach, lambda target: target.entity(id, known, so))
    if reach.json:
        print_json(view)
        return
    rows: list[tuple[str, Any]] = [("id", view.id), ("kind", view.kind or "unknown")]
    rows += sorted(view.attributes.items())
    if view.merged:
        rows.append(("also known as", view.merged))
    for name, value in rows:
        print(f"{name:<16} {said(value)}")
    if view.truncated:
        note(f"It has more attributes: colloquy graph facts {view.id}")


def facts(
    reach: Reach,
    id: Id,
    predicate: Predicate = None,
    as_of: AsOf = None,
    valid_at: ValidAt = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> None:
    """Shows the facts about an entity, with their sources and both times."""
    known, so = moment(as_of), time(valid_at, "valid-at")
    page = asked(
        reach,
        lambda target: target.fact_page(id, predicate, cursor, limit, as_of=known, valid_at=so),
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["fact", "predicate", "value", "sure", "so from", "until", "position", "source"],
        [
            (
                one.number, one.predicate, _object(one), f"{one.confidence:.2f}",
                _time(one.valid_from), _time(one.valid_to), _positions(one),
                ", ".join(sorted({_source(said) for said in one.assertions})),
            )
            for one in page.facts
        ],
        empty="No facts.",
    )  # fmt: skip
    more(page.next)


def timeline(
    reach: Reach, id: Id, predicate: Predicate = None, limit: Limit = 100, cursor: Cursor = None
) -> None:
    """Shows every version of the facts about an entity, oldest first."""
    page = asked(reach, lambda target: target.timeline_page(id, predicate, cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["learned (UTC)", "closed (UTC)", "position", "predicate", "value", "so from", "until"],
        [
            (
                _time(one.learned_at), _time(one.closed_at), _positions(one), one.predicate,
                _object(one), _time(one.valid_from), _time(one.valid_to),
            )
            for one in page.versions
        ],
        empty="No facts.",
    )  # fmt: skip
    more(page.next)


def search(
    reach: Reach,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to look for.")],
    mode: Annotated[
        SearchMode, typer.Option("--mode", help="By words, by meaning, or both put together.")
    ] = "hybrid",
    kind: Kinds = None,
    limit: Hits = 20,
    cursor: Cursor = None,
) -> None:
    """Searches entities, best first."""
    page = asked(
        reach, lambda target: target.graph_search_page(text, mode, kind or (), cursor, limit)
    )
    if reach.json:
        print_json(page)
        return
    print_table(
        ["id", "kind", "name", "score", "words", "like it"],
        [
            (
                one.id, one.kind, one.name, f"{one.score:.4f}", " ".join(one.why.words),
                "" if one.why.similarity is None else f"{one.why.similarity:.2f}",
            )
            for one in page.hits
        ],
        empty="Nothing found.",
    )  # fmt: skip
    if page.mode != mode:
        note("Searched by words alone: there is no embedder (graph.embedder).")
    more(page.next)


def contradictions(reach: Reach, limit: Limit = 100, cursor: Cursor = None) -> None:
    """Lists what contradicts what."""
    page = asked(reach, lambda target: target.contradiction_page(cursor, limit))
    if reach.json:
        print_json(page)
        return
    print_table(
        ["number", "subject", "predicate", "kind", "chosen", "other", "keys"],
        [
            (
                one.number, one.subject, one.predicate, one.kind, _object(one.chosen),
                _object(one.other), " ".join(sorted({one.chosen.key, one.other.key})),
            )
            for one in page.contradictions
        ],
        empty="No contradictions.",
    )  # fmt: skip
    more(page.next)


def statistics(
    reach: Reach,
    stale_days: Annotated[
        int,
        typer.Option("--stale-days", min=1, max=36_500, help="Unconfirmed for so long is stale."),
    ] = 180,
) -> None:
    """Shows how much is known, and how clean it is."""
    found = asked(reach, lambda target: target.graph_statistics(stale_days))
    if reach.json:
        print_json(found)
        return
    clean = found.hygiene
    rows = [(f"{kind}", count) for kind, count in sorted(found.entities.items())]
    rows += [
        ("facts", found.facts), ("relationships", found.relationships),
        ("closed versions", found.closed), ("contradictions", found.contradictions),
        ("merges", found.merges),
    ]  # fmt: skip
    for name, count in rows:
        print(f"{name:<16} {count:>10,}")
    for name, share in (
        ("junk", clean.junk_rate),
        ("duplicates", clean.duplicate_rate),
        ("stale", clean.stale_rate),
    ):
        print(f"{name:<16} {share:>10.1%}")
    print(f"{'vectors':<16} {found.vectors or 'none':>10}")


def more(cursor: str | None) -> None:
    if cursor is not None:
        note(f"More: --cursor {cursor}")


def said(value: Any) -> str:
    """A value as people read it: text as it is, anything else as JSON."""
    return shortened(value if isinstance(value, str) else msgspec.json.encode(value).decode(), 200)


def _object(one: FactView | VersionView | AssertionView) -> str:
    return f"→ {one.target}" if one.target is not None else _said_raw(one.value)


def _said_raw(value: Value) -> str:
    return "" if isinstance(value, msgspec.UnsetType) else said(msgspec.json.decode(value))


def _time(moment: str | None) -> str:
    return "" if moment is None else clock_time(moment)


def _positions(one: FactView | VersionView) -> str:
    return f"{one.learned_from}–{'' if one.learned_to is None else one.learned_to}"


def _source(one: AssertionView) -> str:
    if one.evidence is None:
        return "unsaid"
    event = "" if one.evidence.event is None else f" {one.evidence.event}"
    return f"{one.evidence.source}{event}"
