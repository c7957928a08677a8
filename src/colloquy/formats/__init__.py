"""Chat logs in and out of files: our own V2 messages, tables, and the exports of others.

A reader turns rows of a file into messages and problems, in order; a writer turns the messages of
one conversation into bytes. Both know only `Message`: history comes in and goes out the same way.
(`rasa` is not loaded here: it makes packs, and with it comes all that understands.)
"""

from . import csv, jsonl, openai
from .guess import guess
from .history import messages_of
from .reader import FORMATS, Guess, Options, Reader, open_reader
from .source import Item, Problem, Row, open_source, rows
from .survey import Survey, survey

__all__ = [
    "FORMATS",
    "Guess",
    "Item",
    "Options",
    "Problem",
    "Reader",
    "Row",
    "Survey",
    "csv",
    "guess",
    "jsonl",
    "messages_of",
    "open_reader",
    "open_source",
    "openai",
    "rows",
    "survey",
]
