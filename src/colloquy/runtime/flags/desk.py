"""What operators do to flags, and how every process comes to know.

A change is a record of the ledger, so it is audited, can be diffed and rolled back. The process
that makes it has it in force at once; the others hear a signal, or look for themselves every
`POLL_S`. Thrown switches are also read from a file beside the data, which works with the database
away, and what was last known lies on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ...flags import REGISTRY, SWITCHES, Decision, Flag, Flags, FlagState, FlagSubject
from ...flags.explaining import explain
from ...flags.state import check_state, read_state
from ...flags.switches import check_switch, read_switches
from ...ledger.ledger import Ledger
from ...ledger.merge import MISSING
from ...model import ids
from ...model.errors import InvalidInput, NotFound, StoreUnavailable, Unavailable
from ...model.flags import ExplainRequest, Explanation, FlagList, FlagView, SwitchView
from ...model.times import Clock, rfc3339
from ...storage.store import Store
from ...telemetry import get_logger
from .known import LastKnown, SwitchFile, read_known, write_known
from .records import FLAGS, Thrown, value_of
from .records import SWITCHES as SWITCH_RECORDS

log = get_logger(__name__)

TOPIC = "flags"
POLL_S = 0.5
"""How often the database is looked at where other processes may write it; a switch has to be in
force within a second even where every signal is lost."""
FILE_POLL_S = 0.2
MAX_REASON = 500

_thrown = msgspec.json.Decoder(Thrown)
Told = Callable[[dict[str, tuple[Decision | None, Decision | None]]], None]


class FlagDesk:
    """`flags` are the process's own, which everybody asks. `changed` is called in the event loop
    with the flags of which something else is in force now."""

    def __init__(
        self,
        flags: Flags,
        store: Store,
        ledger: Ledger,
        *,
        file: Path,
        known: Path,
        clock: Clock,
        changed: Told = lambda changes: None,
    ) -> None:
        """`file`: of thrown switches; `known`: where what was last known is kept."""
        self.flags = flags
        self._store = store
        self._ledger = ledger
        self._file = SwitchFile(file)
        self._known_path = known
        self._known = LastKnown()
        self._applied = ""
        self._clock = clock
        self._changed = changed
        self._wake = asyncio.Event()
        self._reading = asyncio.Lock()
        self._names = sorted(
            [(FLAGS, name) for name in flags.registry]
            + [(SWITCH_RECORDS, name) for name in (*flags.registry, *SWITCHES)]
        )

    @property
    def is_stale(self) -> bool:
        """The database could not be asked at the last look."""
        return self.flags.is_stale

    @property
    def mark(self) -> object:
        """Another one whenever something else is to be seen."""
        return self.flags.version, self.is_stale

    # -- what is in force ---------------------------------------------------------------------

    async def load(self) -> None:
        """What was last known, then what the database says, if it can be asked."""
        self._known = await asyncio.to_thread(read_known, self._known_path)
        self._apply(await asyncio.to_thread(self._file.read))
        with contextlib.suppress(Unavailable):
            await self.refresh()
        for flag, value in self.flags.rows():
            if value != flag.default:
                decision = self.flags.decide(flag.name)
                log.info("flag", name=flag.name, value=value, reason=decision.reason)

    async def refresh(self) -> None:
        """Brings into force what the database says now. Raises StoreUnavailable."""
        async with self._reading:
            try:
                rows = await self._store.read("change_heads", self._names)
            except Unavailable:
                self.flags.doubt(True)
                raise
            self.flags.doubt(False)
            found = LastKnown()
            for collection, key, position, after in rows:
                if collection == FLAGS:
                    # What was taken back has a position too: a change must name it.
                    found.states[key] = (position, msgspec.Raw(bytes(after or b"{}")))
                elif after is not None:
                    found.thrown[key] = (position, msgspec.Raw(bytes(after)))
            if _positions(found) != _positions(self._known):
                self._known = found
                self._apply(self._file.read())
                await asyncio.to_thread(write_known, self._known_path, found)

    def heard(self) -> None:
        """Something was changed elsewhere, or rolled back. In the event loop."""
        self._wake.set()

    async def run(self) -> None:
        """Keeps up until cancelled: a task for the supervisor."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            text = await asyncio.to_thread(self._file.read)
            if text != self._applied:
                self._apply(text)
            if self._wake.is_set() or (self._store.shared and loop.time() >= due):
                self._wake.clear()
                due = loop.time() + POLL_S
                try:
                    await self.refresh()
                except Unavailable as error:
                    log.warning("flags_not_asked", detail=error.detail)
                    self._wake.set()  # again, when the file is looked at
            try:
                async with asyncio.timeout(FILE_POLL_S):
                    if self.is_stale:
                        await asyncio.sleep(FILE_POLL_S)
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _apply(self, file: str) -> None:
        """Everything that is known, all at once. `file`: the text of the file of switches."""
        self._applied = file
        states: dict[str, FlagState] = {}
        for name, (_, raw) in self._known.states.items():
            flag = self.flags.registry.get(name)
            if flag is None:
                continue
            try:
                states[name] = read_state(flag, msgspec.json.decode(raw))
            except (InvalidInput, msgspec.MsgspecError) as error:
                # Of another version. What cannot be understood is not guessed at.
                log.error("flag_unreadable", name=name, detail=str(error))
        thrown = dict.fromkeys(self._known.thrown, "store")
        for name in read_switches(file):
            if name in SWITCHES or name in self.flags.registry:
                thrown[name] = "file"
            else:
                log.error("unknown_kill_switch", name=name, file=str(self._file.path))
        changes = self.flags.replace(states, thrown)
        for name, (before, after) in changes.items():
            log.warning(
                "flag_changed",
                name=name,
                before=before.value if before is not None else "varies",
                after=after.value if after is not None else "varies",
                reason=after.reason if after is not None else "rules",
            )
        if changes:
            self._changed(changes)

    # -- what operators do --------------------------------------------------------------------

    async def change(
        self, name: str, state: FlagState, actor: str, *, revision: int | None = None
    ) -> FlagView:
        """Says something else of a flag; in force here when it returns. `revision`: see FlagView.

        Raises NotFound, InvalidInput, PreconditionFailed, StoreUnavailable.
        """
        flag = self._flag(name)
        state = check_state(flag, state)
        await self._put(FLAGS, name, value_of(state), actor, revision)
        return self.show(name)

    async def throw(self, name: str, reason: str, actor: str) -> SwitchView:
        """Throws a switch; in force here when it returns, everywhere within a second. One that is
        thrown already stays as it is. Raises NotFound, InvalidInput, StoreUnavailable."""
        check_switch(name, self.flags.registry)
        reason = " ".join(reason.split())
        if len(reason) > MAX_REASON:
            raise InvalidInput(f"at most {MAX_REASON} characters", field="reason")
        await self.refresh()
        if name not in self._known.thrown:
            thrown = Thrown(reason, actor, self._clock())
            await self._put(SWITCH_RECORDS, name, msgspec.to_builtins(thrown), actor, None)
        return self.switch(name)

    async def revive(self, name: str, actor: str) -> SwitchView:
        """Puts a switch back. Raises NotFound, StoreUnavailable, and InvalidInput for one that is
        thrown in a file or in the environment: there it has to be put back."""
        check_switch(name, self.flags.registry)
        await self.refresh()
        if name in self._known.thrown:
            await self._put(SWITCH_RECORDS, name, MISSING, actor, None)
        view = self.switch(name)
        if view.thrown is not None:
            raise InvalidInput(
                f"{name} is thrown in the {view.thrown} too: put it back there", field="switch"
            )
        return view

    async def _put(
        self, collection: str, key: str, value: object, actor: str, revision: int | None
    ) -> None:
        await self.write([(collection, key, value, revision)], actor)

    async def write(
        self,
        records: Sequence[tuple[str, str, object, int | None]],
        actor: str,
        origin: str | None = None,
    ) -> list[int]:
        """Writes records of flags and switches, and others that belong with them, all or none; in
        force here when it returns. Raises as `Ledger.put_many`."""
        positions = await self._ledger.put_many(records, actor, origin)
        await self.refresh()
        try:
            await self._store.signal(TOPIC, records[0][1])
        except StoreUnavailable:
            log.warning("flag_signal_lost", key=records[0][1])  # the others look for themselves
        return positions

    # -- what they see ------------------------------------------------------------------------

    def list(self) -> FlagList:
        """Every flag and switch as it is in force here."""
        return FlagList(
            [self.show(name) for name in sorted(self.flags.registry)],
            [self.switch(name) for name in sorted(SWITCHES)],
            self.is_stale,
        )

    def show(self, name: str) -> FlagView:
        """Raises NotFound."""
        flag = self._flag(name)
        decision = self.flags.decide(name)
        position, raw = self._known.states.get(name, (0, msgspec.Raw(b"{}")))
        return FlagView(
            name=name,
            type=flag.type.__name__,
            value=decision.value,
            reason=decision.reason,
            detail=decision.detail,
            default=flag.default,
            legacy=flag.legacy,
            fail_safe=flag.fail_safe,
            choices=flag.choices,
            owner=flag.owner,
            meaning=flag.meaning,
            state=msgspec.json.decode(raw),
            revision=position,
            varies=self.flags.varies(name),
        )

    def switch(self, name: str) -> SwitchView:
        """Raises NotFound."""
        check_switch(name, self.flags.registry)
        known = SWITCHES.get(name)
        where = self.flags.thrown.get(name) or self.flags.thrown_at_start(name)
        said = Thrown("", "", 0)
        if where == "store":
            said = _thrown.decode(self._known.thrown[name][1])
        return SwitchView(
            name=name,
            flags=known.flags if known is not None else (name,),
            meaning=known.meaning if known is not None else self.flags.registry[name].meaning,
            thrown=where,
            reason=said.reason,
            by=said.by,
            at=rfc3339(said.at) if said.at else None,
        )

    def explain(self, name: str, asked: ExplainRequest) -> Explanation:
        """Why somebody is served what they are. Raises NotFound, InvalidInput."""
        self._flag(name)
        conversation = (
            ids.parse_id(asked.conversation, "conversation") if asked.conversation else b""
        )
        subject = FlagSubject(
            conversation=conversation,
            channel=asked.channel,
            person=asked.person,
            attributes=asked.attributes,
            tenant=asked.tenant,
            agent=asked.agent,
        )
        return explain(self.flags, name, subject)

    def _flag(self, name: str) -> Flag:
        flag = self.flags.registry.get(name)
        if flag is None:
            raise NotFound(
                f"there is no flag {name!r}; there are {', '.join(sorted(REGISTRY))}", field="flag"
            )
        return flag


def _positions(known: LastKnown) -> list[tuple[str, int]]:
    return sorted(
        [(name, position) for name, (position, _) in known.states.items()]
        + [(f"!{name}", position) for name, (position, _) in known.thrown.items()]
    )
