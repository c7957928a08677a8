"""What a reply cost to make: requests to a language model, tokens, money, calls of tools."""

from __future__ import annotations

from msgspec import Struct


class ToolUse(Struct, frozen=True, omit_defaults=True):
    """One call of a tool that a model asked for.

    `outcome`: ok, failed (it raised), timeout, invalid (its arguments), denied, unknown (no such
    tool), uncertain (begun by an earlier attempt that died) or too_many.
    """

    tool: str
    outcome: str
    seconds: float = 0.0
    detail: str | None = None


class ToolRecord(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A call of a tool as the conversation's log keeps it, without secrets and bounded in size.

    `call_id` is the same whenever a turn asks for the same call. `arguments` and `result` are JSON
    as text; `cut_arguments` and `cut_result` say how many characters they had where they were cut.
    `outcome` as of `ToolUse`; `error` is what the model was told instead of a result.
    """

    call_id: str
    tool: str
    outcome: str
    arguments: str = "{}"
    cut_arguments: int | None = None
    result: str | None = None
    cut_result: int | None = None
    error: str | None = None
    seconds: float = 0.0


def note_call(records: dict[str, ToolRecord], found: ToolRecord) -> None:
    """Adds a record by its call. Of two of one call the one that knows more stays, and of two that
    say the same the first: the other one is its receipt, which took no time."""
    known = records.get(found.call_id)
    if (
        known is None
        or known.outcome == "uncertain"
        or found.outcome not in (known.outcome, "uncertain")
    ):
        records[found.call_id] = found


class ModelUse(Struct, frozen=True, omit_defaults=True):
    """What a language model did for one turn.

    `failed` is the reason why its answer was not used: timeout, connection, cut, malformed, empty,
    rate_limited, server_error, refused, rounds or resting. `cost` is in `currency`.
    """

    model: str
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated: bool = False
    """Some of the tokens are our estimate: the endpoint did not say."""
    cost: float | None = None
    currency: str | None = None
    tools: list[ToolUse] = []
    failed: str | None = None
    detail: str | None = None
