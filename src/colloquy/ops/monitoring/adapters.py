"""The ways that an event takes to dashboards (decision 10).

`websocket`: to the dashboards that hold a WebSocket to this process. `realtime`: through the
signals between the processes on one database, to the dashboards of each of them that follow it;
with one process, and on SQLite, that is this process alone. With both, a WebSocket shows the other
processes' events, too. To a process that nobody watches nothing is sent: whoever is watched says so
every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec
from msgspec import Struct

from ...model.errors import NotFound
from ...model.times import rfc3339
from ...storage.store import Store
from .dashboards import Dashboard, Hub
from .options import REALTIME, USE_ADAPTER, WEBSOCKET
from .validation import Checked

TOPIC = "monitoring"
WATCHED = "?"
"""The signal of a process that has dashboards."""
TELL_EVERY_S = 5.0
BELIEVE_S = 15.0
"""How long another process is believed to have dashboards after it last said so."""
SIGNAL_BYTES = 7000
"""Of one signal as JSON inside JSON; PostgreSQL's own limit is a little larger."""


class Frame(Struct, frozen=True, omit_defaults=True):
    """See `model.monitoring.MonitoringEvent`."""

    type: str
    at: str
    source: str
    data: msgspec.Raw
    errors: list[str] = []
    warnings: list[str] = []
    truncated: bool = False


def frame_of(checked: Checked, at: int, source: str) -> Frame:
    return Frame(checked.kind, rfc3339(at), source, checked.data, checked.errors, checked.warnings)


class Adapters:
    """Both of them, for one process."""

    def __init__(
        self,
        store: Store,
        *,
        most: int,
        queue_size: int,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._hubs = {name: Hub(most=most, queue_size=queue_size) for name in (WEBSOCKET, REALTIME)}
        self._timer = timer
        self._watched_elsewhere_until = 0.0
        self._told_at = -TELL_EVERY_S
        self.chosen: frozenset[str] = frozenset()
        """The adapters in use."""

    @property
    def hubs(self) -> dict[str, Hub]:
        return self._hubs

    def use(self, chosen: frozenset[str]) -> None:
        """Goes over to these adapters; the dashboards of one that is not used any more end."""
        for name in self.chosen - chosen:
            self._hubs[name].end()
        self.chosen = chosen

    def check(self, adapter: str) -> None:
        """Raises NotFound when the adapter is not in use, Unavailable when too many watch."""
        if adapter not in self.chosen:
            raise NotFound(
                f"the adapter {adapter!r} is not in use: the flags {USE_ADAPTER} and "
                "monitoring_adapter_type say which are"
            )
        self._hubs[adapter].check()

    def join(self, adapter: str) -> Dashboard:
        """Raises what `check` raises."""
        self.check(adapter)
        dashboard = self._hubs[adapter].join()
        self._told_at = -TELL_EVERY_S  # others hear of it with the next look
        return dashboard

    @property
    def is_watched(self) -> bool:
        """Does anybody get what is sent, here or in another process?"""
        return self._is_watched_here or self._is_watched_elsewhere

    @property
    def _is_watched_here(self) -> bool:
        return any(self._hubs[name].connected for name in self.chosen)

    @property
    def _is_watched_elsewhere(self) -> bool:
        return REALTIME in self.chosen and self._timer() < self._watched_elsewhere_until

    def tell_watched(self) -> None:
        """Lets the other processes know that their events are wanted here; cheap, call it often."""
        if not (self._store.shared and REALTIME in self.chosen and self._is_watched_here):
            return
        if self._timer() - self._told_at >= TELL_EVERY_S:
            self._told_at = self._timer()
            self._store.hint(TOPIC, WATCHED)

    def send(self, frames: Sequence[Frame]) -> list[Exception]:
        """Broadcasts events; never waits. Returns what went wrong, by adapter at most one: the
        other one still gets them."""
        failures: list[Exception] = []
        encoded = [msgspec.json.encode(frame) for frame in frames]
        for name, send in ((WEBSOCKET, self._hubs[WEBSOCKET].send), (REALTIME, self._publish)):
            if name not in self.chosen:
                continue
            try:
                send(encoded)
            except Exception as error:
                failures.append(error)
        return failures

    def _publish(self, encoded: Sequence[bytes]) -> None:
        """Into the signals: to this process's own dashboards at once, to the others by the
        database."""
        self._hubs[REALTIME].send(encoded)
        if self._store.shared and self._is_watched_elsewhere:
            for text in packed(encoded):
                self._store.hint(TOPIC, text)

    def heard(self, text: str) -> None:
        """A signal of another process."""
        if REALTIME not in self.chosen:
            return
        if text == WATCHED:
            self._watched_elsewhere_until = self._timer() + BELIEVE_S
            return
        try:
            found = msgspec.json.decode(text, type=list[msgspec.Raw])
        except msgspec.MsgspecError:
            return  # of another version
        frames = [bytes(one) for one in found]
        for name in self.chosen:
            self._hubs[name].send(frames)

    def end(self) -> None:
        for hub in self._hubs.values():
            hub.end()


def packed(encoded: Sequence[bytes]) -> list[str]:
    """The events as few texts as signals can carry. One that is too large goes without its
    data."""
    texts: list[str] = []
    batch: list[bytes] = []
    size = 2
    for body in encoded:
        length = _length(body)
        if length > SIGNAL_BYTES:
            body = _without_data(body)
            length = _length(body)
        if batch and size + length > SIGNAL_BYTES:
            texts.append(_text(batch))
            batch, size = [], 2
        batch.append(body)
        size += length
    if batch:
        texts.append(_text(batch))
    return texts


def _text(batch: Sequence[bytes]) -> str:
    return f"[{b','.join(batch).decode()}]"


def _length(body: bytes) -> int:
    """Of an event as a text inside a signal, with its comma."""
    return len(msgspec.json.encode(body.decode())) + 1


def _without_data(body: bytes) -> bytes:
    frame = msgspec.json.decode(body, type=Frame)
    return msgspec.json.encode(
        msgspec.structs.replace(
            frame,
            data=msgspec.Raw(b"null"),
            errors=[one[:200] for one in frame.errors[:5]],
            warnings=[one[:200] for one in frame.warnings[:5]],
            truncated=True,
        )
    )
