"""`/console/live`: what happens, for every open page of the console, as server-sent events.

One producer looks and encodes for all viewers. A viewer whose queue is full is dropped, and its
browser connects again; so a slow one holds up nobody. A stream ends after RENEW_S, so that the
browser has to show its session again.

Events: `statistics` (each second, for scope operate), `dead_letters` (their count, when it changes,
for scope operate), `conversations` (ids of those that changed; an empty list: it is not known
which), `flags`, `rollouts` and `migration` (something else is to be seen there; for scope operate).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.response.base import ASGIResponse

from ..api.stream import SSE_HEADERS, Streams, event
from ..model.errors import ColloquyError, Unauthenticated, Unavailable
from .access import CurrentOperator, Operator, cookie_of, requires

if TYPE_CHECKING:
    from ..runtime import Runtime

TICK_S = 0.25
TICKS_A_SECOND = 4
RENEW_S = 600.0
MAX_FRAMES = 20
"""Frames that wait for one viewer: some seconds of them."""

_HELLO = b"retry: 2000\n: open\n\n"


class Frame(NamedTuple):
    """One event as it goes over the wire, for operators with this scope."""

    body: bytes
    scope: str


class Viewer:
    """One open page."""

    def __init__(self, operator: Operator, session: str) -> None:
        self.operator = operator
        self.session = session
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(MAX_FRAMES + 1)

    def offer(self, frame: Frame) -> None:
        """Queues a frame; ends the stream when too many wait."""
        if not self.operator.may(frame.scope):
            return
        if self._frames.qsize() >= MAX_FRAMES:
            self.end()
        else:
            self._frames.put_nowait(frame.body)

    def end(self) -> None:
        """No more frames."""
        with contextlib.suppress(asyncio.QueueFull):
            self._frames.put_nowait(None)

    async def frames(self) -> AsyncIterator[bytes]:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RENEW_S):
                while (frame := await self._frames.get()) is not None:
                    yield frame


class Live:
    """The viewers of one process."""

    def __init__(self, runtime: Runtime, streams: Streams) -> None:
        self._runtime = runtime
        self.streams = streams
        self._most = runtime.settings.console.max_viewers
        self._viewers: set[Viewer] = set()
        self._joined = asyncio.Event()
        self._started = False
        self._dead_letters = -1
        self._newest: dict[str, Frame] = {}
        """The last statistics and count, for who joins."""
        self._marks: dict[str, object] = {}
        """What is to be seen at each desk, as it was told last."""

    def join(self, operator: Operator, session: str) -> Viewer:
        """Raises Unavailable when there are too many viewers or the server stops."""
        self.streams.check()
        if len(self._viewers) >= self._most:
            raise Unavailable(f"{self._most} pages follow the console", retry_after_s=10.0)
        if not self._started:
            self._runtime.supervise("console", self._produce)
            if self._runtime.migration.is_configured:
                self._runtime.supervise("console-migration", self._follow_migration)
            self._started = True
        viewer = Viewer(operator, session)
        for frame in self._newest.values():
            viewer.offer(frame)
        self._viewers.add(viewer)
        self._joined.set()
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def log_out(self, session: str) -> None:
        """Ends the streams of a session."""
        for viewer in self._viewers:
            if viewer.session == session:
                viewer.end()

    async def _produce(self) -> None:
        signals = self._runtime.signals
        with signals.changes() as changes:
            ticks = 0
            while True:
                if not self._viewers:
                    self._newest.clear()
                    self._marks.clear()
                    self._dead_letters = -1
                    self._joined.clear()
                    await self._joined.wait()
                    changes.take()
                changed = changes.take()
                if changed is not None:
                    self._send("conversations", [key.hex() for key in changed], "read")
                if ticks % TICKS_A_SECOND == 0:
                    self._end_those_without_a_key()
                    self._send_figures()
                    self._send_mark("flags", self._runtime.flag_desk.mark)
                    self._send_mark("rollouts", self._runtime.rollouts.mark)
                ticks += 1
                await asyncio.sleep(TICK_S)

    def _send_figures(self) -> None:
        if not any(viewer.operator.may("operate") for viewer in self._viewers):
            return
        now, point = self._runtime.statistics_now()
        self._newest["statistics"] = self._send(
            "statistics", {"now": now, "point": point}, "operate"
        )
        dead = self._runtime.dead_letter_count()
        if dead != self._dead_letters:
            self._dead_letters = dead
            self._newest["dead_letters"] = self._send("dead_letters", {"count": dead}, "operate")

    async def _follow_migration(self) -> None:
        """By itself: its tables may take long to answer, and no other news waits for them."""
        while True:
            if self._viewers:
                try:
                    self._send_mark("migration", await self._runtime.migration.mark())
                except ColloquyError as error:
                    self._send_mark("migration", error.code)
            await asyncio.sleep(TICK_S * TICKS_A_SECOND)

    def _send_mark(self, kind: str, mark: object) -> None:
        """Says that a page is another one now. Who joins looks for himself."""
        if kind in self._marks and self._marks[kind] != mark:
            self._send(kind, None, "operate")
        self._marks[kind] = mark

    def _send(self, kind: str, data: Any, scope: str) -> Frame:
        body = b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode(data))
        frame = Frame(body, scope)
        for viewer in self._viewers:
            viewer.offer(frame)
        return frame

    def _end_those_without_a_key(self) -> None:
        for viewer in self._viewers:
            if viewer.operator.has_session:
                try:
                    self._runtime.keys.holder(viewer.operator.key_id)
                except Unauthenticated:
                    viewer.end()


class LiveStream(ASGIResponse):
    """The `text/event-stream` of one viewer."""

    def __init__(self, live: Live, viewer: Viewer) -> None:
        super().__init__()
        self._live = live
        self._viewer = viewer

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def write(frame: Any) -> None:
            await send({"type": "http.response.body", "body": frame, "more_body": True})

        try:
            await send({"type": "http.response.start", "status": 200, "headers": SSE_HEADERS})
            await write(_HELLO)
            frames = cast(Any, self._viewer.frames())
            gone = event(receive, "http.disconnect")
            if await self._live.streams.follow(frames, write, gone):
                await send({"type": "http.response.body", "body": b""})
        finally:
            self._live.leave(self._viewer)


@get("/live", guards=[requires("read", "operate")])
async def live_events(request: Request[Any, Any, Any], operator: CurrentOperator) -> LiveStream:
    live: Live = request.app.state.live
    return LiveStream(live, live.join(operator, cookie_of(request)))


ROUTES: list[HTTPRouteHandler] = [live_events]
