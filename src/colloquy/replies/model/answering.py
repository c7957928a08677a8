"""One turn with a language model: requests with retries, rounds of tools, and what it cost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from ...model.errors import ModelFailed, TooLarge
from ...model.turn import Turn
from ...model.usage import ModelUse, ToolUse
from ...settings.model import ModelSettings
from ...telemetry import Metrics
from ..prompt import TOKENS, Prompt, tool_result
from ..tools import Call, Outcome, Tool, Toolbox
from .endpoint import Completion, Endpoint


class Answering:
    """Made anew for each turn. `text` is the answer; `use` is right at any time."""

    def __init__(
        self,
        turn: Turn,
        prompt: Prompt,
        endpoint: Endpoint,
        toolbox: Toolbox,
        settings: ModelSettings,
        metrics: Metrics,
        deadline: float,
    ) -> None:
        """`deadline`: by the event loop's clock."""
        self._turn = turn
        self._prompt = prompt
        self._endpoint = endpoint
        self._toolbox = toolbox
        self._settings = settings
        self._metrics = metrics
        self._deadline = deadline
        self._shows = settings.stream
        self._shown = False
        self._partial: list[str] = []
        """Of the answer that is coming in."""
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ]
        self._requests = self._sent = self._received = 0
        self._is_estimated = False
        self._tools: list[ToolUse] = []

    @property
    def use(self) -> ModelUse:
        settings = self._settings
        prices = settings.prompt_price, settings.completion_price
        cost = None
        if prices != (None, None):
            cost = (self._sent * (prices[0] or 0) + self._received * (prices[1] or 0)) / 1e6
        return ModelUse(
            settings.name,
            self._requests,
            self._sent,
            self._received,
            self._is_estimated,
            cost,
            settings.currency if cost is not None else None,
            list(self._tools),
        )

    async def text(self) -> str:
        """Raises ModelFailed."""
        rounds = self._settings.max_rounds
        for number in range(rounds):
            # The last request has no tools: it is there to answer with what is known by then.
            left = self._settings.max_calls - len(self._tools)
            is_last = number == rounds - 1 or left <= 0
            offered = [] if is_last else self._toolbox.offered(self._turn)
            completion = await self._request(offered)
            if not completion.calls:
                return completion.text
            self._messages.append(_asked(completion))
            for outcome in await self._called(completion.calls, left):
                self._tools.append(outcome.use)
                content = tool_result(outcome.answer, self._prompt.nonce, self._settings.mask)
                self._messages.append(
                    {"role": "tool", "tool_call_id": outcome.call.id, "content": content}
                )
        raise ModelFailed(f"no answer after {rounds} rounds of tools", reason="rounds")

    async def _called(self, calls: Sequence[Call], left: int) -> list[Outcome]:
        outcomes = await self._toolbox.run(self._turn, calls[: max(0, left)])
        for call in calls[max(0, left) :]:
            detail = f"a turn may call tools {self._settings.max_calls} times"
            use = ToolUse(call.name[:64], "too_many", detail=detail)
            outcomes.append(Outcome(call, use, {"error": detail}))
        return outcomes

    async def _request(self, tools: Sequence[Tool]) -> Completion:
        """One answer, asked for again while that may help and there is time."""
        delays = iter(self._settings.retry_delays_s)
        while True:
            started = time.perf_counter()
            self._partial.clear()
            try:
                completion = await self._endpoint.complete(self._messages, tools, self._heard)
            except asyncio.CancelledError:
                # Stopped, taken over, or out of time: what has come is paid for all the same.
                if self._partial:
                    self._is_estimated = True
                    self._add(self._estimate_sent(), TOKENS.count("".join(self._partial)))
                raise
            except ModelFailed as error:
                self._metrics.model_requests.of(error.reason).inc()
                self._count_failed(error)
                delay = next(delays, None)
                if error.lasting or delay is None:
                    raise
                delay = max(delay, error.retry_after_s or 0.0)
                if asyncio.get_running_loop().time() + delay >= self._deadline:
                    raise
                # What was shown of the broken answer stays until the reply replaces it: another
                # beginning behind it would be read as its continuation.
                self._shows = self._shows and not self._shown
                await asyncio.sleep(delay)
                continue
            finally:
                self._requests += 1
                self._metrics.model_seconds.observe(time.perf_counter() - started)
            self._metrics.model_requests.of("ok").inc()
            self._count(completion)
            return completion

    async def _heard(self, text: str) -> None:
        self._partial.append(text)
        if not self._shows:
            return
        self._shown = True
        try:
            await self._turn.write(text)
        except TooLarge:
            self._shows = False

    def _count(self, completion: Completion) -> None:
        sent, received = completion.prompt_tokens, completion.completion_tokens
        if sent is None or received is None:
            self._is_estimated = True
        arguments = "".join(call.arguments for call in completion.calls)
        self._add(
            self._estimate_sent() if sent is None else sent,
            TOKENS.count(completion.text + arguments) if received is None else received,
        )

    def _count_failed(self, error: ModelFailed) -> None:
        """An answer that was begun is paid for; a request that was turned away is not."""
        if error.partial is None:
            return
        self._is_estimated = True
        self._add(self._estimate_sent(), TOKENS.count(error.partial))

    def _estimate_sent(self) -> int:
        return sum(TOKENS.count(message["content"] or "") for message in self._messages)

    def _add(self, sent: int, received: int) -> None:
        self._sent += sent
        self._received += received
        self._metrics.model_tokens.of("prompt").inc(sent)
        self._metrics.model_tokens.of("completion").inc(received)
        settings = self._settings
        self._metrics.model_cost.inc(
            (sent * (settings.prompt_price or 0) + received * (settings.completion_price or 0))
            / 1e6
        )


def _asked(completion: Completion) -> dict[str, Any]:
    """What the model asked for, as it must be told it again."""
    return {
        "role": "assistant",
        "content": completion.text,
        "tool_calls": [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _json(call.arguments)},
            }
            for call in completion.calls
        ],
    }


def _json(arguments: str) -> str:
    """Servers that read the arguments of earlier calls refuse a request in which they are none."""
    try:
        msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "{}"
    return arguments
