"""The stages of a batch, in order: load, understand, recognise repeats, follow (in `following`),
context, answer.

Each stage takes a batch of works and returns those that go on; a stage that fails for one turn
fails that turn only. `load` and `understand` see the whole batch at once. The others need
the state that the turn before left, so they go in rounds, one turn of each conversation per round.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec

from ..context.contexts import Contexts
from ..context.window import TurnContext, Window
from ..flags import Flags, FlagSubject
from ..model import ids
from ..model.errors import InvalidInput
from ..model.message import Message, encode
from ..model.reply import Reply
from ..model.session import Session
from ..model.times import Clock
from ..model.turn import Fired, Incoming, Pin, Turn, TurnGraph
from ..model.understanding import EMOTIONS_OFF
from ..replies.handlers import Handlers, Registration, Templates, fill_slot, replies_of
from ..replies.responder import Responder
from ..replies.tone import Tones
from ..replies.wording import opened
from ..settings import Settings
from ..storage.store import Store
from ..storage.write_set import KIND_MESSAGE, KIND_RECORD, KIND_TIMER, Learner
from ..telemetry import Metrics, get_logger
from ..understanding.compute import ComputeCrashed
from ..understanding.flow.threads import ids_of
from ..understanding.wire import Item, Understood
from .cache import LastIn, Live, SessionCache
from .effects import Effects
from .learning import Learning
from .work import Fate, Note, Work
from .writes import STATE, state_of
from .writing import Writing

log = get_logger(__name__)

_message = msgspec.json.Decoder(Message)
_fired = msgspec.json.Decoder(Fired)

MakeLearner = Callable[[int, int], Learner]
"""Of how many statements were refused, and how many known already, before the commit."""

MAX_STATE = 256 * 1024
"""Bytes of one conversation's state."""
SLOW_HANDLER = 5
"""A plain function that outlasts its grace so often in a row gets threads of its own."""


class Compute(Protocol):
    """Understanding, wherever it runs."""

    async def analyse(self, items: list[Item]) -> list[Understood]: ...


class Engine:
    """What the stages need. Made once by the runtime."""

    def __init__(
        self,
        *,
        store: Store,
        settings: Settings,
        flags: Flags,
        compute: Compute,
        handlers: Handlers,
        templates: Templates,
        tones: Tones,
        responder: Responder | None,
        contexts: Contexts,
        cache: SessionCache,
        effects: Effects,
        writing: Writing,
        learning: Learning,
        learner: MakeLearner | None,
        metrics: Metrics,
        knows: Callable[[Turn], TurnGraph],
        region: str | None,
        threshold: float,
        clock: Clock,
    ) -> None:
        self.store = store
        self.settings = settings
        self.flags = flags
        self.compute = compute
        self.handlers = handlers
        self.templates = templates
        self.tones = tones
        self.responder = responder
        """Answers before the fallback does; None where rules alone answer."""
        self.contexts = contexts
        self.cache = cache
        self.effects = effects
        self.writing = writing
        self.learning = learning
        self.learner = learner
        """Makes what writes into the graph in one commit; None: nothing is learned."""
        self.metrics = metrics
        self.knows = knows
        """What a turn's handler can ask of the graph."""
        self.region = region
        self.threshold = threshold
        """The confidence from which an intent is sure."""
        self.clock = clock
        self.threads = ThreadPoolExecutor(
            settings.pipeline.handler_threads, thread_name_prefix="colloquy-handler"
        )
        self.slow_threads = ThreadPoolExecutor(
            settings.pipeline.handler_threads, thread_name_prefix="colloquy-slow-handler"
        )

    def close(self) -> None:
        """Lets handlers that are running end by themselves."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.slow_threads.shutdown(wait=False, cancel_futures=True)


# -- load -------------------------------------------------------------------------------------


async def load(engine: Engine, works: list[Work]) -> list[Work]:
    """Payloads, sessions, decoded messages."""
    payloads = await engine.store.payloads(number for work in works for number in work.ids)
    unknown = await engine.cache.load({work.conversation for work in works})
    numbers = iter(await engine.store.new_session_numbers(len(unknown)) if unknown else ())
    going: list[Work] = []
    for work in works:
        found = [(h, payloads[h.id]) for h in work.headers if h.id in payloads]
        work.payloads = {header.id: payload for header, (payload, _) in found}
        if len(found) < len(work.headers):
            work.missing = tuple(h.id for h in work.headers if h.id not in payloads)
            work.headers = tuple(header for header, _ in found)
            if not found:
                work.fate = Fate.GONE
                continue
        try:
            incoming, fired = _decode(work, found)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            # It was checked when it came in: only a damaged row gets here.
            work.live = engine.cache.get(work.conversation) or stand_in(
                engine, work.conversation, next(numbers)
            )
            work.turn = new_turn(engine, work, [], None)
            work.fail(error)
            continue
        live = engine.cache.get(work.conversation)
        if live is None and not incoming:
            live = stand_in(engine, work.conversation, next(numbers))
        elif live is None:
            live = _new(work.conversation, incoming[0].message, next(numbers), engine)
            engine.cache.put(live)
        work.live = live
        work.turn = new_turn(engine, work, incoming, fired)
        going.append(work)
    return going


def _decode(
    work: Work, found: Sequence[tuple[Any, tuple[bytes, bytes | None]]]
) -> tuple[list[Incoming], Fired | None]:
    incoming: list[Incoming] = []
    fired = None
    for header, (payload, _) in found:
        if header.kind == KIND_TIMER:
            fired = _fired.decode(payload)
            continue
        incoming.append(
            Incoming(
                header.id,
                header.message_id,
                header.received_at,
                _message.decode(payload),
                payload,
                bool(header.recorded),
                work.note.late or header.id in work.bundle.late,
                header.id in work.bundle.gaps,
            )
        )
    return incoming, fired


def new_turn(engine: Engine, work: Work, incoming: list[Incoming], fired: Fired | None) -> Turn:
    """The turn of a work whose session is known."""
    header = work.headers[0]
    note = work.note
    if note.again:
        turn_id = ids.turn_again(bytes.fromhex(note.again), header.message_id)
    else:
        # A retried dead letter is a new turn (engine 20): its replies are not the dead one's.
        turn_id = ids.turn_id(header.message_id, header.id if note.late else 0)
    turn = Turn(
        id=turn_id,
        first=header.message_id,
        session=work.live.session,
        incoming=incoming,
        once=engine.effects.once,
        write=engine.writing.write,
        fired=fired,
        attempt=work.headers[0].attempts + 1,
    )
    turn.unsaid = frozenset(note.unsaid)
    turn.graph = engine.knows(turn)
    turn.flags = work.flags = engine.flags.pin(_subject_of(work.live.session, incoming))
    return turn


def _subject_of(session: Session, incoming: list[Incoming]) -> FlagSubject:
    """Whom flags are asked for: the peer, or the program that wrote last."""
    sender = incoming[-1].message.sender if incoming else None
    return FlagSubject(
        conversation=session.id,
        channel=session.channel,
        person=session.key,
        tenant=session.account,
        agent=sender.id if sender is not None and sender.kind == "agent" else "",
    )


def _new(conversation: bytes, message: Message, number: int, engine: Engine) -> Live:
    now = engine.clock()
    session = Session(
        number=number,
        id=conversation,
        channel=message.channel,
        account=message.account,
        key=message.conversation,
        thread=message.thread,
        created_at=now,
        updated_at=now,
    )
    window = Window(engine.settings.pipeline.recent_window, complete=True)
    return Live(session, window, exists=False)


def stand_in(engine: Engine, conversation: bytes, number: int) -> Live:
    """A session to hang a dead letter on when nothing of the message can be read."""
    nothing = Message(conversation=conversation.hex(), channel="unknown", text="")
    live = _new(conversation, nothing, number, engine)
    engine.cache.put(live)
    return live


# -- recognise repeats ------------------------------------------------------------------------


async def recognise_repeats(engine: Engine, works: list[Work]) -> list[Work]:
    """The same text again, when nothing was said in between, is the same message (engine 13).

    Only where the channel has a window for it: a client that gives ids needs none. It depends on
    the turn before, so it goes in rounds.
    """
    if not engine.flags.enabled("enable_content_dedup"):
        return works
    going: list[Work] = []
    for work in works:
        window_s = engine.settings.channel(work.live.session.channel).content_dedup_s
        if window_s and work.headers[0].kind == KIND_MESSAGE and work.note == _CLEAN:
            await _drop_repeats(engine, work, window_s)
        if work.fate is Fate.GOING:
            going.append(work)
    return going


async def _drop_repeats(engine: Engine, work: Work, window_s: float) -> None:
    turn = work.turn
    last = work.live.last_in
    kept: list[int] = []
    for index, incoming in enumerate(turn.incoming):
        if (
            last is not None
            and _same(last, incoming, window_s)
            and (kept or await _nothing_said(engine, work))
        ):
            work.repeats.append((incoming, last.message_id))
            continue
        kept.append(index)
        message = incoming.message
        last = LastIn(
            message.sender_id, message.full_text, incoming.received_at, incoming.message_id.hex()
        )
    if not kept:
        work.fate = Fate.DUPLICATE
    elif work.repeats:
        raws = turn.raw_understanding
        turn.raw_understanding = [raws[index] for index in kept]
        if len(kept) > 1:
            turn.raw_understanding.append(raws[-1])
        turn.incoming[:] = [turn.incoming[index] for index in kept]
        work.cues = [work.cues[index] for index in kept if index < len(work.cues)]


async def _nothing_said(engine: Engine, work: Work) -> bool:
    """Somebody may have answered through the API: the log is asked before anything is dropped."""
    session = work.live.session
    events = await engine.store.events(session.number, session.last_seq, 100)
    return all(event.kind != "reply" for event in events)


def _same(last: LastIn, incoming: Incoming, window_s: float) -> bool:
    message = incoming.message
    return (
        last.sender == message.sender_id
        and last.text == message.full_text
        and bool(last.text)
        and last.message_id != incoming.message_id.hex()
        and incoming.received_at - last.at <= window_s * 1e6
    )


_CLEAN = Note()


# -- understand -------------------------------------------------------------------------------


async def understand(engine: Engine, works: list[Work]) -> list[Work]:
    """One call for all texts of the batch; a burst is also understood as a whole."""
    items: list[Item] = []
    counts: list[int] = []
    for work in works:
        before = len(items)
        if work.headers[0].kind == KIND_MESSAGE:
            turn = work.turn
            for incoming in turn.incoming:
                items.append(_item(engine, work, incoming, incoming.message.full_text))
            if len(turn.incoming) > 1:
                items.append(_item(engine, work, turn.incoming[-1], turn.text))
        counts.append(len(items) - before)
    if not items:
        return works
    try:
        understood = await engine.compute.analyse(items)
    except ComputeCrashed as error:
        return await _bisect(engine, works, error)
    start = 0
    for work, count in zip(works, counts, strict=True):
        found = understood[start : start + count]
        work.turn.raw_understanding = [one.raw for one in found]
        # A burst has one more, of its whole text.
        work.cues = [one.cues for one in found[: len(work.turn.incoming)]]
        start += count
    return works


def _item(engine: Engine, work: Work, incoming: Incoming, text: str) -> Item:
    message = incoming.message
    feels = work.flags.enabled(EMOTIONS_OFF)
    return Item(text, incoming.received_at, message.time_zone, engine.region, feels)


async def _bisect(engine: Engine, works: list[Work], error: Exception) -> list[Work]:
    """A compute process died on this batch: find out on which message."""
    if len(works) == 1:
        works[0].fail(error)
        return []
    half = len(works) // 2
    return await understand(engine, works[:half]) + await understand(engine, works[half:])


# -- context ----------------------------------------------------------------------------------


def give_context(engine: Engine, works: list[Work]) -> list[Work]:
    """The session's state as it is now, and a way to the recent window."""
    for work in works:
        turn = work.turn
        if work.flags.enabled(STATE):
            _give_state(turn, work.live.session)
        turn.manner = engine.tones.suggest(turn)
        threads = (work.standing or work.live.standing).threads
        turn.context = TurnContext(
            work.live.session,
            work.live.window,
            turn.slots,
            engine.cache.recent,
            ids_of(threads, turn.thread),
            threads.moved,
            (engine.contexts, turn),
            hidden=_hidden(turn),
        )
    return works


def _hidden(turn: Turn) -> frozenset[str]:
    """What the log has and a turn that is done again must not take for said: its own messages, and
    the answers that were taken back."""
    if not turn.unsaid:
        return turn.unsaid
    return turn.unsaid.union(incoming.message_id.hex() for incoming in turn.incoming)


def _give_state(turn: Turn, session: Session) -> None:
    state = session.state
    turn.state = _copy(state.get("data"))
    turn.slots = _copy(state.get("slots"))
    turn.asked = dict(state["asked"]) if "asked" in state else None
    turn.pinned = [Pin(*pin) for pin in state.get("pinned", ())]


def _copy(value: Any) -> dict[str, Any]:
    """A deep copy of JSON data: a failed turn must leave no trace in the session's state."""
    if not value:
        return {}
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(value))
    return copied


# -- answer -----------------------------------------------------------------------------------


async def answer(
    engine: Engine,
    works: list[Work],
    may_park: Callable[[asyncio.Task[list[Reply]]], Awaitable[bool]],
) -> None:
    """Answers each turn: rules at once, handlers with a little grace, then they are parked.

    `may_park(handler)` waits, when there is no room for more turns, until there is, or until the
    handler is done; False says that it is not to be waited for.
    """
    started = time.perf_counter()
    running: list[Work] = []
    for work in works:
        try:
            if not is_answered_here(work):
                work.fate = Fate.ANSWERED
            else:
                handlers = engine.handlers.for_turn(work.turn)
                if handlers or work.turn.asked is not None or _falls_back(engine, work.turn):
                    work.task = asyncio.create_task(_answered(engine, work, handlers))
                    work.turn.ends_by(work.task.cancel)
                    running.append(work)
                else:
                    work.replies = _by_rule(engine, work.turn)
                    work.fate = Fate.ANSWERED
        except Exception as error:
            work.fail(error)
        if time.perf_counter() - started > engine.settings.pipeline.slice_s:
            await asyncio.sleep(0)
            started = time.perf_counter()
    if not running:
        return
    tasks = [work.task for work in running if work.task is not None]
    await asyncio.wait(tasks, timeout=engine.settings.pipeline.handler_grace_s)
    for work in running:
        assert work.task is not None
        room = work.task.done() or await may_park(work.task)
        if work.task.done():
            take_result(work)
        elif room:
            work.fate = Fate.PARKED
        else:
            work.task.cancel()
            work.fate = Fate.PUT_BACK


def take_result(work: Work) -> None:
    """Moves a finished handler's answer, or its error, into the work."""
    assert work.task is not None
    if work.task.cancelled():
        # Not by us: whoever cancels a handler does not take its result.
        work.fail(RuntimeError("the handler was cancelled from within"))
        return
    error = work.task.exception()
    if error is None:
        work.replies = work.task.result()
        work.fate = Fate.ANSWERED
        try:
            encode(work.replies)
            size = len(state_of(work.turn))
        except (TypeError, ValueError, msgspec.MsgspecError) as wrong:
            work.fail(InvalidInput(f"replies, state and slots must be JSON: {wrong}"))
            return
        if size > MAX_STATE:
            work.fail(InvalidInput(f"{size} bytes of state; the limit is {MAX_STATE}"))
    elif isinstance(error, Exception):
        work.fail(error)
    else:
        raise error


def is_answered_here(work: Work) -> bool:
    """Nothing is said by itself to history, to our own side, or when somebody else answers."""
    if work.live.session.owner != "assistant" or work.headers[0].kind == KIND_RECORD:
        return False
    if not work.turn.incoming:
        return work.turn.fired is not None
    sender = work.turn.message.sender
    return sender is None or sender.kind in ("person", "agent")


def _falls_back(engine: Engine, turn: Turn) -> bool:
    """Nobody was chosen for this turn, but the app has a last word for such turns."""
    has_word = engine.handlers.fallback is not None or engine.responder is not None
    return has_word and turn.fired is None


def _by_rule(engine: Engine, turn: Turn) -> list[Reply]:
    if turn.fired is not None:
        return []
    templated = _templated(engine, turn)
    if templated is not None:
        return [templated]
    turn.answered_by = "fallback"
    fallback = engine.settings.replies.fallback
    return [_opened(engine, turn, Reply(text=fallback))] if fallback else []


def _opened(engine: Engine, turn: Turn, reply: Reply) -> Reply:
    """What was written long before, with a word for what the visitor feels now."""
    if reply.text is None or not engine.settings.replies.openings:
        return reply
    text = opened(reply.text, turn.manner.tone, turn.understanding.language, turn.session.last_seq)
    return reply if text is reply.text else msgspec.structs.replace(reply, text=text)


def _templated(engine: Engine, turn: Turn) -> Reply | None:
    reply = engine.templates.answer(turn)
    if reply is not None:
        turn.answered_by = f"template:{turn.understanding.intent}"
        reply = _opened(engine, turn, reply)
    return reply


async def _answered(engine: Engine, work: Work, handlers: list[Registration]) -> list[Reply]:
    """What the handlers say or, once the visitor has stopped them, what they wrote until then."""
    turn = work.turn
    if not engine.writing.recall(turn):
        try:
            replies = await _handled(engine, turn, handlers)
        except (asyncio.CancelledError, Exception):
            if not turn.is_interrupted:
                raise
    if not turn.is_interrupted:
        return replies
    # Of what a handler did by halves only the words stand; the visitor has seen them.
    _give_state(turn, work.live.session)
    turn.asked = turn.owner = work.threads = None
    turn.timers.clear()
    written = turn.written.strip()
    return [Reply(text=written)] if written else []


async def _handled(engine: Engine, turn: Turn, handlers: list[Registration]) -> list[Reply]:
    asked = turn.asked
    if asked is not None:
        again = fill_slot(turn)
        if again is not None:
            turn.answered_by = f"slot:{asked['slot']}"
            return [again]
        turn.asked = None
    for registration in handlers:
        turn.answered_by = registration.name
        if asked is not None and registration.name == asked.get("handler"):
            turn.answered_by = f"slot:{asked['slot']}"
        replies = await _said(engine, registration, turn)
        # A hook that sees every message passes on by returning nothing; a handler that was chosen
        # for this turn has the last word, also when that is silence.
        passes_on = registration in engine.handlers.messages and turn.owner is None
        if replies or not passes_on:
            return replies
    if turn.fired is not None:
        return []
    templated = _templated(engine, turn)
    if templated is not None:
        return [templated]
    if engine.responder is not None:
        turn.answered_by = "responder"
        said = await engine.responder.respond(turn)
        if said is not None:
            return said
    if engine.handlers.fallback is not None:
        turn.answered_by = engine.handlers.fallback.name
        return await _said(engine, engine.handlers.fallback, turn)
    return _by_rule(engine, turn)


async def _said(engine: Engine, registration: Registration, turn: Turn) -> list[Reply]:
    """What a handler returned; if that has no text, with what it wrote."""
    replies = replies_of(await _call(engine, registration, turn))
    written = turn.written
    if not written or any(reply.text for reply in replies):
        return replies
    if not replies:
        return [Reply(text=written)]
    return [msgspec.structs.replace(replies[0], text=written), *replies[1:]]


async def _call(engine: Engine, registration: Registration, turn: Turn) -> Any:
    answer = await _run(engine, registration, turn)
    if turn.asked is not None and "handler" not in turn.asked:
        turn.asked["handler"] = registration.name
    return answer


async def _run(engine: Engine, registration: Registration, turn: Turn) -> Any:
    if registration.is_async:
        return await registration.fn(turn)  # type: ignore[misc]
    threads = engine.slow_threads if registration.slow >= SLOW_HANDLER else engine.threads
    started = time.perf_counter()
    result = await asyncio.get_running_loop().run_in_executor(threads, registration.fn, turn)
    slow = time.perf_counter() - started > engine.settings.pipeline.handler_grace_s
    registration.slow = registration.slow + 1 if slow else 0
    return await result if inspect.isawaitable(result) else result
