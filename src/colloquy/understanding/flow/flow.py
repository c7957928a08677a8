"""How a conversation goes on: open questions, repeats, shifts of subject, pace, escalation.

`step` is a pure function: the state before and a message's cues give the state after and the
message's `Flow`. The state is bounded, whatever is said. Both sides count: what
one side asks the other answers. The weights are our own judgement; `evaluation.topics` measures
changes of topic.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from ...model.understanding import Cues, Flow
from .words import listed, stem

MAX_OPEN = 5
MAX_RECENT = 5
MAX_STEMS = 6
MAX_ENTITIES = 2
MAX_ID = 40
"""Characters of an id that are kept; ids of messages have 32."""

FAST_S, SLOW_S = 20.0, 600.0
"""Mean seconds between messages of the other side below and above which the pace is not steady."""
LONG_PAUSE_S = 1800.0
"""A pause after which a new subject is likelier."""
FITS = 0.3
"""What an answer must reach; see `_fit`."""
SAID_AGAIN, SAID_AGAIN_ANSWERED = 0.5, 0.75
"""Overlap from which a message repeats one that is open, and one that was answered."""

_ANGRY = frozenset({"anger", "frustrated", "disgust"})
_WANTS = frozenset({"question", "request", "complain"})
_PEOPLE = frozenset(
    stem(word)
    for word in listed(
        "human agent agents operator representative manager supervisor mensch mitarbeiter "
        "mitarbeiterin berater kundenberater humain conseiller humano agente operador umano "
        "operatore addetto"
    )
)


class Asked(Struct, frozen=True, array_like=True, gc=False):
    """Something wanted that has no answer yet. `asks`: a question, else a request. `times` it was
    said. `peer`: by the other side."""

    id: str
    peer: bool
    asks: bool
    topic: tuple[str, ...]
    intent: str | None
    times: int


class Heard(Struct, frozen=True, array_like=True, gc=False):
    """One of the last messages."""

    id: str
    peer: bool
    wants: bool
    topic: tuple[str, ...]
    entities: tuple[str, ...]
    intent: str | None


class FlowState(Struct, frozen=True, array_like=True, gc=False):
    """`gap_s` is the running mean of the pauses between the other side's messages, -1 before there
    is one; `mood` that of their polarity; `level` the escalation so far."""

    last_at: int = 0
    peer_at: int = 0
    gap_s: float = -1.0
    mood: float = 0.0
    level: float = 0.0
    open: tuple[Asked, ...] = ()
    recent: tuple[Heard, ...] = ()


def step(
    state: FlowState,
    cues: Cues,
    message_id: str,
    at_us: int,
    from_peer: bool,
    reply_to: str | None = None,
) -> tuple[FlowState, Flow]:
    """The state after this message, and where the message stands. `at_us` are microseconds; a time
    before that of the last message counts as the same."""
    message_id = message_id[:MAX_ID]
    topic, entities = tuple(cues.topic[:MAX_STEMS]), tuple(cues.entities[:MAX_ENTITIES])
    at_us = max(at_us, state.last_at)
    wants = cues.asks or cues.act in _WANTS
    mine = set(cues.topic)
    answered = _answered(state.open, cues, mine, from_peer, reply_to)
    still = [asked for asked in state.open if asked is not answered]
    again = _said_before(state, cues, topic, entities, from_peer) if wants and from_peer else None
    times = 1
    if again is not None:
        former = next((asked for asked in still if asked.id == again.id), None)
        times += 1 if former is None else former.times
        still = [asked for asked in still if asked is not former]
    if wants and cues.act != "complain":
        still.append(Asked(message_id, from_peer, cues.asks, topic, _short(cues.intent), times))
    linked = answered is not None or reply_to is not None
    shift = _shift(state, cues, mine, at_us, linked=linked)
    gap_s, mood = state.gap_s, state.mood
    signals: list[str] = []
    level = state.level
    if from_peer:
        gap_s = _mean_gap(state, at_us)
        mood = round(0.6 * state.mood + 0.4 * cues.polarity, 3)
        unanswered = sum(one.peer and one.asks and one.id != message_id for one in still)
        weights = _signals(cues, times, state.mood, mood, unanswered)
        signals = list(weights)
        level = _escalation(state.level, weights.values(), calm=cues.act == "thank")
    after = FlowState(
        at_us,
        at_us if from_peer else state.peer_at,
        gap_s,
        mood,
        level,
        tuple(still[-MAX_OPEN:]),
        (
            *state.recent[1 - MAX_RECENT :],
            Heard(message_id, from_peer, wants, topic, entities, _short(cues.intent)),
        ),
    )
    flow = Flow(
        open_questions=open_questions(after),
        answers=None if answered is None else answered.id,
        repeated=None if again is None else again.id,
        shift=shift,
        pace=pace_of(gap_s),
        escalation=level,
        signals=signals,
    )
    return after, flow


def open_questions(state: FlowState) -> list[str]:
    """The messages whose question has no answer, oldest first."""
    return [asked.id for asked in state.open if asked.asks]


def pace_of(gap_s: float) -> str:
    """ "slow", "steady" or "fast" """
    if gap_s < 0 or FAST_S <= gap_s <= SLOW_S:
        return "steady"
    return "fast" if gap_s < FAST_S else "slow"


def _short(name: str | None) -> str | None:
    return None if name is None else name[:MAX_ID]


def _overlap(mine: set[str], other: Sequence[str]) -> float:
    """Common stems over those of the shorter list; 0 where one is empty."""
    if not mine or not other:
        return 0.0
    return len(mine.intersection(other)) / min(len(mine), len(other))


# -- answers ----------------------------------------------------------------------------------


def _answered(
    asked: Sequence[Asked], cues: Cues, mine: set[str], from_peer: bool, reply_to: str | None
) -> Asked | None:
    """What this message answers: the best fit among what the other side wants to know."""
    best, most = None, FITS
    labels: set[str] | None = None
    newest = True
    for one in reversed(asked):
        if one.peer == from_peer:
            continue
        if reply_to is not None and one.id == reply_to[:MAX_ID]:
            return one
        if labels is None:
            labels = {stem(part) for entity in cues.entities for part in _label_words(entity)}
        fit = 0.7 * _overlap(mine, one.topic) + _fit(one, cues, labels, newest=newest)
        if fit > most or (fit == most and best is None):
            best, most = one, fit
        newest = False
    return best


def _fit(asked: Asked, cues: Cues, labels: set[str], *, newest: bool) -> float:
    """How well a message answers besides its words: an entity of the kind that was asked for, and
    for the newest question any plain statement; a question in return does not answer by itself."""
    fit = 0.4 if labels and not labels.isdisjoint(asked.topic) else 0.0
    if newest and cues.act in ("confirm", "reject"):
        fit += 0.4
    elif newest and cues.act in ("inform", "apologize") and (cues.topic or cues.entities):
        fit += 0.3
    if cues.asks:
        fit -= 0.25
    return fit


def _label_words(entity: str) -> list[str]:
    return entity.partition(":")[0].replace("-", "_").split("_")


# -- repeats, shifts --------------------------------------------------------------------------


def _said_before(
    state: FlowState, cues: Cues, topic: Sequence[str], entities: Sequence[str], from_peer: bool
) -> Heard | None:
    """The newest earlier message of the same side that wanted the same."""
    own = set(topic)
    intent = _short(cues.intent)
    for heard in reversed(state.recent):
        if heard.peer != from_peer or not heard.wants:
            continue
        common = len(own.intersection(heard.topic))
        if not common or (entities and heard.entities and _differ(heard.entities, entities)):
            continue
        alike = common / (len(own) + len(heard.topic) - common)
        if intent is not None and heard.intent == intent:
            alike += 0.25
        is_open = any(asked.id == heard.id for asked in state.open)
        if alike >= (SAID_AGAIN if is_open else SAID_AGAIN_ANSWERED):
            return heard
    return None


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both name something of the same kind, and not the same: another day, another flat."""
    mine = {entity.partition(":")[0] for entity in one}
    common = [entity for entity in other if entity.partition(":")[0] in mine]
    return bool(common) and not set(common).intersection(one)


def _shift(state: FlowState, cues: Cues, mine: set[str], at_us: int, *, linked: bool) -> float:
    """How surely the subject changed. What has no content of its own changes nothing."""
    if not state.recent or not (cues.topic or cues.entities) or asks_for_human(cues):
        return 0.0
    near, former = 0.0, None
    for heard in state.recent:
        near = max(near, _overlap(mine, heard.topic))
        former = heard.intent or former
        if cues.entities and heard.entities and not set(heard.entities).isdisjoint(cues.entities):
            near = max(near, 0.6)
    sure = 0.3 + 0.1 * min(4, len(cues.topic))
    if cues.intent is not None and former is not None and cues.intent[:MAX_ID] != former:
        sure += 0.2
    if cues.asks or cues.act == "request":
        sure += 0.1
    if at_us - state.last_at > LONG_PAUSE_S * 1e6:
        sure += 0.15
    if linked:
        sure *= 0.4
    return round(min(1.0, sure) * (1.0 - near), 2)


# -- pace, escalation -------------------------------------------------------------------------


def _mean_gap(state: FlowState, at_us: int) -> float:
    if not state.peer_at:
        return -1.0
    gap_s = min(86400.0, (at_us - state.peer_at) / 1e6)
    return round(gap_s if state.gap_s < 0 else 0.6 * state.gap_s + 0.4 * gap_s, 1)


def _signals(
    cues: Cues, times: int, before: float, mood: float, unanswered: int
) -> dict[str, float]:
    """The signals of escalation in this message, with their weights."""
    signals: dict[str, float] = {}
    if times > 1:
        signals["repeat"] = 0.3 if times == 2 else 0.5
    if mood <= -0.2 and mood < before:
        signals["negative_trend"] = 0.25
    if cues.emotion in _ANGRY:
        signals["anger"] = 0.2 + 0.4 * cues.intensity
    elif cues.polarity <= -0.7:
        signals["anger"] = 0.3
    if cues.urgent:
        signals["urgency"] = 0.3
    if asks_for_human(cues):
        signals["asks_for_human"] = 0.6
    if unanswered > 1:
        signals["unanswered"] = 0.2 if unanswered == 2 else 0.35
    return signals


def asks_for_human(cues: Cues) -> bool:
    """Whether a message wants to be answered by a person."""
    wants = cues.asks or cues.act in _WANTS or cues.words <= 6
    return wants and not _PEOPLE.isdisjoint(cues.topic)


def _escalation(before: float, weights: Iterable[float], *, calm: bool) -> float:
    """Signals add up as independent evidence; what was before counts half, after thanks a tenth."""
    left = 1.0 - before * (0.1 if calm else 0.5)
    for weight in weights:
        left *= 1.0 - weight
    return round(1.0 - left, 2)
