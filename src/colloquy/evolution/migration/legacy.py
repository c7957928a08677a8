"""The user's own table of V1 messages, as it is: mapped, checked, read by pages, written by id.

What a message has beside the mapped columns (`name`, `tool_calls`, content that is no text, fields
of the user's) stands in the metadata under `v1_fields`, so that the table holds all of it. What
comes out of `as_kept` is a message as the table gives it back: two messages that are so the same
are the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from ...model.errors import InvalidInput, MalformedV1, NotFound
from ..v1 import V1Message, moment_of
from .database import Ask, ColumnInfo, Database, Many
from .plan import Plan

Key = int | str

FIELDS = "v1_fields"
"""In the metadata: the fields that have no column."""

_NAMES = frozenset(("id", "conversation_id", "role", "content", "metadata", "timestamp"))
_COLUMNS = _NAMES - {"content"}
"""What a column says, whatever the metadata says of it."""
_KINDS = {
    "id": ("integer", "text", "uuid"),
    "conversation": ("integer", "text", "uuid"),
    "role": ("text",),
    "content": ("text",),
    "metadata": ("json", "text"),
    "created_at": ("text", "integer", "real", "timestamp"),
}
_json = msgspec.json.Encoder(order="sorted")


class LegacyTable:
    """`open` checks the table's schema; before that nothing else may be called."""

    def __init__(self, plan: Plan, database: Database) -> None:
        self.database = database
        self.label = plan.table
        self._plan = plan
        self._info: dict[str, ColumnInfo] = {}
        self._select = ""
        self._upsert = ""
        self._insert = ""

    @property
    def id_type(self) -> str:
        """`bigint` or `text`."""
        return "bigint" if self._info["id"].kind == "integer" else "text"

    async def open(self) -> None:
        """Raises NotFound without the table, InvalidInput with the field of a column that does not
        fit, StoreUnavailable."""
        found = {one.name: one for one in await self.database.columns(self._plan.table)}
        if not found:
            raise NotFound(f"{self.database.name} has no table {self._plan.table!r}", field="table")
        for field, name in msgspec.structs.asdict(self._plan.columns).items():
            self._info[field] = self._checked(field, name, found)
        ids = self._plan.columns.id
        if ids not in await self.database.unique_columns(self._plan.table):
            raise InvalidInput(
                f"column {ids!r} must be the primary key, or unique by itself", field="columns.id"
            )
        mapped = {one.name for one in self._info.values()}
        for column in found.values():
            if column.name not in mapped and not column.is_nullable and not column.has_default:
                raise InvalidInput(
                    f"column {column.name!r} takes no NULL, has no default and is not mapped: "
                    "no message could be written",
                    field="columns",
                )
        self._prepare()

    def _checked(self, field: str, name: str, found: dict[str, ColumnInfo]) -> ColumnInfo:
        where = f"columns.{field}"
        column = found.get(name)
        if column is None:
            raise InvalidInput(
                f"table {self._plan.table!r} has no column {name!r}; it has {', '.join(found)}",
                field=where,
            )
        if column.kind not in _KINDS[field]:
            raise InvalidInput(
                f"column {name!r} has the type {column.type or 'none'}; "
                f"{field} needs one of {', '.join(_KINDS[field])}",
                field=where,
            )
        return column

    def _prepare(self) -> None:
        database = self.database
        table = database.quote(self._plan.table)
        names = [database.quote(one.name) for one in self._info.values()]
        shown = [
            f"{name}::text"
            if one.kind in ("uuid", "json") and database.dialect != "sqlite"
            else name
            for name, one in zip(names, self._info.values(), strict=True)
        ]
        marks = [
            database.mark(number, one.type) for number, one in enumerate(self._info.values(), 1)
        ]
        self._types = tuple(one.type for one in self._info.values())
        self._select = f"SELECT {', '.join(shown)} FROM {table}"
        into = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(marks)})"
        news = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        self._insert = f"{into} ON CONFLICT ({names[0]}) DO NOTHING"
        self._upsert = f"{into} ON CONFLICT ({names[0]}) DO UPDATE SET {news}"
        self._key = names[0]

    # -- messages and rows --------------------------------------------------------------------

    def key(self, id: Any) -> Key:
        """An id as the table has it. Raises InvalidInput for one that it cannot hold."""
        if self._info["id"].kind == "integer":
            if type(id) is not int:
                id = _number(id)
            if id is None or not -(2**63) <= id < 2**63:
                raise InvalidInput(f"table {self.label!r} has numbers for ids", field="id")
            return int(id)
        if id is None or id == "":
            raise InvalidInput("a message of both tables needs an id", field="id")
        return id if isinstance(id, str) else str(id)

    def conversation(self, conversation: Any) -> Any:
        """A conversation as the table has it. Raises InvalidInput."""
        if conversation is None:
            return None
        if self._info["conversation"].kind != "integer":
            return conversation if isinstance(conversation, str) else str(conversation)
        number = conversation if type(conversation) is int else _number(conversation)
        if number is None:
            raise InvalidInput(
                f"table {self.label!r} has numbers for conversations", field="conversation_id"
            )
        return number

    def time(self, timestamp: Any) -> Any:
        """A timestamp as the table gives it back: in the column's own form. Raises MalformedV1."""
        kind = self._info["created_at"].kind
        if timestamp is None or (kind == "text" and isinstance(timestamp, str)):
            return timestamp
        moment = moment_of(timestamp)
        assert moment is not None
        if kind in ("text", "timestamp"):
            return msgspec.to_builtins(moment.astimezone(UTC))
        is_number = isinstance(timestamp, int | float)
        factor = 1000 if self._plan.created_at_unit == "milliseconds" else 1
        number = timestamp if is_number else moment.timestamp() * factor
        return round(number) if kind == "integer" else float(number)

    def as_kept(self, v1: V1Message) -> V1Message:
        """The message as the table gives it back once it was written. Raises as `row`."""
        kept = {
            **v1,
            "id": self.key(v1.get("id")),
            "conversation_id": self.conversation(v1.get("conversation_id")),
            "timestamp": self.time(v1.get("timestamp")),
        }
        if kept["timestamp"] is None:
            del kept["timestamp"]
        if not kept.get("metadata", True):
            del kept["metadata"]
        return kept

    def row(self, v1: V1Message) -> tuple[Any, ...]:
        """The values of the mapped columns. Raises InvalidInput, MalformedV1."""
        content = v1.get("content")
        metadata = v1.get("metadata") or {}
        if not isinstance(content, str) or FIELDS in metadata or not v1.keys() <= _NAMES:
            content, metadata = self._carrying(v1, metadata)
        is_bare = not metadata and self._info["metadata"].is_nullable
        values = (
            self.key(v1.get("id")),
            self.conversation(v1.get("conversation_id")),
            v1["role"],
            content,
            None if is_bare else _json.encode(metadata).decode(),
            self.time(v1.get("timestamp")),
        )
        value = self.database.value
        return tuple(map(value, values, self._types))

    @staticmethod
    def _carrying(v1: V1Message, metadata: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Content and metadata with all that has no column."""
        extras = {name: value for name, value in v1.items() if name not in _NAMES}
        content = v1.get("content")
        if not isinstance(content, str):
            extras["content"] = content
            content = ""
        carried: dict[str, Any] = {"set": extras}
        if "content" not in v1:
            carried["unset"] = ["content"]
        if FIELDS in metadata:
            carried["kept"] = metadata[FIELDS]
        return content, {**metadata, FIELDS: carried}

    def message(self, row: tuple[Any, ...]) -> V1Message:
        """Raises MalformedV1 where the metadata is no JSON object."""
        id, conversation, role, content, metadata, created = row
        v1: V1Message = {"id": id, "conversation_id": conversation, "role": role}
        v1["content"] = content
        tree = self._metadata(metadata)
        carried = tree.pop(FIELDS, None)
        if isinstance(carried, dict) and isinstance(carried.get("set"), dict):
            v1 |= {name: value for name, value in carried["set"].items() if name not in _COLUMNS}
            if carried.get("unset") == ["content"]:
                del v1["content"]
            if "kept" in carried:
                tree[FIELDS] = carried["kept"]
        elif carried is not None:
            tree[FIELDS] = carried
        if tree:
            v1["metadata"] = tree
        if isinstance(created, datetime):
            aware = created if created.tzinfo is not None else created.replace(tzinfo=UTC)
            created = msgspec.to_builtins(aware.astimezone(UTC))
        if created is not None:
            v1["timestamp"] = created
        return v1

    def _metadata(self, text: Any) -> dict[str, Any]:
        if text is None or text == "":
            return {}
        try:
            tree = msgspec.json.decode(text)
        except (msgspec.DecodeError, TypeError):
            tree = None
        if tree is None and text == "null":
            return {}
        if not isinstance(tree, dict):
            raise MalformedV1("the column does not hold a JSON object", field="metadata")
        return tree

    # -- reading ------------------------------------------------------------------------------

    def page(self, after: Key | None, limit: int) -> Ask:
        """Rows with ids above `after`, in the order of ids."""
        end = f"ORDER BY {self._key} LIMIT {int(limit)}"
        if after is None:
            return Ask(f"{self._select} {end}")
        mark = self.database.mark(1, self._info["id"].type)
        return Ask(
            f"{self._select} WHERE {self._key} > {mark} {end}",
            (self.database.value(after, self._info["id"].type),),
        )

    def by_key(self, keys: Sequence[Key]) -> Ask:
        condition = self.database.any_of(self._key, 1, self._info["id"].type)
        return Ask(f"{self._select} WHERE {condition}", (self.database.keys(keys),))

    async def count(self) -> int:
        table = self.database.quote(self._plan.table)
        ((found,),) = await self.database.ask(f"SELECT count(*) FROM {table}")
        return int(found)

    # -- writing ------------------------------------------------------------------------------

    def write(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts or updates by id."""
        return Many(self._upsert, rows)

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts what is not there yet."""
        return Many(self._insert, rows)


def _number(text: Any) -> int | None:
    """The number that a text is, in the one way to write it."""
    try:
        number = int(text)
    except (TypeError, ValueError):
        return None
    return number if str(number) == str(text) else None
