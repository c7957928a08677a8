"""Files as records: captured into the ledger, and restored from it with everything else.

A record is `{"content": bytes, "mode": int}`. What somebody changed on disk since its capture is
never overwritten: it is a conflict of the rollback, and is left where the change came so late that
the ledger was restored already. Between the last look and the rename that puts a file there lies a
moment in which such a change is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ...model.errors import InvalidInput, NotFound, TooLarge
from ...model.times import Clock, now_us
from ...settings import LedgerSettings
from ...storage.store import ChangeRow, Store
from ...telemetry.log import get_logger
from ..audit import AuditTrail, Entry
from ..collections import Collection, Refused, decode_value
from ..ledger import Ledger
from ..merge import MISSING, Missing
from ..values import Value
from . import disk
from .disk import FileState
from .roots import Place, Roots

_log = get_logger("ledger")

NAME = "files"

MAX_FILES = 10_000
"""In one capture."""
BATCH_FILES = 100
BATCH_BYTES = 8 * 1024 * 1024
"""Files, and bytes of them, read and written in one transaction."""
KNOWN = 20
"""Newest rows of a file whose contents may be replaced: more than one operation leaves."""


class Captured(NamedTuple):
    """Keys of records that got a row, and how many files are as the ledger has them."""

    changed: list[str]
    removed: list[str]
    unchanged: int


class Files(Collection):
    """The files that the settings allow. Make it before the ledger it is part of."""

    plain = False

    def __init__(self, store: Store, settings: LedgerSettings, clock: Clock = now_us) -> None:
        """Raises InvalidInput for an allow-list that names two folders alike."""
        super().__init__(NAME)
        self._store = store
        self._settings = settings
        self._roots = Roots(settings.files)
        self._audit = AuditTrail(store)
        self._clock = clock

    # -- into the ledger ----------------------------------------------------------------------

    async def capture(self, ledger: Ledger, paths: Sequence[str], actor: str) -> Captured:
        """Writes a row for each file that is not as the ledger has it, and for each that is gone.

        Paths are absolute, or keys; a folder stands for all that is allowed in it. Links and what
        else is no ordinary file are passed over in a folder, and refused by name.

        Raises InvalidInput, NotFound, TooLarge (then nothing was written), PreconditionFailed when
        somebody else captures the same files, Conflict where the system refuses.
        """
        places = await self._places(paths)
        await asyncio.to_thread(self._check_sizes, places)
        done = Captured([], [], 0)
        waiting = iter(places)
        while part := await asyncio.to_thread(self._read, waiting):
            done = await self._put(ledger, part, actor, done)
        return done

    async def _places(self, paths: Sequence[str]) -> list[Place]:
        found: dict[str, Place] = {}
        for path in paths:
            place = self._roots.find(path)
            if await asyncio.to_thread(disk.is_folder, place.root.real, place.parts):
                inside = await asyncio.to_thread(self._inside, place)
                known = await self._known(f"{place.key}/")
            else:
                inside, known = [await self._named(place.key)], []
            for one in (*inside, *known):
                found[one.key] = one
            if len(found) > MAX_FILES:
                raise TooLarge(f"more than {MAX_FILES:,} files", field="paths")
        return [found[key] for key in sorted(found)]

    async def _named(self, key: str) -> Place:
        place = self._roots.place(key)
        if await asyncio.to_thread(disk.size, place.root.real, place.parts) is None:
            heads = await self._store.read("change_heads", [(NAME, key)])
            if not heads or heads[0][3] is None:
                raise NotFound(f"there is no file {key}, and there was none", field="paths")
        return place

    def _inside(self, folder: Place) -> list[Place]:
        found: list[Place] = []
        for parts in disk.walk(folder.root.real, folder.parts):
            place = Place(folder.root, parts)
            if self._roots.allows(place):
                found.append(self._roots.place(place.key))  # is it a key at all?
            if len(found) > MAX_FILES:
                raise TooLarge(f"more than {MAX_FILES:,} files", field="paths")
        return found

    async def _known(self, prefix: str) -> list[Place]:
        """Files that the ledger has below a folder: some may be gone by now."""
        found: list[Place] = []
        after = prefix
        while True:
            rows = await self._store.query("ledger_keys_page", NAME, after, prefix, 500)
            for (key,) in rows:
                try:
                    found.append(self._roots.place(key))
                except InvalidInput:
                    continue  # captured under another allow-list: not ours to say that it is gone
            if len(rows) < 500:
                return found
            after = rows[-1][0]

    def _check_sizes(self, places: list[Place]) -> None:
        total = 0
        for place in places:
            size = disk.size(place.root.real, place.parts) or 0
            if size > self._settings.max_file_bytes:
                most = self._settings.max_file_bytes
                raise TooLarge(f"the file {place.key} has more than {most:,} bytes", field="paths")
            total += size
        if total > self._settings.max_files_bytes:
            most = self._settings.max_files_bytes
            raise TooLarge(f"the files have more than {most:,} bytes together", field="paths")

    def _read(self, places: Iterator[Place]) -> list[tuple[str, FileState | None]]:
        """The next batch; empty at the end."""
        found: list[tuple[str, FileState | None]] = []
        size = 0
        for place in places:
            state = self._on_disk(place)
            found.append((place.key, state))
            size += 0 if state is None else len(state.content)
            if size >= BATCH_BYTES or len(found) == BATCH_FILES:
                break
        return found

    async def _put(
        self,
        ledger: Ledger,
        part: list[tuple[str, FileState | None]],
        actor: str,
        done: Captured,
    ) -> Captured:
        rows = await self._store.read("change_heads", [(NAME, key) for key, _ in part])
        heads = {key: (position, after) for _, key, position, after in rows}
        records: list[tuple[str, str, Value | Missing, int | None]] = []
        unchanged = done.unchanged
        for key, state in part:
            position, after = heads.get(key, (0, None))
            if _stored(after) == state:
                unchanged += state is not None
                continue
            records.append((NAME, key, _value(state), position))
            (done.removed if state is None else done.changed).append(key)
        if records:
            await ledger.put_many(records, actor)
        return done._replace(unchanged=unchanged)

    # -- out of the ledger --------------------------------------------------------------------

    def check(self, key: str, now: Value | Missing, then: Value | Missing) -> None:
        try:
            present = self._on_disk(self._roots.place(key))
            wanted = (_state(now), _state(then))
        except InvalidInput as error:
            raise Refused(error.detail) from None
        # What is there already as it shall be needs no more than the ledger's row.
        if present not in wanted:
            raise Refused("the file was changed on disk since it was captured")

    async def settle(self, keys: Sequence[str]) -> None:
        """Brings files to what the ledger says. Raises Conflict where the system refuses."""
        written: list[str] = []
        for key in keys:
            found = await self._store.query("changes_of_key_before", NAME, key, 2**62, KNOWN)
            bodies = [ChangeRow(*row).after for row in found]
            if not bodies:
                continue
            if await asyncio.to_thread(self._settle, key, bodies):
                written.append(key)
        if written:
            await self._audit.add(
                Entry(at=self._clock(), actor="colloquy", event="files_restored",
                      message=f"{len(written)} files", data={"files": written[:100]})
            )  # fmt: skip

    def _settle(self, key: str, bodies: list[bytes | None]) -> bool:
        """Whether the file was written or removed. `bodies` are its newest values, newest first."""
        try:
            place = self._roots.place(key)
            present = self._on_disk(place)
            known = [_stored(body) for body in bodies]
        except InvalidInput as error:
            _log.warning("ledger_file_left", key=key, reason=error.detail)
            return False
        wanted = known[0]
        if present == wanted:
            return False
        if present is not None and present not in known:
            _log.warning("ledger_file_left", key=key, reason="it was changed meanwhile")
            return False
        if wanted is None:
            disk.remove(place.root.real, place.parts)
        else:
            disk.write(place.root.real, place.parts, wanted)
        return True

    async def verify(self, records: Mapping[str, bytes | None]) -> list[str]:
        return await asyncio.to_thread(self._differing, records)

    def _differing(self, records: Mapping[str, bytes | None]) -> list[str]:
        wrong: list[str] = []
        for key, body in records.items():
            try:
                present = self._on_disk(self._roots.place(key))
            except InvalidInput:
                wrong.append(key)
                continue
            if present != _stored(body):
                wrong.append(key)
        return wrong

    def _on_disk(self, place: Place) -> FileState | None:
        return disk.read(place.root.real, place.parts, self._settings.max_file_bytes)


def state_of(value: Value) -> FileState:
    """Raises InvalidInput for what is no file's record."""
    if type(value) is dict and value.keys() == {"content", "mode"}:
        content, mode = value["content"], value["mode"]
        if type(content) is bytes and type(mode) is int and 0 <= mode <= disk.MODE:
            return FileState(content, mode)
    raise InvalidInput("a file's record has `content`, bytes, and `mode`, 0 to 0o777")


def _stored(body: bytes | None) -> FileState | None:
    return None if body is None else state_of(decode_value(body))


def _state(value: Value | Missing) -> FileState | None:
    return None if value is MISSING else state_of(value)


def _value(state: FileState | None) -> Value | Missing:
    return MISSING if state is None else {"content": state.content, "mode": state.mode}
