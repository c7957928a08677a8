"""Which responder the settings, the flags and the app mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..model.turn import Turn
from ..settings import Settings
from ..telemetry import Metrics
from .chain import Chain
from .model import ModelResponder
from .responder import Responder
from .tools import Tool, Toolbox
from .tools.mcp import of_servers

PARKED_SHARE = 0.9
"""Of the time that a parked turn has: it must end by itself, or it would count as failed."""


async def make_model(
    settings: Settings,
    metrics: Metrics,
    tools: Iterable[Tool],
    tone: Callable[[Turn], str],
) -> ModelResponder | None:
    """The model that the settings name; None where rules alone answer. Raises SettingsError."""
    replies = settings.replies
    if replies.responder == "rules":
        return None
    own = list(tools)
    more = await of_servers(replies.mcp_servers, own, replies.model.tool_timeout_s)
    toolbox = Toolbox(
        [*own, *more],
        metrics,
        allowed=replies.tools,
        is_on=lambda turn: (
            turn.flags.enabled("use_new_tool_framework") and turn.flags.enabled("enable_tools")
        ),
        timeout_s=replies.model.tool_timeout_s,
    )
    limit_s = min(replies.model.turn_timeout_s, settings.pipeline.parked_timeout_s * PARKED_SHARE)
    return ModelResponder(replies.model, toolbox, metrics, tone=tone, limit_s=limit_s)


def chain(first: Responder, settings: Settings) -> Chain:
    """The responder before the rules, as `replies.responder` says."""
    waits = settings.replies.responder == "model"
    return Chain(
        first,
        is_on=lambda turn: turn.flags.enabled("enable_responder"),
        patience=len(settings.pipeline.retry_delays_s) if waits else 0,
    )
