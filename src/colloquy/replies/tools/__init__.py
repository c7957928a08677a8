"""Functions that a language model may call while it answers."""

from .formats import from_openai, to_openai
from .mcp import from_mcp
from .tool import Tool, tool_of, wrap
from .toolbox import Call, Outcome, Toolbox

__all__ = [
    "Call",
    "Outcome",
    "Tool",
    "Toolbox",
    "from_mcp",
    "from_openai",
    "to_openai",
    "tool_of",
    "wrap",
]
