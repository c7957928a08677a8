"""Outside effects at most once: the intent is stored before, the receipt after (engine 33)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from ..model import ids
from ..model.errors import EffectUncertain, InvalidInput, Transient
from ..model.message import encode
from ..model.times import Clock, now_us
from ..model.turn import Turn
from ..storage.store import Store


class Effects:
    """Runs `Turn.once`."""

    def __init__(self, store: Store, clock: Clock = now_us) -> None:
        self._store = store
        self._clock = clock

    async def once(
        self,
        turn: Turn,
        name: str,
        fn: Callable[..., Any],
        args: tuple[Any, ...],
        scope: str,
        idempotent: bool,
    ) -> Any:
        """See `Turn.once`. Raises EffectUncertain, InvalidInput, or what `fn` raises."""
        try:
            arguments = encode(args)
        except (TypeError, ValueError) as error:
            raise InvalidInput(f"the arguments of an effect must be JSON: {error}") from error
        key = ids.effect_key(turn.origin if scope == "turn" else turn.session.id, name, arguments)
        known = await self._store.effect(key)
        if known is not None and known.state == "done":
            return msgspec.json.decode(known.result or b"null")
        if known is not None and known.state in ("intent", "uncertain") and not idempotent:
            if known.state == "intent":
                await self._set(key, "uncertain", None)
            raise EffectUncertain(
                f"{name} was begun before and its outcome is not known; look, then repeat it with "
                "idempotent=True or discard the message"
            )
        if known is None:
            begun = await self._store.change(
                "effect_insert",
                [(key, name, turn.session.number, turn.id, "intent", self._clock(), None)],
            )
            if not begun and not idempotent:
                raise EffectUncertain(f"{name} is being done at this moment by another call")
        else:
            await self._set(key, "intent", None)
        try:
            result = await _call(fn, args)
        except Transient:
            # The contract of Transient in an effect: nothing happened outside.
            await self._set(key, "free", None)
            raise
        await self._set(key, "done", encode(result))
        return result

    async def _set(self, key: bytes, state: str, result: bytes | None) -> None:
        await self._store.change("effect_set", [(key, state, self._clock(), result)])


async def _call(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    if inspect.iscoroutinefunction(fn):
        return await fn(*args)
    result = await asyncio.to_thread(fn, *args)
    return await result if inspect.isawaitable(result) else result
