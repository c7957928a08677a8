"""One request to an OpenAI-compatible endpoint, by the official client.

Whatever goes wrong is a ModelFailed with a reason. What the endpoint sends is checked here: other
servers than OpenAI's leave fields out and send some of another type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Struct

from ...model.errors import ModelFailed, SettingsError
from ...settings.model import ModelSettings
from ..tools import Call, Tool, to_openai

if TYPE_CHECKING:
    import openai

OnText = Callable[[str], Awaitable[None]]

MAX_ANSWER = 50_000
"""Characters of text, and of the arguments of all calls, after which an answer is cut off."""
MAX_RETRY_AFTER_S = 3600.0
MAX_DETAIL = 300
"""Characters of what an endpoint says of its failure."""
PASSING = frozenset({408, 409, 425, 429})
"""Statuses below 500 after which the same request may succeed."""


class Completion(NamedTuple):
    """What the model said. The tokens are None where the endpoint does not count."""

    text: str
    calls: list[Call]
    prompt_tokens: int | None
    completion_tokens: int | None


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _CallPart(Struct):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _Words(Struct):
    content: str | None = None
    tool_calls: list[_CallPart] | None = None


class _Choice(Struct):
    delta: _Words | None = None
    message: _Words | None = None
    finish_reason: str | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class _Gathered:
    """An answer as it comes in."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.calls: dict[int, Call] = {}
        self.usage = _Usage()
        self.is_finished = False
        self.size = 0

    def add(self, chunk: _Chunk) -> str:
        """Takes a piece in; returns its text. Raises ModelFailed beyond MAX_ANSWER."""
        if chunk.usage is not None:
            self.usage = chunk.usage
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        words = choice.delta or choice.message or _Words()
        self.is_finished = self.is_finished or choice.finish_reason is not None
        for number, part in enumerate(words.tool_calls or ()):
            self._call(number if choice.message else part.index, part)
        text = _clean(words.content)
        self.text.append(text)
        self.size += len(text)
        if self.size > MAX_ANSWER:
            raise ModelFailed(
                f"the answer is longer than {MAX_ANSWER} characters", reason="malformed"
            )
        return text

    def completion(self) -> Completion:
        """Raises ModelFailed for an answer that ends early or says nothing."""
        if not self.is_finished:
            raise ModelFailed("the answer ends in the middle", reason="cut")
        text = "".join(self.text)
        calls = [call for _, call in sorted(self.calls.items())]
        if any(not call.name for call in calls):
            raise ModelFailed("a call of a tool has no name", reason="malformed")
        if not text.strip() and not calls:
            raise ModelFailed("the answer is empty", reason="empty")
        named = [call if call.id else call._replace(id=f"call_{i}") for i, call in enumerate(calls)]
        return Completion(text, named, self.usage.prompt_tokens, self.usage.completion_tokens)

    def _call(self, index: int, part: _CallPart) -> None:
        known = self.calls.get(index, Call("", "", ""))
        function = part.function or _Function()
        arguments = _clean(function.arguments)
        self.size += len(arguments)
        self.calls[index] = Call(
            part.id or known.id, known.name + _clean(function.name), known.arguments + arguments
        )


class Endpoint:
    """The client with what every request says."""

    def __init__(self, settings: ModelSettings) -> None:
        """Raises SettingsError where the client is not installed."""
        try:
            import openai
        except ImportError as error:
            raise SettingsError(
                "a language model needs the official client: pip install 'colloquy[llm]'"
            ) from error
        self._openai = openai
        self._settings = settings
        self._client = openai.AsyncOpenAI(
            base_url=settings.base_url,
            # The client insists on one; local servers want none.
            api_key=settings.api_key or "none",
            timeout=openai.Timeout(settings.idle_timeout_s, connect=settings.connect_timeout_s),
            # Retries are ours: they have to know the turn's time, and what was shown already.
            max_retries=0,
        )

    async def close(self) -> None:
        await self._client.close()

    async def complete(
        self, messages: Sequence[dict[str, Any]], tools: Sequence[Tool], on_text: OnText | None
    ) -> Completion:
        """One answer; its pieces go to `on_text` as they come, where it streams.

        Raises ModelFailed. Cancelling it closes the connection.
        """
        settings = self._settings
        wanted: dict[str, Any] = {
            "model": settings.name,
            "messages": list(messages),
            settings.token_parameter: settings.max_tokens,
        }
        if settings.temperature is not None:
            wanted["temperature"] = settings.temperature
        if tools:
            wanted["tools"] = to_openai(tools)
        gathered = _Gathered()
        begun = False
        try:
            if not settings.stream:
                whole = await self._client.chat.completions.create(**wanted)
                gathered.add(_checked(whole))
                gathered.is_finished = True
                return gathered.completion()
            stream = await self._client.chat.completions.create(
                **wanted, stream=True, stream_options={"include_usage": True}
            )
            begun = True
            async with stream:
                async for chunk in stream:
                    text = gathered.add(_checked(chunk))
                    if text and on_text is not None:
                        await on_text(text)
            return gathered.completion()
        except ModelFailed as error:
            error.partial = "".join(gathered.text)
            raise
        except (self._openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            # Besides its own errors the client lets through what its parsing of JSON raises.
            failed = self._failure(error, begun)
            failed.partial = "".join(gathered.text) if begun else None
            raise failed from error

    def _failure(self, error: Exception, begun: bool) -> ModelFailed:
        known = self._openai
        if isinstance(error, known.APITimeoutError):
            return ModelFailed("the model did not answer in time", reason="timeout")
        if isinstance(error, known.APIStatusError):
            return self._refusal(error)
        if isinstance(error, known.APIConnectionError):
            if begun:
                return ModelFailed("the connection broke off in the answer", reason="cut")
            detail = f"the endpoint cannot be reached: {self._told(str(error))}"
            return ModelFailed(detail, reason="connection")
        if isinstance(error, known.APIError) and not isinstance(
            error, known.APIResponseValidationError
        ):
            detail = f"the endpoint failed: {self._told(error.message)}"
            return ModelFailed(detail, reason="server_error")
        return ModelFailed(
            f"the answer cannot be read: {self._told(str(error))}", reason="malformed"
        )

    def _refusal(self, error: openai.APIStatusError) -> ModelFailed:
        status = error.status_code
        lasting = status < 500 and status not in PASSING
        reason = "rate_limited" if status == 429 else "refused" if lasting else "server_error"
        return ModelFailed(
            f"the endpoint answered {status}: {self._told(error.message)}",
            reason=reason,
            lasting=lasting,
            retry_after_s=_retry_after(error.response.headers.get("retry-after")),
        )

    def _told(self, text: str) -> str:
        """What an endpoint says, which may be the key that it does not know."""
        key = self._settings.api_key
        return _clean(text.replace(key, "***") if key else text)[:MAX_DETAIL]


def _clean(text: str | None) -> str:
    """Without lone surrogates, which JSON lets through and nothing else takes."""
    return (text or "").encode("utf-8", "replace").decode()


def _retry_after(text: str | None) -> float | None:
    """Seconds; the form with a date is rare and is not waited for."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return min(seconds, MAX_RETRY_AFTER_S) if seconds >= 0 else None


def _checked(chunk: Any) -> _Chunk:
    """A piece of an answer, in the types that it must have. Raises ModelFailed."""
    try:
        return msgspec.convert(chunk.to_dict(warnings=False), _Chunk)
    except (AttributeError, TypeError, msgspec.ValidationError) as error:
        raise ModelFailed(f"the answer cannot be read: {error}", reason="malformed") from error
