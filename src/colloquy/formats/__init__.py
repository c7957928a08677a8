"""Chat logs in and out of files: our own V2 messages, one per line, and OpenAI-form logs.

A reader turns rows of a file into messages and problems, in order; a writer turns the messages of
one conversation into bytes. Both know only `Message`: history comes in and goes out the same way.
"""

from . import jsonl, openai
from .guess import guess
from .history import messages_of
from .source import Item, Problem, Row, open_source, rows

__all__ = [
    "Item",
    "Problem",
    "Row",
    "guess",
    "jsonl",
    "messages_of",
    "open_source",
    "openai",
    "rows",
]
