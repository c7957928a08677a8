"""Calls of tools as the conversation's log keeps them: without secrets, and bounded in size."""

from __future__ import annotations

from typing import Any

import msgspec

from ...context.validation.leaks import without_leaks
from ...ledger.audit import MASKED, SECRET_NAMES
from ...model.usage import ToolRecord, ToolUse

MAX_ARGUMENTS = 2000
"""Characters of a call's arguments that are kept."""
MAX_RESULT = 8000
"""Characters of a result that are kept: what a model is shown of it."""
MAX_DEPTH = 32

UNDER_WAY = "the answer ended while it was under way; whether it did anything is not known"


def begun(call_id: str, tool: str, arguments: Any) -> ToolRecord:
    """The record of a call that has not come back. `arguments`: JSON values, or the text that is
    none."""
    text, cut = _text_of(arguments, MAX_ARGUMENTS)
    return ToolRecord(
        call_id=call_id, tool=tool, outcome="uncertain", arguments=text, cut_arguments=cut,
        error=UNDER_WAY,
    )  # fmt: skip


def ended(record: ToolRecord, use: ToolUse, answer: dict[str, Any]) -> ToolRecord:
    """The record of the same call with what came of it: `{"result": …}` or `{"error": …}`."""
    result = cut = None
    if "result" in answer:
        result, cut = _text_of(answer["result"], MAX_RESULT)
    error = answer.get("error")
    return msgspec.structs.replace(
        record, outcome=use.outcome, seconds=use.seconds, result=result, cut_result=cut,
        error=None if error is None else without_leaks(str(error)),
    )  # fmt: skip


def _text_of(value: Any, most: int) -> tuple[str, int | None]:
    """As JSON text, and how long that was where it is cut."""
    text = msgspec.json.encode(_kept(value)).decode("utf-8", "replace")
    return (text, None) if len(text) <= most else (text[:most], len(text))


def _kept(value: Any, depth: int = 0) -> Any:
    """Without what a name or a form tells to be a secret. What identifies people stays: the log
    has it in what they said, and operators alone read it; prompts mask it."""
    if isinstance(value, str):
        return without_leaks(value)
    if isinstance(value, dict):
        if depth > MAX_DEPTH:
            return MASKED
        return {
            without_leaks(str(name)): MASKED
            if SECRET_NAMES.search(str(name))
            else _kept(item, depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return MASKED if depth > MAX_DEPTH else [_kept(item, depth + 1) for item in value]
    return value
