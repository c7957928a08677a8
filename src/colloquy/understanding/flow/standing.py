"""Flow and threads of one conversation together, as they are kept with it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ...model.errors import InvalidInput
from ...model.understanding import Cues, Emotion, Flow
from ..emotion.patterns import Patterns
from ..emotion.patterns import step as felt
from .flow import FlowState, open_questions, pace_of, step
from .threads import Threads, assign

VERSION = 2
"""Moves when a stored standing would be read wrongly; an older one is begun anew."""


class Standing(Struct, frozen=True, array_like=True, gc=False):
    """Where a conversation stands: all that the next message is compared with."""

    version: int = VERSION
    flow: FlowState = FlowState()
    threads: Threads = Threads()
    feelings: Patterns = Patterns()

    def now(self, message_id: str) -> Flow:
        """Where things stand after a message that has been counted already."""
        return Flow(
            open_questions=open_questions(self.flow),
            thread=self.threads.thread_of(message_id),
            pace=pace_of(self.flow.gap_s),
            escalation=self.flow.level,
        )


_decoder = msgspec.json.Decoder(Standing)
_encoder = msgspec.json.Encoder()


def advance(
    standing: Standing,
    cues: Cues,
    message_id: str,
    at_us: int,
    *,
    from_peer: bool,
    reply_to: str | None = None,
) -> tuple[Standing, Flow]:
    """The standing after one message, and the message's flow with its thread."""
    state, flow = step(standing.flow, cues, message_id, at_us, from_peer, reply_to)
    threads, thread = assign(
        standing.threads,
        cues,
        message_id,
        at_us,
        from_peer=from_peer,
        links=(reply_to, flow.answers),
        shift=flow.shift,
    )
    feelings = standing.feelings
    if from_peer:
        feelings = felt(feelings, Emotion(label=cues.emotion, intensity=cues.intensity), at_us)
    return Standing(VERSION, state, threads, feelings), msgspec.structs.replace(flow, thread=thread)


def encode_standing(standing: Standing) -> bytes:
    return _encoder.encode(standing)


def decode_standing(data: bytes | None) -> Standing:
    """What was kept; a conversation without it, or with one of another version, begins anew.
    Raises InvalidInput when it is damaged."""
    if not data:
        return Standing()
    try:
        found = _decoder.decode(data)
    except msgspec.MsgspecError as error:
        if not data.startswith(b"[%d," % VERSION):
            return Standing()
        raise InvalidInput(f"a damaged standing: {error}", field="flow") from None
    return found if found.version == VERSION else Standing()
