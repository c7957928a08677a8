"""Format `csv`: one message per row, columns by name, or by a mapping for tables of others.

Spreadsheets run cells that begin with = + - @ (and TAB, CR) as formulas. What we write has an
apostrophe before such a text, and before one that begins with an apostrophe; what we read as our
own loses it again, so that writing and reading give the same messages (OWASP, CSV injection;
quoting as in RFC 4180).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from ..model.errors import ColloquyError, InvalidInput
from ..model.message import Message, check_message, encode, input_error
from .source import Item, Problem

COLUMNS = (
    "channel", "account", "conversation", "thread", "id", "sent_at", "sender", "sender_kind",
    "sender_name", "text", "parts", "reply_to", "metadata", "more",
)  # fmt: skip
"""What `write` makes. `parts`, `metadata` and `more` (the fields that no column has) are JSON."""
NEEDED = ("conversation", "text")
CHANNEL = "import"
MAX_CELL = 4 * 1024 * 1024
"""Characters of one cell."""
_FORMULA = "=+-@\t\r'"
_JSON_COLUMNS = ("parts", "metadata", "more")
_FIELDS = frozenset(
    ("channel", "account", "conversation", "thread", "id", "text", "parts", "reply_to", "metadata")
)

_DEFAULTS = {"channel": "api", "account": "default"}


class Options(Struct, frozen=True, kw_only=True):
    """`columns`: our name → the table's, for those that differ. `time_format`: of `strptime`, for
    times that are not RFC 3339. `me`: the sender that is our side."""

    columns: dict[str, str] = {}
    time_zone: str = "UTC"
    time_format: str | None = None
    me: str | None = None
    channel: str = CHANNEL


def read(lines: Iterator[str], options: Options) -> Iterator[Item | Problem]:
    """A message per row, after one row of names.

    Raises InvalidInput for a table without the needed columns. A row without an id gets one out of
    what it says, so that the same row again is the same message.
    """
    csv.field_size_limit(MAX_CELL)
    first = next(lines, "")
    table = csv.reader(_with(first, lines), _dialect(first), strict=True)
    try:
        names = next(table, [])
    except csv.Error as error:
        raise InvalidInput(f"its first row is no row of names: {error}", field="file") from None
    places = _places([name.strip() for name in names], options)
    ours = names == list(COLUMNS)
    seen: dict[bytes, int] = {}
    line = table.line_num
    while True:
        line = table.line_num + 1
        try:
            row = next(table, None)
        except csv.Error as error:
            # Where a quote is open the rest cannot be told apart: it ends here.
            yield Problem(line, "invalid_input", f"the row cannot be read: {error}")
            return
        if row is None:
            return
        if not row:
            continue
        if len(row) != len(names):
            detail = f"{len(row)} cells where there are {len(names)} columns"
            yield Problem(line, "invalid_input", detail)
            continue
        cells = {name: row[place] for name, place in places.items()}
        try:
            yield Item(line, _message(cells, seen, options, ours=ours))
        except ColloquyError as error:
            yield Problem.of(line, error)


def looks_like(line: str) -> bool:
    """Whether a line is the row of names of a table that needs no mapping."""
    names = line.strip().split(_dialect(line).delimiter)
    return set(NEEDED) <= {name.strip(' "\ufeff') for name in names}


def header() -> bytes:
    """The row of names that stands before what `write` makes."""
    return (",".join(COLUMNS) + "\r\n").encode()


def write(messages: Iterable[Message]) -> Iterator[bytes]:
    """A row per message, with its line break."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    for message in messages:
        table.writerow([safe(cell) for cell in _cells(message)])
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()


def safe(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] and text[0] in _FORMULA else text


def plain(cell: str) -> str:
    """What `safe` was given."""
    return cell[1:] if len(cell) > 1 and cell[0] == "'" and cell[1] in _FORMULA else cell


def _with(first: str, lines: Iterator[str]) -> Iterator[str]:
    yield first
    yield from lines


def _dialect(first: str) -> type[csv.Dialect]:
    """By the row of names: the separator that it has most of."""

    class Found(csv.excel):
        delimiter = max(",;\t|", key=first.count)

    return Found


def _places(names: list[str], options: Options) -> dict[str, int]:
    """Our name → the column's place."""
    if len(set(names)) != len(names):
        raise InvalidInput("two of its columns have one name", field="file")
    unknown = [name for name in options.columns if name not in COLUMNS]
    if unknown:
        raise InvalidInput(
            f"there is no field {unknown[0]!r}; there are {', '.join(COLUMNS)}", field="map"
        )
    places: dict[str, int] = {}
    for name in COLUMNS:
        wanted = options.columns.get(name, name)
        if wanted in names:
            places[name] = names.index(wanted)
        elif name in options.columns or name in NEEDED:
            raise InvalidInput(
                f"it has no column {wanted!r} for `{name}`; it has {', '.join(names) or 'none'}",
                field="map",
            )
    return places


def _message(
    cells: Mapping[str, str], seen: dict[bytes, int], options: Options, *, ours: bool
) -> Message:
    tree: dict[str, Any] = {"channel": options.channel}
    for name, cell in cells.items():
        text = plain(cell) if ours else cell
        if not text or (name not in _FIELDS and name != "more"):
            continue
        if name in _JSON_COLUMNS:
            value = _json(name, text)
            tree |= value if name == "more" else {name: value}
        else:
            tree[name] = text
    sender = _sender(cells, options, ours=ours)
    if sender is not None:
        tree["sender"] = sender
    if cells.get("sent_at"):
        tree["sent_at"] = _time(cells["sent_at"], options)
    if "text" not in tree and "parts" not in tree:
        tree["text"] = ""
    if "id" not in tree:
        digest = blake2b(encode(tree), digest_size=12)
        seen[digest.digest()] = number = seen.get(digest.digest(), 0) + 1
        tree["id"] = f"row-{digest.hexdigest()}-{number}"
    # As everywhere, what a message leaves to its default is not written out again.
    tree = {name: value for name, value in tree.items() if value != _DEFAULTS.get(name)}
    try:
        message = msgspec.convert(tree, Message)
    except msgspec.ValidationError as error:
        raise input_error(error) from None
    check_message(message, max_text=None)
    return message


def _sender(cells: Mapping[str, str], options: Options, *, ours: bool) -> dict[str, str] | None:
    identity = cells.get("sender", "")
    identity = plain(identity) if ours else identity.strip()
    if not identity:
        return None
    if options.me is not None and identity == options.me:
        return {"id": "assistant", "kind": "assistant", "name": identity}
    sender = {"id": identity, "kind": cells.get("sender_kind") or "person"}
    name = cells.get("sender_name", "")
    if name:
        sender["name"] = plain(name) if ours else name
    return sender


def _time(text: str, options: Options) -> str:
    """RFC 3339; a time without a zone is of `time_zone`. Raises InvalidInput."""
    try:
        at = (
            datetime.strptime(text.strip(), options.time_format)
            if options.time_format is not None
            else datetime.fromisoformat(text.strip())
        )
    except ValueError as error:
        raise InvalidInput(f"{error}; --time-format says how times look", field="sent_at") from None
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(options.time_zone))
    return at.astimezone(UTC).isoformat()


def _json(name: str, text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode("utf-8", "surrogatepass"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"it is no JSON: {error}", field=name) from None


def _cells(message: Message) -> list[str]:
    tree: dict[str, Any] = msgspec.to_builtins(message)
    sender = tree.pop("sender", None) or {}
    sent_at = message.sent_at
    row = {
        **{name: tree.pop(name, "") for name in ("channel", "account", "thread", "id", "reply_to")},
        "conversation": tree.pop("conversation"),
        "sent_at": sent_at.astimezone(UTC).isoformat() if sent_at is not None else "",
        "sender": sender.get("id", ""),
        "sender_kind": sender.get("kind", "") if sender else "",
        "sender_name": sender.get("name", ""),
        "text": tree.pop("text", None) or "",
        "parts": encode(tree.pop("parts")).decode() if tree.get("parts") else "",
        "metadata": encode(tree.pop("metadata")).decode() if tree.get("metadata") else "",
    }
    row["channel"] = row["channel"] or message.channel
    row["account"] = row["account"] or message.account
    if sender and not row["sender_kind"]:
        row["sender_kind"] = "person"
    tree.pop("sent_at", None)
    tree.pop("version", None)
    if message.text == "" and message.parts:
        tree["text"] = ""  # an empty cell beside parts means that there is no text
    row["more"] = encode(tree).decode() if tree else ""
    return [str(row[name] or "") for name in COLUMNS]
